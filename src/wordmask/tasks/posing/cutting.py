"""People's masks by their joints: own joints are points wanted, those of others are not."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.poses import Poses
from wordmask.core.protocols import Cuts, PromptBatch
from wordmask.ops.apart import part_overlaps
from wordmask.ops.regions import masks_of_logits
from wordmask.tasks.finding.candidates import describe_box
from wordmask.tasks.finding.view import View

NEAR = (
    0.08  # of a box's longer side: a joint of another person this near to an own one says nothing
)
AROUND = 0.05  # of a box's sides: so far outside it a joint is still the person's
NOTHING, OTHERS, OWN = -1, 0, 1  # kinds of points in a prompt


@dataclass(frozen=True, eq=False)
class PersonCuts:
    """A mask for each of N people, and what is known of it."""

    masks: Masks
    logits: Array  # (N, h, w) of the cut: which pixels it is sure of
    quality: Array  # (N,) the segmenter's estimate of the cut's IoU
    prompts: tuple[str, ...]  # as `Why.prompt` says it

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, rows: Array) -> "PersonCuts":
        """The people in another order."""
        prompts = tuple(self.prompts[row] for row in rows)
        return PersonCuts(self.masks[rows], self.logits[rows], self.quality[rows], prompts)


class JointClicks(NamedTuple):
    """Points (K, 2) for one person, and whether each is `OWN` or of `OTHERS` (K,)."""

    xy: Array
    kinds: Array


def cut_boxes(view: View, boxes: Array) -> PersonCuts:
    """The best mask in each box (N, 4)."""
    cuts = view.segmenter.cut(view.encoding, PromptBatch.of_boxes(boxes))
    logits, quality = _best(cuts)
    masks = masks_of_logits(logits, view.image.size)
    return PersonCuts(masks, logits, quality, tuple(describe_box(box) for box in boxes))


def cut_by_joints(
    view: View,
    before: PersonCuts,
    boxes: Array,
    poses: Poses,
    threshold: float,
    most_grown: float = np.inf,
) -> PersonCuts:
    """Each person cut anew from box, joints and earlier cut; kept where its estimate is better.

    A cut that reaches beyond the earlier mask by more than `most_grown` of it is not kept.
    """
    clicks = [joint_clicks(row, boxes, poses, threshold) for row in range(len(before))]
    prompts = _batch(clicks, boxes, before.logits)
    logits, quality = _best(view.segmenter.cut(view.encoding, prompts))
    masks = masks_of_logits(logits, view.image.size)
    has_joints = np.array([OWN in one.kinds for one in clicks], bool)
    better: Array = has_joints & (masks.areas > 0) & (quality > before.quality)
    better &= _growth(before.masks, masks) <= most_grown
    rows = np.arange(len(before))
    mixed = Masks.concatenate([before.masks, masks])[np.where(better, rows + len(rows), rows)]
    return PersonCuts(
        mixed,
        np.where(better[:, None, None], logits, before.logits),
        np.where(better, quality, before.quality),
        tuple(
            _describe(box, one) if now else earlier
            for box, one, now, earlier in zip(boxes, clicks, better, before.prompts, strict=True)
        ),
    )


def part_people(cuts: PersonCuts) -> Masks:
    """The masks with nobody's pixel in two of them."""
    return part_overlaps(cuts.masks, cuts.logits)


def joint_clicks(row: int, boxes: Array, poses: Poses, threshold: float) -> JointClicks:
    """For person `row`: own joints in and around the box, and joints of others in it.

    A joint of another person near an own one says nothing.
    """
    there, xy = poses.is_there(threshold), poses.joints[..., :2]
    box = boxes[row]
    sides = box[2:] - box[:2]
    own = xy[row][there[row] & _is_inside(xy[row], box, AROUND * sides)]
    others = xy[np.arange(len(xy)) != row][there[np.arange(len(xy)) != row]]
    others = others[_is_inside(others, box, np.zeros(2))]
    gaps = np.linalg.norm(others[:, None] - xy[row][None], axis=-1)
    others = others[(gaps > NEAR * sides.max()).all(1)]
    return JointClicks(
        np.concatenate([own, others]), np.repeat([OWN, OTHERS], [len(own), len(others)])
    )


def _is_inside(points: Array, box: Array, margin: Array) -> Array:
    inside: Array = np.all((points >= box[:2] - margin) & (points <= box[2:] + margin), axis=-1)
    return inside


def _batch(clicks: list[JointClicks], boxes: Array, logits: Array) -> PromptBatch:
    """All people as one batch; who has fewer points has empty places."""
    most = max((len(one.kinds) for one in clicks), default=0)
    xy = np.zeros((len(clicks), most, 2), np.float32)
    kinds = np.full((len(clicks), most), NOTHING, np.int8)
    for row, one in enumerate(clicks):
        xy[row, : len(one.kinds)], kinds[row, : len(one.kinds)] = one
    return PromptBatch(xy, kinds, boxes.astype(np.float32), logits)


def _best(cuts: Cuts) -> tuple[Array, Array]:
    """(N, h, w) logits and (N,) quality of each prompt's best candidate."""
    rows, best = np.arange(len(cuts.quality)), cuts.quality.argmax(1)
    return cuts.logits[rows, best], cuts.quality[rows, best].clip(0, 1)


def _growth(before: Masks, after: Masks) -> Array:
    """(N,) what of each mask lies outside the earlier one, as a share of that."""
    shared = np.array([after[[k]].intersections(before[[k]])[0, 0] for k in range(len(after))])
    return np.asarray((after.areas - shared) / np.maximum(before.areas, 1))


def _describe(box: Array, clicks: JointClicks) -> str:
    own = int((clicks.kinds == OWN).sum())
    text = f"{describe_box(box)} {own} joints"
    others = len(clicks.kinds) - own
    return f"{text}, not {others} of others" if others else text
