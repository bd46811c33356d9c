"""The pictures of tasks, fetched from the one Label Studio that the server was told of.

Nothing else is fetched: not what a request says Label Studio's address is, and no other host that a
task names. Both kinds of token work; a personal one is exchanged for short-lived ones.
"""

import base64
import binascii
import json
import time
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from wordmask.doors.server.problems import RefusalError
from wordmask.errors import ImageError
from wordmask.media.reading.web import fetch

CLOUD = ("s3", "s3s", "gs", "azure-blob", "azure_spi")
TIMEOUT_S = 20.0
ACCESS_KEPT_S = 240.0  # a short-lived token lives for five minutes
REDIRECTS = (301, 302, 303, 307, 308)


class FetchedPage(NamedTuple):
    status: int
    headers: HTTPMessage
    data: bytes


class LabelStudio:
    """One Label Studio and our token for it."""

    def __init__(self, address: str, token: str, most_bytes: int) -> None:
        self._place, self._token, self._most = urlsplit(address), token, most_bytes
        self._access, self._since = "", -ACCESS_KEPT_S
        self._lock = Lock()

    def read(self, task: dict[str, Any], key: str) -> bytes:
        """The bytes of the picture that a task is about."""
        data = task.get("data")
        source = data.get(key) if isinstance(data, dict) else None
        if not isinstance(source, str) or not source:
            raise RefusalError(422, f"the task has no picture under {key!r}", field="tasks.data")
        if source.startswith("data:"):
            return _inline(source)
        return self._fetch(self._path_of(source, task.get("id")))

    def _path_of(self, source: str, task_id: Any) -> str:
        """Where Label Studio itself gives the picture out."""
        place = urlsplit(source)
        if place.scheme in CLOUD:
            code = base64.urlsafe_b64encode(source.encode()).decode()
            return f"/tasks/{int(task_id or 0)}/resolve/?fileuri={code}"
        is_own = not place.scheme and source.startswith("/") and not place.netloc
        is_same = (place.scheme, place.netloc) == (self._place.scheme, self._place.netloc)
        if not (is_own or is_same):
            raise RefusalError(
                422,
                "the picture lies at another host, which is not fetched; upload it to Label "
                "Studio, or give it through local files or a cloud storage",
                field="tasks.data",
            )
        return place.path + (f"?{place.query}" if place.query else "")

    def _fetch(self, path: str) -> bytes:
        if not self._place.netloc:
            raise RefusalError(
                422,
                "the server was not told of a Label Studio, so it fetches no pictures",
                limit="label_studio",
            )
        page = self._get(path)
        if page.status in REDIRECTS:
            return self._follow(page.headers.get("location", ""))
        if page.status in (401, 403):
            raise RefusalError(
                422, "Label Studio does not take the server's token", limit="label_studio_token"
            )
        if page.status != 200:
            raise RefusalError(422, f"Label Studio answers {page.status} for the picture")
        return page.data

    def _follow(self, location: str) -> bytes:
        """What Label Studio sends on to: itself, or a public storage, without our token."""
        place = urlsplit(location)
        if not place.netloc or place.netloc == self._place.netloc:
            page = self._get(place.path + (f"?{place.query}" if place.query else ""))
            if page.status == 200:
                return page.data
            raise RefusalError(422, f"Label Studio answers {page.status} for the picture")
        try:
            return fetch(location, self._most)
        except ImageError:
            raise RefusalError(
                422, "the storage that Label Studio names is not public, or does not answer"
            ) from None

    def _get(self, path: str) -> FetchedPage:
        return self._ask("GET", path, {"authorization": self._authorization()})

    def _authorization(self) -> str:
        """A personal token is a JWT, from which short-lived ones are had."""
        if self._token.count(".") != 2:
            return f"Token {self._token}"
        with self._lock:
            if time.monotonic() - self._since > ACCESS_KEPT_S:
                body = json.dumps({"refresh": self._token}).encode()
                headers = {"content-type": "application/json"}
                page = self._ask("POST", "/api/token/refresh", headers, body)
                try:
                    self._access = str(json.loads(page.data)["access"])
                except (ValueError, KeyError, TypeError):
                    raise RefusalError(
                        422,
                        "Label Studio does not take the server's token",
                        limit="label_studio_token",
                    ) from None
                self._since = time.monotonic()
            return f"Bearer {self._access}"

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> FetchedPage:
        connection = connect(self._place)
        try:
            connection.request(method, self._place.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            data = answer.read(self._most + 1)
        except (OSError, HTTPException, ValueError):
            raise RefusalError(503, "Label Studio does not answer", retry_s=5) from None
        finally:
            connection.close()
        if len(data) > self._most:
            raise RefusalError(413, "the picture is too large", limit="max_bytes")
        return FetchedPage(answer.status, answer.headers, data)


def connect(place: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    return kind(place.hostname or "", place.port, timeout=TIMEOUT_S)


def _inline(source: str) -> bytes:
    try:
        return base64.b64decode(source.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise RefusalError(
            422, "the task's data: picture is no base64", field="tasks.data"
        ) from None
