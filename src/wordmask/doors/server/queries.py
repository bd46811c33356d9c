"""What can be asked, as it stands in JSON. Options are the tasks' own dataclasses.

From these classes come the checks, the schema of `/openapi.json`, and the form on `/docs`.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field

from wordmask.core.options import Share
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.errors import InputError
from wordmask.jobs.recipe import PaintOptions
from wordmask.jobs.target import TargetOptions
from wordmask.tasks.ask import LONGEST, AskOptions
from wordmask.tasks.click import Click, ClickOptions
from wordmask.tasks.edit import EditOptions, Style
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.segment import SegmentOptions

Made = TypeVar("Made")
ID = r"^[0-9a-f]{64}$"
Words = Annotated[tuple[str, ...], FailFast()]
Row = Annotated[tuple[float | bool, ...], FailFast(), Field(max_length=4)]
Rows = Annotated[tuple[Row, ...], FailFast()]


class ApiQuery(BaseModel):
    """JSON that is read strictly: a field that is not known is an error, not ignored."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )
    options_in: ClassVar[dict[str, type]] = {}  # field -> the dataclass it holds


class InlinePicture(ApiQuery):
    """A picture in the request itself."""

    base64: str
    """The file's bytes in base64."""


class PictureQuery(ApiQuery):
    """What every request about a picture has."""

    picture: Annotated[str, Field(pattern=ID)] | InlinePicture | None = None
    """The id that `PUT /v1/pictures` gave, or {"base64": ...}; none in a form."""
    model: str | None = None
    """One of the served engines (`GET /v1/models`); none: the first."""

    def count_prompts(self) -> dict[str, int]:
        """How many words, points and boxes are asked with, by field."""
        return {}

    def check_counts(self, options: ServeOptions) -> None:
        for field, count in self.count_prompts().items():
            check_count(field, count, options)


class SegmentQuery(PictureQuery):
    """Everything that words name."""

    options_in = {"options": SegmentOptions}

    words: Words
    """What to look for; "sofa|couch" is one thing by two names."""
    options: SegmentOptions = SegmentOptions()

    def count_prompts(self) -> dict[str, int]:
        return {"words": len(self.words) + len(self.options.vocabulary)}

    def text(self) -> Text:
        return make_at("words", lambda: Text(self.words))


class ClickQuery(PictureQuery):
    """One thing, shown by points or a box; its candidates come best first."""

    options_in = {"options": ClickOptions}

    points: Rows = ()
    """[x, y] for this, [x, y, 0] for not this; all of them mean one thing."""
    box: tuple[float, float, float, float] | None = None
    """[x0, y0, x1, y1] around the thing."""
    words: Words = ()
    """Name the candidates among these words."""
    options: ClickOptions = ClickOptions()
    hover: str | None = Field(None, max_length=64)
    """A name for a stream of previews: of those that wait, only the newest is answered."""

    def count_prompts(self) -> dict[str, int]:
        return {"points": len(self.points), "words": len(self.words)}

    def click(self) -> Click:
        points = make_at("points", lambda: Points.of(self.points)) if self.points else None
        box = None
        if self.box is not None:
            box = make_at("box", lambda: Boxes(np.array([self.box], np.float32)))
        return make_at("points", lambda: Click(points, box))

    def text(self) -> Text | None:
        if not self.words:
            return None
        return make_at("words", lambda: Text(self.words))


class EverythingQuery(PictureQuery):
    """Every region, without words."""

    options_in = {"options": EverythingOptions}

    options: EverythingOptions = EverythingOptions()


class AskQuery(PictureQuery):
    """A question in plain English; "unknown" is an answer, too."""

    options_in = {"options": AskOptions}

    question: Annotated[str, Field(max_length=LONGEST)]
    """Such as "how many cups are on the table?"."""
    options: AskOptions = AskOptions()


class TargetQuery(ApiQuery):
    """What an edit or an effect is meant for; several ways add up."""

    words: Words = ()
    """Words for it."""
    points: Rows = ()
    """[x, y] or [x, y, 0]: all of them mean one thing."""
    boxes: Rows = ()
    """[x0, y0, x1, y1] around a thing each."""
    masks: tuple[dict[str, Any], ...] = ()
    """COCO run-length codes, a thing each."""
    vocabulary: Words = ()
    """Further words that compete for pixels but are not meant."""
    min_confidence: Share | Literal["auto"] = "auto"
    """Score from which words count as found."""

    def options(self) -> TargetOptions:
        points = boxes = None
        if self.points:
            points = make_at("target.points", lambda: Points.of(self.points))
        if self.boxes:
            boxes = make_at("target.boxes", lambda: Boxes(np.array(self.boxes, np.float32)))
        if self.words:
            make_at("target.words", lambda: Text(self.words))
        return TargetOptions(
            prompt=self.words,
            vocabulary=self.vocabulary,
            min_confidence=self.min_confidence,
            points=points,
            boxes=boxes,
        )


class TargetedQuery(PictureQuery):
    """A change of what is meant."""

    target: TargetQuery

    def count_prompts(self) -> dict[str, int]:
        target = self.target
        return {
            "target.words": len(target.words) + len(target.vocabulary),
            "target.points": len(target.points),
            "target.boxes": len(target.boxes) + len(target.masks),
        }


class EditQuery(TargetedQuery):
    """Take the target out, or restyle it. Painting by diffusion is not served."""

    options_in = {"options": EditOptions}

    verb: Literal["remove", "replace", "style"]
    """remove: fill in what may be behind it; replace: give its mask; style: see style."""
    style: Style | Literal[""] = ""
    """For the verb style: posterise, sketch, or colours (those of `reference`)."""
    reference: InlinePicture | None = None
    """The picture whose colours the target takes."""
    fill: Literal["auto", "classical", "patch", "telea", "navier-stokes", "none"] = "auto"
    """What fills in; none blackens."""
    options: EditOptions = EditOptions()

    def paint(self) -> PaintOptions:
        return PaintOptions(fill="none" if self.verb == "replace" else self.fill)


class EffectQuery(TargetedQuery):
    """A look for the target."""

    name: str
    """One of `GET /v1/effects`."""
    options: dict[str, Any] = {}
    """The effect's own options."""
    layer: InlinePicture | None = None
    """The picture that the effects overlay and backdrop lay."""


def check_count(field: str, count: int, options: ServeOptions) -> None:
    """Refuse more words, or more points and boxes, than the server takes."""
    limit = "max_words" if field.endswith("words") else "max_prompts"
    most: int = getattr(options, limit)
    if count > most:
        detail = f"{field} holds {count:,}; the limit is {most:,}"
        raise RefusalError(422, detail, field=field, limit=limit)


def make_at(field: str, make: Callable[[], Made]) -> Made:
    """What `make` returns; where it cannot, the refusal names the field."""
    try:
        return make()
    except InputError as error:
        raise RefusalError(422, error.message, field=field) from None
