"""Flags that say what an edit or an effect is meant for, and what they mean."""

from dataclasses import dataclass, fields

import numpy as np

from wordmask.core.prompts import Boxes, Example, Points
from wordmask.doors.cli.photos import numbers
from wordmask.errors import Mend, PromptError
from wordmask.jobs.target import TargetOptions, read_example
from wordmask.jobs.words import split_words


@dataclass(frozen=True)
class TargetFlags(TargetOptions):
    """At least one of the ways to say what is meant; several add up."""

    click: tuple[str, ...] = ()
    """A point "x,y" on the thing, "x,y,0" beside it; all points together mean one thing."""
    box: tuple[str, ...] = ()
    """A box "x0,y0,x1,y1" around a thing; many may be given."""
    example: str = ""
    """Things like this: PICTURE,RESULT.json, the regions of the result in that picture."""

    def parse(self) -> TargetOptions:
        """The flags as values."""
        points = [numbers(text, "click", (2, 3)) for text in self.click]
        boxes = [numbers(text, "box", (4,)) for text in self.box]
        given = {item.name: getattr(self, item.name) for item in fields(TargetOptions)}
        given |= {
            "prompt": split_words(self.prompt),
            "vocabulary": split_words(self.vocabulary),
            "points": Points.of(points) if points else None,
            "boxes": Boxes(np.array(boxes)) if boxes else None,
            "like": _read_example(self.example) if self.example else None,
        }
        return TargetOptions(**given)


def _read_example(text: str) -> Example:
    picture, comma, result = text.rpartition(",")
    if not comma:
        raise PromptError(
            f"an example is a picture and its result, got {text!r}",
            mend=Mend("example", "PICTURE,RESULT.json"),
        )
    return read_example(picture, result)
