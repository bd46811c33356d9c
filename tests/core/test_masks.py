import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw
from wordmask.core import masks as masks_module
from wordmask.core.masks import Masks
from wordmask.errors import MaskError


@st.composite
def stacks(draw_: st.DrawFn, *, least: int = 0) -> np.ndarray:
    shape = (draw_(st.integers(least, 4)), draw_(st.integers(1, 12)), draw_(st.integers(1, 12)))
    return draw_(arrays(bool, shape))


def tight(masks: Masks) -> bool:
    """Every crop's border rows and columns hold a True."""
    return all(
        not crop.size
        or (crop[0].any() and crop[-1].any() and crop[:, 0].any() and crop[:, -1].any())
        for crop in masks.crops
    )


def boxes_of(dense: np.ndarray) -> list[list[int]]:
    boxes = []
    for mask in dense:
        ys, xs = np.nonzero(mask)
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0])
    return boxes


# ---- there and back


@given(stacks())
def test_dense_goes_round(dense):
    masks = Masks.from_dense(dense)
    assert masks.size == dense.shape[1:]
    assert (masks.dense() == dense).all()
    assert tight(masks)
    assert [mask.tolist() for mask in masks] == dense.tolist()


@given(stacks())
def test_boxes_areas_and_union_are_those_of_the_dense_masks(dense):
    masks = Masks.from_dense(dense)
    assert masks.boxes.tolist() == boxes_of(dense)
    assert masks.areas.tolist() == dense.sum((1, 2)).tolist()
    assert (masks.union() == dense.any(0)).all()


def test_boxes_are_x0_y0_x1_y1_with_exclusive_ends():
    masks = Masks.from_dense(draw(".....", "...##", "....."))
    assert masks.boxes.tolist() == [[3, 1, 5, 2]]
    assert masks.corners.tolist() == [[3, 1]]
    assert masks.size == (3, 5)


@given(
    arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-2, 5))
)
def test_a_label_map_gives_one_mask_per_value_from_zero_on(labels):
    masks, values = Masks.from_label_map(labels)
    assert values.tolist() == [value for value in np.unique(labels) if value >= 0]
    assert [mask.tolist() for mask in masks] == [(labels == value).tolist() for value in values]
    assert tight(masks)


def test_seventy_thousand_ids_go_round():
    labels = np.arange(70_000).reshape(250, 280)
    masks, values = Masks.from_label_map(labels)
    assert (len(masks), values[-1]) == (70_000, 69_999)
    assert masks.corners[281].tolist() == [1, 1]


@pytest.mark.parametrize("labels", [np.zeros((2, 2)), np.zeros((2, 2, 2), int)])
def test_what_is_no_label_map_is_refused(labels):
    with pytest.raises(MaskError, match="label map"):
        Masks.from_label_map(labels)


@pytest.mark.parametrize(
    ("dense", "message"),
    [
        pytest.param(np.zeros(4, bool), r"\(N, H, W\)", id="one axis"),
        pytest.param(np.array([[0, 7]]), "values up to 7", id="a label map"),
        pytest.param(np.array([[0.5, 1.0]]), "0 and 1 only", id="probabilities"),
    ],
)
def test_what_are_no_masks_is_refused(dense, message):
    with pytest.raises(MaskError, match=message):
        Masks.from_dense(dense)


def test_zeros_and_ones_of_any_type_are_masks():
    assert Masks.from_dense(np.array([[0, 1]], np.uint8)).areas.tolist() == [1]
    assert Masks.from_dense(np.array([[0.0, 1.0]])).areas.tolist() == [1]


# ---- the invariants


@pytest.mark.parametrize(
    ("corners", "crops", "message"),
    [
        pytest.param([], [np.ones((1, 1), bool)], "1 crops but 0 corners", id="count"),
        pytest.param([(0, 0)], [np.ones((1, 1), np.uint8)], "bool", id="type"),
        pytest.param([(0, 0)], [np.ones(3, bool)], "bool, got", id="axes"),
        pytest.param(
            [(4, 0)], [np.ones((1, 2), bool)], "leaves the picture", id="over the right edge"
        ),
        pytest.param(
            [(0, 2)], [np.ones((2, 1), bool)], "leaves the picture", id="over the lower edge"
        ),
        pytest.param(
            [(-1, 0)], [np.ones((1, 1), bool)], "leaves the picture", id="over the left edge"
        ),
        pytest.param([(0, 0)], [draw("#.")], "empty border", id="loose"),
        pytest.param([(0, 0)], [draw("..", "##")], "empty border", id="loose above"),
        pytest.param(
            [(1, 1)], [np.zeros((0, 0), bool)], "empty mask", id="an empty mask elsewhere"
        ),
        pytest.param(
            [(0, 0)], [np.zeros((0, 3), bool)], "empty mask", id="an empty mask with a side"
        ),
    ],
)
def test_crops_that_break_an_invariant_are_refused(corners, crops, message):
    with pytest.raises(MaskError, match=message):
        Masks((3, 5), np.array(corners), tuple(crops))


def test_nothing_can_be_written_into_masks():
    masks = Masks.from_dense(np.ones((2, 3), bool))
    for array in (masks.corners, masks.boxes, masks.areas, *masks.crops):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_trimmed_cuts_what_reaches_over_the_edge():
    crop = np.ones((4, 4), bool)
    masks = Masks.from_crops((5, 6), [(-2, -3), (4, 3), (9, 9), (-9, 0)], [crop] * 4)
    assert masks.boxes.tolist() == [[0, 0, 2, 1], [4, 3, 6, 5], [0, 0, 0, 0], [0, 0, 0, 0]]


# ---- memory


def two_hundred() -> Masks:
    rng = np.random.default_rng(0)
    sides = rng.integers(80, 700, 200)
    corners = [
        (int(rng.integers(0, 4000 - side)), int(rng.integers(0, 3000 - side))) for side in sides
    ]
    return Masks.from_crops((3000, 4000), corners, [np.ones((side, side), bool) for side in sides])


def test_two_hundred_masks_on_twelve_megapixels_stay_under_a_twentieth_of_dense():
    assert two_hundred().nbytes < 0.05 * 200 * 3000 * 4000


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(Masks.union, id="union"),
        pytest.param(lambda masks: masks.iou(masks), id="iou"),
        pytest.param(lambda masks: masks[masks.areas > 100_000], id="filter"),
        pytest.param(lambda masks: masks.resize((1500, 2000)), id="resized"),
        pytest.param(lambda masks: masks.crop((500, 500, 3500, 2500)), id="cropped"),
        pytest.param(Masks.to_rle, id="to_rle"),
        pytest.param(lambda masks: Masks.from_rle(masks.to_rle()), id="from_rle"),
    ],
)
def test_no_operation_builds_the_dense_stack(work):
    masks = two_hundred()
    tracemalloc.start()
    try:
        work(masks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.05 * 200 * 3000 * 4000


def test_a_small_mask_does_not_keep_the_large_array_alive():
    masks = Masks.from_dense(np.pad(np.ones((2, 2), bool), 500))
    assert masks.crops[0].base is None or masks.crops[0].base.nbytes < 100


# ---- compared


@given(stacks(), st.data())
def test_overlaps_are_those_of_the_pixels(dense, data):
    other = data.draw(arrays(bool, (data.draw(st.integers(0, 3)), *dense.shape[1:])))
    one, two = Masks.from_dense(dense), Masks.from_dense(other)
    a, b = (stack.reshape(len(stack), np.prod(one.size)).astype(int) for stack in (dense, other))
    shared, areas, others = a @ b.T, a.sum(1)[:, None], b.sum(1)[None]
    assert one.intersections(two).tolist() == shared.tolist()
    assert np.allclose(one.iou(two), shared / np.maximum(1, areas + others - shared))
    assert np.allclose(one.containment(two), shared / np.maximum(1, np.minimum(areas, others)))


@pytest.mark.parametrize("work", [-1, 1 << 62], ids=["tiles", "pairs"])
def test_pairs_and_tiles_count_the_same(monkeypatch, work):
    rng = np.random.default_rng(7)
    dense = rng.random((9, 230, 310)) > 0.7  # more than two tiles each way, the last ones cut
    dense[:3, :, 150:] = False
    masks = Masks.from_dense(dense)
    monkeypatch.setattr(masks_module, "PAIRS_WORK", work)
    flat = dense.reshape(9, -1).astype(np.int64)
    assert (masks.intersections(masks) == flat @ flat.T).all()
    assert (masks[:2].intersections(masks[3:]) == flat[:2] @ flat[3:].T).all()


def test_iou_agrees_with_coco():
    from pycocotools import mask as coco

    rng = np.random.default_rng(5)
    masks = Masks.from_dense(rng.random((6, 40, 50)) > rng.random((6, 1, 1)))
    codes = masks.to_rle()
    assert np.allclose(masks.iou(masks), coco.iou(codes, codes, [0] * 6))


def test_masks_of_different_pictures_are_not_compared():
    with pytest.raises(MaskError, match="different pictures"):
        Masks.empty((2, 3)).iou(Masks.empty((3, 2)))


# ---- resized, cropped, moved


@given(stacks(), st.integers(1, 25), st.integers(1, 25))
def test_resized_takes_the_pixel_under_each_centre(dense, height, width):
    old_h, old_w = dense.shape[1:]
    rows = [int((y + 0.5) * old_h / height) for y in range(height)]
    columns = [int((x + 0.5) * old_w / width) for x in range(width)]
    resized = Masks.from_dense(dense).resize((height, width))
    assert resized.size == (height, width)
    assert (resized.dense() == dense[:, rows][:, :, columns]).all()
    assert tight(resized)


def test_doubling_and_halving_is_exact():
    mask = Masks.from_dense(draw("#..", ".##"))
    double = mask.resize((4, 6))
    assert double.boxes.tolist() == [[0, 0, 6, 4]]
    assert double.areas.tolist() == [12]
    assert (double.resize((2, 3)).dense() == mask.dense()).all()


def test_an_edge_on_a_pixel_centre_belongs_to_the_right_pixel():
    # 5 -> 3: the middle output's centre is 2.5, which is inside source pixel 2.
    assert Masks.from_dense(draw("..#..")).resize((1, 3)).boxes.tolist() == [[1, 0, 2, 1]]
    # 4 -> 2: centres at 1.0 and 3.0 lie on edges; an edge belongs to the pixel that begins there.
    assert Masks.from_dense(draw(".#.#")).resize((1, 2)).areas.tolist() == [2]


@given(stacks(), st.data())
def test_cropped_is_a_slice(dense, data):
    height, width = dense.shape[1:]
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    cropped = Masks.from_dense(dense).crop((x0, y0, x1, y1))
    assert cropped.size == (y1 - y0, x1 - x0)
    assert (cropped.dense() == dense[:, y0:y1, x0:x1]).all()


@given(stacks(), st.integers(-14, 14), st.integers(-14, 14))
def test_moved_there_and_back_loses_only_what_left_the_picture(dense, dx, dy):
    height, width = dense.shape[1:]
    moved = Masks.from_dense(dense).move((height, width), (dx, dy))
    ys, xs = np.mgrid[:height, :width]
    stays = (ys + dy >= 0) & (ys + dy < height) & (xs + dx >= 0) & (xs + dx < width)
    assert (moved.move((height, width), (-dx, -dy)).dense() == dense & stays).all()


def test_moved_goes_right_and_down():
    assert Masks.from_dense(draw("#.", "..")).move((2, 3), (2, 1)).boxes.tolist() == [[2, 1, 3, 2]]


@pytest.mark.parametrize(
    "box", [(0, 0, 4, 1), (0, 0, 1, 3), (-1, 0, 1, 1), (1, 0, 1, 1), (2, 1, 1, 2)]
)
def test_boxes_outside_the_picture_cannot_be_cropped(box):
    with pytest.raises(MaskError, match="does not lie in the picture"):
        Masks.empty((2, 3)).crop(box)


# ---- subsets and sums


@given(stacks(least=4))
def test_subsets_of_every_kind(dense):
    masks = Masks.from_dense(dense)
    for index in (slice(1, 3), [2, 0], [True, False, True, False], np.array([3]), [], slice(0, 0)):
        rows = np.arange(4)[index if isinstance(index, slice) or len(index) else slice(0, 0)]
        assert (masks[index].dense() == dense[rows]).all()
    assert (masks[-1].dense() == dense[-1:]).all()


@given(stacks())
def test_concatenated_halves_are_the_whole(dense):
    masks = Masks.from_dense(dense)
    assert (Masks.concatenate([masks[:2], masks[2:]]).dense() == dense).all()


def test_only_masks_of_one_picture_are_concatenated():
    with pytest.raises(MaskError, match="one picture"):
        Masks.concatenate([Masks.empty((2, 3)), Masks.empty((3, 2))])
    with pytest.raises(MaskError, match="one picture"):
        Masks.concatenate([])


def test_painting_keeps_what_lies_around():
    canvas = np.full((2, 3), 9)
    Masks.from_dense(draw(".#.", ".##")).paint(canvas, 0, 5)
    assert canvas.tolist() == [[9, 5, 9], [9, 5, 5]]


def test_no_masks_keep_their_size_through_everything():
    none = Masks.empty((4, 6))
    assert (none.boxes.shape, none.areas.shape, none.dense().shape) == ((0, 4), (0,), (0, 4, 6))
    assert (none.iou(none).shape, none.to_rle(), list(none), none.nbytes) == ((0, 0), [], [], 0)
    assert none.union().sum() == 0
    sizes = [
        none.resize((2, 2)),
        none.crop((0, 0, 3, 1)),
        none.move((9, 9), (1, 1)),
        none[[]],
        none[:],
    ]
    assert [one.size for one in sizes] == [(2, 2), (1, 3), (9, 9), (4, 6), (4, 6)]
    assert len(Masks.from_dense(np.zeros((0, 4, 6), bool))) == 0
    assert len(Masks.from_label_map(np.full((2, 2), -1))[0]) == 0
    assert len(Masks.from_label_map(np.zeros((0, 5), int))[0]) == 0
