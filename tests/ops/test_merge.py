import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from budget import examples
from drawing import draw_masks
from wordmask.core.masks import Masks
from wordmask.core.result import Result, Why
from wordmask.errors import MaskError, OptionError
from wordmask.ops import merge


def named(masks: Masks, scores: list[float], labels: list[int]) -> Result:
    return Result.of(masks, ("cat", "dog"), scores=scores, label_ids=labels)


def block(size: tuple[int, int], x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


@st.composite
def results(draw_: st.DrawFn) -> Result:
    """Up to 6 random masks on a small picture; few distinct scores, so that ties happen."""
    height, width, count = (
        draw_(st.integers(1, 7)),
        draw_(st.integers(1, 7)),
        draw_(st.integers(0, 6)),
    )
    dense = draw_(arrays(bool, (count, height, width)))
    scores = draw_(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=count, max_size=count))
    labels = draw_(st.lists(st.integers(-1, 1), min_size=count, max_size=count))
    return named(Masks.from_dense(dense), scores, labels)


def contents(result: Result) -> list[tuple[float, int, bytes]]:
    """What is in a result, whatever the order of its rows."""
    rows = zip(result.scores.tolist(), result.label_ids.tolist(), result.masks, strict=True)
    return sorted((score, label, mask.tobytes()) for score, label, mask in rows)


def keep_nested(result: Result, keep: str) -> Result:
    return result[merge.unnest(result.masks, result.label_ids, keep)]


def cut_overlaps(result: Result, weights: list[np.ndarray] | None = None, **rules) -> Result:
    """`merge.disjoint` on the masks of a result, without those that become empty."""
    cut = result.replace(masks=merge.disjoint(result.masks, result.scores, weights, **rules))
    return cut[cut.masks.areas > 0]


def shuffled(result: Result, seed: int) -> Result:
    """The same rows handed over in another order (ties therefore end up in another order)."""
    rows = np.random.default_rng(seed).permutation(len(result))
    return named(result.masks[rows], result.scores[rows], result.label_ids[rows])


# ---- duplicates


def test_the_better_of_two_near_duplicates_stays():
    masks = draw_masks("####/####", "####/###.", "..../...#")
    assert merge.nms(masks, np.array([0.5, 0.9, 0.1])).tolist() == [1, 2]


def test_an_iou_at_the_threshold_stays():
    masks = draw_masks("#####", "####.")  # IoU 4/5
    assert len(merge.nms(masks, np.array([0.9, 0.8]), iou=0.8)) == 2
    assert len(merge.nms(masks, np.array([0.9, 0.8]), iou=0.79)) == 1


def test_containment_removes_what_iou_lets_pass():
    masks = draw_masks("######", "##....")
    scores = np.array([0.9, 0.8])
    assert len(merge.nms(masks, scores)) == 2
    assert merge.nms(masks, scores, containment=0.9).tolist() == [0]


def test_only_masks_of_one_group_compete():
    masks = draw_masks("###", "###", "###")
    assert merge.nms(masks, np.array([0.3, 0.9, 0.5]), groups=np.array([0, 1, 0])).tolist() == [
        1,
        2,
    ]


def test_suppression_is_greedy_not_transitive():
    # b duplicates a, c duplicates b but not a: c stays, because b was already gone.
    masks = draw_masks("####....", "..####..", "....####")
    assert merge.nms(masks, np.array([0.9, 0.8, 0.7]), iou=0.3).tolist() == [0, 2]


def test_empty_masks_are_no_duplicates_of_each_other():
    assert len(merge.nms(draw_masks("..", ".."), np.array([0.5, 0.5]))) == 2


def test_scores_must_fit_the_masks():
    with pytest.raises(MaskError, match="2 masks but 1 scores"):
        merge.nms(draw_masks("#.", ".#"), np.array([0.5]))


@given(results(), st.floats(0, 1), st.none() | st.floats(0, 1))
def test_nms_twice_is_nms_once(result, iou, containment):
    kept = result.masks[merge.nms(result.masks, result.scores, iou, containment)]
    scores = result.scores[merge.nms(result.masks, result.scores, iou, containment)]
    assert merge.nms(kept, scores, iou, containment).tolist() == list(range(len(kept)))


@given(results(), st.integers(0, 99))
def test_nms_does_not_depend_on_the_order(result, seed):
    other = shuffled(result, seed)
    kept = (one[merge.nms(one.masks, one.scores, 0.5, 0.9)] for one in (result, other))
    first, second = (
        [(s, mask.tobytes()) for s, mask in zip(one.scores, one.masks, strict=True)] for one in kept
    )
    assert sorted(first) == sorted(second)


def test_a_large_picture_is_compared_coarsely_and_small_masks_exactly():
    size = (1000, 1600)
    dense = [
        block(size, 100, 100, 900, 800),
        block(size, 104, 104, 896, 796),
        block(size, 1500, 900, 1503, 903),
    ]
    dense += [
        block(size, 1501, 900, 1503, 903)
    ]  # two thirds of its neighbour: both vanish at 256 x 256
    masks = Masks.from_dense(np.array(dense))
    shared, own = merge.overlaps(masks)
    iou = shared / (own + own.T - shared)
    assert abs(iou[0, 1] - 792 * 692 / (800 * 700)) < 0.01
    assert iou[2, 3] == 2 / 3
    assert iou[0, 2] == 0
    assert merge.nms(masks, np.array([0.9, 0.8, 0.7, 0.6]), iou=0.5).tolist() == [0, 2]


# ---- wholes and parts

TREE = draw_masks(
    "########/########", "####..../####....", "##....../........", "......##/......##"
)


def test_whole_part_and_tree():
    result = named(TREE, [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0])
    assert keep_nested(result, "whole").masks.areas.tolist() == [16]
    # The half-picture (8) is covered to a quarter only by its part, so it stays; the picture is
    # covered to 3/4.
    assert keep_nested(result, "part").masks.areas.tolist() == [8, 2, 4]
    assert merge.unnest(TREE, result.label_ids, "tree").tolist() == [0, 1, 2, 3]


def test_a_region_of_another_name_is_no_part():
    result = named(draw_masks("####", "##.."), [0.9, 0.8], [0, 1])
    assert len(keep_nested(result, "whole")) == len(keep_nested(result, "part")) == 2


def test_of_two_equal_masks_one_is_the_whole():
    result = named(draw_masks("##", "##"), [0.9, 0.8], [0, 0])
    assert len(keep_nested(result, "whole")) == len(keep_nested(result, "part")) == 1


def test_an_unknown_granularity_is_refused():
    with pytest.raises(OptionError, match="whole, part or tree"):
        merge.unnest(TREE[:1], [0], "parts")


@given(results(), st.sampled_from(["whole", "part"]), st.integers(0, 99))
def test_granularity_is_idempotent_and_order_independent(result, keep, seed):
    once = keep_nested(result, keep)
    assert contents(keep_nested(once, keep)) == contents(once)
    other = keep_nested(shuffled(result, seed), keep)
    assert sorted(mask.tobytes() for mask in other.masks) == sorted(
        mask.tobytes() for mask in once.masks
    )


# ---- one owner per pixel


def test_the_best_score_owns_the_pixel_whatever_the_order_of_painting():
    cut = cut_overlaps(named(draw_masks("###.", ".###"), [0.4, 0.9], [0, 1]), min_area=1)
    assert cut.names == ("dog", "cat")
    assert cut.masks.dense().tolist() == draw_masks(".###", "#...").dense().tolist()
    assert cut.masks.boxes.tolist() == [[1, 0, 4, 1], [0, 0, 1, 1]]


def test_at_equal_scores_the_smaller_region_survives_inside_the_larger():
    cut = cut_overlaps(named(draw_masks("####", ".#.."), [1, 1], [0, 1]), min_area=1)
    assert sorted(cut.masks.areas.tolist()) == [1, 3]


def test_pixel_scores_decide_pixel_by_pixel():
    result = named(draw_masks("####", "####"), [0.8, 0.8], [0, 1])
    rising = np.array([[0.1, 0.2, 0.6, 0.9]])
    cut = cut_overlaps(result, [rising, rising[:, ::-1]], min_area=1)
    assert cut.label_map().tolist() == [[1, 1, 0, 0]]


@given(results())
def test_pixel_scores_of_one_are_no_pixel_scores(result):
    weighed = cut_overlaps(result, [np.ones(crop.shape) for crop in result.masks.crops], min_area=2)
    assert contents(weighed) == contents(cut_overlaps(result, min_area=2))


def test_pixel_scores_must_have_the_crops_shapes():
    with pytest.raises(MaskError, match="crop's shape"):
        cut_overlaps(named(draw_masks("##.."), [0.5], [0]), [np.ones((1, 4))])


def test_fragments_go_but_a_small_object_is_no_fragment():
    size = (40, 60)
    wall = block(size, 0, 0, 60, 40)
    post = block(size, 10, 0, 14, 40)  # leaves 10 x 40 = 400 and 46 x 40 = 1840 of the wall
    speck = block(size, 30, 30, 33, 33)  # 9 pixels, whole
    result = named(Masks.from_dense(np.array([wall, post, speck])), [0.5, 0.9, 0.8], [0, 1, 1])
    areas = dict(
        zip(cut_overlaps(result).scores.tolist(), cut_overlaps(result).masks.areas, strict=True)
    )
    assert [areas[np.float32(score)] for score in (0.5, 0.9, 0.8)] == [400 + 1840 - 9, 160, 9]
    assert cut_overlaps(result, min_area=401).masks.areas.tolist() == [160, 9, 1831]
    assert cut_overlaps(result, min_share=0.2).masks.areas.tolist() == [160, 9, 1831]


def test_a_region_that_keeps_nothing_is_gone_with_all_its_columns():
    result = Result.of(
        draw_masks("##..", "##..", "...#"),
        ("cat",),
        scores=[0.9, 0.5, 0.3],
        label_ids=[0, 0, -1],
        track_ids=[7, 8, 9],
        embeddings=np.eye(3),
        why=[Why(prompt=name) for name in "abc"],
    )
    cut = cut_overlaps(result)
    assert cut.track_ids.tolist() == [7, 9]
    assert [why.prompt for why in cut.why] == ["a", "c"]
    assert cut.embeddings.tolist() == np.eye(3)[[0, 2]].tolist()


@given(results(), st.integers(0, 99))
def test_disjoint_is_disjoint_idempotent_and_order_independent(result, seed):
    cut = cut_overlaps(result, min_area=2)
    assert cut.masks.areas.sum() == cut.masks.union().sum()
    assert contents(cut_overlaps(cut, min_area=2)) == contents(cut)
    pixels = [mask.tobytes() for mask in cut_overlaps(shuffled(result, seed), min_area=2).masks]
    assert sorted(pixels) == sorted(mask.tobytes() for mask in cut.masks)


@given(results())
def test_without_fragments_to_drop_disjoint_covers_what_was_covered(result):
    cut = cut_overlaps(result, min_area=0, min_share=0.0)
    assert (cut.masks.union() == result.masks.union()).all()


# ---- the complete map


@examples(50)
@given(results())
def test_a_panoptic_map_names_every_pixel_once(result):
    full = merge.panoptic(result)
    assert full.masks.areas.sum() == full.masks.union().sum() == result.size[0] * result.size[1]
    assert (full.label_map() >= 0).all()
    assert full.vocabulary == ("cat", "dog", "other")
    assert contents(merge.panoptic(full)) == contents(full)


def test_the_rest_takes_a_name_that_is_there_and_carries_every_column():
    result = Result.of(
        draw_masks("#.."),
        ("cat", "wall"),
        label_ids=[0],
        track_ids=[4],
        embeddings=[[1.0, 0.0]],
        why=[Why(prompt="given")],
    )
    full = merge.panoptic(result, rest="wall")
    assert full.vocabulary == ("cat", "wall")
    assert full.names == ("cat", "wall")
    assert full.scores.tolist() == [1, 0]
    assert full.track_ids.tolist() == [4, -1]
    assert full.embeddings.tolist() == [[1, 0], [0, 0]]
    assert full.why[1].made_by == "rest"


def test_nothing_found_is_all_rest():
    full = merge.panoptic(Result.nothing((3, 4), ("cat",)))
    assert (full.names, full.masks.areas.tolist()) == (("other",), [12])


def test_the_rest_needs_a_name():
    with pytest.raises(OptionError, match="name"):
        merge.panoptic(Result.nothing((3, 4)), rest=" ")
