"""The routes of long work: start it, watch it, fetch its files, stop it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from wordmask.doors.server.bodies import BodyReader, check_depth
from wordmask.doors.server.chores import Chore
from wordmask.doors.server.jobbook import ENDED, JobRecord
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.status import service_of
from wordmask.media.reading.limits import amount

LOOK_S = 0.2  # between two looks at a job that is watched
ALIVE_S = 15.0  # after which a comment keeps a silent stream open
PIECE = 1 << 16  # bytes of a file that are sent at a time
TYPES = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".txt": "text/plain",
}


async def put_video(request: Request) -> Response:
    """The id of the video in the body."""
    service = service_of(request)
    most = amount(service.options.max_video_bytes)
    body = BodyReader(request, service.options, most, "max_video_bytes")
    part, id = await service.videos.receive(body)
    video = await asyncio.to_thread(service.videos.add, part, id)
    return JSONResponse(video.describe())


def start_job(chore: Chore[Any]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that starts one kind of work."""

    async def start(request: Request) -> Response:
        service = service_of(request)
        most = amount(service.options.max_json)
        data = await BodyReader(request, service.options, most, "max_json").whole()
        check_depth(data, service.options.max_depth)
        steps = chore.start(chore.query.model_validate_json(data), service)
        job = service.jobs.add(chore.path.rpartition("/")[2], steps)
        headers = {"location": f"/v1/jobs/{job.id}"}
        return JSONResponse(job.describe(), 202, headers)

    return start


def _job(request: Request) -> JobRecord:
    return service_of(request).jobs.find(request.path_params["id"])


async def list_jobs(request: Request) -> Response:
    return JSONResponse({"jobs": [job.describe() for job in service_of(request).jobs.all()]})


async def show_job(request: Request) -> Response:
    return JSONResponse(_job(request).describe())


async def remove_job(request: Request) -> Response:
    """Stop the job and forget it with its files."""
    service_of(request).jobs.remove(_job(request))
    return Response(status_code=204)


async def watch_job(request: Request) -> Response:
    """Server-sent events: `progress` whenever something changed, `end` as the last one."""
    job = _job(request)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    events = _events(job, request)
    return StreamingResponse(events, headers=headers, media_type="text/event-stream")


async def _events(job: JobRecord, request: Request) -> AsyncIterator[str]:
    told: dict[str, Any] = {}
    loop = asyncio.get_running_loop()
    last = loop.time()
    while not request.app.state.is_stopping:
        value = job.describe()
        if value != told:
            name = "end" if value["state"] in ENDED else "progress"
            yield f"event: {name}\ndata: {json.dumps(value)}\n\n"
            told, last = value, loop.time()
        elif loop.time() - last > ALIVE_S:
            yield ": still here\n\n"
            last = loop.time()
        if told["state"] in ENDED:
            return
        await asyncio.sleep(LOOK_S)


async def show_file(request: Request) -> Response:
    """A file that the job made, whole; no other path leads to a file."""
    path = _job(request).files.get(request.path_params["name"])
    if path is None:
        raise RefusalError(404, "the job has no such file; jobs show their files when they end")

    async def pieces() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    kind = TYPES.get(path.suffix, "application/octet-stream")
    headers = {"content-length": str(path.stat().st_size), "cache-control": "no-store"}
    return StreamingResponse(pieces(), headers=headers, media_type=kind)
