"""Requests at the same time: the same question once, previews replaced, no room, nobody waiting."""

import base64
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import cv2

from serving import lawn_png, open_client
from wordmask.doors.server.lanes import Priority


@contextmanager
def held_server(**options):
    """A client of a server whose only worker is busy until `go_on()`, and a picture's id."""
    with open_client(workers=1, **options) as client:
        id = client.put("/v1/pictures?encode=no", content=lawn_png()).json()["picture"]
        lane, gate, held = client.app.state.service.lane, threading.Event(), threading.Event()
        lane.submit(lambda: (held.set(), gate.wait(30)), Priority.CLICK, 60)
        assert held.wait(10)
        try:
            yield client, id, gate.set
        finally:
            gate.set()


class Asking(threading.Thread):
    """A request on a thread of its own."""

    def __init__(self, client, **query):
        super().__init__()
        self._client, self._query, self.answer = client, query, None
        self.start()

    def run(self):
        self.answer = self._client.post("/v1/click", json=self._query)

    def wait(self):
        self.join(30)
        return self.answer


def wait_until(true):
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def test_the_same_question_at_the_same_time_is_answered_once():
    with held_server() as (client, id, go_on):
        service = client.app.state.service
        same = [Asking(client, picture=id, points=[[45, 60]]) for _ in range(3)]
        other = Asking(client, picture=id, points=[[115, 55]])
        wait_until(lambda: sum(one.waiters for one in service._flights.values()) == 4)
        assert service.lane.waiting == 2
        go_on()
        answers, differs = [one.wait() for one in same], other.wait()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert differs.content != answers[0].content
    assert service._flights == {}


def test_an_earlier_preview_gives_way():
    with held_server() as (client, id, go_on):
        lane = client.app.state.service.lane
        first = Asking(client, picture=id, points=[[45, 60]], hover="a")
        wait_until(lambda: lane.waiting == 1)
        second = Asking(client, picture=id, points=[[46, 60]], hover="a")
        assert first.wait().status_code == 409
        go_on()
        assert second.wait().status_code == 200


def test_a_full_queue_refuses_before_it_reads():
    with held_server(queue=1) as (client, id, go_on):
        lane = client.app.state.service.lane
        first = Asking(client, picture=id, points=[[45, 60]])
        wait_until(lambda: lane.waiting == 1)
        refused = client.post("/v1/segment", content=b"not even JSON")
        assert refused.status_code == 503
        assert lane.waiting == 1  # nothing has moved on: it did not wait for its turn
        assert int(refused.headers["retry-after"]) >= 1
        go_on()
        assert first.wait().status_code == 200


def test_what_waits_too_long_is_refused():
    with held_server() as (client, id, go_on):
        service = client.app.state.service
        service.options = replace(service.options, deadline_s=0.05)
        asking = Asking(client, picture=id, points=[[45, 60]])
        wait_until(lambda: client.app.state.service.lane.waiting == 1)
        time.sleep(0.1)
        go_on()
        assert asking.wait().status_code == 503


def test_requests_for_one_new_picture_decode_it_once():
    inline = {"base64": base64.b64encode(lawn_png()).decode()}
    query = {"picture": inline, "points": [[45, 60]]}
    with open_client() as client:
        threads = [
            threading.Thread(target=client.post, args=("/v1/click",), kwargs={"json": query})
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(client.app.state.service.store) == 1


def test_threads_are_limited_while_the_server_runs_and_only_then():
    before = cv2.getNumThreads(), sys.getswitchinterval()
    with open_client():
        assert cv2.getNumThreads() == 1
        assert sys.getswitchinterval() < before[1]
    assert (cv2.getNumThreads(), sys.getswitchinterval()) == before
