"""What a plug-in should test: it is found by name, it is a Segmenter, and its masks are right."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

import wordmask
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch, Segmenter
from wordmask.errors import ImageError, PromptError


@pytest.fixture
def picture():
    """A red disc on a noisy green ground."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (80, 120, 3)).astype(np.uint8)
    pixels[..., 1] += 120
    cv2.circle(pixels, (60, 40), 20, (220, 30, 30), -1)
    return Image(pixels)


@pytest.fixture
def disc():
    y, x = np.mgrid[:80, :120]
    return (x - 60) ** 2 + (y - 40) ** 2 <= 20**2


@pytest.fixture(scope="module")
def engine():
    return engines.load("grabcut").get(Segmenter)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def test_it_is_found_by_its_name(engine):
    assert "grabcut" in engines.names()
    assert engine.name.startswith("grabcut@")


@pytest.mark.parametrize(
    "prompt",
    [
        PromptBatch.of_boxes([[35.0, 15.0, 85.0, 65.0]]),
        PromptBatch.click(np.array([[60.0, 40.0], [10.0, 10.0]]), np.array([1, 0])),
    ],
)
def test_the_disc_is_cut_out(prompt, engine, picture, disc):
    (seen,) = engine.encode([picture])
    cuts = engine.cut(seen, prompt)
    assert cuts.logits.shape == (1, 1, 80, 120)
    assert iou(cuts.logits[0, 0] > 0, disc) > 0.95


def test_the_same_again_is_the_same(engine, picture):
    (seen,) = engine.encode([picture])
    box = PromptBatch.of_boxes([[35.0, 15.0, 85.0, 65.0]])
    assert (engine.cut(seen, box).logits == engine.cut(seen, box).logits).all()


def test_it_serves_the_tasks_of_wordmask(picture, disc):
    result = wordmask.click(picture, box=(35, 15, 85, 65), model="grabcut")
    assert iou(result.masks.one(0), disc) > 0.95
    assert result.made_by[0].startswith("grabcut@")


def test_what_it_cannot_use_is_said(engine, picture):
    (seen,) = engine.encode([picture])
    with pytest.raises(PromptError, match="needs a point or a box"):
        engine.cut(seen, PromptBatch.click(np.array([[5.0, 5.0]]), np.array([0])))
    (other,) = engines.load("fake").get(Segmenter).encode([picture])
    with pytest.raises(ImageError, match="another engine encoded"):
        engine.cut(other, PromptBatch.points([[60.0, 40.0]]))


def test_the_command_line_lists_it():
    program = "from wordmask.doors.cli import main; main(['models'])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "grabcut" in done.stdout
