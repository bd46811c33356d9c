"""Answers on drawn pictures, with the weightless engine, which knows colours and shapes."""

from dataclasses import dataclass

import numpy as np
import pytest

from drawing import box_mask, disc, paint
from seeing import encode_sizes
from wordmask import engines
from wordmask.core.answer import UNKNOWN, Answer
from wordmask.core.models import Models
from wordmask.core.protocols import Wording
from wordmask.core.result import Result
from wordmask.engines.fake import Fake
from wordmask.errors import CapabilityError, OptionError, PromptError
from wordmask.tasks.ask import AskOptions, ask
from wordmask.tasks.asking.answerers import cut_around
from wordmask.tasks.asking.rules import count_sure
from wordmask.tasks.asking.sightings import split_apart
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

SIZE = (240, 320)
RED, BLUE, GREEN, WHITE = (220, 20, 20), (20, 20, 220), (20, 150, 40), (255, 255, 255)


@pytest.fixture(scope="module")
def fake() -> Models:
    return engines.load("fake")


def shapes():
    """Two discs, red and blue, and a green square below the blue one, right."""
    return paint(
        SIZE,
        (disc(SIZE, (60, 70), 40), RED),
        (disc(SIZE, (240, 70), 25), BLUE),
        (box_mask(SIZE, (200, 150, 270, 220)), GREEN),
    )


def answer(question, models, image=None, **options) -> Answer:
    view = View(image or shapes(), models, Trace())
    return ask(view, question, AskOptions(**{"min_score": 0, **options}))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("is there a disc?", "yes"),
        ("is there a triangle?", "no"),
        ("is there a red disc?", "yes"),
        ("is there a green disc?", "no"),
        ("how many discs are there?", "2"),
        ("how many triangles are there?", "0"),
        ("how many discs are on the left?", "1"),
        ("what colour is the square?", "green"),
        ("what colour is the biggest disc?", "red"),
        ("what colour are the discs?", "red"),
        ("is the square green?", "yes"),
        ("is the square red?", "no"),
        ("where is the square?", "bottom right"),
        ("where are the discs?", "top left and top right"),
        ("where is the red disc relative to the square?", "above and left of the square"),
        ("is the blue disc above the square?", "yes"),
        ("is the red disc right of the blue disc?", "no"),
        ("how big is the square?", "6.4% of the picture, 70 x 70 pixels"),
        ("how tall is the square?", "70 pixels, 29% of the picture's height"),
        ("how wide is the square?", "70 pixels, 22% of the picture's width"),
        ("which is bigger, the red disc or the blue disc?", "red disc"),
        ("is the blue disc bigger than the red disc?", "no"),
        ("which disc is leftmost?", "the one at top left"),
        ("which is taller, the square or the blue disc?", "square"),
    ],
)
def test_rules(question, text, fake):
    found = answer(question, fake)
    assert found.text == text, found
    assert found.how.startswith("rule: ")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("what colour is the triangle?", "no triangle was found"),
        ("where is the triangle?", "no triangle was found"),
        ("how big is the yellow disc?", "2 x disc, but no yellow disc"),
        ("how many discs are next to the triangle?", "triangle is not there"),
        ("is the disc above the triangle?", "no triangle was found"),
        ("which is bigger, the triangle or the disc?", "no triangle was found"),
        ("what is on the triangle?", "no triangle was found"),
        ("where is it?", "names nothing"),
        ("is there anything?", "names nothing"),
        ("what is it?", "no rule answers this"),
    ],
)
def test_what_cannot_be_known_is_unknown_and_says_why(question, reason, fake):
    found = answer(question, fake)
    assert found.text == UNKNOWN
    assert reason in found.reason


def test_the_evidence_is_what_the_answer_rests_on(fake):
    found = answer("what colour is the leftmost disc?", fake)
    assert found.evidence.names == ("disc",)
    assert found.evidence.masks.boxes[0].tolist() == pytest.approx([20, 30, 100, 110], abs=3)
    pair = answer("is the blue disc above the square?", fake)
    assert sorted(pair.evidence.names) == ["disc", "square"]
    assert pair.score == pytest.approx(float(pair.evidence.scores.min()))
    absent = answer("is there a triangle?", fake)
    assert [word.phrase for word in absent.evidence.absent] == ["triangle"]
    assert absent.looked_for == ("triangle",)


def test_an_unsure_answer_is_unknown_but_tells_what_it_would_be(fake):
    sure = answer("how many discs are there?", fake)
    found = answer("how many discs are there?", fake, min_score=1)
    assert found.text == UNKNOWN
    assert found.reason.startswith(f"perhaps {sure.text}, but only")
    assert len(found.evidence) == 2


def test_what_is_equally_so_is_not_told_apart(fake):
    twins = paint(SIZE, (disc(SIZE, (60, 70), 40), RED), (disc(SIZE, (240, 70), 40), BLUE))
    found = answer("which is bigger, the red disc or the blue disc?", fake, twins)
    assert found.text == UNKNOWN
    assert "neither is clearly" in found.reason
    assert "no disc is clearly" in answer("which disc is the biggest?", fake, twins).reason


def test_nearer_needs_depth(fake):
    found = answer("which is nearer, the red disc or the square?", fake)
    assert found.text in ("red disc", "square", UNKNOWN)

    class NoDepth:
        name = "flat"
        encode, features, embed_texts, cut = (
            fake.parts[0].encode, fake.parts[0].features, fake.parts[0].embed_texts,
            fake.parts[0].cut,
        )  # fmt: skip

    flat = answer("which disc is nearest?", Models("flat", (NoDepth(),)))
    assert flat.text == UNKNOWN
    assert "no DepthModel" in flat.reason


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question_is_an_error(question, fake):
    with pytest.raises(PromptError, match="the question is empty"):
        answer(question, fake)


def test_a_long_question_is_an_error(fake):
    with pytest.raises(PromptError, match="at most 500"):
        answer("is there " + "a" * 500, fake)


def test_a_score_outside_its_range_is_an_error():
    with pytest.raises(OptionError, match=r"lies in \[0, 1\]"):
        Answer("?", "yes", 1.5, Result.nothing(SIZE), "test")


def test_pieces_that_do_not_touch_are_counted_apart(fake):
    two = np.stack([disc(SIZE, (60, 70), 40) | disc(SIZE, (240, 70), 30)])
    crumb = two | disc(SIZE, (160, 200), 3)
    from wordmask.core.masks import Masks

    result = Result.of(Masks.from_dense(crumb), ("disc",), scores=[0.9], label_ids=[0])
    apart = split_apart(result)
    assert len(apart) == 2
    assert apart.scores.tolist() == pytest.approx([0.9, 0.9])
    kept, score = count_sure(apart)
    assert len(kept) == 2
    assert score == pytest.approx(0.9 * 0.8)


# ---- engines for questions


@dataclass(frozen=True)
class Oracle:
    """Says what it was told to: of the whole picture, and of anything smaller."""

    whole: Wording
    near: Wording
    name: str = "oracle"

    def encode(self, images):
        return encode_sizes(images)

    def answer(self, seen, question):
        return self.whole if seen.size == SIZE else self.near


def join(whole, near) -> Models:
    return Models("fake+oracle", (Fake("fake"), Oracle(Wording(*whole), Wording(*near))))


def test_the_engine_is_asked_of_the_whole_and_closely():
    found = answer("what is the disc made of?", join(("Wood.", 0.9), ("the wood", 0.8)))
    assert found.text == "Wood."
    assert found.how == "oracle"
    assert found.score <= 0.8
    assert found.evidence.names == ("disc",)


def test_looks_that_disagree_are_unknown():
    found = answer("what is the disc made of?", join(("wood", 0.9), ("metal", 0.9)))
    assert found.text == UNKNOWN
    assert "'wood'" in found.reason
    assert "'metal'" in found.reason


def test_an_engine_is_not_asked_about_what_is_not_there():
    found = answer("what is the triangle made of?", join(("wood", 0.9), ("wood", 0.9)))
    assert found.text == UNKNOWN
    assert "no triangle was found" in found.reason


def test_an_unsure_engine_is_unknown_and_a_question_about_nothing_is_of_the_whole():
    models = join(("rain", 0.3), ("", 0.0))
    assert answer("why?", models).text == "rain"
    assert answer("why?", models, min_score=0.5).text == UNKNOWN


def test_how_chooses_who_answers(fake):
    models = join(("7", 0.9), ("7", 0.9))
    assert answer("how many discs are there?", models).text == "2"
    assert answer("how many discs are there?", models, how="answerer").text == "7"
    assert answer("why?", models, how="rules").text == UNKNOWN
    with pytest.raises(CapabilityError, match="no Answerer"):
        answer("why?", fake, how="answerer")
    assert "fake+blip-vqa" in answer("why?", fake).reason


def test_a_close_look_keeps_within_the_picture():
    from wordmask.core.masks import Masks

    corner = Result.of(Masks.from_dense(box_mask(SIZE, (300, 220, 320, 240))[None]))
    assert cut_around(shapes(), corner).size == (26, 26)
