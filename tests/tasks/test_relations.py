import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.tasks.relations import RELATIONS, Phrase, gap, parse_phrase, relate

SIZE = (100, 200)


def box(x0, y0, x1, y1) -> Masks:
    mask = np.zeros((1, *SIZE), bool)
    mask[0, y0:y1, x0:x1] = True
    return Masks.from_dense(mask)


def holds(relation, first, second) -> bool:
    return bool(relate(relation, first, second)[0, 0])


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("cup next to laptop", ("cup", "next to", "laptop")),
        ("cup beside the laptop", ("cup", "next to", "laptop")),
        ("person near a red car", ("person", "next to", "red car")),
        ("dog inside of basket", ("dog", "inside", "basket")),
        ("dog in the basket", ("dog", "inside", "basket")),
        ("cat on the left of dog", ("cat", "left of", "dog")),
        ("cat right of dog", ("cat", "right of", "dog")),
        ("lamp above table", ("lamp", "above", "table")),
        ("dog under table", ("dog", "below", "table")),
        ("hot dog", ("hot dog", "", "")),
        ("inside", ("inside", "", "")),
        ("underwear", ("underwear", "", "")),
    ],
)
def test_phrases(text, phrase):
    assert parse_phrase(text) == Phrase(*phrase)


@pytest.mark.parametrize(
    ("relation", "first", "second", "held"),
    [
        ("next to", box(10, 40, 30, 60), box(36, 40, 60, 60), True),
        ("next to", box(10, 40, 30, 60), box(120, 40, 160, 60), False),
        ("left of", box(10, 40, 30, 60), box(60, 40, 90, 60), True),
        ("left of", box(60, 40, 90, 60), box(10, 40, 30, 60), False),
        ("left of", box(10, 0, 30, 10), box(60, 80, 90, 99), False),
        ("right of", box(60, 40, 90, 60), box(10, 40, 30, 60), True),
        ("above", box(10, 0, 30, 20), box(10, 50, 40, 90), True),
        ("below", box(10, 50, 40, 90), box(10, 0, 30, 20), True),
        ("inside", box(20, 20, 30, 30), box(10, 10, 90, 90), True),
        ("inside", box(10, 10, 90, 90), box(20, 20, 30, 30), False),
        ("inside", box(5, 20, 30, 30), box(20, 10, 90, 90), False),
    ],
)
def test_relations(relation, first, second, held):
    assert holds(relation, first, second) is held


def test_inside_counts_a_hollow_as_the_others():
    ring = np.zeros((1, *SIZE), bool)
    ring[0, 10:90, 10:90] = True
    ring[0, 15:85, 15:85] = False
    assert holds("inside", box(40, 40, 60, 60), Masks.from_dense(ring))


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_thing_stands_in_no_relation_to_itself(relation):
    assert not holds(relation, box(10, 10, 50, 50), box(10, 10, 50, 48))


def test_a_gap_is_between_outlines_not_boxes():
    frame = np.zeros((1, *SIZE), bool)
    frame[0, :, :4] = frame[0, :4, :] = True  # an L whose box holds the other
    assert gap(box(50, 50, 60, 60), Masks.from_dense(frame)) == pytest.approx(46, abs=1)
    assert gap(box(10, 10, 20, 20), box(20, 10, 30, 20)) == 0


def test_all_pairs():
    first = Masks.concatenate([box(10, 40, 30, 60), box(100, 40, 120, 60)])
    second = Masks.concatenate([box(36, 40, 60, 60), box(126, 40, 150, 60), box(60, 0, 70, 5)])
    assert relate("next to", first, second).tolist() == [[True, False, False], [False, True, False]]
