import numpy as np
import pytest

from wordmask.engines.mini.connected import keep_asked
from wordmask.model.mini.constants import BOTTOM_RIGHT, NEGATIVE, NOTHING, POSITIVE, TOP_LEFT


@pytest.fixture
def masks():
    """One prompt, two candidates with two pieces each, 16 x 16 cells at stride 4."""
    logits = np.full((1, 2, 16, 16), -1.0, np.float32)
    logits[:, :, 2:6, 2:6] = 2
    logits[:, :, 9:14, 9:14] = 4
    return logits


def asked(masks, points, kinds, before=None):
    earlier = np.zeros((1, 1, 8, 8), np.float32) if before is None else before
    xy = np.array([points], np.float32)
    return keep_asked(masks, xy, np.array([kinds]), earlier)


def test_a_click_keeps_its_own_piece(masks):
    kept = asked(masks, [[16, 16]], [POSITIVE])
    assert ((kept > 0) == (masks == 2)).all()
    assert (masks[0, 0, 10, 10]) == 4  # what came in is as it was


def test_two_clicks_keep_both_and_a_negative_one_keeps_none(masks):
    both = asked(masks, [[16, 16], [40, 40]], [POSITIVE, POSITIVE])
    np.testing.assert_array_equal(both, masks)
    one = asked(masks, [[16, 16], [40, 40]], [POSITIVE, NEGATIVE])
    assert ((one > 0) == (masks == 2)).all()


def test_an_earlier_mask_keeps_what_it_holds(masks):
    before = np.full((1, 1, 8, 8), -5.0, np.float32)
    before[0, 0, 5, 5] = 5
    kept = asked(masks, [[16, 16], [0, 0]], [POSITIVE, NOTHING], before)
    np.testing.assert_array_equal(kept, masks)


def test_a_box_may_hold_several_pieces(masks):
    corners = [[4, 4], [60, 60], [16, 16]]
    kept = asked(masks, corners, [TOP_LEFT, BOTTOM_RIGHT, POSITIVE])
    np.testing.assert_array_equal(kept, masks)


@pytest.mark.parametrize("xy", [[64.0, 64.0], [0.0, 0.0], [70.0, -3.0]])
def test_a_click_at_the_border_or_in_no_piece_keeps_all(masks, xy):
    np.testing.assert_array_equal(asked(masks, [xy], [POSITIVE]), masks)
