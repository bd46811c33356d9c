"""The routes that ask something about a picture: each a query, a task, and a form of answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.doors.server import answers
from wordmask.doors.server.answers import COCO, JSON, LOGITS, PNG, Reply, ReplyForm
from wordmask.doors.server.bodies import Brought
from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import (
    AskQuery,
    ClickQuery,
    EditQuery,
    EffectQuery,
    EverythingQuery,
    PictureQuery,
    SegmentQuery,
    make_at,
)
from wordmask.doors.server.service import Service
from wordmask.errors import Mend, OptionError, did_you_mean
from wordmask.jobs import effects as jobs
from wordmask.jobs.asks import answer_record
from wordmask.jobs.edits import Edit, load_editor
from wordmask.jobs.target import TargetOptions, find_in_view, join
from wordmask.media.drawing.answered import draw_answer
from wordmask.media.reading.read import read
from wordmask.tasks.ask import ask as ask_view
from wordmask.tasks.click import click_logits, click_view
from wordmask.tasks.effects.table import EFFECTS
from wordmask.tasks.everything import everything_result
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import segment_view

Query = TypeVar("Query", bound=PictureQuery)


@dataclass(frozen=True)
class Asked(Generic[Query]):
    """A question about a picture that is open."""

    query: Query
    view: View
    wanted: ReplyForm
    brought: Brought
    service: Service

    @property
    def image(self) -> Image:
        return self.view.image

    def read(self, inline: Any) -> Image:
        """A further picture that came with the question."""
        return read(self.brought.picture(inline), self.service.options.limits)


@dataclass(frozen=True)
class PictureRoute(Generic[Query]):
    """One route."""

    path: str
    summary: str
    query: type[Query]
    answer: Callable[[Asked[Query]], Reply]
    priority: Priority
    offered: tuple[str, ...]
    example: dict[str, Any]
    pictures: int = 1  # that may come with it


def segment(asked: Asked[SegmentQuery]) -> Reply:
    result = segment_view(asked.view, asked.query.text(), asked.query.options)
    return answers.encode(result, asked.image, asked.wanted)


def click(asked: Asked[ClickQuery]) -> Reply:
    query = asked.query
    target = query.click()
    make_at("points" if query.points else "box", lambda: target.check_inside(asked.image.size))
    if asked.wanted.media_type == LOGITS:
        logits, score = click_logits(asked.view, target)
        return answers.encode_logits(logits, score, asked.image)
    result, _ = click_view(asked.view, target, query.text(), query.options)
    return answers.encode(result, asked.image, asked.wanted, best_only=True)


def everything(asked: Asked[EverythingQuery]) -> Reply:
    result = everything_result(asked.view, asked.query.options)
    return answers.encode(result, asked.image, asked.wanted)


def ask(asked: Asked[AskQuery]) -> Reply:
    query, image = asked.query, asked.image
    answer = make_at("question", lambda: ask_view(asked.view, query.question, query.options))
    if asked.wanted.media_type == PNG:
        return answers.encode_image(draw_answer(image, answer))
    return Reply(json.dumps(answer_record(answer, image.name)).encode(), JSON)


def edit(asked: Asked[EditQuery]) -> Reply:
    query, image = asked.query, asked.image
    order = Edit(query.verb, style=query.style, paint=query.paint(), options=query.options)
    if query.style == "colours" and query.reference is None:
        raise RefusalError(422, "this style takes the colours of a picture", field="reference")
    reference = None if query.reference is None else asked.read(query.reference)
    editor = load_editor(order, asked.service.engine)
    result = make_at("target", lambda: find_target(asked, query.target.options()))
    done = make_at("target", lambda: editor.carry_out(image, result, reference))
    return answers.encode_image(done.image.pixels)


def effect(asked: Asked[EffectQuery]) -> Reply:
    query, image = asked.query, asked.image
    options = effect_options(query)
    if query.layer is not None:
        if "picture" not in {item.name for item in fields(options)}:
            raise RefusalError(422, f"the effect {query.name} lays no picture", field="layer")
        options = replace(options, picture=asked.read(query.layer))
    target = jobs.with_occluders(query.target.options(), options)
    result = make_at("target", lambda: find_target(asked, target))
    make_at("target", lambda: jobs.check_found(image, result, options))
    return answers.encode_image(jobs.change(query.name, image, result, options))


def find_target(asked: Asked[Any], target: TargetOptions) -> Result:
    """What is meant: masks as they were sent, and what the other ways find."""
    codes, parts = asked.query.target.masks, []
    if codes:
        parts.append(Result.of(Masks.from_rle(codes, asked.image.size)))
    if not codes or target.prompt or target.shows:
        parts.append(find_in_view(asked.view, target))
    return join(parts)


def effect_options(query: EffectQuery) -> Any:
    """The effect's own dataclass; what it does not have, or is out of range, is refused."""
    if query.name not in EFFECTS:
        detail = f"there is no effect {query.name[:40]!r}.{did_you_mean(query.name, EFFECTS)}"
        raise RefusalError(422, detail, field="name")
    kind = EFFECTS[query.name].options
    known = {item.name for item in fields(kind)} - {"picture", "alpha"}
    for name in query.options:
        if name not in known:
            detail = f"the effect {query.name} has no option {name[:40]!r}; it has "
            raise RefusalError(422, detail + ", ".join(sorted(known)), field=f"options.{name[:40]}")
    given = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in query.options.items()
    }
    try:
        return kind(**given)
    except OptionError as error:
        raise error.mended_by(f"options.{(error.mend or Mend('')).option}") from None
    except TypeError as error:
        raise RefusalError(422, f"the options do not fit: {error}", field="options") from None


_PICTURE = "0" * 64
_ALL = (JSON, COCO, PNG)
QUESTIONS: tuple[PictureRoute[Any], ...] = (
    PictureRoute(
        "/v1/segment",
        "Masks of everything that words name",
        SegmentQuery,
        segment,
        Priority.WORDS,
        _ALL,
        {"picture": _PICTURE, "words": ["cat", "dog"]},
    ),
    PictureRoute(
        "/v1/click",
        "Cut out one thing, shown by points or a box",
        ClickQuery,
        click,
        Priority.CLICK,
        (*_ALL, LOGITS),
        {"picture": _PICTURE, "points": [[225, 150, 1]]},
    ),
    PictureRoute(
        "/v1/everything",
        "Every region, without names",
        EverythingQuery,
        everything,
        Priority.WORDS,
        _ALL,
        {"picture": _PICTURE, "options": {"points_per_side": 16}},
    ),
    PictureRoute(
        "/v1/ask",
        "Answer a question about the picture",
        AskQuery,
        ask,
        Priority.WORDS,
        (JSON, PNG),
        {"picture": _PICTURE, "question": "how many cats are there?"},
    ),
    PictureRoute(
        "/v1/edit",
        "Take things out, or restyle them",
        EditQuery,
        edit,
        Priority.WORDS,
        (PNG,),
        {"picture": _PICTURE, "verb": "remove", "target": {"words": ["cat"]}},
        pictures=2,
    ),
    PictureRoute(
        "/v1/effect",
        "A look for things",
        EffectQuery,
        effect,
        Priority.WORDS,
        (PNG,),
        {"picture": _PICTURE, "name": "blur", "target": {"words": ["cat"]}},
        pictures=2,
    ),
)
