"""What a request brings, read within limits: its size, its time, the depth of its JSON.

A picture comes as the body itself, as a part of a form, or in base64 inside JSON. That text is
taken out before the JSON is parsed, so the limit on JSON is for the rest.
"""

import asyncio
import base64
import binascii
import itertools
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import InlinePicture
from wordmask.media.reading.limits import amount, human

# Each takes one pass, whatever is sent: a string that is never closed ends at the end.
STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
BASE64 = re.compile(rb'"base64"\s*+:\s*+"([A-Za-z0-9+/=\s]*+)"')
STEPS = np.zeros(256, np.int8)  # what each byte outside a string adds to the depth
STEPS[list(b"[{")], STEPS[list(b"]}")] = 1, -1
FORM_ROOM = 65_536  # bytes of a form beside its parts
LARGE = 1 << 18  # bytes from which a body is taken apart by another thread


class Brought(NamedTuple):
    """A request as it came: its JSON, and the pictures that were in it."""

    json: bytes
    pictures: tuple[bytes, ...] = ()

    def picture(self, inline: InlinePicture | None) -> bytes:
        """The bytes that an `InlinePicture` stands for; without one, the picture of the form."""
        number = 0 if inline is None else inline.base64
        try:
            return self.pictures[int(number)]
        except (ValueError, IndexError):
            pass
        if inline is not None:
            raise RefusalError(422, "the picture is no base64", field="picture.base64")
        raise RefusalError(
            422,
            'a picture is needed: its id, {"base64": ...}, or a part of a form',
            field="picture",
        )


@dataclass
class BodyReader:
    """The body of one request, piece by piece, until it is too large or too slow."""

    request: Request
    options: ServeOptions
    most: int  # bytes
    limit: str  # the option that says so

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.most:
            raise self._too_large()
        loop, count = asyncio.get_running_loop(), 0
        end = loop.time() + self.options.body_s
        source = self.request.stream().__aiter__()
        while True:
            wait = min(self.options.idle_s, end - loop.time())
            try:
                piece = await asyncio.wait_for(anext(source), max(0.0, wait))
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise RefusalError(408, "the request came too slowly and was cut off") from None
            except ClientDisconnect:
                raise RefusalError(400, "the request broke off") from None
            count += len(piece)
            if count > self.most:
                raise self._too_large()
            yield piece

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    def _too_large(self) -> RefusalError:
        detail = f"the request is larger than {human(self.most, 'B')}"
        return RefusalError(413, detail, limit=self.limit)


async def read_request(request: Request, options: ServeOptions, pictures: int = 1) -> Brought:
    """JSON, or a form whose part `request` is JSON and whose part `picture` is a file.

    JSON may hold up to `pictures` in base64.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_form(request, options)
    if kind not in ("application/json", ""):
        raise RefusalError(415, f"send application/json or multipart/form-data, not {kind[:80]}")
    most = amount(options.max_json) + pictures * (amount(options.max_bytes) * 4 // 3 + 4)
    body = await BodyReader(request, options, most, "max_json").whole()
    if len(body) < LARGE:
        return take_pictures(body, options, pictures)
    return await asyncio.to_thread(take_pictures, body, options, pictures)


def take_pictures(body: bytes, options: ServeOptions, most: int) -> Brought:
    """The JSON with a number in place of each picture's text, and those pictures."""
    texts = [found[1] for found in itertools.islice(BASE64.finditer(body), most + 1)]
    if len(texts) > most:
        raise RefusalError(422, f"this request holds at most {most} pictures", field="picture")
    numbers = itertools.count()
    rest = BASE64.sub(lambda _: b'"base64":"%d"' % next(numbers), body)
    if len(rest) > amount(options.max_json):
        detail = f"the request holds {human(len(rest), 'B')} of JSON; the limit is "
        raise RefusalError(413, detail + human(amount(options.max_json), "B"), limit="max_json")
    check_depth(rest, options.max_depth)
    return Brought(rest, tuple(_decode(text) for text in texts))


def check_depth(body: bytes, most: int) -> None:
    """Refuse JSON that is nested deeper, before any parser sees it.

    >>> check_depth(b'{"a": "[[[["}', 1)
    """
    steps = STEPS[np.frombuffer(STRINGS.sub(b"", body), np.uint8)]
    depth = int(np.cumsum(steps, dtype=np.int32).max(initial=0))
    if depth > most:
        raise RefusalError(
            422, f"the JSON is nested {depth} deep; the limit is {most}", limit="max_depth"
        )


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise RefusalError(
            422, f"the picture is no base64: {error}", field="picture.base64"
        ) from None


async def _read_form(request: Request, options: ServeOptions) -> Brought:
    """Of a form only two parts are read: more of them are refused when the third begins."""
    json_most, file_most = amount(options.max_json), amount(options.max_bytes)
    most = json_most + file_most + FORM_ROOM
    stream = BodyReader(request, options, most, "max_bytes").pieces()
    parser = MultiPartParser(
        request.headers, stream, max_files=1, max_fields=1, max_part_size=json_most
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusalError(400, f"the form cannot be read: {error.message}") from None
    except KeyError:
        raise RefusalError(400, "the form's content type names no boundary") from None
    file, text = form.get("picture"), form.get("request", "{}")
    if not isinstance(file, UploadFile) or not isinstance(text, str):
        raise RefusalError(
            422, "a form has a file named picture and a text named request", field="picture"
        )
    data = await file.read()
    await form.close()
    check_depth(text.encode(), options.max_depth)
    return Brought(text.encode(), (data,))
