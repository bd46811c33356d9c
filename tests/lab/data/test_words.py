"""The truth of every pixel in the words of its set."""

import numpy as np
import pytest

from wordmask.errors import FormatError
from wordmask.lab.data import Truth
from wordmask.lab.data.packs import read_packs
from wordmask.lab.data.words import word_labels


@pytest.fixture
def packs(packs_folder):
    return read_packs(packs_folder)


def test_the_background_is_none_of_the_words(packs):
    voc = packs.sets["voc"]
    labels = word_labels(voc, voc.truth(voc.samples[0]), complete=False)
    assert voc.words == ("cat", "person")
    assert set(np.unique(labels)) == {0, 1, 2}


@pytest.mark.parametrize(("complete", "uncovered"), [(True, 3), (False, -1)])
def test_what_no_region_covers_is_none_only_if_all_are_listed(packs, complete, uncovered):
    coco = packs.sets["coco"]
    labels = word_labels(coco, coco.truth(coco.samples[0]), complete=complete)
    assert coco.words == ("person", "cat", "cup")
    assert set(np.unique(labels)) == {0, 1, uncovered}


def test_a_truth_without_a_map_has_no_words(packs):
    voc = packs.sets["voc"]
    with pytest.raises(FormatError, match="voc has no label maps"):
        word_labels(voc, Truth(voc.truth(voc.samples[0]).result), complete=True)
