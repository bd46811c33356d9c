"""What an index keeps of its engine's words."""

import numpy as np
import pytest

from wordmask.core.classes import ClassEvidence, ClassNames
from wordmask.core.protocols import FeatureMap, Rivals
from wordmask.errors import FormatError
from wordmask.media.index.words import NAME, load_words, save_words

AXES = np.eye(3, dtype=np.float32)


def features(**columns) -> FeatureMap:
    return FeatureMap(np.zeros((1, 1, 3), np.float32), (1, 1), **columns)


def test_rivals_and_learned_words_come_back(tmp_path):
    names = ClassNames(AXES[:2], AXES[:1], np.ones((1, 1), bool))
    rivals = Rivals(AXES[:1], AXES[1:], np.array([0, 0]), 0.7)
    evidence = ClassEvidence(names, None, 1, 1, 0, 0, 0, 0, 0)
    save_words(tmp_path, features(rivals=rivals, classes=evidence), ["dog"])
    kept = load_words(tmp_path)
    assert kept.rivals.vectors.tolist() == AXES[:1].tolist()
    assert kept.named == ("dog",)
    assert (kept.rivals.kin_of.tolist(), kept.rivals.alike) == ([0, 0], 0.7)
    assert [kept.is_unknown(row[None]) for row in AXES] == [False, False, True]


def test_an_engine_that_says_nothing(tmp_path):
    save_words(tmp_path, features(), [])
    kept = load_words(tmp_path)
    assert kept.rivals is None
    assert not kept.is_unknown(AXES)


@pytest.mark.parametrize("damage", [None, b"", b"no archive"])
def test_a_broken_file_is_told(tmp_path, damage):
    if damage is not None:
        (tmp_path / NAME).write_bytes(damage)
    with pytest.raises(FormatError, match="missing or broken"):
        load_words(tmp_path)


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / NAME, rivals=np.array([{}], object))
    with pytest.raises(FormatError):
        load_words(tmp_path)
