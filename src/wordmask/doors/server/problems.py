"""What goes wrong, as `application/problem+json` (RFC 9457): what, got, and the field to mend.

    {"title": "Unprocessable Content", "status": 422, "field": "options.min_confidence",
     "detail": "min_confidence must be auto or 0 to 1; got 7", "example": "auto"}

Nothing of the server's inside (a path, an address, a token, a traceback) is in a reply.
"""

import json
import logging
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from wordmask.core.options import describe, refusal
from wordmask.errors import (
    CapabilityError,
    EngineError,
    ImageError,
    InputError,
    OutputError,
    UnknownEngineError,
    WordmaskError,
)

log = logging.getLogger("wordmask.server")
MEDIA_TYPE = "application/problem+json"
LIMITS = ("max_bytes", "max_pixels", "max_side", "max_frames", "max_pages", "max_seconds")


class RefusalError(Exception):
    """A request that is not answered: its status, and what its client can do about it."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.retry_s: int | None = more.pop("retry_s", None)
        self.more = {name: value for name, value in more.items() if value}

    def describe(self) -> dict[str, Any]:
        """As JSON."""
        value: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(self.status).phrase}
        return value | {"status": self.status, "detail": self.detail, **self.more}

    def response(self) -> Response:
        headers = {} if self.retry_s is None else {"retry-after": str(self.retry_s)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Bearer realm="wordmask"'
        if self.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            headers["connection"] = "close"  # the rest of the body is not read
        data = json.dumps(self.describe(), ensure_ascii=False)
        return Response(data, self.status, headers, media_type=MEDIA_TYPE)


def busy(retry_s: float) -> RefusalError:
    """The queue is full, or the request waited too long."""
    seconds = max(1, round(retry_s))
    return RefusalError(503, f"the server is busy; try again in {seconds} s", retry_s=seconds)


def refusal_of(error: Exception, kinds: dict[str, type] | None = None) -> RefusalError:
    """Any exception as a refusal; `kinds` says which options dataclass each field holds."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, ValidationError):
        return _of_validation(error, kinds or {})
    if isinstance(error, WordmaskError):
        return _of_ours(error, kinds or {})
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return RefusalError(503, "there is not enough memory for this just now", retry_s=5)
    log.error("%s", describe_bug(error))
    return RefusalError(500, "something went wrong inside the server; its log says what")


def describe_bug(error: BaseException) -> str:
    """The kind of an unforeseen error and the place in the code, without values or paths."""
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "?")
        place, trace = f"{name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} at {place}"


def _of_ours(error: WordmaskError, kinds: dict[str, type]) -> RefusalError:
    option = error.mend.option if error.mend is not None else ""
    example = error.mend.example if error.mend is not None else ""
    if option in LIMITS and isinstance(error, ImageError):
        # Its client cannot raise a limit, but whoever runs the server can.
        return RefusalError(413, error.message, field="picture", limit=option)
    if isinstance(error, InputError | CapabilityError):
        field = _field_of(error, option, kinds)
        return RefusalError(422, error.message, field=field, example=example)
    log.error("%s: %s", type(error).__name__, error)
    if isinstance(error, UnknownEngineError):
        return RefusalError(422, "no such model is served", field="model")
    if isinstance(error, OutputError):
        return RefusalError(507, "the server cannot keep the result: its disk may be full")
    kind = "model" if isinstance(error, EngineError) else "server"
    return RefusalError(503, f"the {kind} cannot do this just now; the server's log says why")


def _field_of(error: WordmaskError, option: str, kinds: dict[str, type]) -> str:
    """Where the option stands in the request; a picture's own errors are the picture's."""
    for field, kind in kinds.items():
        if option in {item.name for item in describe(kind)}:
            return f"{field}.{option}"
    if isinstance(error, ImageError):
        return "picture"
    return option


def _of_validation(error: ValidationError, kinds: dict[str, type]) -> RefusalError:
    """The first thing that is wrong with a request; options say it as they do for every door."""
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, WordmaskError):  # what the dataclass itself found
        found = {place[0]: kinds[place[0]]} if place and place[0] in kinds else kinds
        return _of_ours(cause, found)
    if not place or first["type"] == "json_invalid":
        return RefusalError(400, f"the request is not JSON as it should be: {first['msg']}")
    kind = kinds.get(place[0])
    if kind is not None and len(place) > 1:
        options = {item.name: item for item in describe(kind)}
        if place[1] not in options:
            known = ", ".join(options)
            detail = f"there is no option {place[1]}; there are {known}"
            return RefusalError(422, detail, field=".".join(place[:2]))
        return _of_ours(refusal(options[place[1]], first["input"]), {place[0]: kind})
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "this request has no such field"
    if first["type"] == "string_pattern_mismatch":  # all patterns are those of ids
        place = [part for part in place if part != "constrained-str"]
        message = f"an id has 64 hexadecimal figures; got {str(first['input'])[:40]!r}"
    if first["type"] == "missing":
        message = "the field is missing"
    return RefusalError(422, f"{'.'.join(place)}: {message}", field=".".join(place))
