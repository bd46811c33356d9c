import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw
from wordmask.ops.split import split_logits

planes = arrays(np.float32, (3, 4), elements=st.sampled_from([-2.0, 0.0, 1.0, 2.0]))


def test_the_higher_logit_has_the_pixel():
    one = np.where(draw("###.", "###."), 2, -2).astype(np.float32)
    two = np.where(draw("..##", "..##"), 3, -3).astype(np.float32)
    masks = split_logits([one, None, two], (2, 4))
    assert (masks.one(0) == draw("##..", "##..")).all()
    assert (masks.one(2) == draw("..##", "..##")).all()
    assert masks.areas.tolist() == [4, 0, 4]


def test_nobody_is_a_normal_answer():
    assert len(split_logits([], (2, 3))) == 0
    assert split_logits([None], (2, 3)).areas.tolist() == [0]


@given(st.lists(st.none() | planes, max_size=4))
def test_masks_share_no_pixel_and_cover_what_is_inside_any(logits):
    masks = split_logits(logits, (3, 4))
    inside = np.any([plane > 0 for plane in logits if plane is not None] or [np.zeros((3, 4))], 0)
    assert (masks.dense().sum(0) == inside).all()
