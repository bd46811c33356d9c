"""Questions as people write them, and what is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.tasks.asking.grammar import parse_question, tidy_question
from wordmask.tasks.asking.nouns import make_singular, parse_thing


@pytest.mark.parametrize(
    ("text", "kind", "thing", "other"),
    [
        ("Is there a dog?", "exists", "dog", None),
        ("are there any people in the picture", "exists", "person", None),
        ("Can you see a zebra in front of the tree?", "exists", "zebra in front of tree", None),
        ("does this photo show cats?", "exists", "cat", None),
        ("is the dog in the picture?", "exists", "dog", None),
        ("how many cups are on the table?", "count", "cup on table", None),
        ("How many cups are there on the table?", "count", "cup on table", None),
        ("how many cars are red", "count", "red car", None),
        ("how many wine glasses", "count", "wine glass", None),
        ("count the sheep!", "count", "sheep", None),
        ("What is the number of buses?", "count", "bus", None),
        ("What colour is the car?", "colour", "car", None),
        ("what's the color of the leftmost car", "colour", "car", None),
        ("is the car red?", "is colour", "car", None),
        ("Is the box gray?", "is colour", "box", None),
        ("Where is the dog?", "where", "dog", None),
        ("where are the dogs relative to the cat?", "where", "dog", "cat"),
        ("is the cup to the left of the laptop?", "related", "cup", "laptop"),
        ("is the person on the left next to the car?", "related", "person (left)", "car"),
        ("how big is the dog?", "size", "dog", None),
        ("how much of the picture does the sky cover?", "size", "sky", None),
        ("which is bigger, the dog or the cat?", "which", "dog", "cat"),
        ("who is closer to the camera: the man or the woman?", "which", "man", "woman"),
        ("which dog is the nearest?", "which", "dog", None),
        ("is the dog bigger than the cat?", "is more", "dog", "cat"),
        ("what is on the table?", "list", "table", None),
        ("what is in the picture?", "list", None, None),
        ("please tell me: what can you see?", "list", None, None),
        ("is there anything?", "exists", None, None),
        ("where is it?", "where", None, None),
    ],
)
def test_what_is_asked_of_what(text, kind, thing, other):
    question = parse_question(text)
    assert question.kind == kind
    assert question.thing == (None if thing is None else question.thing)
    assert str(question.thing) == str(thing)
    assert str(question.other) == str(other)


@pytest.mark.parametrize(
    "text",
    [
        "why is the man sad?", "what is the man doing?", "how many people are wearing hats?",
        "are there two cars?", "is the man happy?", "who painted this?", "how many", "what",
        "how many dogs and cats are there?", "what is the capital of France?", "???",
    ],
)  # fmt: skip
def test_what_no_rule_understands(text):
    assert parse_question(text).kind == "free"


def test_a_free_question_may_still_be_about_a_thing():
    assert str(parse_question("what is the man doing?").thing) == "man"
    assert parse_question("why?").thing is None


def test_the_parts_of_a_thing():
    thing = parse_thing("the biggest red cups on the left next to the black dog")
    assert thing.word == "cup"
    assert (thing.extreme, thing.colour, thing.relation) == ("bigger", "red", "next to")
    assert (thing.other.word, thing.other.colour) == ("dog", "black")
    assert thing.words == ("cup", "dog")
    assert parse_thing("the orange").word == "orange"  # a colour alone is a thing
    assert parse_thing("  ") is None


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("people", "person"), ("dogs", "dog"), ("glasses", "glasses"),
        ("wine glasses", "wine glass"),
        ("horses", "horse"), ("boxes", "box"), ("benches", "bench"), ("berries", "berry"),
        ("potatoes", "potato"), ("shoes", "shoe"), ("grass", "grass"), ("bus", "bus"),
        ("traffic lights", "traffic light"), ("pieces of cake", "piece of cake"),
    ],
)  # fmt: skip
def test_singular(plural, single):
    assert make_singular(plural) == single


@given(st.text(max_size=60))
def test_any_text_is_a_question_of_some_kind(text):
    question = parse_question(text)
    assert all(question.words) or question.words == ()


@given(st.text(max_size=60))
def test_tidying_is_done_once(text):
    line = tidy_question(text)
    assert "?" not in line[-1:]
    assert line == " ".join(line.split())
