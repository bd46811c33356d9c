"""Who may ask: the host that was named, the page that asks, the token, how much one client asks.

A page of another host that a person has open can send requests to this machine. So the names under
which this server is reached are known, a foreign Host or Origin is refused, and nothing is allowed
to other origins. Off this machine everybody needs the token.
"""

import base64
import binascii
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from secrets import compare_digest
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wordmask.doors.server.metrics import Metrics
from wordmask.doors.server.options import ServeOptions, is_loopback
from wordmask.doors.server.problems import RefusalError, refusal_of

COOKIE = "wordmask"
# Without the token. Label Studio's events come without one, and are not even read.
OPEN = ("/health", "/ready", "/login", "/ls/health", "/ls/webhook")
LABEL_STUDIO = "/ls"  # it can only send Basic
EXEMPT = ("/health", "/ready", "/metrics")  # from the limit for a client
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # without any, forms of our own send Origin: null
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
}


@dataclass(frozen=True)
class GuardHooks:
    """What the guard asks of the rest."""

    login: Callable[[Scope], ASGIApp | None]  # what a person without the token is shown
    check_room: Callable[[Scope], None]  # raises where a request would find no room


class Guard:
    """Around the app: refuses, counts and times requests."""

    def __init__(
        self, app: ASGIApp, options: ServeOptions, metrics: Metrics, hooks: "GuardHooks"
    ) -> None:
        self._app, self._options, self._metrics = app, options, metrics
        self._hooks = hooks
        self._under_way: Counter[str] = Counter()  # of each client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        # WebSockets are not served: without an answer the connection is closed

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS.items()]
            await send(message)

        try:
            await self._admit(scope, receive, note)
        finally:
            self._metrics.note(scope, status, time.perf_counter() - start)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = (scope.get("client") or ("",))[0]
        try:
            self._check(scope)
            if scope["path"] not in EXEMPT:
                self._check_client(client)
                self._hooks.check_room(scope)
        except RefusalError as refusal:
            page = self._hooks.login(scope) if refusal.status == HTTPStatus.UNAUTHORIZED else None
            await (page or refusal.response())(scope, receive, send)
            return
        self._under_way[client] += 1
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            await refusal_of(error).response()(scope, receive, send)
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]

    def _check_client(self, client: str) -> None:
        most = self._options.client_requests
        if self._under_way[client] >= most:
            detail = f"you have {most} requests under way; wait for one of them"
            raise RefusalError(429, detail, retry_s=1, limit="client_requests")

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._knows_host(hosts[0]):
            raise RefusalError(
                403, "this server is not reached under that name", limit="allow_host"
            )
        self._check_origin(headers, hosts[0])
        is_open = scope["path"] in OPEN or (
            self._options.open_metrics and scope["path"] == "/metrics"
        )
        if self._options.token and not is_open:
            self._check_token(headers, scope["path"])

    def _knows_host(self, host: str) -> bool:
        name = host_name(host)
        if name in self._options.allow_host or is_loopback(name):
            return True
        if self._options.is_local:
            return False
        # A page cannot make its visitor's browser name an address that is not its own.
        return name == self._options.host or is_address(name)

    def _check_origin(self, headers: Headers, host: str) -> None:
        origin = headers.get("origin")
        if origin is not None and origin not in self._options.allow_origin:
            scheme, _, origin_host = origin.partition("://")
            if scheme not in ("http", "https") or origin_host != host:
                raise RefusalError(403, "pages of other hosts may not ask", limit="allow_origin")
        is_foreign = headers.get("sec-fetch-site") == "cross-site" and origin is None
        if is_foreign and headers.get("sec-fetch-mode") != "navigate":
            raise RefusalError(403, "pages of other hosts may not ask", limit="allow_origin")

    def _check_token(self, headers: Headers, path: str) -> None:
        is_under_ls = path == LABEL_STUDIO or path.startswith(LABEL_STUDIO + "/")
        if not has_token(headers, self._options.token, basic=is_under_ls):
            raise RefusalError(401, "send the server's token: Authorization: Bearer TOKEN")


def has_token(headers: Headers, token: str, *, basic: bool = False) -> bool:
    """Whether a request carries the token, as bearer, as cookie or, where allowed, as password."""
    return any(is_token(sent, token) for sent in sent_tokens(headers, basic))


def is_token(sent: str, token: str) -> bool:
    """In a time that tells nothing of how much of it is right."""
    return compare_digest(sent.encode("utf-8", "replace"), token.encode())


def sent_tokens(headers: Headers, basic: bool) -> list[str]:
    kind, _, value = headers.get("authorization", "").partition(" ")
    found = [value.strip()] if kind.lower() == "bearer" else []
    if basic and kind.lower() == "basic":
        with suppress(binascii.Error, ValueError):
            found.append(base64.b64decode(value).decode().partition(":")[2])
    try:
        cookie: Any = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    return found if cookie is None else [*found, cookie.value]


def host_name(host: str) -> str:
    """
    >>> host_name("localhost:8000"), host_name("[::1]:8000"), host_name("10.0.0.3")
    ('localhost', '::1', '10.0.0.3')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
