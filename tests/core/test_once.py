"""A value that is made once, whoever asks and however often."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import pytest

from wordmask.core.once import Last, Once, Slot


def test_it_is_made_when_it_is_first_asked_for():
    calls = []
    once = Once(lambda: calls.append("made") or 7)
    assert (calls, once.made) == ([], ())
    assert (once(), once()) == (7, 7)
    assert (calls, once.made) == (["made"], (7,))


def test_none_and_false_are_values_too():
    calls = []
    once = Once(lambda: calls.append("made"))
    assert (once(), once(), calls) == (None, None, ["made"])


def test_threads_wait_for_the_one_that_makes_it():
    barrier, calls = Barrier(8), []

    def make():
        calls.append("made")
        sleep(0.05)
        return object()

    once = Once(make)

    def ask(_):
        barrier.wait()
        return once()

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(ask, range(8)))
    assert (len(values), calls) == (1, ["made"])


def test_after_a_failure_it_is_tried_again():
    answers = iter([ValueError("not yet"), 5])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once()
    assert once.made == ()
    assert once() == 5


def test_a_slot_is_filled_once_by_whoever_comes_first_and_again_after_an_error():
    slot, calls = Slot(), []

    def fail():
        raise ValueError

    with pytest.raises(ValueError):
        slot.fill(fail)
    assert slot.made == ()
    assert [slot.fill(lambda: calls.append("made")) for _ in range(3)] == [None] * 3
    assert (calls, slot.made) == (["made"], (None,))


def test_the_last_answer_is_kept_for_the_same_object_only():
    made = []
    last = Last()

    def count(key):
        made.append(key)
        return len(key)

    first, alike = ["cat"], ["cat"]
    assert [last.get(key, count) for key in (first, first, alike, alike, first)] == [1] * 5
    assert [key is first for key in made] == [True, False, True]


def test_an_answer_that_failed_is_tried_again():
    last = Last()
    with pytest.raises(KeyError):
        last.get("a", lambda key: {}[key])
    assert last.get("a", len) == 1
