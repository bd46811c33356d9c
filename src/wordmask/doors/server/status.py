"""What the server tells of itself: health, models, limits, figures."""

from typing import Any, get_type_hints

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wordmask.core.options import describe
from wordmask.doors.server.metrics import MEDIA_TYPE, Metrics
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.service import Service
from wordmask.tasks.effects.table import EFFECTS

TELLABLE = (
    "max_bytes", "max_pixels", "max_side", "max_json", "max_depth", "max_words", "max_prompts",
    "client_requests", "queue", "deadline_s", "max_video_bytes", "max_video_s", "max_jobs",
)  # fmt: skip


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def list_models(request: Request) -> Response:
    return JSONResponse({"models": service_of(request).shelf.describe()})


async def list_effects(request: Request) -> Response:
    """Each effect with its options: what they mean, what they take, as words and as JSON schema."""
    del request
    rows = []
    kind: Any
    for name, (function, kind) in EFFECTS.items():
        hints = get_type_hints(kind, include_extras=True)
        options = [
            {
                "name": item.name,
                "about": item.doc,
                "takes": item.allowed,
                "default": item.default,
                "schema": TypeAdapter(hints[item.name]).json_schema(),
            }
            for item in describe(kind)
            if item.name not in ("picture", "alpha")
        ]
        about = (function.__doc__ or "").partition("\n")[0]
        rows.append({"name": name, "about": about, "options": options})
    return JSONResponse({"effects": rows})


async def list_limits(request: Request) -> Response:
    options = service_of(request).options
    return JSONResponse({name: getattr(options, name) for name in TELLABLE})


async def tell_health(request: Request) -> Response:
    del request
    return JSONResponse({"status": "ok"})


async def tell_ready(request: Request) -> Response:
    if not service_of(request).shelf.is_ready:
        raise RefusalError(503, "the model is still being loaded", retry_s=2)
    return JSONResponse({"status": "ready"})


async def show_metrics(request: Request) -> Response:
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=MEDIA_TYPE)


def add_gauges(metrics: Metrics, service: Service) -> None:
    """Figures of the queue and the cache, taken when they are shown."""
    lane, store = service.lane, service.store
    for name, help, value in (
        ("wordmask_waiting", "Requests that wait for a worker.", lambda: lane.waiting),
        ("wordmask_running", "Requests that are computed.", lambda: lane.running),
        ("wordmask_pictures", "Pictures in memory.", lambda: len(store)),
        ("wordmask_picture_bytes", "Memory of pictures and encodings.", lambda: store.nbytes),
        ("wordmask_picture_hits", "Questions whose picture was in memory.", lambda: store.hits),
        ("wordmask_picture_misses", "Questions whose picture was not.", lambda: store.misses),
        ("wordmask_jobs", "Jobs that wait or run.", lambda: service.jobs.open_count),
    ):
        metrics.add_gauge(name, help, value)
