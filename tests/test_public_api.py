"""The public names, pinned: taking one away, or adding one, needs an edit to this list."""

import inspect
import re
import subprocess
import sys
from typing import get_type_hints

import pytest

import wordmask
from wordmask import errors

NAMES = {
    # doing
    "ask", "click", "everything", "find", "index", "lift", "load", "pose", "read", "read_people",
    "read_result", "read_results", "read_volume", "save_people", "save_volume", "segment",
    "segment_raster", "session", "track", "tracker", "volume", "volume_session",
    # things
    "AsyncClient", "Client",
    "Absent", "Answer", "Boxes", "Example", "FramePrompt", "Hit", "Image", "Lift", "LiveTracker",
    "Masks", "Measured", "Models", "People", "Points", "Poses", "RasterAnswer", "Region", "Result",
    "SearchAnswer", "SearchQuery", "Session", "Text", "Volume", "VolumePrompt", "VolumeResult",
    "VolumeSession", "Why",
    # options
    "AskOptions", "ClickOptions", "DescribeOptions", "EngineOptions", "EverythingOptions",
    "FormatOptions", "LiftOptions", "PoseOptions", "ReadingOptions", "RenderOptions",
    "SearchOptions", "SegmentOptions", "TileOptions", "TrackOptions", "VolumeOptions",
    # trouble
    "WordmaskError", "errors",
}  # fmt: skip
ERRORS = {
    "CapabilityError": 3, "EngineError": 3, "FormatError": 2, "ImageError": 2, "InputError": 2,
    "MaskError": 2, "MissingExtraError": 3, "OptionError": 2, "OutputError": 4, "PromptError": 2,
    "RemoteError": 1,    "UnknownEngineError": 3, "WeightsError": 3, "WordmaskError": 1,
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
        ("pose", ["image", "words", "boxes", "model", "options"]),
        ("session", ["image", "model"]),
        ("track", ["video", "words", "prompts", "model", "options"]),
        ("tracker", ["words", "model", "options"]),
        ("index", ["pictures", "db", "model", "options"]),
        ("find", ["db", "words", "like", "query", "model", "options"]),
        ("lift", ["image", "words", "measured", "model", "options"]),
        ("volume", ["scan", "prompts", "model", "options"]),
        ("volume_session", ["scan", "model", "options"]),
        ("save_volume", ["result", "output"]),
        ("load", ["model", "options"]),
        ("read_result", ["source", "size", "vocabulary"]),
    ],
)
def test_the_parameters_that_people_rely_on(name, parameters):
    given = list(inspect.signature(getattr(wordmask, name)).parameters)
    assert [word for word in parameters if word not in given] == []
    assert given[0] == parameters[0]


METHODS = {
    "absent", "embeddings", "image", "label_ids", "label_map", "made_by", "masks", "names",
    "nothing", "of", "one", "replace", "save", "scores", "select", "show", "size", "to",
    "track_ids", "vocabulary", "why", "with_image",
}  # fmt: skip


def test_what_a_result_has():
    found = wordmask.Result.nothing((2, 2))
    assert {name for name in dir(found) if not name.startswith("_")} == METHODS


def test_every_options_class_of_a_public_call_is_public():
    calls = [getattr(wordmask, name) for name in NAMES]
    calls = [call for call in calls if inspect.isfunction(call)]
    calls += [wordmask.Session.click, wordmask.Session.segment, wordmask.Session.everything]
    notes = [str(note) for call in calls for note in get_type_hints(call).values()]
    named = {name for note in notes for name in re.findall(r"\b(\w+Options)\b", note)}
    assert {"ClickOptions", "DescribeOptions", "EngineOptions", "SegmentOptions"} <= named <= NAMES


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
    code = "from wordmask import *; print(*(n for n in globals() if not n.startswith('__')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == NAMES
