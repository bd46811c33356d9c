import numpy as np
import pytest

pytest.importorskip("torch", reason="the packs are read by the training code, which needs torch")

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.training.calibrate import judge, logistic
from wordmask.tasks.finding.wordmaps import curve


def test_the_curve_that_made_the_answers_is_found_again():
    rng = np.random.default_rng(0)
    scores, shares = rng.uniform(0.01, 0.99, 40000), np.exp(rng.uniform(-8, 0, 40000))
    right = rng.random(40000) < curve(scores, shares, 1.7, -0.6, 0.3)
    assert logistic(scores, shares, right) == pytest.approx((1.7, -0.6, 0.3), abs=0.1)


def test_scores_that_are_always_right_stay_finite():
    assert np.isfinite(logistic(np.full(10, 0.9), np.ones(10), np.ones(10))).all()


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
