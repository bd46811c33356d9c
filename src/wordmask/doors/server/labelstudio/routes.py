"""Label Studio's protocol for ML backends: health, setup, predict, versions, webhook."""

import asyncio
import json
import logging
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.doors.server.answers import JSON, Reply
from wordmask.doors.server.bodies import BodyReader, check_depth
from wordmask.doors.server.labelstudio.asking import read_context
from wordmask.doors.server.labelstudio.config import Interface, read_interface
from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import make_at
from wordmask.doors.server.service import Service, Turn
from wordmask.doors.server.status import service_of
from wordmask.media.formats import FormatOptions, Named, labelstudio
from wordmask.media.reading.limits import amount
from wordmask.tasks.click import ClickOptions, click_view
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import segment_view

log = logging.getLogger("wordmask.server")
MOST_TASKS = 1000


class PredictQuery(BaseModel):
    """What Label Studio sends; it says more from version to version, which is passed over."""

    model_config = ConfigDict(extra="ignore")

    tasks: Annotated[list[dict[str, Any]], FailFast()]
    label_config: str = ""
    params: dict[str, Any] | None = None

    @property
    def context(self) -> Any:
        """What an annotator shows; None where tasks are to be annotated beforehand."""
        return (self.params or {}).get("context")


async def tell_health(request: Request) -> Response:
    value = {"status": "UP", "model_class": "wordmask", "version": version(service_of(request))}
    return JSONResponse(value)


async def set_up(request: Request) -> Response:
    """Asked before every batch, and within three seconds: nothing is loaded here."""
    service = service_of(request)
    value = await _read_json(request)
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, str) and schema.strip():
        read_interface(schema)
    return JSONResponse({"model_version": version(service)})


async def list_versions(request: Request) -> Response:
    return JSONResponse({"versions": [version(service_of(request))]})


async def take_event(request: Request) -> Response:
    """Nothing is learned from annotations; the event is acknowledged unread."""
    del request
    return JSONResponse({"status": "ok"}, 201)


async def predict(request: Request) -> Response:
    """A list of regions for each task, in their order."""
    service = service_of(request)
    query = PredictQuery.model_validate(await _read_json(request))
    if len(query.tasks) > MOST_TASKS:
        raise RefusalError(422, f"at most {MOST_TASKS} tasks at a time", field="tasks")
    interface = read_interface(query.label_config)
    models = await service.models(None)
    asked = Prediction(service, interface, models, query.context)
    found = [await asked.answer(task, request) for task in query.tasks]
    data = b'{"results": [' + b", ".join(found) + b"]}"
    return Response(data, media_type=JSON)


class Prediction:
    """One request for predictions."""

    def __init__(
        self, service: Service, interface: Interface, models: Models, context: Any
    ) -> None:
        self._service, self._interface, self._models = service, interface, models
        self._context = context

    async def answer(self, task: dict[str, Any], request: Request) -> bytes:
        """One task's prediction. Of many tasks one that fails is passed over; its log says why."""
        service, is_click = self._service, self._context is not None
        try:
            key = self._interface.picture_key
            data = await asyncio.to_thread(service.label_studio.read, task, key)
            priority = Priority.CLICK if is_click else Priority.WORDS
            turn = Turn(lambda: self._work(data), priority)
            return (await service.take_turn(turn, request)).data
        except RefusalError as refusal:
            if is_click or refusal.status == 503:
                raise
            log.warning("a task was passed over: %s", refusal.detail)
            return json.dumps(self._prediction([], 0.0)).encode()

    def _work(self, data: bytes) -> Reply:
        picture = self._service.store.add(data, self._service.options.limits)
        view = self._service.store.view(picture, self._models)
        result = self._segment(view) if self._context is None else self._click(view)
        regions = self._regions(result, picture.image)
        score = float(result.scores.mean()) if len(result) else 0.0
        self._service.store.trim()
        return Reply(json.dumps(self._prediction(regions, score)).encode(), JSON)

    def _segment(self, view: View, words: tuple[str, ...] = ()) -> Result:
        """The project's labels, or words that an annotator wrote."""
        labels = {label.words: label.name for label in self._interface.labels}
        phrases = words or tuple(labels)
        found = segment_view(view, make_at("label_config", lambda: Text(phrases)))
        names = {phrase.partition("|")[0]: labels.get(phrase, phrase) for phrase in phrases}
        return found.replace(vocabulary=tuple(names[word] for word in found.vocabulary))

    def _click(self, view: View) -> Result:
        shown = read_context(self._context, view.image.size)
        if shown.click is None:
            found = self._segment(view, shown.words)
            named = [self._interface.label_of(name) for name in found.vocabulary]
            return found.replace(vocabulary=tuple(named))
        found, _ = click_view(view, shown.click, None, ClickOptions())
        label = self._interface.label_of(shown.label)
        best = found[:1]
        return best.replace(vocabulary=(label,), label_ids=[0] * len(best))

    def _regions(self, result: Result, image: Image) -> list[dict[str, Any]]:
        shapes: Any = "polygon" if self._interface.kind == "PolygonLabels" else "rle"
        options = FormatOptions(
            shapes=shapes,
            tolerance=1.0,
            from_name=self._interface.from_name,
            to_name=self._interface.to_name,
        )
        return labelstudio.regions(Named(image.name, result), options)

    def _prediction(self, regions: list[dict[str, Any]], score: float) -> dict[str, Any]:
        return {"model_version": version(self._service), "score": score, "result": regions}


def version(service: Service) -> str:
    """The name of the engine that answers."""
    return service.shelf.names[0]


async def _read_json(request: Request) -> Any:
    service = service_of(request)
    most = amount(service.options.max_json) + amount(service.options.max_bytes)
    data = await BodyReader(request, service.options, most, "max_json").whole()
    check_depth(data, service.options.max_depth)
    try:
        return json.loads(data or b"{}")
    except ValueError:
        raise RefusalError(400, "the request is no JSON") from None
