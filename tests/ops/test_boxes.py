import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.ops import boxes

some_boxes = arrays(
    np.int64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.integers(-3, 12)
)


def draw_box(box: np.ndarray, side: int = 20) -> np.ndarray:
    """The pixels of a box with exclusive ends, moved by 4 so that nothing is cut off."""
    mask = np.zeros((side, side), bool)
    x0, y0, x1, y1 = box + 4
    mask[y0 : max(y0, y1), x0 : max(x0, x1)] = True
    return mask


@given(some_boxes, some_boxes)
def test_area_and_iou_are_those_of_the_pixels(first, second):
    one, two = ([draw_box(box) for box in rows] for rows in (first, second))
    assert boxes.area(first).tolist() == [mask.sum() for mask in one]
    expected = [[(a & b).sum() / max(1, (a | b).sum()) for b in two] for a in one]
    assert boxes.iou(first, second).tolist() == expected


def test_neighbours_that_share_an_edge_do_not_overlap():
    assert boxes.iou(np.array([[0, 0, 2, 2]]), np.array([[2, 0, 4, 2], [0, 0, 2, 1]])).tolist() == [
        [0, 0.5]
    ]


def test_clip_cuts_x_at_the_width_and_y_at_the_height():
    assert boxes.clip(np.array([-1.5, -1, 99, 99]), (10, 20)).tolist() == [[0, 0, 20, 10]]


@given(some_boxes)
def test_clipped_boxes_hold_the_same_pixels_of_the_picture(rows):
    for box, cut in zip(rows, boxes.clip(rows, (6, 9)), strict=True):
        assert (draw_box(cut)[4:10, 4:13] == draw_box(box)[4:10, 4:13]).all()
        assert draw_box(cut).sum() == draw_box(box)[4:10, 4:13].sum()


def test_nms_keeps_the_best_and_what_it_does_not_meet():
    rows = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    assert boxes.nms(rows, np.array([0.5, 0.9, 0.1])).tolist() == [1, 2]
    assert boxes.nms(rows, np.array([0.5, 0.9, 0.1]), groups=np.array([0, 1, 0])).tolist() == [
        1,
        0,
        2,
    ]


def test_nms_at_the_limit_keeps_both():
    rows = np.array([[0, 0, 4, 1], [0, 0, 2, 1]])  # IoU 1/2
    assert len(boxes.nms(rows, np.array([1, 1]), limit=0.5)) == 2
    assert boxes.nms(rows, np.array([1, 1]), limit=0.49).tolist() == [0]


@given(some_boxes, st.integers(0, 99))
def test_nms_is_idempotent_and_order_independent(rows, seed):
    scores = (rows.sum(1) % 3) / 2
    kept = boxes.nms(rows, scores, limit=0.3)
    assert boxes.nms(rows[kept], scores[kept], limit=0.3).tolist() == list(range(len(kept)))
    order = np.random.default_rng(seed).permutation(len(rows))
    other = order[boxes.nms(rows[order], scores[order], limit=0.3)]
    assert sorted(rows[kept].tolist()) == sorted(rows[other].tolist())


def test_no_boxes():
    none = np.zeros((0, 4))
    assert boxes.clip(none, (3, 3)).shape == (0, 4)
    assert boxes.area(none).shape == (0,)
    assert boxes.iou(none, np.ones((2, 4))).shape == (0, 2)
    assert boxes.nms(none, np.zeros(0)).shape == (0,)
