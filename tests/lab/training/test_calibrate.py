import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="held-out pictures are the training's, which needs torch")

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import InputError
from wordmask.lab.data.packs import Packs, Record, read_packs
from wordmask.lab.training.calibrate import (
    THRESHOLDS,
    JudgedRegion,
    fit,
    fit_regions,
    held_out,
    judge,
    logistic,
    write,
)
from wordmask.tasks.finding.wordmaps import curve


def test_the_curve_that_made_the_answers_is_found_again():
    rng = np.random.default_rng(0)
    scores, shares = rng.uniform(0.01, 0.99, 40000), np.exp(rng.uniform(-8, 0, 40000))
    right = rng.random(40000) < curve(scores, shares, 1.7, -0.6, 0.3)
    found = logistic(scores, shares, right, np.ones(40000))
    assert found == pytest.approx((1.7, -0.6, 0.3), abs=0.1)


def test_each_set_counts_the_same_however_many_regions_it_has():
    # Of a score of 0.5 all are right in the small set, none in the large one.
    small, large = ([JudgedRegion(0.5, 0.1, right)] * count for right, count in ((1, 10), (0, 90)))
    found = fit_regions([small, large, []], "drawings")
    assert curve(np.array([0.5]), np.array([0.1]), found.slope, found.offset, found.size) == (
        pytest.approx([0.5], abs=0.01)
    )
    assert found.regions == 100


def test_scores_that_are_always_right_stay_finite():
    assert np.isfinite(logistic(np.full(10, 0.9), *np.ones((3, 10)))).all()


def test_a_region_is_right_where_most_of_it_is_its_word():
    truth = np.zeros((20, 20), np.int32)
    truth[:, 10:] = 1
    masks = np.zeros((2, 20, 20), bool)
    masks[0, :, :12], masks[1, :, 4:16] = True, True
    found = Result.of(
        Masks.from_dense(masks), ("left", "right"), scores=[0.8, 0.4], label_ids=[0, 0]
    )
    assert [r.right for r in judge(found, truth)] == [True, False]


def test_what_was_not_labelled_is_not_judged():
    found = Result.of(
        Masks.from_dense(np.ones((1, 20, 20), bool)), ("x",), scores=[0.8], label_ids=[0]
    )
    assert judge(found, np.full((20, 20), -1)) == []


@pytest.fixture
def drawn_packs(drawn, drawn_folder) -> Packs:
    """Each drawing ten times, so that three are held out."""
    records = [Record("drawn", drawn_folder, sample) for sample in drawn.samples] * 10
    return Packs({"drawn": drawn}, (), tuple(records))


def test_held_out_pictures_are_spread_over_the_last_ones(drawn_packs):
    last = [record.sample for record in drawn_packs.records[-3:]]
    assert held_out(drawn_packs, "drawn", 2) == [last[0], last[2]]
    assert held_out(drawn_packs, "drawn", 9) == last


def test_the_curve_is_fitted_to_an_engine_and_written(drawn_packs, fake, tmp_path):
    found = fit(fake(), drawn_packs, sets=("drawn",))
    assert found.regions > 3
    assert found.threshold in THRESHOLDS
    (tmp_path / "mini.json").write_text('{"side": 512}')
    write(found, tmp_path)
    settings = json.loads((tmp_path / "mini.json").read_text())
    numbers = [round(value, 4) for value in (found.slope, found.offset, found.size)]
    assert settings == {"side": 512, "calibration": numbers, "threshold": found.threshold}


def test_without_regions_there_is_nothing_to_fit_to(packs_folder, fake):
    packs = read_packs(packs_folder)
    with pytest.raises(InputError, match="no region was found in held-out pictures of voc"):
        fit(fake(), packs, sets=("voc",))
