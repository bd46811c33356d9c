"""Regions found again in the index that is served: the same job as `wordmask find`."""

import asyncio
import json
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from PIL import Image as Pil
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wordmask.core.models import Models
from wordmask.doors.server import answers
from wordmask.doors.server.answers import Reply
from wordmask.doors.server.bodies import Brought, read_request
from wordmask.doors.server.indexed import ServedIndex
from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import (
    ID,
    ApiQuery,
    InlinePicture,
    Rows,
    TargetQuery,
    Words,
    check_count,
    make_at,
)
from wordmask.doors.server.service import Service, Turn
from wordmask.doors.server.status import service_of
from wordmask.doors.server.store import StoredPicture
from wordmask.jobs.find import Hit, SearchAnswer, SearchQuery
from wordmask.jobs.found_files import as_record
from wordmask.jobs.target import find_in_view
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture
from wordmask.tasks.search import SearchOptions

SIDE = 512  # pixels of the longer side of a picture that was found
QUALITY = 85  # of its JPEG
Box = tuple[float, float, float, float]
Word = Annotated[str, Field(max_length=256)]


class LikeQuery(ApiQuery):
    """An example: what is shown in a picture, or the picture as a whole."""

    picture: Annotated[str, Field(pattern=ID)] | InlinePicture
    """An id that `PUT /v1/pictures` gave, one of a picture that was found, or {"base64": ...}."""
    points: Rows = ()
    """[x, y] or [x, y, 0]: all of them mean one thing."""
    box: Box | None = None
    """[x0, y0, x1, y1] around the thing."""

    def target(self) -> TargetQuery:
        return TargetQuery(points=self.points, boxes=(self.box,) if self.box else ())


class FindQuery(ApiQuery):
    """What words name, or what is like an example, in the pictures of the index."""

    options_in: ClassVar[dict[str, type]] = {"options": SearchOptions}

    words: Words = ()
    """Each is looked for: "dog", "red car", "cup next to laptop"."""
    unwanted: Annotated[Words, Field(alias="not")] = ()
    """Words for what it must not be."""
    like: LikeQuery | None = None
    """An example, instead of words."""
    near: Word = ""
    """A word for what must be next to what is looked for."""
    where: str = ""
    """A condition on columns: "date > '2024-01-01' AND album = 'trip'"."""
    options: SearchOptions = SearchOptions()
    model: str | None = None
    """One of the served engines, the one that made the index; none: the first."""

    def check(self, service: Service) -> None:
        """Refuse what is too much, or does not go together."""
        check_count("words", len(self.words) + len(self.unwanted), service.options)
        if self.like is None:
            return
        check_count("like.points", len(self.like.points), service.options)
        for field in ("words", "near"):
            if getattr(self, field):
                detail = "look for words or for what is like a picture, not for both"
                raise RefusalError(422, detail, field=field)

    def parse(self) -> SearchQuery:
        return SearchQuery(self.words, self.unwanted, self.near, self.where)


EXAMPLE = {"words": ["dog", "red car"], "not": ["toy"], "options": {"top": 20}}


def index_of(request: Request) -> ServedIndex:
    index: ServedIndex | None = service_of(request).index
    if index is None:
        raise RefusalError(404, "no index is served")
    return index


async def show_index(request: Request) -> Response:
    """What is in the index; `index` is null where none is served."""
    index: ServedIndex | None = service_of(request).index
    if index is None:
        return JSONResponse({"index": None})
    return JSONResponse(await asyncio.to_thread(index.describe))


async def search(request: Request) -> Response:
    """The regions, best first for each word, and the words that are nowhere."""
    service, index = service_of(request), index_of(request)
    brought = await read_request(request, service.options)
    query = FindQuery.model_validate_json(brought.json)
    query.check(service)
    models = await service.models(query.model)

    def work() -> Reply:
        with index.reading(query.where):
            found = index.open(models)
            if query.like is None:
                answer = found.find(query.parse(), query.options)
            else:
                picture = _example(query.like, brought, service, index)
                shown = _find_shown(query.like, picture, service, models)
                answer = found.find_like(picture.image, shown, query.parse(), query.options)
        service.store.trim()
        return Reply(json.dumps(_describe(answer)).encode(), answers.JSON)

    reply = await service.take_turn(Turn(work, Priority.WORDS), request)
    return Response(reply.data, media_type=reply.media_type, headers={"cache-control": "no-store"})


async def show_found(request: Request) -> Response:
    """A picture of the index, scaled down and without its EXIF."""
    service, index, id = service_of(request), index_of(request), request.path_params["id"]
    if re.fullmatch(ID, id) is None:
        raise RefusalError(404, "the index has no such picture")

    def work() -> Reply:
        image = Pil.fromarray(read(_bytes(id, service, index), service.options.limits).pixels)
        image.thumbnail((SIDE, SIDE))
        data = encode_picture(np.asarray(image), ".jpg", quality=QUALITY)
        return Reply(data, "image/jpeg")

    reply = await service.take_turn(Turn(work, Priority.ENCODE, ("found", id)), request)
    headers = {"cache-control": "private, max-age=600"}
    return Response(reply.data, media_type=reply.media_type, headers=headers)


def _bytes(id: str, service: Service, index: ServedIndex) -> bytes:
    data = index.read_picture(id, service.options.limits)
    if data is None:
        detail = "the index has no such picture, or it has gone or changed since"
        raise RefusalError(404, detail, field="picture")
    return data


def _example(
    like: LikeQuery, brought: Brought, service: Service, index: ServedIndex
) -> StoredPicture:
    """The picture of an example: one that was sent, or one of the index."""
    if not isinstance(like.picture, str):
        return service.store.add(brought.picture(like.picture), service.options.limits)
    known = service.store.find(like.picture)
    if known is not None:
        return known
    return service.store.add(_bytes(like.picture, service, index), service.options.limits)


def _find_shown(like: LikeQuery, picture: StoredPicture, service: Service, models: Models) -> Any:
    """The outlines of what is shown, or None for the picture as a whole."""
    target = like.target().options()
    if not target.shows:
        return None
    view = service.store.view(picture, models)
    return make_at("like", lambda: find_in_view(view, target)).masks


def _describe(answer: SearchAnswer) -> dict[str, Any]:
    return {
        "found": [_record(hit) for hit in answer.hits],
        "not_here": [word._asdict() for word in answer.absent],
    }


def _record(hit: Hit) -> dict[str, Any]:
    """A region as `find --json` tells it; of paths only the file's name."""
    copies = [Path(path).name for path in hit.copies]
    names = {"picture": hit.row.picture, "name": Path(hit.row.path).name, "copies": copies}
    return as_record(hit) | names
