import numpy as np
import pytest

from seeing import encode_sizes
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import FeatureMap
from wordmask.lab.metrics import semantic
from wordmask.tasks.segment import SegmentOptions, segment


class Noise:
    """Its features are noise, so each word wins as often as the others, nowhere clearly."""

    name = "noise"

    def encode(self, images):
        return encode_sizes(images)

    def features(self, seen):
        rows = np.random.default_rng(0).normal(size=(48, 64, 8)).astype(np.float32)
        vectors = rows / np.linalg.norm(rows, axis=2, keepdims=True)
        return FeatureMap(vectors, seen.size)

    def embed_texts(self, phrases):
        return np.eye(8, dtype=np.float32)[: len(phrases)]


def load_noise() -> Models:
    return Models("noise", (Noise(),))


def test_an_engine_that_shuffles_words_scores_by_chance(measure):
    """Four answers: three words and none of them."""
    metrics = measure("semantic", load=load_noise, how="dense")["metrics"]
    assert metrics["mean_accuracy"] == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("way", ["unified", "guided", "grounded"])
@pytest.mark.parametrize("background", [0, None])
def test_a_way_of_segment_measures_what_segment_returns(way, background, measure, drawn, fake):
    """The bench's confusion is that of the label map of `segment`, run by hand."""
    from dataclasses import replace

    data = replace(drawn, background=background)
    words = [name for index, name in enumerate(data.classes) if index != background]
    results = measure("semantic", data=data, how=way)
    expected = np.zeros((4, 5), np.int64)
    for sample in data.samples:
        options = SegmentOptions(how=way)
        found = segment(data.image(sample), Text(tuple(words)), fake(), options).label_map()
        if background == 0:
            found = found + 1  # nothing, -1, becomes the background
        expected += semantic.confusion(data.truth(sample).labels, found, 4)
    assert results["curves"]["confusion"]["rows"] == expected.tolist()
    assert results["how"] == way
    assert f"segment returns with how={way}" in results["answer"]


def test_regions_have_thresholds_to_pass_and_the_label_of_every_pixel_has_none(measure):
    """Noise: dense gives each pixel a word, but no piece is sure enough to be a region."""
    metrics = {}
    for way in ("dense", "unified"):
        results = measure("semantic", way, load=load_noise, how=way, min_confidence=0.9)
        metrics[way] = results["per_class"]
    dense = measure("semantic", "every", load=load_noise, how="dense")
    assert dense["answer"].startswith("the label of every pixel")
    assert dense["per_class"]["red disc"]["iou"] > 0
    assert metrics["unified"]["red disc"]["iou"] == 0


def test_auto_is_dense_where_the_engine_has_dense_features(measure):
    assert measure("semantic", how="auto")["how"] == "dense"


@pytest.mark.parametrize("name", ["semantic", "instance"])
def test_sam_cuts_what_the_dense_answer_shows(name, measure):
    results = measure(name, how="auto", use_sam=True)
    assert results["how"] == {"semantic": "dense", "instance": "guided"}[name]
    assert results["metrics"][results["headline"]] > 0.95


def test_pamr_window_and_scale_change_the_answer(measure):
    window = {"slide_inference": True, "slide_crop": 64, "slide_stride": 32, "logit_scale": 30.0}
    plain = measure("semantic", "a", how="dense")
    other = measure("semantic", "b", how="dense", use_pamr=True, **window)
    assert other["metrics"] != plain["metrics"]
    assert other["metrics"]["miou"] > 0.7


def test_pixels_below_the_asked_confidence_are_background(measure):
    every = measure("semantic", "a", how="dense", min_confidence=0.0)
    none = measure("semantic", "b", how="dense", min_confidence=1.0)
    assert every["metrics"]["miou"] == 1
    assert {name for name, row in none["per_class"].items() if row["iou"] > 0} == {"background"}


def test_a_preset_says_what_it_pins_and_where_it_was_left(measure):
    options = {"use_pamr": True, "num_samples": 2, "min_confidence": 0.3}
    results = measure("semantic", how="auto", preset="voc21/sclip", **options)
    protocol = results["protocol"]
    assert protocol["pinned"]["logit_scale"] == 65
    assert "sky" in protocol["pinned"]["background_words"]
    departures = "\n".join(protocol["deviations"])
    for part in (
        "drawn instead of voc21",
        "PAMR is on",
        "threshold: 0.3 instead of 0.1",
        "first 2 pictures",
        "own list",
        "templates",
    ):
        assert part in departures
