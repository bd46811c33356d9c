"""Pictures are made ready for a first click before anybody clicks."""

from contextlib import suppress

from wordmask.doors.server.lanes import Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.service import Service, warm_up


def encode_ahead(service: Service, id: str) -> None:
    """Make the picture ready for a first click, if the server has time for it."""
    picture, models = service.store.find(id), service.shelf.find(None)
    if picture is None or not models.done() or models.exception() is not None:
        return
    view = service.store.view(picture, models.result())
    with suppress(RefusalError):
        wait_s = service.options.deadline_s
        service.lane.submit(lambda: warm_up(view), Priority.ENCODE, wait_s)
