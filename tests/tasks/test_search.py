import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.masks import Masks
from wordmask.core.protocols import Rivals
from wordmask.tasks.search import (
    WORDS,
    IndexedRegions,
    SearchOptions,
    drop_parts,
    everyday_rivals,
    group_shots,
    rivals_of,
    score_likeness,
    score_words,
)

AXES = np.eye(4, dtype=np.float32)  # dog, cat, toy, sky
DOG, CAT, TOY, SKY = AXES


def regions(*vectors, share=0.1, quality=0.8) -> IndexedRegions:
    rows = np.array(vectors, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return IndexedRegions(rows, np.full(len(rows), share), np.full(len(rows), quality))


def test_a_region_that_is_the_word_is_found_and_one_that_is_a_rival_is_not():
    scores = score_words(regions(DOG, CAT, DOG + 0.2 * CAT), DOG[None], CAT[None], 40)
    assert (scores >= WORDS.cut).tolist() == [True, False, True]


def test_the_best_spelling_counts():
    both = score_words(regions(CAT), np.stack([DOG, CAT]), SKY[None], 40)
    assert both == score_words(regions(CAT), CAT[None], SKY[None], 40)


def test_an_unwanted_word_takes_away_what_is_rather_that():
    rivals = Rivals(SKY[None], SKY[None], np.array([0]))
    seen = regions(DOG + TOY, DOG)
    without = score_words(seen, DOG[None], rivals_of(rivals, DOG[None]), 40)
    with_toy = score_words(seen, DOG[None], rivals_of(rivals, DOG[None], TOY[None]), 40)
    assert (without >= WORDS.cut).tolist() == [True, True]
    assert (with_toy >= WORDS.cut).tolist() == [False, True]


def test_rivals_that_mean_the_same_do_not_compete():
    assert rivals_of(everyday_rivals(np.stack([DOG, CAT])), DOG[None]).tolist() == [CAT.tolist()]


def test_more_alike_scores_higher():
    scores = score_likeness(regions(DOG, DOG + 0.3 * CAT, DOG + CAT, CAT), DOG[None])
    assert (np.diff(scores) < 0).all()


def test_nothing_to_score():
    none = IndexedRegions(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    assert score_words(none, DOG[None], CAT[None], 40).shape == (0,)
    assert score_likeness(none, DOG[None]).shape == (0,)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_better_mask_never_scores_lower(first, second):
    low, high = sorted((first, second))
    scores = [
        score_words(regions(DOG + CAT, quality=one), DOG[None], CAT[None], 40)[0]
        for one in (low, high)
    ]
    assert scores[0] <= scores[1]


@pytest.mark.parametrize(("given_cut", "cut"), [("auto", WORDS.cut), (0.1, 0.1), (0, 0.0)])
def test_the_cut(given_cut, cut):
    assert SearchOptions(min_confidence=given_cut).cut(WORDS) == cut


def test_of_a_thing_and_its_part_the_better_one_stays():
    dense = np.zeros((3, 10, 10), bool)
    dense[0, :6, :6], dense[1, :3, :3], dense[2, 7:, 7:] = True, True, True
    assert drop_parts(Masks.from_dense(dense), np.array([0.9, 0.5, 0.3])).tolist() == [0, 2]


def test_shots_of_one_thing_are_grouped_with_the_best():
    pictures = np.stack([DOG, DOG, DOG, CAT])
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.48], [0.5, 0.5, 1, 1], [0, 0, 0.5, 0.5]])
    assert group_shots(pictures, boxes) == [0, 0, 2, 3]
