import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw_masks
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result, Why
from wordmask.errors import MaskError, OptionError


def full() -> Result:
    """Three regions with every column, given in a wrong order."""
    return Result.of(
        draw_masks("#...", "##..", "...#"),
        ("cat", "dog"),
        scores=[0.2, 0.9, 0.5],
        label_ids=[1, 0, -1],
        track_ids=[10, 20, 30],
        embeddings=np.eye(3),
        why=[Why(prompt=name) for name in ("p", "q", "r")],
        made_by=("fake@1",),
        absent=(Absent("dog", 0.1, 0.3),),
        image=Image(np.zeros((1, 4, 3), np.uint8)),
    )


def test_every_column_is_sorted_with_the_scores():
    result = full()
    assert np.allclose(result.scores, [0.9, 0.5, 0.2])
    assert result.masks.areas.tolist() == [2, 1, 1]
    assert result.label_ids.tolist() == [0, -1, 1]
    assert result.track_ids.tolist() == [20, 30, 10]
    assert result.embeddings.argmax(1).tolist() == [1, 2, 0]
    assert [why.prompt for why in result.why] == ["q", "r", "p"]
    assert result.names == ("cat", "", "dog")


def test_ties_go_by_area_then_from_the_top_then_from_the_left():
    result = Result.of(draw_masks("..../.#..", "..#./....", "#.../....", "..../..##"))
    assert result.masks.boxes.tolist() == [[2, 1, 4, 2], [0, 0, 1, 1], [2, 0, 3, 1], [1, 1, 2, 2]]


@given(arrays(np.float32, st.integers(0, 6), elements=st.floats(0, 1, width=32)), st.randoms())
def test_the_order_given_does_not_matter(scores, random):
    masks = Masks.from_crops(
        (1, 9), [(k, 0) for k in range(len(scores))], [np.ones((1, 1), bool)] * len(scores)
    )
    order = random.sample(range(len(scores)), len(scores))
    one, two = Result.of(masks, scores=scores), Result.of(masks[order], scores=scores[order])
    assert one.scores.tolist() == two.scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert one.masks.corners.tolist() == two.masks.corners.tolist()


def test_a_subset_keeps_every_column_and_what_belongs_to_the_picture():
    result = full()
    part = result[[2, 0]]
    assert (part.names, part.track_ids.tolist()) == (("cat", "dog"), [20, 10])
    assert part.embeddings.argmax(1).tolist() == [1, 0]
    assert [why.prompt for why in part.why] == ["q", "p"]
    assert (part.made_by, part.absent, part.image) == (result.made_by, result.absent, result.image)
    assert len(result[-1]) == len(result[1:2]) == len(result[result.scores > 0.8]) == 1
    assert len(result[[]]) == 0


def test_a_row_as_a_named_tuple():
    region = full().one(1)
    assert region.mask.tolist() == [[False, False, False, True]]
    assert (region.box, region.area, region.name, region.label_id) == ((3, 0, 4, 1), 1, "", -1)
    assert (region.track_id, region.why.prompt, region.score) == (30, "r", 0.5)
    plain = Result.of(draw_masks("#.")).one()
    assert (plain.track_id, plain.embedding, plain.why, plain.score) == (None, None, None, 1.0)


def test_the_best_score_wins_in_the_label_map():
    result = Result.of(
        draw_masks("##..", ".###", "#..."),
        ("cat", "dog"),
        scores=[0.9, 0.8, 1.0],
        label_ids=[0, 1, -1],
    )
    assert result.label_map().tolist() == [[0, 0, 1, 1]]
    assert result.label_map().dtype == np.int32
    assert Result.nothing((1, 2), ("cat",)).label_map().tolist() == [[-1, -1]]


def test_only_the_regions_of_a_word():
    assert full().select("dog").names == ("dog",)
    with pytest.raises(OptionError, match="not in the vocabulary: cat, dog"):
        full().select("cow")


def test_replaced_sorts_again_and_keeps_the_rest():
    result = full().replace(scores=np.array([0.1, 0.2, 0.3]), made_by=("a", "b"))
    assert result.names == ("dog", "", "cat")
    assert result.made_by == ("a", "b")
    assert result.track_ids.tolist() == [10, 30, 20]
    assert len(result.replace(why=None, track_ids=None)) == 3


def test_the_picture_can_be_kept_and_let_go():
    image = Image(np.zeros((1, 4, 3), np.uint8))
    assert full().with_image(None).image is None
    assert full().with_image(None).with_image(image).image is image
    with pytest.raises(MaskError, match="the picture is"):
        Result.nothing((2, 2)).with_image(image)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (4, 1)}, "the masks are of"),
        ({"scores": [0.5]}, "but 1 scores"),
        ({"scores": [0.2, 0.9]}, "must descend"),
        ({"scores": [1.5, 0.5]}, r"lie in \[0, 1\]"),
        ({"scores": [np.nan, 0.5]}, r"lie in \[0, 1\]"),
        ({"label_ids": [0, 1]}, "-1 to 0"),
        ({"label_ids": [-2, 0]}, "-1 to 0"),
        ({"track_ids": [1]}, "1 track_ids"),
        ({"embeddings": np.eye(3)}, "3 embeddings"),
        ({"why": (Why(),)}, "1 why"),
    ],
)
def test_the_constructor_checks(change, message):
    columns = {"size": (1, 4), "scores": [0.9, 0.5], "label_ids": [0, -1]} | change
    with pytest.raises(MaskError, match=message):
        Result(vocabulary=("cat",), masks=draw_masks("#...", ".#.."), **columns)


@pytest.mark.parametrize("column", [{"scores": [1.0]}, {"label_ids": [0]}, {"why": [Why()]}])
def test_columns_of_the_wrong_length_are_refused_before_sorting(column):
    with pytest.raises(MaskError, match="2 masks but 1"):
        Result.of(draw_masks("#.", ".#"), ("cat",), **column)


def test_columns_are_read_only():
    result = full()
    for column in (result.scores, result.label_ids, result.track_ids, result.embeddings):
        assert not column.flags.writeable


def test_nothing_is_a_normal_answer():
    none = Result.nothing((3, 4), ("cat",), absent=(Absent("cat", 0.1, 0.3),))
    assert (len(none), none.size, none.vocabulary, list(none), none.names) == (
        0,
        (3, 4),
        ("cat",),
        [],
        (),
    )
    assert (
        len(none[[]])
        == len(none[:])
        == len(none.select("cat"))
        == len(none.replace(made_by=("x",)))
        == 0
    )
    assert none[[]].absent[0].phrase == "cat"


def test_repr_says_what_was_found_and_what_not():
    assert (
        repr(full())
        == "<Result 3 regions of 4 x 1: cat 0.90, unnamed 0.50, dog 0.20; not here: dog>"
    )
    assert repr(Result.nothing((3, 4))) == "<Result 0 regions of 4 x 3>"
    assert "2 more" in repr(Result.of(draw_masks(*["#."] * 7)))


def test_showing_and_saving_are_medias_work(tmp_path):
    result = full()
    assert result.show(tmp_path / "seen.png").size[1] > 0
    assert (tmp_path / "seen.png").exists()
    assert result._repr_png_().startswith(b"\x89PNG")
    assert [path.name for path in result.save(tmp_path / "found.json")] == ["found.json"]
