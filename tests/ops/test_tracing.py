import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from drawing import draw
from wordmask.media.formats.outlines import fill
from wordmask.ops.tracing import corners_of, corners_of_part, join_corners, pieces_of

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


def area(ring) -> int:
    x, y = ring.astype(int).T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) // 2


@given(masks)
def test_the_polygons_fill_the_mask_and_are_its_4_connected_pieces(mask):
    pieces = pieces_of(corners_of(mask))
    filled = fill([ring for piece in pieces for ring in piece], mask.shape).one(0)
    assert (filled == mask).all()
    count, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    assert len(pieces) == count - 1


@given(masks)
def test_outlines_go_clockwise_holes_the_other_way_and_no_ring_meets_itself(mask):
    for outline, *holes in pieces_of(corners_of(mask)):
        assert area(outline) > 0
        assert all(area(hole) < 0 for hole in holes)
        assert area(outline) + sum(map(area, holes)) > 0
        for ring in (outline, *holes):
            assert len({tuple(point) for point in ring.tolist()}) == len(ring)


@given(masks, st.data())
def test_parts_make_the_same_outline_as_the_whole(mask, data):
    (height, width), parts = mask.shape, []
    x = data.draw(st.integers(0, width))
    y = data.draw(st.integers(0, height))
    for x0, y0, x1, y1 in [
        (0, 0, x, y),
        (x, 0, width, y),
        (0, y, x, height),
        (x, y, width, height),
    ]:
        if x0 < x1 and y0 < y1:
            parts.append(corners_of_part(mask[y0:y1, x0:x1], (x0, y0), (x0, y0, x1, y1)))
    whole, joined = corners_of(mask), join_corners(parts)
    assert all((one == other).all() for one, other in zip(whole, joined, strict=True))


@pytest.mark.parametrize(
    ("rows", "rings"),
    [
        pytest.param(("###", "#.#", "###"), [2], id="a hole"),
        pytest.param(("#.", ".#"), [1, 1], id="pixels that touch by a corner stay apart"),
        pytest.param(("###", "#.#", "##."), [2], id="an outline that meets itself has a hole"),
        pytest.param(("####", "#..#", "#.##", "####"), [2], id="one hole"),
        pytest.param(("#####", "#.#.#", "#####"), [3], id="two holes"),
        pytest.param(("#####", "#...#", "#.#.#", "#...#", "#####"), [2, 1], id="an island"),
    ],
)
def test_each_piece_has_its_own_holes(rows, rings):
    assert [len(piece) for piece in pieces_of(corners_of(draw(*rows)))] == rings


def test_a_hole_below_a_hole_belongs_to_the_same_piece():
    pieces = pieces_of(corners_of(draw("###.###", "#.#.#.#", "###.###", "#.#.#.#", "###.###")))
    assert [len(piece) for piece in pieces] == [3, 3]
    for outline, *holes in pieces:
        assert all(outline[:, 0].min() < hole[:, 0].min() < outline[:, 0].max() for hole in holes)
