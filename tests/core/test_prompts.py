import numpy as np
import pytest

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes, Example, Points, Text, from_json, parse
from wordmask.errors import PromptError


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("cat", ("cat",)),
        ("cat, hot dog", ("cat", "hot dog")),
        (" a  b ,, c,", ("a b", "c")),
        ('["cat", "hot, dog"]', ("cat", "hot, dog")),
        ('{"words": ["猫"]}', ("猫",)),
    ],
)
def test_words_are_parsed(text, phrases):
    assert parse(text).phrases == phrases


def test_points_and_boxes_are_parsed_as_x_y():
    points = parse('{"points": [[3, 4], [5.5, 6, 0], [7, 8, true]]}')
    assert points.xy.tolist() == [[3, 4], [5.5, 6], [7, 8]]
    assert points.keep.tolist() == [True, False, True]
    assert parse('{"boxes": [[1, 2, 3, 4]]}').xyxy.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "word list is empty", id="nothing"),
        pytest.param(" , ", "word list is empty", id="only commas"),
        pytest.param("cat,dog, cat", "given twice: cat", id="twice"),
        pytest.param('{"points": ', "not JSON", id="broken JSON"),
        pytest.param("[" * 100_000, "not JSON", id="deep JSON"),
        pytest.param('{"points": [], "boxes": []}', "exactly one", id="two keys"),
        pytest.param('{"mask": []}', "exactly one", id="unknown key"),
        pytest.param('{"points": 3}', "must be a list", id="no list"),
        pytest.param('{"points": []}', "at least one row", id="no point"),
        pytest.param('{"points": [[1]]}', "a point is", id="one number"),
        pytest.param('{"points": [[1, 2, 3, 4]]}', "a point is", id="four numbers"),
        pytest.param('{"points": [7]}', "points: ", id="a number for a point"),
        pytest.param('{"points": [["a", "b"]]}', "rows of 2 numbers", id="letters"),
        pytest.param('{"points": [[NaN, 1]]}', "finite", id="NaN"),
        pytest.param('{"boxes": [[1, 2, 3]]}', r"\(N, 4\)", id="three sides"),
        pytest.param('{"boxes": [[1, 2, 1, 4]]}', "empty", id="empty box"),
        pytest.param('{"boxes": [[1, 5, 3, 4]]}', "x0 < x1", id="upside down"),
        pytest.param('["cat", 3]', "non-empty string, got 3", id="a number for a word"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused(text, message):
    with pytest.raises(PromptError, match=message):
        parse(text)


def test_a_string_is_no_list_of_words():
    with pytest.raises(PromptError, match=r"write \('cat',\)"):
        Text("cat")


@pytest.mark.parametrize(
    ("word", "message"), [("x" * 257, "256"), ("a\x00b", "control"), ("  ", "non-empty")]
)
def test_words_that_are_none_are_refused(word, message):
    with pytest.raises(PromptError, match=message):
        Text((word,))


def test_the_longest_phrase_is_allowed():
    assert Text(("x" * 256,)).phrases == ("x" * 256,)


def test_flags_must_fit_the_points():
    with pytest.raises(PromptError, match="1 points but 2"):
        Points(np.zeros((1, 2)), np.ones(2, bool))


def test_prompts_are_read_only():
    for array in (
        Points.of([(1, 2)]).xy,
        Points.of([(1, 2)]).keep,
        Boxes(np.array([[0, 0, 1, 1]])).xyxy,
    ):
        assert not array.flags.writeable


def test_an_example_needs_a_mask_of_its_picture():
    image = Image(np.zeros((2, 3, 3), np.uint8))
    assert len(Example(Masks.from_dense(np.ones((2, 3), bool)), image).masks) == 1
    with pytest.raises(PromptError, match=r"\(3, 2\), its picture is \(2, 3\)"):
        Example(Masks.empty((3, 2)), image)
    with pytest.raises(PromptError, match="no mask"):
        Example(Masks.empty((2, 3)), image)


def test_from_json_takes_a_list_for_words():
    assert from_json(["a"]).phrases == ("a",)
    with pytest.raises(PromptError, match="exactly one"):
        from_json(7)


def test_a_class_may_be_asked_for_by_several_words():
    text = Text((" sofa | couch ", "dog"))
    assert text.phrases == ("sofa|couch", "dog")
    assert text.names == ("sofa", "dog")


@pytest.mark.parametrize("words", [("sofa|",), ("|",), ("a||b",), ("sofa|couch", "couch")])
def test_words_of_one_class_must_be_words_and_no_other_class(words):
    with pytest.raises(PromptError):
        Text(words)
