from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.lab.data.packs import read_packs
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.presence import BOX_WEIGHTS, STUFF_WEIGHTS, label_presence


@pytest.fixture
def say(packs_folder):
    packs = read_packs(packs_folder)
    vocabulary = LabelReader(packs).vocabulary

    def make(set_name, **changes):
        record = next(one for one in packs.records if one.set == set_name)
        found = label_presence(replace(record, **changes), packs, vocabulary)
        return {
            word: (bool(found.present[row]), float(found.weight[row]))
            for word, row in vocabulary.index.items()
        }

    return make


def test_a_set_that_lists_everything_says_what_is_not_there(say):
    assert say("coco")["cat"] == say("coco")["person"] == (True, 1)
    assert say("coco")["cup"] == (False, 1)


def test_truths_count_more_than_teachers(say):
    said = say("voc")
    assert said["person"] == (True, 1)  # although a teacher has a box of it as well
    assert said["wall"] == (True, pytest.approx(STUFF_WEIGHTS[1]))
    assert said["sky"] == (False, pytest.approx(STUFF_WEIGHTS[0]))


def test_a_teacher_that_is_not_sure_says_nothing(say):
    assert say("voc")["cup"] == (False, 0)  # its box scores 0.3
    sure = (0.0, 0.0, 50.0, 50.0, 2, 0.9)
    from wordmask.lab.data.packs import TeacherBox

    assert say("voc", boxes=(TeacherBox(*sure),))["cup"] == (True, pytest.approx(BOX_WEIGHTS[1]))


def test_words_of_other_sets_are_unknown(say):
    assert say("coco")["sky"] == (False, 0)
    assert np.isfinite([weight for _, weight in say("coco").values()]).all()
