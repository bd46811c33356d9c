"""Dice and HD95 by hand, and by the plain definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_erosion

from budget import examples
from scans import ball
from wordmask.lab.metrics.volumes import DEFINITIONS, dice, hd95

solids = arrays(bool, (4, 5, 3))


def plain_hd95(one, other, spacing):
    surfaces = []
    for solid in (one, other):
        padded = np.pad(solid, 1)
        edge = solid & ~binary_erosion(padded)[1:-1, 1:-1, 1:-1]
        surfaces.append(np.argwhere(edge) * spacing)
    far = np.linalg.norm(surfaces[0][:, None] - surfaces[1][None], axis=2)
    return max(np.percentile(far.min(1), 95), np.percentile(far.min(0), 95))


@examples(40)
@given(solids, solids)
def test_hd95_is_what_its_definition_says(one, other):
    spacing = np.array([1.0, 2.0, 0.5])
    found = hd95(one, other, spacing)
    if one.any() and other.any():
        assert found == pytest.approx(plain_hd95(one, other, spacing))
        assert found == pytest.approx(hd95(other, one, spacing))
    else:
        assert np.isnan(found)


def test_a_shift_by_hand():
    one, other = ball((30, 20, 20), (10, 10, 10), 6), ball((30, 20, 20), (13, 10, 10), 6)
    assert hd95(one, one, (1, 1, 1)) == 0
    assert 4 < hd95(one, other, (2, 1, 1)) <= 6
    assert 0 < dice(one, other) < 1


def test_nothing_has_no_figure():
    empty, full = np.zeros((2, 2, 2), bool), np.ones((2, 2, 2), bool)
    assert np.isnan(dice(empty, empty))
    assert dice(empty, full) == 0
    assert np.isnan(hd95(empty, full, (1, 1, 1)))
    assert "larger of the two" in DEFINITIONS["hd95"]
