"""What a person shows in a frame: clicks, a box or a mask, for a new or a known object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.prompts import Boxes, Points
from wordmask.errors import PromptError
from wordmask.ops import regions
from wordmask.tasks.click import Click
from wordmask.tasks.finding.view import View

KNOWN = 6  # logit that the cutter is given for what is known
MARGIN, LEAST_MARGIN = 1.0, 16.0  # around it: of its side, and pixels
WHOLE = 0.8  # share of the frame from which the whole of it is looked at


@dataclass(frozen=True, eq=False)
class FramePrompt:
    """One object in one frame: a click or a mask, not both.

    Without an `id` it is a new object. With the id of a known one it corrects it from here on.
    """

    frame: int
    points: Points | None = None
    box: Boxes | None = None
    mask: Array | None = None  # (H, W) bool
    id: int | None = None
    word: str = ""  # what a new object is called

    def __post_init__(self) -> None:
        if self.frame < 0:
            raise PromptError(f"frames are counted from 0, got {self.frame}")
        if self.id is not None and self.id < 1:
            raise PromptError(f"ids of objects are counted from 1, got {self.id}")
        is_pointed = self.points is not None or self.box is not None
        if is_pointed == (self.mask is not None):
            raise PromptError("an object is shown by points, a box or both, or by a mask")

    @property
    def only_takes_away(self) -> bool:
        """Whether all it says is what the object is not."""
        shows_none = self.box is None and self.mask is None
        return shows_none and self.points is not None and not self.points.keep.any()

    def with_id(self, id: int) -> "FramePrompt":
        return replace(self, id=id)

    @classmethod
    def of(
        cls,
        frame: int,
        points: Sequence[Sequence[float]] = (),
        box: Sequence[float] | None = None,
        mask: Array | None = None,
        **who: Any,
    ) -> "FramePrompt":
        """From rows of (x, y) or (x, y, keep), and x0, y0, x1, y1; `who` is the id and the word.

        >>> FramePrompt.of(12, [(300, 220)], id=2).points.xy.tolist()
        [[300.0, 220.0]]
        """
        return cls(
            frame,
            Points.of(points) if len(points) else None,
            Boxes(np.array([box], np.float32)) if box is not None else None,
            mask,
            **who,
        )


def mask_of(prompt: FramePrompt, view: View, known: Array | None) -> Array:
    """(H, W) bool: the object in this frame; `known` is what it was taken for so far.

    What is known, or else a first cut in the whole frame, is cut again in a closer look.
    """
    size = view.image.size
    if prompt.mask is not None:
        if prompt.mask.shape != size:
            raise PromptError(f"the mask is {prompt.mask.shape}, frame {prompt.frame} is {size}")
        return prompt.mask
    click = Click(prompt.points, prompt.box or _box_of(prompt.points, known))
    click.check_inside(size)
    if known is None or not known.any():
        known = _cut(view, click)
    mask = _cut_closely(view, click, known) if known.any() else known
    return mask if prompt.points is None else _obey(view, mask, prompt.points)


def _box_of(points: Points | None, known: Array | None) -> Boxes | None:
    """For clicks that only take away, the box of what is known."""
    if known is None or not known.any() or points is None or points.keep.any():
        return None
    return Boxes(np.array([regions.box_around(known)], np.float32))


def _cut_closely(view: View, click: Click, known: Array) -> Array:
    """(H, W) bool: cut in the surroundings of what is known, which the cutter is told."""
    size = view.image.size
    x0, y0, x1, y1 = _window_of(click, known)
    corner = np.array([x0, y0], np.float32)
    points = click.points and Points(click.points.xy - corner, click.points.keep)
    box = click.box and Boxes(click.box.xyxy - np.tile(corner, 2))
    was = known[y0:y1, x0:x1]
    if (y1 - y0, x1 - x0) != size:
        pixels = np.ascontiguousarray(view.image.pixels[y0:y1, x0:x1])
        view = View(Image(pixels, view.image.name), view.models, view.trace)
    logits = np.where(was, KNOWN, -KNOWN).astype(np.float32)
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = _cut(view, Click(points, box, logits))
    return mask


def _window_of(click: Click, known: Array) -> tuple[int, int, int, int]:
    """What is known and what is shown, with a margin as wide as the side of a square of its area;
    the whole frame where little of it is left out."""
    height, width = known.shape
    corners = [np.array(regions.box_around(known), np.float32).reshape(2, 2)]
    if click.points is not None:
        corners.append(click.points.xy)
    if click.box is not None:
        corners.append(click.box.xyxy.reshape(2, 2).clip(0, (width, height)))
    x0, y0 = np.concatenate(corners).min(0)
    x1, y1 = np.concatenate(corners).max(0)
    margin = max(LEAST_MARGIN, MARGIN * ((x1 - x0) * (y1 - y0)) ** 0.5)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    right, bottom = min(width, int(x1 + margin + 1)), min(height, int(y1 + margin + 1))
    if (right - left) * (bottom - top) > WHOLE * height * width:
        return 0, 0, width, height
    return left, top, right, bottom


def _cut(view: View, click: Click) -> Array:
    """Of the candidates the one that does as the points say, then the best."""
    cuts = view.segmenter.cut(view.encoding, click.to_batch())
    masks = regions.masks_of_logits(cuts.logits[0], view.image.size)
    worth = np.clip(cuts.quality[0], 0, 1) - (masks.areas == 0)
    if click.points is not None:
        worth = worth + 2 * np.array([_rightness(mask, click.points) for mask in masks])
    return masks.one(int(worth.argmax()))


def _obey(view: View, mask: Array, points: Points) -> Array:
    """Add what lies at wanted points that the mask misses, take away what lies at unwanted ones."""
    for xy, keep in zip(points.xy, points.keep, strict=True):
        if _holds(mask, xy) == keep:
            continue
        part = _cut(view, Click(Points(xy[None], np.array([True]))))
        changed = mask | part if keep else mask & ~part
        mask = changed if changed.any() else mask
    return mask


def _rightness(mask: Array, points: Points) -> float:
    """Share of the points that lie inside or outside as they should."""
    right = [_holds(mask, xy) == keep for xy, keep in zip(points.xy, points.keep, strict=True)]
    return float(np.mean(right))


def _holds(mask: Array, xy: Array) -> bool:
    x, y = np.floor(xy).astype(int).clip(0, (mask.shape[1] - 1, mask.shape[0] - 1)).tolist()
    return bool(mask[y, x])


def join_prompts(prompts: list[FramePrompt]) -> list[FramePrompt]:
    """Prompts of one frame, those for the same known or named id joined into one."""
    joined: list[FramePrompt] = []
    place: dict[int, int] = {}
    for prompt in prompts:
        if prompt.id is None or prompt.id not in place:
            if prompt.id is not None:
                place[prompt.id] = len(joined)
            joined.append(prompt)
            continue
        before = joined[place[prompt.id]]
        if before.mask is not None or prompt.mask is not None:
            raise PromptError(
                f"object {prompt.id} is shown twice in frame {prompt.frame}, by a mask and again; "
                "give another id, or another frame"
            )
        joined[place[prompt.id]] = replace(
            before,
            points=_join_points(before.points, prompt.points),
            box=prompt.box or before.box,
            word=before.word or prompt.word,
        )
    return joined


def _join_points(one: Points | None, two: Points | None) -> Points | None:
    if one is None or two is None:
        return one or two
    return Points(np.concatenate([one.xy, two.xy]), np.concatenate([one.keep, two.keep]))
