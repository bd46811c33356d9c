"""What an edit or an effect is meant for: words, points, boxes, saved regions, or an example."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Confidence, check
from wordmask.core.prompts import Boxes, Example, Points, Text
from wordmask.core.protocols import Dense, Segmenter
from wordmask.core.result import Result
from wordmask.errors import MaskError, Mend, PromptError
from wordmask.jobs.digest import digest_of_file
from wordmask.jobs.setup import Setup
from wordmask.media import formats
from wordmask.media.reading.read import read
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.edit import pick_regions
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.like import LikeOptions, like_view
from wordmask.tasks.segment import SegmentOptions, segment_view


@dataclass(frozen=True)
class TargetOptions:
    """The ways to say what is meant; at least one is needed, and several add up."""

    prompt: tuple[str, ...] = ()
    """A word or phrase; many may be given."""
    result: Path | None = None
    """A result saved before (JSON): its regions are meant, or those of region."""
    region: tuple[int, ...] = ()
    """The number of a region in result, counted from 0; many may be given."""
    vocabulary: tuple[str, ...] = ()
    """Further words that compete with prompt for pixels but are not meant."""
    min_confidence: Confidence = "auto"
    """Score from which prompt counts as found."""
    min_likeness: Annotated[float, Interval(ge=-1, le=1)] = 0.85
    """Likeness to the example from which a region counts as found."""
    points: Points | None = None  # all together mean one thing
    boxes: Boxes | None = None  # a thing each
    like: Example | None = None  # things like this one

    def __post_init__(self) -> None:
        check(self)
        if self.region and self.result is None:
            raise PromptError(
                "region counts the regions of a saved result, and none is given",
                mend=Mend("result", "FILE.json"),
            )

    @property
    def shows(self) -> bool:
        """Whether something is pointed at in the picture itself."""
        return self.points is not None or self.boxes is not None or self.result is not None

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read to find the target."""
        files = [] if self.result is None else [str(self.result)]
        return (*files, *([self.like.of.name] if self.like is not None else []))


@dataclass(frozen=True)
class Finder:
    """Finds the target in picture after picture."""

    target: TargetOptions
    models: Models | None  # None: the target needs none

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the outcome: the options, the engines, and the file that is named."""
        return {
            "target": self.target,
            "result": digest_of_file(self.target.result),
            "models": () if self.models is None else self.models.made_by,
        }

    def find(self, image: Image) -> Result:
        """All regions that are meant, from all the ways that were given."""
        return self._find(image, None if self.models is None else self.view(image))

    def view(self, image: Image) -> View:
        """The picture with the finder's engines."""
        return View(image, self.models or Models("", ()), Trace())

    def find_in(self, view: View) -> Result:
        """The same in a picture that is open, so that its encodings serve other questions too."""
        return self._find(view.image, view)

    def _find(self, image: Image, view: View | None) -> Result:
        target = self.target
        parts = []
        if target.result is not None:
            parts.append(_load_regions(image, target.result, target.region))
        if view is not None:
            parts += _find_parts(view, target)
        return join(parts)


def load_finder(target: TargetOptions, setup: Setup, *more: type) -> Finder:
    """The finder with the engines that the target needs, and `more` that the caller needs."""
    need: list[type] = list(more)
    if target.prompt or target.like is not None:
        need.append(Dense)
    if target.points is not None or target.boxes is not None or target.like is not None:
        need.append(Segmenter)
    if len(need) == len(more) and target.result is None:
        raise _no_target()
    return Finder(target, setup.load(*need) if need else None)


def read_example(picture: str, result: str) -> Example:
    """The regions of a saved result, in the picture that they are of."""
    of = read(picture)
    saved = formats.load(result)
    if len(saved) != 1:
        raise PromptError(f"{result} holds {len(saved)} results; the example needs one")
    return Example(saved[0].masks, of)


def join(parts: list[Result]) -> Result:
    """The regions of several results over one picture."""
    if len(parts) == 1:
        return parts[0]
    vocabulary = tuple(dict.fromkeys(word for part in parts for word in part.vocabulary))
    names = [name for part in parts for name in part.names]
    return Result.of(
        Masks.concatenate([part.masks for part in parts]),
        vocabulary,
        scores=np.concatenate([part.scores for part in parts]),
        label_ids=[vocabulary.index(name) if name else -1 for name in names],
        made_by=tuple(dict.fromkeys(name for part in parts for name in part.made_by)),
        absent=tuple(word for part in parts for word in part.absent),
    )


def find_in_view(view: View, target: TargetOptions) -> Result:
    """All regions that words, points, boxes and an example mean, in a picture that is open."""
    parts = _find_parts(view, target)
    if not parts:
        raise _no_target()
    return join(parts)


def _no_target() -> PromptError:
    return PromptError(
        "nothing says what is meant: name it, click on it, or give a box, a saved result or "
        "an example",
        mend=Mend("prompt", "WORD"),
    )


def _find_parts(view: View, target: TargetOptions) -> list[Result]:
    """The regions from each of the ways; the picture is encoded once for all of them."""
    parts = []
    if target.prompt:
        words = SegmentOptions(vocabulary=target.vocabulary, min_confidence=target.min_confidence)
        parts.append(segment_view(view, Text(target.prompt), words))
    for one in _clicks(target):
        candidates, _ = click_view(view, one, None, ClickOptions())
        parts.append(candidates[:1])
    if target.like is not None:
        options = LikeOptions(min_likeness=target.min_likeness)
        parts.append(like_view(view, target.like, options))
    return parts


def _clicks(target: TargetOptions) -> list[Click]:
    clicks = [] if target.points is None else [Click(points=target.points)]
    boxes = () if target.boxes is None else target.boxes.xyxy
    return [*clicks, *(Click(box=Boxes(box[None])) for box in boxes)]


def _load_regions(image: Image, path: Path, regions: tuple[int, ...]) -> Result:
    """Regions of the saved result that is this picture's: the one of its name, or the only one."""
    saved = formats.load_named(path)
    mine = [item for item in saved if Path(item.name).stem == Path(image.name).stem] or saved
    if len(mine) != 1:
        raise PromptError(f"{path} holds {len(saved)} results and none is named {image.name}")
    result = mine[0].result
    if result.size != image.size:
        raise MaskError(
            f"{path} is of a picture of {result.size}, {image.name} is {image.size} (height, width)"
        )
    return pick_regions(result, regions)
