import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from drawing import draw
from wordmask.errors import MaskError
from wordmask.ops import regions

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


def test_diagonal_neighbours_are_one_piece():
    assert len(regions.pieces(draw("#..", ".#.", "..#"))) == 1


def test_pieces_come_largest_first():
    found = regions.pieces(draw("#.##", "..##"))
    assert [piece.sum() for piece in found] == [4, 1]
    assert found[1].tolist() == draw("#...", "....").tolist()


def test_pieces_below_the_least_area_are_left_out():
    assert [piece.sum() for piece in regions.pieces(draw("#.##"), min_area=2)] == [2]


@given(masks)
def test_pieces_share_no_pixel_and_cover_the_mask(mask):
    stack = np.stack([*regions.pieces(mask), np.zeros_like(mask)])
    assert (stack.sum(0) == mask).all()


@given(masks)
def test_pieces_as_crops_are_the_same_pieces(mask):
    cropped = regions.pieces_as_masks(mask)
    assert cropped.size == mask.shape
    assert [one.tolist() for one in cropped] == [piece.tolist() for piece in regions.pieces(mask)]


def test_the_box_of_a_mask_and_its_margin_end_at_the_picture():
    mask = draw(".....", "..##.", "..#..", ".....")
    assert regions.box_around(mask) == (2, 1, 4, 3)
    assert regions.box_around(mask, 1) == (1, 0, 5, 4)
    assert regions.box_around(mask, 99) == (0, 0, 5, 4)


def test_specks_go_and_the_limit_itself_stays():
    mask = draw("#..##", "....#", "##...")
    assert (
        regions.drop_specks(mask, min_area=2).tolist() == draw("...##", "....#", "##...").tolist()
    )
    assert (
        regions.drop_specks(mask, min_area=3).tolist() == draw("...##", "....#", ".....").tolist()
    )


@pytest.mark.parametrize(
    ("rows", "area", "mended"),
    [
        pytest.param(("####", "#..#", "####"), 2, ("####", "####", "####"), id="hole"),
        pytest.param(("####", "#..#", "####"), 1, ("####", "#..#", "####"), id="large hole"),
        pytest.param(("##...#", "##....", "......"), 2, ("##....", "##....", "......"), id="speck"),
        pytest.param((".....", ".#.#.", "....."), 4, (".....", ".#...", "....."), id="one stays"),
        pytest.param((".....", ".....", "....."), 4, (".....", ".....", "....."), id="empty"),
    ],
)
def test_small_holes_close_and_specks_go(rows, area, mended):
    logits = np.where(draw(*rows), 3.0, -3.0)
    found = regions.mend_logits(logits, area=area)
    assert (found > 0).tolist() == draw(*mended).tolist()
    changed = (found > 0) != (logits > 0)
    assert (np.abs(found[changed]) == np.float32(0.1)).all()
    assert (found[~changed] == logits[~changed]).all()


@given(masks, st.integers(0, 20))
def test_mending_neither_empties_a_mask_nor_makes_one(mask, area):
    found = regions.mend_logits(np.where(mask, 1.0, -1.0), area=area)
    assert (found > 0).any() == mask.any()


def test_deepest_point_of_a_ring_is_in_the_ring():
    ring = np.pad(draw("#####", "#...#", "#...#", "#...#", "#####"), 1)
    x, y = regions.deepest_point(ring)
    assert ring[int(y), int(x)]


def test_deepest_point_is_x_then_y_at_a_pixel_centre():
    mask = np.zeros((20, 40), bool)
    mask[2:7, 30:35] = True
    assert regions.deepest_point(mask) == (32.5, 4.5)


def test_deepest_point_of_a_mask_that_fills_the_picture_is_its_middle():
    assert regions.deepest_point(np.ones((5, 7), bool))[1] == 2.5


@given(masks.filter(np.any))
def test_deepest_point_is_always_inside(mask):
    x, y = regions.deepest_point(mask)
    assert mask[int(y), int(x)]


def test_an_empty_mask_has_no_deepest_point():
    with pytest.raises(MaskError, match="empty mask"):
        regions.deepest_point(np.zeros((3, 3), bool))


def test_two_touching_discs_have_two_deep_points():
    canvas = np.zeros((40, 70), np.uint8)
    cv2.circle(canvas, (20, 20), 14, 1, -1)
    cv2.circle(canvas, (46, 20), 13, 1, -1)
    points = regions.deep_points(canvas.astype(bool), count=5)
    assert np.abs(points - [(20.5, 20.5), (46.5, 20.5)]).max() <= 1.5


def test_a_bar_is_one_thing_however_long():
    assert len(regions.deep_points(np.ones((5, 400), bool), count=3)) == 1


def test_deep_points_stop_at_the_count_and_at_nothing():
    beads = np.zeros((24, 120), np.uint8)
    for x in (12, 36, 60, 84, 108):
        cv2.circle(beads, (x, 12), 11, 1, -1)
    beads[11:14, 12:108] = 1
    assert len(regions.deep_points(beads.astype(bool), count=9)) == 5
    assert len(regions.deep_points(beads.astype(bool), count=3)) == 3
    assert regions.deep_points(np.zeros((4, 4), bool), count=3).shape == (0, 2)


def test_stability_is_the_iou_of_two_thresholds():
    ramp = np.array([[[-3.0, -0.5, 0.5, 3.0]], [[-3, -3, 3, 3]], [[-3, -3, -3, -3]]])
    assert regions.stability(ramp, shift=1.0).tolist() == [1 / 3, 1.0, 0.0]
    assert regions.stability(ramp, threshold=0.75, shift=0.5).tolist() == [0.5, 1.0, 0.0]


# ---- logits to masks


def reference(plane: np.ndarray, size: tuple[int, int], threshold: float = 0.0) -> np.ndarray:
    """Bilinear at half-pixel centres, as the definition reads, pixel by pixel."""
    out = np.zeros(size, bool)
    for y, x in np.ndindex(*size):
        v = min(max((y + 0.5) * plane.shape[0] / size[0] - 0.5, 0), plane.shape[0] - 1)
        u = min(max((x + 0.5) * plane.shape[1] / size[1] - 0.5, 0), plane.shape[1] - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, plane.shape[0] - 1), min(left + 1, plane.shape[1] - 1)
        upper = plane[top, left] + (u - left) * (plane[top, right] - plane[top, left])
        lower = plane[bottom, left] + (u - left) * (plane[bottom, right] - plane[bottom, left])
        out[y, x] = upper + (v - top) * (lower - upper) > threshold
    return out


def test_one_positive_cell_becomes_a_block_in_the_right_place():
    # Halfway between +1 and -1 is the cell's own edge, so the block is the cell: columns 8-11,
    # rows 4-7.
    logits = -np.ones((1, 3, 5), np.float32)
    logits[0, 1, 2] = 1
    mask = regions.masks_of_logits(logits, (12, 20))
    assert mask.boxes.tolist() == [[8, 4, 12, 8]]


def test_a_cell_at_the_corner_reaches_the_edge_of_the_picture():
    logits = -np.ones((1, 4, 4), np.float32)
    logits[0, 3, 3] = 1
    assert regions.masks_of_logits(logits, (16, 16)).boxes.tolist() == [[12, 12, 16, 16]]


def test_the_threshold_itself_is_outside():
    assert regions.masks_of_logits(np.zeros((1, 2, 2), np.float32), (4, 4)).areas.tolist() == [0]
    assert regions.masks_of_logits(
        np.zeros((1, 2, 2), np.float32), (4, 4), threshold=-1.0
    ).areas.tolist() == [16]


@given(
    arrays(
        np.float32,
        st.tuples(st.just(2), st.integers(1, 6), st.integers(1, 6)),
        elements=st.integers(-8, 8),
    ),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_logits_are_spread_as_the_definition_says(logits, size):
    # A threshold that no small mixture of integers hits exactly, so rounding cannot decide.
    found = regions.masks_of_logits(logits, size, threshold=0.0123)
    assert found.dense().tolist() == [
        reference(plane.astype(float), size, 0.0123).tolist() for plane in logits
    ]


def test_bands_meet_without_a_seam(monkeypatch):
    rng = np.random.default_rng(3)
    logits = cv2.GaussianBlur(rng.standard_normal((32, 32)).astype(np.float32), (0, 0), 3)[None]
    whole = regions.masks_of_logits(logits, (300, 200)).dense()
    monkeypatch.setattr(regions, "BAND_PIXELS", 900)
    assert (regions.masks_of_logits(logits, (300, 200)).dense() == whole).all()
    assert (
        whole[0] == (cv2.resize(logits[0], (200, 300), interpolation=cv2.INTER_LINEAR) > 0)
    ).all()


def test_no_logits_are_no_masks():
    none = regions.masks_of_logits(np.zeros((0, 4, 4), np.float32), (7, 9))
    assert (len(none), none.size) == (0, (7, 9))


def test_infinite_logits_are_very_sure_ones():
    logits = np.array([[[np.inf, np.inf], [-np.inf, -np.inf]]], np.float32)
    assert regions.masks_of_logits(logits, (4, 4)).boxes.tolist() == [[0, 0, 4, 2]]


def test_logits_of_the_wrong_shape_are_refused():
    with pytest.raises(MaskError, match=r"\(N, h, w\)"):
        regions.masks_of_logits(np.zeros((4, 4), np.float32), (8, 8))


def test_only_pieces_that_hold_a_seed_stay():
    logits = np.full((8, 12), -2.0, np.float32)
    logits[1:4, 1:4] = 3
    logits[1:4, 7:11] = 5
    seeds = np.zeros((8, 12), bool)
    seeds[2, 2] = True
    kept = regions.keep_touching(logits, seeds)
    assert ((kept > 0) == (logits == 3)).all()
    assert (kept[1:4, 7:11] == -5).all()
    seeds[3, 8] = True
    np.testing.assert_array_equal(regions.keep_touching(logits, seeds), logits)


@pytest.mark.parametrize("value", [-2.0, 2.0])
def test_a_seed_outside_every_piece_changes_nothing(value):
    logits = np.full((5, 5), -1.0, np.float32)
    logits[0, 0] = value
    seeds = np.zeros((5, 5), bool)
    seeds[3, 3] = True
    np.testing.assert_array_equal(regions.keep_touching(logits, seeds), logits)
