import numpy as np
import pytest

from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.lab.data import Truth
from wordmask.lab.data.packs import read_packs
from wordmask.lab.data.words import word_labels


def test_the_background_is_none_of_the_words(packs_folder):
    voc = read_packs(packs_folder).sets["voc"]
    labels = word_labels(voc, voc.truth(voc.samples[0]), complete=False)
    assert voc.words == ("cat", "person")
    assert set(np.unique(labels)) == {0, 1, 2}


def test_what_no_region_covers_is_none_of_them_only_where_all_are_listed(packs_folder):
    coco = read_packs(packs_folder).sets["coco"]
    truth = coco.truth(coco.samples[0])
    person, cat = coco.words.index("person"), coco.words.index("cat")
    complete = word_labels(coco, truth, complete=True)
    assert set(np.unique(complete)) == {person, cat, len(coco.words)}
    assert word_labels(coco, truth, complete=False).min() == -1


def test_a_set_without_label_maps(packs_folder):
    coco = read_packs(packs_folder).sets["coco"]
    with pytest.raises(FormatError, match="no label maps"):
        word_labels(coco, Truth(Result.nothing((4, 4), coco.classes)), complete=True)
