"""A rough solid made exact by the values under it, or left as it is where they tell nothing."""

import numpy as np
import pytest

from scans import ball, paint
from wordmask.core.volume import Volume
from wordmask.ops.intensity import Seeds, contradicts, grow_by_values, refine_by_values

SHAPE = (32, 36, 24)
REAL, ROUGH = ball(SHAPE, (15, 18, 12), 8), ball(SHAPE, (16, 19, 12), 7)
NONE = np.zeros((0, 3), np.int64)


def seeds(inside=(), outside=()):
    rows = [np.array(one, np.int64).reshape(-1, 3) for one in (inside, outside)]
    return Seeds(*rows)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def scan(*solids, noise=6):
    return Volume(paint(solids, SHAPE, noise), np.eye(4))


def test_the_edge_follows_the_values():
    found = refine_by_values(scan((REAL, 120)), ROUGH, seeds())
    assert found.is_refined
    assert dice(ROUGH, REAL) < 0.85
    assert dice(found.solid, REAL) > 0.99


def test_values_that_tell_nothing_change_nothing():
    found = refine_by_values(scan((REAL, 42), noise=20), ROUGH, seeds())
    assert not found.is_refined
    assert found.solid is ROUGH
    assert found.overlap > 0.5


def test_nothing_stays_nothing():
    assert not refine_by_values(scan(), np.zeros(SHAPE, bool), seeds()).is_refined


def test_a_brighter_neighbours_edge_is_not_taken_in():
    neighbour = ball(SHAPE, (15, 30, 12), 4)
    found = refine_by_values(scan((REAL, 120), (neighbour, 200)), ROUGH, seeds())
    assert not (found.solid & neighbour).any()
    assert dice(found.solid, REAL) > 0.98


def test_clicks_on_it_and_beside_it_are_enough():
    other = ball(SHAPE, (15, 4, 5), 3)
    volume = scan((REAL, 120), (other, 125))
    found = grow_by_values(volume, seeds([(15, 18, 12)], [(2, 2, 20)]))
    assert dice(found, REAL) > 0.98
    assert not found[15, 4, 5]


@pytest.mark.parametrize(
    ("solid", "is_wrong"),
    [
        pytest.param(REAL, False, id="what was meant"),
        pytest.param(ROUGH & ~ball(SHAPE, (15, 18, 12), 2), True, id="lacks a click on it"),
        pytest.param(np.ones(SHAPE, bool), True, id="holds a click beside it"),
        pytest.param(~ball(SHAPE, (2, 2, 20), 2), True, id="most is like what is beside it"),
        pytest.param(np.zeros(SHAPE, bool), True, id="nothing"),
    ],
)
def test_an_answer_against_the_clicks_is_noticed(solid, is_wrong):
    shown = seeds([(15, 18, 12)], [(2, 2, 20)])
    assert contradicts(scan((REAL, 120)), solid, shown) == is_wrong
