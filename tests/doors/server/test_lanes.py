"""Whose turn it is, without HTTP: order, bounds, deadlines; and pictures shared by many."""

import threading
import time

import numpy as np
import pytest

from serving import lawn_png
from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.doors.server.lanes import Lane, Priority
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.shelf import Shelf
from wordmask.doors.server.store import PictureStore
from wordmask.media.reading.limits import Limits
from wordmask.tasks.segment import SegmentOptions, segment_view

LIMITS = Limits.server()


class HeldLane:
    """A lane whose workers are kept busy until `go_on`."""

    def __init__(self, workers=1, queue=8):
        self.lane = Lane(workers, queue)
        self._gate = threading.Event()
        self._held = threading.Semaphore(0)
        for _ in range(workers):
            self.lane.submit(self._hold, Priority.CLICK, 60)
        for _ in range(workers):
            assert self._held.acquire(timeout=10)

    def _hold(self):
        self._held.release()
        self._gate.wait(30)

    def go_on(self):
        self._gate.set()


def test_what_matters_most_goes_first_and_equals_in_their_order():
    held, done = HeldLane(), []
    names = [(Priority.JOB, "job"), (Priority.WORDS, "words"), (Priority.CLICK, "click 1")]
    names += [(Priority.ENCODE, "encode"), (Priority.CLICK, "click 2")]
    futures = [
        held.lane.submit(lambda name=name: done.append(name), priority, 30)
        for priority, name in names
    ]
    held.go_on()
    for future in futures:
        future.result(10)
    assert done == ["click 1", "click 2", "encode", "words", "job"]


def test_a_full_queue_refuses_and_says_when_to_come_back():
    held = HeldLane(queue=2)
    first = [held.lane.submit(int, Priority.WORDS, 30) for _ in range(2)]
    with pytest.raises(RefusalError) as refused:
        held.lane.submit(int, Priority.WORDS, 30)
    assert refused.value.status == 503
    assert refused.value.retry_s >= 1
    click = held.lane.submit(int, Priority.CLICK, 30)  # takes the place of the newest words
    with pytest.raises(RefusalError):
        first[1].result(1)
    held.go_on()
    assert click.result(10) == first[0].result(10) == 0


def test_what_waited_too_long_is_refused():
    held = HeldLane()
    late = held.lane.submit(int, Priority.CLICK, 0.01)
    time.sleep(0.05)
    held.go_on()
    with pytest.raises(RefusalError):
        late.result(10)


def test_of_previews_only_the_newest_is_answered():
    held = HeldLane()
    previews = [held.lane.submit(lambda k=k: k, Priority.CLICK, 30, "hover") for k in range(5)]
    other = held.lane.submit(lambda: "other", Priority.CLICK, 30, "hover 2")
    held.go_on()
    assert previews[-1].result(10) == 4
    assert other.result(10) == "other"
    for earlier in previews[:-1]:
        with pytest.raises(RefusalError, match="newer"):
            earlier.result(1)


def test_words_never_take_all_workers():
    lane, gate = Lane(2, 8), threading.Event()
    words = [lane.submit(lambda: gate.wait(20), Priority.WORDS, 30) for _ in range(3)]
    assert lane.submit(lambda: "click", Priority.CLICK, 30).result(10) == "click"
    gate.set()
    assert all(future.result(10) for future in words)


def test_cancelled_work_is_never_done_and_errors_come_back():
    held, done = HeldLane(), []
    gone = held.lane.submit(lambda: done.append(1), Priority.CLICK, 30)
    gone.cancel()
    held.go_on()
    with pytest.raises(ZeroDivisionError):
        held.lane.submit(lambda: 1 / 0, Priority.CLICK, 30).result(10)
    assert done == []


def test_a_closed_lane_refuses_what_waits_and_what_comes():
    held = HeldLane()
    waiting = held.lane.submit(int, Priority.CLICK, 30)
    held.lane.close()
    with pytest.raises(RefusalError):
        waiting.result(1)
    with pytest.raises(RefusalError):
        held.lane.submit(int, Priority.CLICK, 30)
    held.go_on()


# ---- engines and pictures


def test_engines_load_one_after_the_other_and_only_served_ones_are_found():
    order = []

    def load(name):
        order.append(name)
        if name == "broken":
            raise ValueError(name)
        return engines.load(name)

    shelf = Shelf(("fake", "broken"), load)
    assert shelf.find(None).result(20).spec == "fake"
    with pytest.raises(ValueError):
        shelf.find("broken").result(20)
    with pytest.raises(RefusalError, match="served: fake, broken"):
        shelf.find("mini")
    assert [row["state"] for row in shelf.describe()] == ["loaded", "failed"]
    assert order == ["fake", "broken"]
    shelf.close()


class CountingEngine:
    """Counts how often a picture is encoded, slowly."""

    name = "counting"

    def __init__(self):
        self.count = 0
        self._inner = engines.load("fake").parts[0]

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def encode(self, images):
        self.count += len(images)
        time.sleep(0.05)
        return self._inner.encode(images)


def run_at_once(work, count=6):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_many_who_send_and_ask_at_once_cost_one_encoding():
    store, engine, found = PictureStore(10**9), CountingEngine(), []
    models = engines.Models("counting", (engine,))

    def ask():
        view = store.view(store.add(lawn_png(), LIMITS), models)
        found.append(segment_view(view, Text(("red",)), SegmentOptions()))

    run_at_once(ask)
    assert engine.count == 1
    assert len(store) == 1
    assert [len(result) for result in found] == [1] * 6


def test_questions_with_different_ways_do_not_disturb_each_other():
    store, models = PictureStore(10**9), engines.load("fake")
    picture = store.add(lawn_png(), LIMITS)
    ways = []

    def ask():
        for how in ("guided", "unified", "everything"):
            view = store.view(picture, models)
            segment_view(view, Text(("red",)), SegmentOptions(how=how, points_per_side=8))
            ways.append((how, view.trace.how))

    run_at_once(ask, 3)
    assert all(wanted == used for wanted, used in ways)


def test_bytes_are_bounded_and_the_last_picture_stays():
    store = PictureStore(100_000)
    pictures = [store.add(lawn_png((120, 160 + k)), LIMITS) for k in range(4)]
    assert len(store) == 1
    assert store.find(pictures[-1].id) is pictures[-1]
    assert store.find(pictures[0].id) is None
    assert (store.hits, store.misses) == (1, 1)
    view = store.view(pictures[-1], engines.load("fake"))
    before = store.nbytes
    _ = view.encoding
    assert store.nbytes > before
    assert view.nbytes == store.nbytes


def test_a_broken_picture_leaves_nothing_behind():
    store = PictureStore(10**9)
    for _ in range(2):
        with pytest.raises(ValueError, match="picture"):
            store.add(b"no picture", LIMITS)
    assert len(store) == 0
    assert store.nbytes == 0


def test_views_of_two_engines_are_apart():
    store = PictureStore(10**9)
    picture = store.add(lawn_png(), LIMITS)
    first, second = (
        store.view(picture, engines.Models(name, (CountingEngine(),))) for name in ("a", "b")
    )
    assert first.models.made_by == second.models.made_by  # the same weights: one encoding
    assert first.encoding is second.encoding
    other = store.view(picture, engines.load("fake"))
    assert other.encoding is not first.encoding
    assert np.array_equal(other.image.pixels, first.image.pixels)
