"""A client of `wordmask serve`: the same questions, answered by another machine.

    client = Client("http://gpu.example:8000", token="...")
    result = client.segment("kitchen.jpg", ["cup", "oven"])

A picture is sent once; if the server has forgotten it, it is sent again. A server that is busy is
asked again after as long as it says. Python's own library does the talking.
"""

import json
import os
import time
from asyncio import to_thread
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import local
from typing import Any, NamedTuple, Self
from urllib.parse import SplitResult, quote, urlsplit

import numpy as np

from wordmask.core.answer import Answer
from wordmask.core.image import Image
from wordmask.core.prompts import Text, Words
from wordmask.core.result import Result
from wordmask.errors import OptionError, RemoteError
from wordmask.jobs.asks import read_answer
from wordmask.media.formats import FormatOptions, own
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture
from wordmask.tasks.click import ClickOptions
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.segment import SegmentOptions

BUSY = (429, 502, 503, 504)
SENDS = 3  # of a picture that the server, or the one of several that is asked, does not have
STARTS = (("POST", "/v1/track"), ("POST", "/v1/batch"))  # asked twice, they would be done twice
JOB_LOOK_S = 0.5  # between two looks at a job that is waited for
ENDED = ("done", "failed", "cancelled")


class _Reply(NamedTuple):
    status: int
    headers: Any
    data: bytes


class Client:
    """Asks a server; safe in threads, each of which keeps a connection open."""

    def __init__(
        self, address: str = "http://127.0.0.1:8000", token: str = "", timeout_s: float = 60.0
    ) -> None:
        place = parse_address(address)
        self._place, self._timeout_s = place, timeout_s
        token = token or os.environ.get("WORDMASK_TOKEN", "")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._own = local()  # a connection for each thread
        self._all: list[HTTPConnection] = []
        self._sessions: dict[str, str] = {}  # of each job

    def close(self) -> None:
        """Close the connections; a later question opens a new one."""
        for connection in self._all:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ---- questions

    def send(self, picture: Any) -> str:
        """The id of a picture: a path, bytes, an array, an `Image`."""
        data = file_bytes(picture)
        id = sha256(data).hexdigest()
        self._call("PUT", "/v1/pictures", data, id)
        return id

    def segment(
        self, picture: Any, words: Words, options: SegmentOptions | None = None, **more: Any
    ) -> Result:
        """Regions that the words name. `picture` is one, or an id that `send` gave."""
        query = {"words": Text.of(words).phrases, "options": options, **more}
        return self._result("/v1/segment", picture, query)

    def click(
        self,
        picture: Any,
        points: Sequence[Sequence[float]] = (),
        box: Sequence[float] | None = None,
        words: Words | None = None,
        options: ClickOptions | None = None,
        **more: Any,
    ) -> Result:
        """Candidates for one thing, best first; points are (x, y) or (x, y, keep)."""
        names = () if words is None else Text.of(words).phrases
        query = {"points": points, "box": box, "words": names, "options": options, **more}
        return self._result("/v1/click", picture, query)

    def everything(
        self, picture: Any, options: EverythingOptions | None = None, **more: Any
    ) -> Result:
        """Every region, unnamed."""
        return self._result("/v1/everything", picture, {"options": options, **more})

    def ask(self, picture: Any, question: str, **more: Any) -> Answer:
        """The answer to a question, with the regions that it rests on."""
        reply = self._ask("/v1/ask", picture, {"question": question, **more})
        return read_answer(json.loads(reply.data))

    def edit(self, picture: Any, verb: str, target: dict[str, Any], **more: Any) -> Image:
        """The picture changed: verb remove, replace or style; target has words, points, boxes."""
        reply = self._ask("/v1/edit", picture, {"verb": verb, "target": target, **more})
        return read(reply.data)

    def effect(self, picture: Any, name: str, target: dict[str, Any], **more: Any) -> Image:
        """The picture with an effect on the target."""
        reply = self._ask("/v1/effect", picture, {"name": name, "target": target, **more})
        return read(reply.data)

    def models(self) -> list[dict[str, Any]]:
        """The engines that are served."""
        rows: list[dict[str, Any]] = self._json("GET", "/v1/models")["models"]
        return rows

    # ---- long work

    def track(self, video: str | Path, words: Words | None = None, **more: Any) -> str:
        """The id of a job that follows things through a video."""
        data = file_bytes(Path(video))
        id = sha256(data).hexdigest()
        self._call("PUT", "/v1/videos", data, id)
        names = () if words is None else Text.of(words).phrases
        return self._start("/v1/track", {"video": id, "words": names, **more}, id)

    def batch(self, pictures: Sequence[Any], words: Words, **more: Any) -> str:
        """The id of a job that looks for words in many pictures."""
        files = [b"" if is_id(one) else file_bytes(one) for one in pictures]
        pairs = zip(pictures, files, strict=True)
        ids = [sha256(data).hexdigest() if data else one for one, data in pairs]
        session = sha256("".join(ids).encode()).hexdigest()
        for data in filter(None, files):
            self._call("PUT", "/v1/pictures?encode=no", data, session)
        query = {"pictures": ids, "words": Text.of(words).phrases, **more}
        return self._start("/v1/batch", query, session)

    def progress(self, job: str) -> Iterator[dict[str, Any]]:
        """What the job says of itself, whenever that has changed, until it has ended."""
        told: dict[str, Any] = {}
        while told.get("state") not in ENDED:
            value = json.loads(self._call("GET", f"/v1/jobs/{job}", session=self._of(job)).data)
            if value != told:
                told = value
                yield value
            elif told["state"] not in ENDED:
                time.sleep(JOB_LOOK_S)

    def fetch(self, job: str, folder: str | Path) -> list[Path]:
        """Wait for the job, and put its files into the folder."""
        *_, last = self.progress(job)
        if last["state"] != "done":
            detail = last.get("problem", {}).get("detail", last["state"])
            raise RemoteError(f"the job came to nothing: {detail}")
        paths = []
        for name in last["files"]:
            path = Path(folder) / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            place = f"/v1/jobs/{job}/files/{quote(name)}"
            path.write_bytes(self._call("GET", place, session=self._of(job)).data)
            paths.append(path)
        return paths

    # ---- talking

    def _result(self, path: str, picture: Any, query: dict[str, Any]) -> Result:
        reply = self._ask(path, picture, query)
        return own.decode(json.loads(reply.data), "the answer", FormatOptions()).result

    def _ask(self, path: str, picture: Any, query: dict[str, Any]) -> _Reply:
        """A question about a picture, which is sent if the server does not have it."""
        data = b"" if is_id(picture) else file_bytes(picture)
        id = picture if is_id(picture) else sha256(data).hexdigest()
        body = write_query({"picture": id, **query})
        for _ in range(SENDS):
            try:
                return self._call("POST", path, body, id)
            except RemoteError as error:
                if error.status != 404 or not data:
                    raise
            self._call("PUT", "/v1/pictures", data, id)
        return self._call("POST", path, body, id)

    def _start(self, path: str, query: dict[str, Any], session: str) -> str:
        reply = self._call("POST", path, write_query(query), session)
        job: str = json.loads(reply.data)["job"]
        self._sessions[job] = session
        return job

    def _of(self, job: str) -> str:
        """The session that leads to the server that has the job."""
        return self._sessions.get(job, "")

    def _json(self, method: str, path: str, body: bytes | None = None) -> Any:
        return json.loads(self._call(method, path, body).data)

    def _call(self, method: str, path: str, body: bytes | None = None, session: str = "") -> _Reply:
        """The reply; a busy server is asked again until the time is over.

        Of several servers behind one address the `session` chooses which one is asked.
        """
        end = time.monotonic() + self._timeout_s
        while True:
            reply = self._exchange(method, path, body, session)
            if reply.status < 400:
                return reply
            wait_s = retry_after(reply)
            if not may_try_again(reply) or time.monotonic() + wait_s > end:
                raise remote_error(reply)
            time.sleep(wait_s)

    def _exchange(self, method: str, path: str, body: bytes | None, session: str) -> _Reply:
        """One request. A connection that the server has closed meanwhile is opened again.

        Work that would be done twice is asked for once, on a connection that is surely open.
        """
        kind = "application/json" if method == "POST" else "application/octet-stream"
        headers = {**self._headers, "content-type": kind}
        headers |= {"x-session-id": session} if session else {}
        is_work = (method, path) in STARTS
        if is_work:
            self._connection().close()  # it opens again with the request
        for is_last in (True,) if is_work else (False, True):
            connection = self._connection()
            try:
                connection.request(method, self._place.path.rstrip("/") + path, body, headers)
                answer = connection.getresponse()
                return _Reply(answer.status, answer.headers, answer.read())
            except (HTTPException, OSError) as error:
                connection.close()
                if is_last:
                    host = self._place.netloc.rpartition("@")[2]
                    raise RemoteError(f"{host} cannot be asked: {error}") from None
        raise RemoteError("nothing was asked")

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._own, "connection"):
            kind = HTTPSConnection if self._place.scheme == "https" else HTTPConnection
            host, port = self._place.hostname or "", self._place.port
            self._own.connection = kind(host, port, timeout=self._timeout_s)
            self._all.append(self._own.connection)
        connection: HTTPConnection = self._own.connection
        return connection


class AsyncClient:
    """The same for asyncio: each question is asked on a thread while others go on."""

    def __init__(
        self, address: str = "http://127.0.0.1:8000", token: str = "", timeout_s: float = 60.0
    ) -> None:
        self._client = Client(address, token, timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._client.close()

    async def send(self, picture: Any) -> str:
        return await to_thread(self._client.send, picture)

    async def segment(self, picture: Any, words: Words, **more: Any) -> Result:
        return await to_thread(self._client.segment, picture, words, **more)

    async def click(
        self, picture: Any, points: Sequence[Sequence[float]] = (), **more: Any
    ) -> Result:
        return await to_thread(self._client.click, picture, points, **more)

    async def everything(self, picture: Any, **more: Any) -> Result:
        return await to_thread(self._client.everything, picture, **more)

    async def ask(self, picture: Any, question: str, **more: Any) -> Answer:
        return await to_thread(self._client.ask, picture, question, **more)

    async def edit(self, picture: Any, verb: str, target: dict[str, Any], **more: Any) -> Image:
        return await to_thread(self._client.edit, picture, verb, target, **more)

    async def effect(self, picture: Any, name: str, target: dict[str, Any], **more: Any) -> Image:
        return await to_thread(self._client.effect, picture, name, target, **more)

    async def track(self, video: str | Path, words: Words | None = None, **more: Any) -> str:
        return await to_thread(self._client.track, video, words, **more)

    async def fetch(self, job: str, folder: str | Path) -> list[Path]:
        return await to_thread(self._client.fetch, job, folder)


def parse_address(address: str) -> SplitResult:
    """The parts of a server's address."""
    with suppress(ValueError):  # no port that there can be, or half a bracket
        place = urlsplit(address)
        if place.scheme in ("http", "https") and place.hostname and place.port != 0:
            return place
    raise OptionError(f"an address is http://HOST:PORT or https://HOST, got {address!r}")


def retry_after(reply: _Reply) -> float:
    """Seconds after which a busy server is asked again; one where it names a date."""
    text = (reply.headers.get("retry-after") or "").strip()
    return float(text) if text.isascii() and text.isdigit() else 1.0


def is_id(picture: Any) -> bool:
    """Whether it is what `send` returns: 64 hexadecimal figures."""
    return (
        isinstance(picture, str)
        and len(picture) == 64
        and not set(picture) - set("0123456789abcdef")
    )


def file_bytes(picture: Any) -> bytes:
    """A picture as the bytes of a file; what is in memory becomes a PNG."""
    if isinstance(picture, bytes | bytearray):
        return bytes(picture)
    if isinstance(picture, str | Path):
        try:
            return Path(picture).read_bytes()
        except OSError as error:
            raise OptionError(f"{picture} cannot be read: {error.strerror or error}") from None
    return encode_picture(read(picture).pixels)


def write_query(query: dict[str, Any]) -> bytes:
    """The request as JSON; what is None is left to the server."""
    plain = {
        name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        for name, value in query.items()
        if value is not None
    }
    return json.dumps(plain, default=lambda value: np.asarray(value).tolist()).encode()


def may_try_again(reply: _Reply) -> bool:
    """Whether the server is busy, or one of several behind an address has died meanwhile.

    A 500 that is not told as ours are comes from what stands before the server.
    """
    is_ours = reply.headers.get_content_type() == "application/problem+json"
    return reply.status in BUSY or (reply.status == 500 and not is_ours)


def remote_error(reply: _Reply) -> RemoteError:
    """What the server says is wrong."""
    try:
        problem = json.loads(reply.data)
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        problem, detail = {}, f"status {reply.status} without a reason; is it a wordmask server?"
    return RemoteError(detail, status=reply.status, field=str(problem.get("field", "")))
