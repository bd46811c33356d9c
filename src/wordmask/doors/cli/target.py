"""What an edit or an effect is meant for: words, clicks, boxes, regions of a saved result, or an example."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Confidence, check
from wordmask.core.prompts import Boxes, Example, Points, Text
from wordmask.core.protocols import Dense, Segmenter
from wordmask.core.result import Result
from wordmask.doors.cli.words import listed
from wordmask.engines import EngineOptions
from wordmask.errors import MaskError, PromptError
from wordmask.media import formats
from wordmask.media.reading.read import read
from wordmask.tasks.click import Click, click
from wordmask.tasks.edit import pick_regions
from wordmask.tasks.like import LikeOptions, like
from wordmask.tasks.segment import SegmentOptions, segment


@dataclass(frozen=True)
class TargetOptions:
    """At least one of the ways to say what is meant; several add up."""

    prompt: tuple[str, ...] = ()
    """A word or phrase; many may be given, also parted by commas or as @words.txt."""
    click: tuple[str, ...] = ()
    """A point "x,y" on the thing, "x,y,0" beside it; all points together mean one thing."""
    box: tuple[str, ...] = ()
    """A box "x0,y0,x1,y1" around a thing; many may be given."""
    result: str = ""
    """A result saved before (JSON): its regions are meant, or those of --region."""
    region: tuple[int, ...] = ()
    """The number of a region in --result, counted from 0; many may be given."""
    example: str = ""
    """Things like this: PICTURE,RESULT.json, the regions of the result in that picture."""
    vocabulary: tuple[str, ...] = ()
    """Further words that compete with --prompt for pixels but are not meant."""
    min_confidence: Confidence = "auto"
    """Score from which --prompt counts as found."""
    min_likeness: Annotated[float, Interval(ge=-1, le=1)] = 0.85
    """Likeness from which --example counts as found."""

    def __post_init__(self) -> None:
        check(self)
        for words in ("prompt", "vocabulary"):
            object.__setattr__(self, words, listed(getattr(self, words)))
        if not (self.prompt or self.click or self.box or self.result or self.example):
            raise PromptError(
                "say what is meant: --prompt WORD, --click X,Y, --box, --result or --example"
            )
        if self.region and not self.result:
            raise PromptError(
                "--region counts the regions of a saved result: give --result FILE.json too"
            )

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read to find the target."""
        return (self.result, *self.example.rpartition(",")[::2])


@dataclass(frozen=True)
class Finder:
    """Finds the target in picture after picture; models are loaded when the first way needs them."""

    target: TargetOptions
    model: str
    engine: EngineOptions

    def find(self, image: Image) -> Result:
        """All regions that are meant, from all the ways that were given."""
        target = self.target
        parts = [_saved(image, target)] if target.result else []
        if target.prompt:
            options = SegmentOptions(
                vocabulary=target.vocabulary, min_confidence=target.min_confidence
            )
            parts.append(segment(image, Text(target.prompt), self._models(Dense), options))
        parts += [self._best(image, asked) for asked in _clicks(target)]
        if target.example:
            likeness = LikeOptions(min_likeness=target.min_likeness)
            parts.append(
                like(image, _example(target.example), self._models(Dense, Segmenter), likeness)
            )
        return joined(parts)

    def _best(self, image: Image, asked: Click) -> Result:
        return click(image, asked, self._models(Segmenter))[:1]

    def _models(self, *need: type) -> Models:
        return engines.load(self.model, need=need, options=self.engine)


def joined(parts: list[Result]) -> Result:
    """The regions of several results over one picture."""
    if len(parts) == 1:
        return parts[0]
    vocabulary = tuple(dict.fromkeys(word for part in parts for word in part.vocabulary))
    labels = [vocabulary.index(name) if name else -1 for part in parts for name in part.names]
    made_by = tuple(dict.fromkeys(name for part in parts for name in part.made_by))
    return Result.of(
        Masks.concatenate([part.masks for part in parts]),
        vocabulary,
        scores=np.concatenate([part.scores for part in parts]),
        label_ids=labels,
        made_by=made_by,
        absent=tuple(word for part in parts for word in part.absent),
    )


def _saved(image: Image, target: TargetOptions) -> Result:
    """The regions of the saved result that is this picture's: the one of its name, or the only one."""
    results = formats.load_named(target.result)
    mine = [item for item in results if Path(item.name).stem == Path(image.name).stem] or results
    if len(mine) != 1:
        raise PromptError(
            f"{target.result} holds {len(results)} results and none is named {image.name}"
        )
    result = mine[0].result
    if result.size != image.size:
        raise MaskError(
            f"{target.result} is of a picture of {result.size}, {image.name} is {image.size} (height, width)"
        )
    return pick_regions(result, target.region)


def _clicks(target: TargetOptions) -> list[Click]:
    points = [_numbers(text, "--click", (2, 3)) for text in target.click]
    boxes = [_numbers(text, "--box", (4,)) for text in target.box]
    asked = [Click(box=Boxes(np.array([box]))) for box in boxes]
    return [Click(points=Points.of(points)), *asked] if points else asked


def _example(text: str) -> Example:
    picture, comma, result = text.rpartition(",")
    if not comma:
        raise PromptError(f"--example is PICTURE,RESULT.json, got {text!r}")
    of = read(picture)
    (found, *more) = formats.load(result)
    if more:
        raise PromptError(f"{result} holds {1 + len(more)} results; the example needs one")
    return Example(found.masks, of)


def _numbers(text: str, flag: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise PromptError(
            f"{flag} takes {' or '.join(map(str, counts))} numbers parted by commas, got {text!r}"
        )
    return values
