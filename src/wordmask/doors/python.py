"""The Python door: what `import wordmask` offers. Loads engines, then calls the tasks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.core.protocols import Segmenter
from wordmask.core.result import Result
from wordmask.errors import PromptError
from wordmask.media.reading.read import read as read_picture
from wordmask.tasks import session as session_task
from wordmask.tasks.click import Click, ClickOptions
from wordmask.tasks.click import click as click_task
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.everything import everything as everything_task
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.segment import segment as segment_task

Picture = Any  # a path, bytes, a file object, an array, a PIL picture or an Image
Words = str | Sequence[str] | Text
Model = str | Models


def segment(
    image: Picture,
    words: Words,
    *,
    model: Model = "auto",
    how: str = "auto",
    options: SegmentOptions | None = None,
) -> Result:
    """Regions of `image` that `words` name, best first; words that are not there are in `.absent`.

    `how` is auto, unified, guided, everything or grounded (see docs/ways.md).
    """
    picture = read_picture(image)
    return segment_task(picture, text(words), load(model), _with_how(options, how)).with_image(
        picture
    )


def click(
    image: Picture,
    points: Sequence[Sequence[float]] = (),
    box: Sequence[float] | None = None,
    words: Words | None = None,
    *,
    model: Model = "auto",
    options: ClickOptions | None = None,
) -> Result:
    """Candidates for one thing, best first: points are (x, y) or (x, y, keep), the box is x0, y0, x1, y1.

    With `words` each candidate is also named among them.
    """
    picture = read_picture(image)
    asked = Click(
        Points.of(points) if len(points) else None,
        Boxes(np.array([box], np.float32)) if box is not None else None,
    )
    named = None if words is None else text(words)
    return click_task(picture, asked, load(model, Segmenter), named, options).with_image(picture)


def everything(
    image: Picture, *, model: Model = "auto", options: EverythingOptions | None = None
) -> Result:
    """Every region of `image`, unnamed, best first."""
    picture = read_picture(image)
    return everything_task(picture, load(model, Segmenter), options).with_image(picture)


def session(image: Picture, model: Model = "auto") -> "Session":
    """`image`, encoded once, for many clicks and words."""
    return Session(read_picture(image), load(model, Segmenter))


def read(source: Picture) -> Image:
    """A picture from a path, bytes, a file object, an array or a PIL picture."""
    return read_picture(source)


def load(model: Model, *need: type) -> Models:
    """The engines of that name; engines that were loaded already are taken as they are."""
    return model if isinstance(model, Models) else engines.load(model, need=need)


def text(words: Words) -> Text:
    """One word, a list of words, or a `Text`."""
    if isinstance(words, Text):
        return words
    if isinstance(words, str):
        return Text((words,))
    if not isinstance(words, Sequence):
        raise PromptError(f"words are a string or a list of strings, got {type(words).__name__}")
    return Text(tuple(words))


class Session(session_task.Session):
    """`tasks.session.Session`, with words as plain strings."""

    def click(
        self,
        points: Sequence[Sequence[float]] = (),
        box: Sequence[float] | None = None,
        words: Words | None = None,
        options: ClickOptions | None = None,
    ) -> Result:
        return super().click(points, box, None if words is None else text(words), options)

    def segment(
        self, words: Words, options: SegmentOptions | None = None, *, how: str = "auto"
    ) -> Result:
        return super().segment(text(words), _with_how(options, how))


def _with_how(options: SegmentOptions | None, how: str) -> SegmentOptions:
    options = options or SegmentOptions()
    return options if how == "auto" else replace(options, how=how)
