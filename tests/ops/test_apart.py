import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw_masks
from wordmask.core.masks import Masks
from wordmask.ops.apart import part_overlaps

stacks = arrays(bool, (3, 6, 7))
planes = arrays(np.float32, (3, 6, 7), elements=st.floats(-4, 4, width=32))


def plane(*rows: str) -> np.ndarray:
    """`plane("12", "30")`: logits by digits."""
    return np.array([[float(c) for c in row] for row in rows], np.float32)


def test_a_shared_pixel_goes_where_the_logit_is_higher():
    masks = draw_masks("####....", "...#####")
    parted = part_overlaps(masks, np.stack([plane("99940000"), plane("00059999")]))
    assert parted.dense().astype(int).tolist() == [
        [[1, 1, 1, 0, 0, 0, 0, 0]],
        [[0, 0, 0, 1, 1, 1, 1, 1]],
    ]


def test_who_would_lose_too_much_gets_all_that_is_shared():
    """A small person before a large one, whose mask has taken the small one along."""
    masks = draw_masks("########", "..###...")
    parted = part_overlaps(masks, np.stack([plane("99999999"), plane("00555000")]))
    assert parted.one(1).tolist() == masks.one(1).tolist()
    assert parted.areas.tolist() == [5, 3]


@given(stacks, planes)
def test_nobody_shares_a_pixel_and_none_is_lost(stack, logits):
    parted = part_overlaps(Masks.from_dense(stack), logits).dense()
    assert parted.sum(0).max() <= 1
    assert (parted.any(0) == stack.any(0)).all()
    assert not (parted & ~stack).any()


@given(stacks, planes)
def test_logits_of_any_resolution_cover_the_picture(stack, logits):
    large = Masks.from_dense(np.kron(stack, np.ones((1, 2, 2), bool)))
    parted = part_overlaps(large, logits)
    assert parted.size == (12, 14)
    assert parted.dense().sum(0).max() <= 1


@pytest.mark.parametrize("count", [0, 1])
def test_one_mask_or_none_stays_as_it_is(count):
    masks = draw_masks("##.")[:count]
    assert part_overlaps(masks, np.zeros((count, 2, 3), np.float32)).areas.tolist() == [2] * count
