"""An engine that sees all gets everything right, and the truth is read as it is meant."""

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.bench.suites.quality import QualityOptions, QualitySuite, relative_error
from wordmask.lab.bench.word_truth import has_none, spread_samples
from wordmask.lab.data import Truth
from wordmask.lab.data.words import word_labels


def test_the_fake_is_right_about_its_shapes(kit, data_folder):
    options = QualityOptions(data=data_folder, sets=("drawn",), model="fake")
    metrics = QualitySuite().run(kit(options)).metrics
    assert metrics["drawn.words"] == metrics["drawn.segment"] == 1
    assert metrics["drawn.box"] > 0.9


def test_words_leave_the_background_out(drawn):
    """Classes: background, red disc, green square, blue square; 255 is not scored."""
    labels = word_labels(drawn, drawn.truth(drawn.samples[0]), complete=False)
    assert labels[0, 0] == -1
    assert labels[0, 1] == len(drawn.words) == 3  # none of them
    assert 0 in labels
    assert has_none(drawn)


def test_what_no_listed_region_covers_is_none_of_the_words(drawn):
    masks = Masks.from_dense(np.array([[[True, False]]]))
    result = Result.of(masks, drawn.classes, label_ids=np.array([1]))
    truth = Truth(result, np.array([[1, -1]], np.int32), exhaustive=True)
    assert word_labels(drawn, truth, complete=True).tolist() == [[0, 3]]
    assert word_labels(drawn, truth, complete=False).tolist() == [[0, -1]]


@pytest.mark.parametrize(("count", "names"), [(2, ["p00", "p05"]), (0, 6), (9, 6)])
def test_samples_are_spread_evenly(count, names, drawn):
    found = [sample.name for sample in spread_samples(drawn, count)]
    assert found == names or len(found) == names


def test_depth_is_judged_after_the_best_scale_and_shift():
    truth = np.array([[2.0, 4.0, 0.0, 8.0]])
    assert relative_error(truth * 3 + 5, truth) == pytest.approx(0, abs=1e-9)
