"""The folder that is labelled: its list, its pictures, labels saved by revision, all in and out."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wordmask.doors.server import answers
from wordmask.doors.server.ahead import encode_ahead
from wordmask.doors.server.answers import Reply
from wordmask.doors.server.bodies import BodyReader, check_depth
from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import ApiQuery
from wordmask.doors.server.service import Service, Turn
from wordmask.doors.server.status import service_of
from wordmask.jobs.labelling import SUFFIXES, LabelFolder, SaveOutcome, read_labels
from wordmask.media.reading.limits import amount
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture

Body = TypeVar("Body", bound=ApiQuery)
SHOWN = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


class LabelsBody(ApiQuery):
    """Labels to save."""

    revision: int
    """The revision that was changed; 0 where there was none."""
    done: bool = False
    """Whether the picture is finished."""
    labels: dict[str, Any]
    """Own JSON."""


class WordsBody(ApiQuery):
    """The list of words."""

    revision: int
    words: list[str] = Field(max_length=10_000)


def folder_of(request: Request) -> LabelFolder:
    folder: LabelFolder | None = service_of(request).folder
    if folder is None:
        raise RefusalError(404, "no folder is served")
    return folder


async def show_folder(request: Request) -> Response:
    """The pictures and the words; `folder` is null where none is served."""
    folder: LabelFolder | None = service_of(request).folder
    if folder is None:
        return JSONResponse({"folder": None})
    pictures = await asyncio.to_thread(folder.list_pictures)
    revision, words = await asyncio.to_thread(folder.read_words)
    value = {"folder": folder.folder.absolute().name, "words": words, "words_revision": revision}
    return JSONResponse(value | {"pictures": [one._asdict() for one in pictures]})


async def open_picture(request: Request) -> Response:
    """Its id, as if it had been sent, and its labels."""
    service, folder, name = service_of(request), folder_of(request), request.path_params["name"]
    path = _path(folder, name)

    def work() -> Reply:
        picture = service.store.add(_bytes(path, service), service.options.limits)
        known = folder.read(name)
        about: dict[str, Any] = {"picture": picture.id, "size": list(picture.image.size)}
        about |= {"labels": known.value, "revision": known.revision, "done": known.done}
        return Reply(json.dumps(about).encode(), answers.JSON, {"wordmask-picture": picture.id})

    found = await service.take_turn(Turn(work, Priority.ENCODE), request)
    encode_ahead(service, found.headers["wordmask-picture"])
    return Response(found.data, media_type=found.media_type)


async def show_picture(request: Request) -> Response:
    """The file; what browsers do not show, as a PNG."""
    service, folder, name = service_of(request), folder_of(request), request.path_params["name"]
    path = _path(folder, name)

    def work() -> Reply:
        data = _bytes(path, service)
        kind = SHOWN.get(path.suffix.lower())
        if kind is None:
            pixels = read(data, service.options.limits).pixels
            return Reply(encode_picture(pixels), answers.PNG)
        return Reply(data, kind)

    found = await service.take_turn(Turn(work, Priority.ENCODE), request)
    return Response(found.data, media_type=found.media_type)


async def add_picture(request: Request) -> Response:
    """A new picture for the folder, in the body; one of that name that is there stays."""
    service, folder, name = service_of(request), folder_of(request), request.path_params["name"]
    options = service.options
    data = await BodyReader(request, options, amount(options.max_bytes), "max_bytes").whole()

    def work() -> Reply:
        read(data, options.limits)  # what is no picture is refused here
        folder.add_picture(name, data)
        return Reply(json.dumps({"name": name}).encode(), answers.JSON)

    done = await service.take_turn(Turn(work, Priority.ENCODE), request)
    return Response(done.data, media_type=done.media_type)


async def save_labels(request: Request) -> Response:
    folder, name = folder_of(request), request.path_params["name"]
    body = await _body(request, LabelsBody)
    _path(folder, name)
    saved = await asyncio.to_thread(folder.write, name, body.revision, body.done, body.labels)
    return _tell(saved)


async def save_words(request: Request) -> Response:
    folder, body = folder_of(request), await _body(request, WordsBody)
    return _tell(await asyncio.to_thread(folder.write_words, body.revision, body.words))


async def export_labels(request: Request) -> Response:
    """All labels, as ?format= says; ?overlaps=upper gives each pixel to the region above."""
    folder, form = folder_of(request), request.query_params.get("format", "coco")
    wins = request.query_params.get("overlaps") == "upper"
    if form not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise RefusalError(422, f"format is one of {known}; got {form[:40]!r}", field="format")

    def work() -> bytes:
        with TemporaryDirectory() as text:
            out = Path(text) / f"labels{SUFFIXES[form]}"
            return folder.export(form, out, upper_wins=wins).read_bytes()

    data = await asyncio.to_thread(work)
    kind = "application/zip" if SUFFIXES[form] == ".zip" else answers.JSON
    return Response(data, media_type=kind, headers={"cache-control": "no-store"})


async def import_labels(request: Request) -> Response:
    """Labels in the body, in any format that is read; ?name= tells the file's name."""
    folder, options = folder_of(request), service_of(request).options
    data = await BodyReader(request, options, amount(options.max_bytes), "max_bytes").whole()
    name = request.query_params.get("name", "labels.json")
    regions, pictures = await asyncio.to_thread(lambda: folder.add(read_labels(name, data)))
    return JSONResponse({"regions": regions, "pictures": pictures})


async def _body(request: Request, kind: type[Body]) -> Body:
    options = service_of(request).options
    data = await BodyReader(request, options, amount(options.max_bytes), "max_bytes").whole()
    check_depth(data, options.max_depth)
    return kind.model_validate_json(data)


def _tell(saved: SaveOutcome) -> Response:
    if not saved.accepted:
        raise RefusalError(409, "somebody else has saved it meanwhile", revision=saved.revision)
    return JSONResponse({"revision": saved.revision})


def _path(folder: LabelFolder, name: str) -> Path:
    """The picture's file; a name that the folder does not have is told as such."""
    try:
        return folder.path(name)
    except ValueError as error:
        raise RefusalError(404, str(error)) from None


def _bytes(path: Path, service: Service) -> bytes:
    try:
        service.options.limits.check_bytes("the picture", path.stat().st_size)
        return path.read_bytes()
    except OSError:
        detail = "the picture cannot be read; is it still in the folder?"
        raise RefusalError(404, detail) from None
