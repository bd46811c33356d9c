from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result, Why
from wordmask.errors import InputError, OptionError
from wordmask.ops import regions
from wordmask.ops.tiles import stitch, tiles

WORDS = ("cat", "dog")


def find(labels: np.ndarray) -> Result:
    """A perfect engine for a label map (0 nothing, 1 cat, 2 dog): its connected pieces, all with one score."""
    found = [(label - 1, regions.pieces_as_masks(labels == label)) for label in (1, 2)]
    masks = Masks.concatenate([pieces for _, pieces in found])
    label_ids = [label for label, pieces in found for _ in range(len(pieces))]
    return Result.of(masks, WORDS, scores=[0.3] * len(masks), label_ids=label_ids)


def by_tiles(labels: np.ndarray, boxes: np.ndarray) -> Result:
    return stitch(
        [((x0, y0, x1, y1), find(labels[y0:y1, x0:x1])) for x0, y0, x1, y1 in boxes.tolist()],
        labels.shape,
    )


def contents(result: Result) -> list[tuple[int, float, bytes]]:
    rows = zip(result.label_ids.tolist(), result.scores.tolist(), result.masks, strict=True)
    return sorted((label, score, mask.tobytes()) for label, score, mask in rows)


def picture(*rows: str) -> np.ndarray:
    """`picture("1..", ".22")`: a label map that can be read in the test."""
    return np.array([[int(c) if c.isdigit() else 0 for c in row] for row in rows])


def row_of(*marks: str) -> list[tuple[tuple[int, int, int, int], Result]]:
    """Tiles of one row of pixels, told by dots before each: `row_of("##", ".##")` shares pixel 1."""
    parts = []
    for text in marks:
        cut = text.lstrip(" ")
        x0 = len(text) - len(cut)
        mask = Masks.from_dense(np.array([[[c == "#" for c in cut]]]))
        parts.append(
            ((x0, 0, x0 + len(cut), 1), Result.of(mask, WORDS, scores=[0.5], label_ids=[0]))
        )
    return parts


# ---- tiles


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.integers(2, 20).flatmap(lambda side: st.tuples(st.just(side), st.integers(1, side - 1))),
    st.tuples(st.integers(0, 18), st.integers(0, 18)),
)
def test_tiles_cover_the_picture_and_neighbours_overlap(size, side_overlap, origin):
    side, overlap = side_overlap
    step = side - overlap
    boxes = tiles(size, side, overlap, (origin[0] % step, origin[1] % step))
    seen = np.zeros(size, int)
    for x0, y0, x1, y1 in boxes.tolist():
        assert 0 <= x0 < x1 <= size[1]
        assert 0 <= y0 < y1 <= size[0]
        assert max(x1 - x0, y1 - y0) <= side
        seen[y0:y1, x0:x1] += 1
    assert seen.min() >= 1
    for low in (0, 1):
        spans = sorted({(box[low], box[low + 2]) for box in boxes.tolist()})
        assert all(before[1] - after[0] >= overlap for before, after in pairwise(spans))


@given(st.integers(20, 60), st.integers(20, 60), st.integers(2, 20), st.data())
def test_without_an_origin_every_tile_is_whole(height, width, side, data):
    boxes = tiles((height, width), side, data.draw(st.integers(1, side - 1)))
    assert np.unique(boxes[:, 2:] - boxes[:, :2]).tolist() == [side]


def test_a_picture_smaller_than_a_tile_is_one_tile():
    assert tiles((3, 8), side=8, overlap=2).tolist() == [[0, 0, 8, 3]]


def test_x_runs_along_the_width():
    assert tiles((4, 10), side=6, overlap=2).tolist() == [[0, 0, 6, 4], [4, 0, 10, 4]]
    assert tiles((10, 4), side=6, overlap=2, origin=(1, 3)).tolist() == [
        [0, 0, 4, 3],
        [0, 1, 4, 7],
        [0, 5, 4, 10],
    ]


@pytest.mark.parametrize(("side", "overlap"), [(8, 8), (8, 0), (8, -1)])
def test_tiles_that_do_not_overlap_or_do_not_move_are_refused(side, overlap):
    with pytest.raises(OptionError, match="0 < overlap < side"):
        tiles((20, 20), side, overlap)


def test_an_origin_beyond_the_first_tile_is_refused():
    with pytest.raises(OptionError, match="0 to 5 pixels"):
        tiles((20, 20), 8, 2, origin=(6, 0))


# ---- stitching


@settings(max_examples=80, deadline=None)
@given(
    arrays(np.int8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 2)),
    st.integers(3, 9).flatmap(lambda side: st.tuples(st.just(side), st.integers(1, side - 1))),
    st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
def test_tiling_a_picture_gives_the_masks_of_the_whole(labels, side_overlap, origin):
    side, overlap = side_overlap
    step = side - overlap
    boxes = tiles(labels.shape, side, overlap, (origin[0] % step, origin[1] % step))
    assert contents(by_tiles(labels, boxes)) == contents(find(labels))


def test_a_u_is_one_thing_though_a_tile_sees_two_arms():
    labels = picture("1..1", "1..1", "1..1", "1111")
    assert by_tiles(labels, np.array([[0, 0, 4, 3], [0, 2, 4, 4]])).masks.areas.tolist() == [10]


def test_things_that_only_touch_the_seam_stay_two():
    labels = picture("1.....", "......", "2.....")
    assert len(by_tiles(labels, np.array([[0, 0, 6, 2], [0, 1, 6, 3]]))) == 2


def test_two_names_in_one_place_stay_two():
    left, right = row_of("..##", "  ##..")
    renamed = (right[0], right[1].replace(label_ids=[1]))
    assert len(stitch([left, renamed], (1, 6))) == 2
    assert len(stitch([left, right], (1, 6))) == 1


def test_the_iou_counts_only_where_both_tiles_look():
    # The left tile's region goes on for 6 pixels outside what is shared; inside they agree.
    assert stitch(row_of("########", "      ##.."), (1, 10)).masks.boxes.tolist() == [[0, 0, 8, 1]]


def test_the_iou_at_the_limit_joins_and_below_it_does_not():
    parts = row_of("..##", "  .#..")  # inside: 2 pixels against 1 of them
    assert len(stitch(parts, (1, 6), iou=0.5)) == 1
    assert len(stitch(parts, (1, 6), iou=0.51)) == 2


def test_nothing_shared_joins_nothing_even_at_iou_zero():
    assert len(stitch(row_of("##..", "  .##."), (1, 6), iou=0.0)) == 2


def test_chains_join_across_many_tiles():
    assert stitch(
        row_of("####", "  ####", "    ####", "      ####"), (1, 10)
    ).masks.areas.tolist() == [10]


def test_columns_of_joined_regions():
    one = Result.of(
        Masks.from_dense(np.ones((1, 3), bool)),
        WORDS,
        scores=[0.9],
        label_ids=[0],
        embeddings=[[1.0, 0.0]],
        why=[Why(prompt="large")],
        made_by=("a",),
        absent=(Absent("dog", 0.1, 0.3),),
    )
    two = one[:].replace(
        masks=Masks.from_dense(np.array([[True, False, False]])),
        scores=[0.5],
        embeddings=[[0.0, 1.0]],
        why=[Why(prompt="small")],
        made_by=("a", "b"),
        absent=(Absent("dog", 0.2, 0.3), Absent("cat", 0.2, 0.3)),
    )
    whole = stitch([((0, 0, 3, 1), one), ((2, 0, 5, 1), two)], (1, 5))
    assert whole.masks.areas.tolist() == [3]
    assert np.allclose(whole.scores, (3 * 0.9 + 0.5) / 4)
    assert np.allclose(whole.embeddings, [np.array([3, 1]) / 10**0.5])
    assert (whole.why[0].prompt, whole.made_by, whole.absent) == (
        "large",
        ("a", "b"),
        (Absent("dog", 0.2, 0.3),),
    )


def test_columns_that_only_some_tiles_have():
    left, right = row_of("..##", "  ##..")
    told = left[1].replace(why=[Why(prompt="given")], embeddings=[[1.0, 0.0]])
    whole = stitch([(left[0], told), right], (1, 6))
    assert whole.embeddings is None
    assert whole.why[0].prompt == "given"


def test_tiles_with_nothing_in_them_and_empty_masks():
    none = Result.nothing((2, 3), WORDS)
    whole = stitch([((0, 0, 3, 2), none), ((1, 0, 4, 2), none)], (2, 4))
    assert (len(whole), whole.size, whole.vocabulary) == (0, (2, 4), WORDS)
    empty = Result.of(Masks.from_dense(np.zeros((1, 2, 3), bool)), WORDS, label_ids=[0])
    assert stitch([((0, 0, 3, 2), empty), ((1, 0, 4, 2), none)], (2, 4)).masks.areas.tolist() == [0]


@pytest.mark.parametrize("box", [(0, 0, 3, 1), (2, 0, 5, 2), (-1, 0, 2, 2)])
def test_a_tile_that_does_not_fit_is_refused(box):
    with pytest.raises(InputError, match="does not fit"):
        stitch([(box, Result.nothing((2, 3)))], (2, 4))


def test_tiles_of_different_words_and_no_tiles_are_refused():
    with pytest.raises(InputError, match="different words"):
        stitch(
            [
                ((0, 0, 3, 2), Result.nothing((2, 3), ("a",))),
                ((0, 0, 3, 2), Result.nothing((2, 3), ("b",))),
            ],
            (2, 3),
        )
    with pytest.raises(InputError, match="no tile"):
        stitch([], (2, 3))
