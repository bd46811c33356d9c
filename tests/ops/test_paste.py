import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.ops.paste import blend, boxes_of, make_hole, ring_width

masks = arrays(bool, st.tuples(st.integers(1, 16), st.integers(1, 16)))


@given(masks, st.integers(0, 4), st.integers(1, 4))
def test_the_weight_is_one_on_the_mask_and_zero_outside_the_ring(mask, ring, feather):
    hole = make_hole(mask, ring, feather) if mask.any() else make_hole(mask, 0, 0)
    assert (hole.weight[mask] == 1).all()
    assert (hole.weight[~hole.dilated] == 0).all()
    assert (hole.weight[hole.dilated] > 0).all()
    assert (hole.dilated | ~mask).all()


def test_the_ring_is_as_wide_as_it_says():
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    dilated = make_hole(mask, 3, 2).dilated
    assert dilated[10].sum() == 7
    assert dilated[:, 10].sum() == 7


def test_the_ring_follows_the_shorter_side():
    assert ring_width((1000, 4000), 0.015) == 15
    assert ring_width((40, 40), 0.015) == 2
    assert ring_width((40, 40), 0) == 0


@given(masks, st.integers(0, 3))
def test_boxes_cover_the_hole_and_share_no_pixel(mask, least):
    counts = np.zeros(mask.shape, int)
    for x0, y0, x1, y1 in boxes_of(mask, padding=0.5, least=least):
        counts[y0:y1, x0:x1] += 1
    assert counts.max(initial=0) <= 1
    assert (counts[mask] == 1).all()


def test_far_pieces_get_boxes_of_their_own():
    mask = np.zeros((100, 400), bool)
    mask[10:20, 10:20] = mask[10:20, 380:390] = True
    assert len(boxes_of(mask, padding=0.5, least=8)) == 2
    assert len(boxes_of(mask, padding=30, least=8)) == 1


@given(st.integers(0, 2**32 - 1))
def test_no_weight_means_no_byte_changed_and_full_weight_means_all(seed):
    rng = np.random.default_rng(seed)
    below, above = rng.integers(0, 256, (2, 9, 7, 3), np.uint8)
    weight = rng.choice([0, 0.3, 1], (9, 7)).astype(np.float32)
    out = blend(below, above, weight)
    assert (out[weight == 0] == below[weight == 0]).all()
    assert (out[weight == 1] == above[weight == 1]).all()
    between = out[weight == np.float32(0.3)].astype(float)
    wanted = 0.7 * below[weight == np.float32(0.3)] + 0.3 * above[weight == np.float32(0.3)]
    assert (np.abs(between - wanted) <= 1).all()
