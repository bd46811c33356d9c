"""The public names, pinned: taking one away, or adding one, needs an edit to this list."""

import inspect
import subprocess
import sys

import pytest

import wordmask
from wordmask import errors

NAMES = {
    # doing
    "click", "everything", "load", "read", "segment", "session",
    # things
    "Absent", "Boxes", "Example", "Image", "Masks", "Models", "Points", "Region", "Result", "Session", "Text", "Why",
    # options
    "ClickOptions", "EngineOptions", "EverythingOptions", "SegmentOptions",
    # trouble
    "WordmaskError", "errors",
}  # fmt: skip
ERRORS = {
    "CapabilityError": 3, "EngineError": 3, "FormatError": 2, "ImageError": 2, "InputError": 2, "MaskError": 2,
    "MissingExtraError": 3, "OptionError": 2, "OutputError": 4, "PromptError": 2, "UnknownEngineError": 3,
    "WeightsError": 3, "WordmaskError": 1,
}  # fmt: skip


def test_the_public_names():
    assert set(wordmask.__all__) == NAMES
    assert list(wordmask.__all__) == sorted(wordmask.__all__)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_is_there_and_explained(name):
    assert inspect.getdoc(getattr(wordmask, name))
    assert name in dir(wordmask)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("segment", ["image", "words", "model", "how", "options"]),
        ("click", ["image", "points", "box", "words"]),
        ("everything", ["image"]),
        ("session", ["image", "model"]),
    ],
)
def test_the_parameters_that_people_rely_on(name, parameters):
    given = list(inspect.signature(getattr(wordmask, name)).parameters)
    assert [word for word in parameters if word not in given] == []
    assert given[0] == "image"


def test_modules_are_there_without_their_own_import():
    code = "import wordmask; print(wordmask.errors.WordmaskError.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "WordmaskError"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="segmnt"):
        _ = wordmask.segmnt


def test_exceptions_and_their_exit_codes():
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert found == ERRORS
    assert all(issubclass(getattr(errors, name), wordmask.WordmaskError) for name in ERRORS)


def test_a_star_import_brings_exactly_the_public_names():
    code = "from wordmask import *; print(*sorted(name for name in globals() if not name.startswith('__')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == NAMES
