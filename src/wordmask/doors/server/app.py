"""The application: its routes and its life."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from wordmask import engines
from wordmask.doors.server import answers, folder, jobroutes, pages, search, status
from wordmask.doors.server.ahead import encode_ahead
from wordmask.doors.server.answers import Reply
from wordmask.doors.server.bodies import BodyReader, read_request
from wordmask.doors.server.chores import CHORES
from wordmask.doors.server.guard import Guard, GuardHooks
from wordmask.doors.server.indexed import ServedIndex
from wordmask.doors.server.labelstudio import routes as labelstudio
from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.metrics import Metrics
from wordmask.doors.server.openapi import (
    describe_chore,
    describe_question,
    describe_search,
    write_schema,
)
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError, refusal_of
from wordmask.doors.server.questions import QUESTIONS, Asked, PictureRoute
from wordmask.doors.server.service import Service, Turn
from wordmask.doors.server.status import service_of
from wordmask.engines.options import EngineOptions
from wordmask.jobs.labelling import LabelFolder
from wordmask.media.reading.limits import amount
from wordmask.version import __version__

Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(options: ServeOptions, engine: EngineOptions | None = None) -> FastAPI:
    """The application; its engines are loaded when it starts."""
    options.check_token()
    for name in options.model:
        engines.check_spec(name, engine)
    metrics = Metrics()
    labelled = None if options.folder is None else LabelFolder(options.folder)
    indexed = None if options.index is None else ServedIndex(options.index)

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        service = Service(options, engine or EngineOptions())
        app.state.service, service.folder = service, labelled
        service.index = indexed
        status.add_gauges(metrics, service)
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="wordmask",
        version=__version__,
        lifespan=live,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.metrics, app.state.is_stopping = metrics, False
    hooks = GuardHooks(pages.login_page, lambda scope: _check_room(app, scope))
    app.add_middleware(Guard, options=options, metrics=metrics, hooks=hooks)
    app.add_exception_handler(HTTPException, _tell_http)
    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    for question in QUESTIONS:
        _route(app, "POST", question.path, _ask(question), describe_question(question))
    for chore in CHORES:
        _route(app, "POST", chore.path, jobroutes.start_job(chore), describe_chore(chore))
    for method, path, endpoint, summary in (
        ("PUT", "/v1/videos", jobroutes.put_video, "Send a video, once"),
        ("GET", "/v1/jobs", jobroutes.list_jobs, "All jobs"),
        ("GET", "/v1/jobs/{id}", jobroutes.show_job, "How far a job is, and its files"),
        ("GET", "/v1/jobs/{id}/events", jobroutes.watch_job, "Its progress, as it goes"),
        ("GET", "/v1/jobs/{id}/files/{name:path}", jobroutes.show_file, "One of its files"),
        ("DELETE", "/v1/jobs/{id}", jobroutes.remove_job, "Stop it, forget it and its files"),
    ):
        _route(app, method, path, endpoint, {"summary": summary})
    about = describe_search(search.FindQuery, search.EXAMPLE)
    _route(app, "POST", "/v1/search", search.search, about)
    _route(app, "PUT", "/v1/pictures", put_picture, {"summary": "Send a picture, once"})
    for path, endpoint, summary in (
        ("/v1/models", status.list_models, "The engines that are served"),
        ("/v1/effects", status.list_effects, "The effects and their options"),
        ("/v1/search", search.show_index, "The index that is searched"),
        ("/v1/search/pictures/{id}", search.show_found, "A picture that was found, small"),
        ("/v1/limits", status.list_limits, "How much the server takes"),
        ("/health", status.tell_health, "Whether the server runs"),
        ("/ready", status.tell_ready, "Whether the first engine can answer"),
        ("/metrics", status.show_metrics, "Figures for Prometheus"),
        ("/openapi.json", show_schema, "All of this, for programs"),
    ):
        _route(app, "GET", path, endpoint, {"summary": summary})
    for method, path, endpoint in (
        ("GET", "/ls/health", labelstudio.tell_health),
        ("GET", "/ls", labelstudio.tell_health),
        ("POST", "/ls/setup", labelstudio.set_up),
        ("POST", "/ls/predict", labelstudio.predict),
        ("GET", "/ls/versions", labelstudio.list_versions),
        ("POST", "/ls/webhook", labelstudio.take_event),
    ):
        _route(app, method, path, endpoint, None)
    for method, path, endpoint, summary in (
        ("GET", "/v1/folder", folder.show_folder, "The folder that is labelled"),
        ("GET", "/v1/folder/pictures/{name:path}", folder.open_picture, "A picture, its labels"),
        ("GET", "/v1/folder/files/{name:path}", folder.show_picture, "The picture's file"),
        ("PUT", "/v1/folder/files/{name}", folder.add_picture, "Add a picture to the folder"),
        ("PUT", "/v1/folder/labels/{name:path}", folder.save_labels, "Save labels"),
        ("PUT", "/v1/folder/words", folder.save_words, "Save the list of words"),
        ("GET", "/v1/folder/export", folder.export_labels, "All labels in one file"),
        ("POST", "/v1/folder/import", folder.import_labels, "Labels from elsewhere"),
    ):
        _route(app, method, path, endpoint, {"summary": summary})
    _route(app, "GET", "/", pages.show_front, None)
    _route(app, "GET", "/page/{name}", pages.show_part, None)
    _route(app, "GET", "/docs", pages.show_page("docs.html"), None)
    _route(app, "GET", "/pages/{name}", pages.show_asset, None)
    _route(app, "POST", "/login", pages.log_in, None)


def _route(
    app: FastAPI, method: str, path: str, endpoint: Endpoint, about: dict[str, Any] | None
) -> None:
    """Add the endpoint; whatever it raises becomes a problem."""
    described = dict(about or {})
    kinds = described.pop("x-options", {})

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return refusal_of(error, kinds).response()

    app.add_api_route(
        path,
        answer,
        methods=[method],
        response_class=Response,
        include_in_schema=about is not None,
        summary=described.pop("summary", None),
        openapi_extra=described or None,
        name=path,
    )


PRIORITIES = {question.path: question.priority for question in QUESTIONS}
PRIORITIES["/v1/search"] = Priority.WORDS


def _check_room(app: FastAPI, scope: Scope) -> None:
    """Refuse a question that finds no room before it is read: too many cost next to nothing."""
    priority = PRIORITIES.get(scope["path"])
    if priority is not None:
        app.state.service.lane.check_room(priority)


# ---- questions


def _ask(question: PictureRoute[Any]) -> Endpoint:
    async def answer(request: Request) -> Response:
        service = service_of(request)
        brought = await read_request(request, service.options, question.pictures)
        query = question.query.model_validate_json(brought.json)
        query.check_counts(service.options)
        wanted = answers.choose(request.headers.get("accept", ""), question.offered)
        source = service.source(query, brought)
        models = await service.models(query.model)

        def work() -> Reply:
            picture = source()
            view = service.store.view(picture, models)
            found = question.answer(Asked(query, view, wanted, brought, service))
            service.store.trim()
            found.headers["wordmask-picture"] = picture.id
            return found

        key = newest = None
        if isinstance(query.picture, str):
            key = (question.path, wanted, sha256(brought.json).digest())
        if getattr(query, "hover", None):
            newest = (request.client.host if request.client else "", query.hover)
        turn = Turn(work, question.priority, key, newest)
        return _respond(await service.take_turn(turn, request))

    return answer


def _respond(found: Reply) -> Response:
    headers = {**found.headers, "cache-control": "no-store"}
    return Response(found.data, headers=headers, media_type=found.media_type)


async def put_picture(request: Request) -> Response:
    """The id of the picture in the body. It is encoded meanwhile, unless ?encode=no."""
    service = service_of(request)
    most = amount(service.options.max_bytes)
    data = await BodyReader(request, service.options, most, "max_bytes").whole()

    def work() -> Reply:
        picture = service.store.add(data, service.options.limits)
        value = {"picture": picture.id, "size": list(picture.image.size)}
        return Reply(json.dumps(value).encode(), answers.JSON)

    found = await service.take_turn(Turn(work, Priority.ENCODE), request)
    if request.query_params.get("encode") != "no":
        encode_ahead(service, sha256(data).hexdigest())
    return _respond(found)


async def show_schema(request: Request) -> Response:
    queries = [*(one.query for one in QUESTIONS), *(one.query for one in CHORES)]
    return JSONResponse(write_schema(request.app, [*queries, search.FindQuery]))


async def _tell_http(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    del request
    code = getattr(error, "status_code", 500)
    detail = {404: "there is nothing here", 405: "this address takes another method"}
    return RefusalError(code, detail.get(code, HTTPStatus(code).phrase)).response()
