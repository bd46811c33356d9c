import numpy as np
import pytest

from wordmask.lab.training.vocabulary import Vocabulary, Whitening, kin, phrases

SETS = {
    "voc": ["background", "cat", "sofa"],
    "coco": ["person", "cat", "couch", "tie"],
    "ccp": ["background", "jeans"],
    "stuff": ["sky", "armchair"],
}


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(SETS)


def names(vocabulary: Vocabulary, row: np.ndarray) -> set[str]:
    return {w for w, on in zip((*vocabulary.words, "none"), row, strict=True) if on}


def test_synonyms_of_two_sets_are_one_word(vocabulary):
    assert vocabulary.words.count("couch") == 1
    assert "sofa" not in vocabulary.words


@pytest.mark.parametrize(
    ("set_", "label", "positive", "absent"),
    [
        pytest.param("voc", "cat", {"cat"}, {"jeans"}, id="a thing says nothing about clothes"),
        pytest.param(
            "voc",
            "sofa",
            {"couch"},
            {"armchair"},
            id="words that overlap are not held against each other",
        ),
        pytest.param(
            "voc",
            "background",
            {"person", "tie", "sky", "armchair", "none"},
            {"jeans"},
            id="background",
        ),
        pytest.param("ccp", "jeans", {"jeans"}, {"person"}, id="jeans may be on a person"),
        pytest.param("ccp", "background", {"none"}, {"person"}, id="no clothes"),
        pytest.param(
            "coco", "none", {"sky", "armchair", "none"}, set(), id="none of the set's own"
        ),
    ],
)
def test_rows_say_what_a_label_means(vocabulary, set_, label, positive, absent):
    row = vocabulary.rows[vocabulary.row_of[set_, label]]
    assert names(vocabulary, row.positive) == positive
    assert not absent & names(vocabulary, row.against)


def test_what_is_positive_is_also_weighed(vocabulary):
    positive, against = vocabulary.tables()
    assert not (positive & ~against).any()
    assert positive.any(1).all()


def test_clothes_are_kin_of_the_person(vocabulary):
    pairs = kin(vocabulary)
    assert ("person", "jeans") in pairs
    assert ("person", "person") in pairs
    assert "jeans" not in {thing for thing, _ in pairs}


def test_phrases_begin_with_the_word_itself():
    assert phrases("tv")[:2] == ("tv", "a photo of a tv.")


def test_whitening_takes_out_what_all_words_share():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(400, 20)) * 0.1 + 1).astype(np.float32)
    before = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    after = Whitening.fit(rows, 12)(rows)
    assert (before @ before.T).mean() > 0.9
    assert abs((after @ after.T).mean()) < 0.05
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, rtol=1e-5)
