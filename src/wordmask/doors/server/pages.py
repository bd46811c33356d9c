"""The pages: the one at `/` (`doors/page`), every route at `/docs`, and the way in with a token.

They load nothing from other hosts.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from wordmask.doors.server.bodies import BodyReader
from wordmask.doors.server.guard import COOKIE, is_token
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.status import service_of

FOLDER = files("wordmask.doors.server") / "assets"
PAGE = files("wordmask.doors") / "page"  # no Python there, so nothing is imported
SAFE = (
    "default-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "frame-ancestors 'none'; base-uri 'none'"
)
ASSETS = {"docs.js": "text/javascript", "style.css": "text/css"}
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LOGIN_BYTES = 4096


def show_page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that shows an HTML file."""

    async def show(request: Request) -> Response:
        del request
        return html(name)

    return show


def html(name: str, status: int = 200, folder: Traversable = FOLDER) -> Response:
    text = (folder / name).read_text("utf-8")
    return HTMLResponse(
        text, status, {"content-security-policy": SAFE, "cache-control": "no-store"}
    )


async def show_asset(request: Request) -> Response:
    """One of the files that the pages load; no other name leads to a file."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise RefusalError(404, "there is no such file")
    return Response((FOLDER / name).read_bytes(), media_type=ASSETS[name])


async def show_front(request: Request) -> Response:
    """The page itself."""
    del request
    return html("index.html", folder=PAGE)


async def show_part(request: Request) -> Response:
    """One of the files that the page loads; no other name leads to a file."""
    name = request.path_params["name"]
    kinds = {file.name: KINDS.get(Path(file.name).suffix) for file in PAGE.iterdir()}
    if kinds.get(name) is None:
        raise RefusalError(404, "there is no such file")
    headers = {"cache-control": "no-cache"}
    return Response((PAGE / name).read_bytes(), media_type=kinds[name], headers=headers)


async def log_in(request: Request) -> Response:
    """The token as a cookie that no script reads and no other site sends."""
    options = service_of(request).options
    body = await BodyReader(request, options, LOGIN_BYTES, "max_json").whole()
    token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
    if not options.token or not is_token(token, options.token):
        return html("login.html", HTTPStatus.UNAUTHORIZED)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
    return response


def login_page(scope: Scope) -> Response | None:
    """Where a person with a browser, who has come without the token, can put it."""
    wants_page = "text/html" in Headers(scope=scope).get("accept", "")
    if not wants_page or scope["path"] not in ("/", "/docs"):
        return None
    return html("login.html", HTTPStatus.UNAUTHORIZED)
