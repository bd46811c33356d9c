"""Evidence for words on a row of cells that look like this or like that."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.tasks.finding.sharpen import CellLooks, sharpen

# Cells 4, 5 and 6 look like a thing, all others like sky; "sky" is the first common word.
THING = np.isin(np.arange(12), (4, 5, 6))
VECTORS = np.where(THING[:, None], [1.0, 0], [0, 1.0]).astype(np.float32)
WORDS = np.where(THING[:, None], [0.1, 0.9], [0.9, 0.1]).astype(np.float32)
# The classifier is nearly as sure of cells 2 and 3.
BLOB = np.array([[0, 0.1, 0.8, 0.9, 0.95, 0.95, 0.9, 0.2, 0, 0, 0, 0]], np.float32)
EVERY_WORD = np.ones((1, 2), bool)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        pytest.param(VECTORS, WORDS, id="by both"),
        pytest.param(VECTORS, np.ones_like(WORDS), id="by vectors alone"),
        pytest.param(np.ones_like(VECTORS), WORDS, id="by common words alone"),
    ],
)
def test_evidence_beside_a_thing_is_held_down(vectors, words):
    (sharp,) = sharpen(BLOB, CellLooks(vectors, words, EVERY_WORD))
    assert sharp[THING].min() > 0.7
    assert sharp[~THING].max() < 0.5 * BLOB[0, ~THING].max()


def test_a_common_word_of_the_same_meaning_says_nothing():
    looks = CellLooks(np.ones_like(VECTORS), WORDS, np.array([[True, False]]))
    assert sharpen(BLOB, looks) == pytest.approx(BLOB)  # one word is left, and it is everywhere


def test_without_common_words_the_vectors_speak():
    looks = CellLooks(VECTORS, np.zeros((12, 0), np.float32), np.zeros((1, 0), bool))
    (sharp,) = sharpen(BLOB, looks)
    assert sharp[3] < 0.1 < sharp[4]


evidences = st.lists(st.floats(0.0, 1.0, width=32), min_size=12, max_size=12)


@given(st.lists(evidences, min_size=1, max_size=4))
def test_evidence_never_grows_and_words_do_not_see_each_other(rows):
    evidence = np.array(rows, np.float32)
    sharp = sharpen(evidence, CellLooks(VECTORS, WORDS, np.ones((len(rows), 2), bool)))
    assert (sharp >= 0).all()
    assert (sharp <= evidence).all()
    for row, alone in zip(evidence, sharp, strict=True):
        own = sharpen(row[None], CellLooks(VECTORS, WORDS, EVERY_WORD))
        assert own[0] == pytest.approx(alone, abs=1e-5)
