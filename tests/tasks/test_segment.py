"""Words -> masks on drawn pictures, by every way, on the shipped fake engine."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from drawing import paint_discs
from seeing import encode_sizes
from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Detector, PromptBatch, Proposals, Segmenter
from wordmask.errors import CapabilityError, OptionError, PromptError
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import STUFF, View
from wordmask.tasks.segment import SegmentOptions, segment

WAYS = ("unified", "guided", "everything", "grounded")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 160, 0), (0, 0, 255), (255, 255, 255)


def picture(*discs, size=(240, 320)):
    """`picture((x, y, radius, colour), ...)` on white."""
    return paint_discs(size, *discs)


def mask_of(image, colour):
    return (image.pixels == colour).all(-1)


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


@pytest.mark.parametrize("how", WAYS)
def test_every_way_finds_the_named_colours_where_they_are(fake, how):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    found = segment(image, Text(("blue", "red")), fake, SegmentOptions(how=how))
    assert sorted(found.names) == ["blue", "red"]
    for region in found:
        truth = mask_of(image, RED if region.name == "red" else BLUE)
        iou = (region.mask & truth).sum() / (region.mask | truth).sum()
        assert iou > 0.95, f"{how}: {region.name} {iou:.3f}"


@pytest.mark.parametrize("how", WAYS)
def test_a_class_may_have_several_words_and_is_called_by_the_first(fake, how):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    found = segment(image, Text(("green|red", "blue")), fake, SegmentOptions(how=how))
    assert sorted(found.names) == ["blue", "green"]
    plain = segment(image, Text(("red", "blue")), fake, SegmentOptions(how=how))
    assert [r.area for r in found] == [r.area for r in plain]


def test_a_detector_is_asked_for_every_spelling():
    class Boxer:
        name, asked = "boxer", ()

        def encode(self, images):
            return encode_sizes(images)

        def propose(self, seen, phrases):
            self.asked = tuple(phrases)
            return Proposals(
                np.array([[10, 10, 60, 60]], np.float32), np.array([0.9], np.float32), np.array([2])
            )

    boxer, image = Boxer(), picture((35, 35, 20, RED))
    models = Models("boxer+fake", (boxer, engines.load("fake").get(Segmenter)))
    found = segment(image, Text(("dog", "sofa|couch")), models, SegmentOptions(how="grounded"))
    assert boxer.asked == ("dog", "sofa", "couch")
    assert found.names == ("sofa",)


@pytest.mark.parametrize("how", WAYS)
def test_what_is_not_there_is_said_with_what_it_missed(fake, how):
    found = segment(
        picture((80, 80, 40, RED)), Text(("red", "green")), fake, SegmentOptions(how=how)
    )
    (missed,) = found.absent
    assert missed.phrase == "green"
    assert missed.best < missed.needed


@pytest.mark.parametrize("how", WAYS)
def test_an_empty_picture_gives_an_empty_result_of_its_size(fake, how):
    found = segment(picture(), Text(("red",)), fake, SegmentOptions(how=how))
    assert (len(found), found.size, found.vocabulary) == (0, (240, 320), ("red",))
    assert found.label_map().shape == (240, 320)


def test_touching_things_of_one_word_are_parted_only_where_asked(fake):
    image = picture((80, 80, 40, RED), (150, 85, 40, RED))
    apart, joined = (
        segment(image, Text(("red",)), fake, SegmentOptions(how="guided", instances=instances))
        for instances in (True, False)
    )
    assert (len(apart), len(joined)) == (2, 1)
    left, right = sorted(apart, key=lambda region: region.box[0])
    assert left.box[2] < right.box[2]
    assert left.box[0] < right.box[0]


@examples(15)
@given(
    st.lists(
        st.tuples(st.integers(20, 300), st.integers(20, 220), st.integers(12, 50)),
        min_size=1,
        max_size=4,
    )
)
def test_no_two_regions_share_a_pixel(places):
    colours = (RED, GREEN, BLUE, (255, 220, 0))
    image = picture(*[(*place, colours[index]) for index, place in enumerate(places)])
    models = engines.load("fake")
    found = segment(
        image, Text(("red", "green", "blue", "yellow")), models, SegmentOptions(how="guided")
    )
    assert sum(found.masks.areas) == found.masks.union().sum()


def test_guided_leaves_out_what_a_cut_has_far_from_its_piece(fake):
    class Spotted:
        name = "spotted"

        def encode(self, images):
            return fake.get(Segmenter).encode(images)

        def cut(self, seen, prompts):
            cuts = fake.get(Segmenter).cut(seen, prompts)
            logits = cuts.logits.copy()
            logits[..., :3, -3:] = 5
            return replace(cuts, logits=logits)

    image = picture((80, 160, 40, RED))
    models = Models("spotted+fake", (Spotted(), *fake.parts))
    (region,) = segment(image, Text(("red",)), models, SegmentOptions(how="guided"))
    assert region.why.prompt.startswith("point")
    assert region.box == (40, 120, 120, 200)


def test_only_the_prompted_words_are_reported_though_all_compete(fake):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    found = segment(image, Text(("red", "blue")), fake, SegmentOptions(prompt=("blue",)))
    assert set(found.names) == {"blue"}
    assert found.vocabulary == ("blue",)


def test_further_vocabulary_competes_but_is_not_reported(fake):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    found = segment(image, Text(("red",)), fake, SegmentOptions(vocabulary=("blue", "red")))
    assert set(found.names) == {"red"}


@pytest.mark.parametrize(("panoptic", "names"), [(False, {"red"}), (True, {"red", "other"})])
def test_a_hidden_word_named_as_the_rest_is_reported_as_the_rest_only(fake, panoptic, names):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    options = SegmentOptions(vocabulary=("blue", "other"), panoptic=panoptic)
    found = segment(image, Text(("red",)), fake, options)
    assert set(found.names) == names


def test_a_word_to_report_must_be_among_the_words(fake):
    with pytest.raises(PromptError, match="zebra"):
        segment(picture(), Text(("red",)), fake, SegmentOptions(prompt=("zebra",)))


def test_panoptic_names_every_pixel(fake):
    found = segment(picture((80, 80, 40, RED)), Text(("red",)), fake, SegmentOptions(panoptic=True))
    assert set(found.names) == {"red", "other"}
    assert found.masks.union().all()
    assert sum(found.masks.areas) == 240 * 320


@pytest.mark.parametrize(("size", "kept"), [(6000, 0), (100, 1)])
def test_regions_below_the_smallest_size_are_dropped(fake, size, kept):
    image = picture((80, 80, 40, RED))  # about 5,000 pixels
    assert len(segment(image, Text(("red",)), fake, SegmentOptions(min_region_size=size))) == kept


@pytest.mark.parametrize(("confidence", "kept"), [(0.0, 1), (0.5, 1), (1.0, 0)])
def test_the_threshold_is_taken_as_given(fake, confidence, kept):
    image = picture((80, 80, 40, RED))
    assert (
        len(segment(image, Text(("red",)), fake, SegmentOptions(min_confidence=confidence))) == kept
    )


class Bare:
    """The fake as CLIP is: it cannot say "none of these", and its scores are not calibrated."""

    name = "bare"

    def __init__(self, fake):
        self._fake = fake.parts[0]
        self.asked: list[str] = []  # every phrase that was embedded

    def features(self, seen):
        return replace(self._fake.features(seen), none=None, threshold=None)

    def embed_texts(self, phrases):
        self.asked += phrases
        return self._fake.embed_texts(phrases)

    def encode(self, images):
        return self._fake.encode(images)

    def cut(self, seen, prompts):
        return self._fake.cut(seen, prompts)


@pytest.mark.parametrize(
    ("bare", "confidence", "by"),
    [
        (False, "auto", "calibrated"),
        (True, "auto", "Otsu's"),
        (True, 0.7, "as asked"),
        (False, 0.7, "as asked"),
    ],
)
def test_who_set_the_threshold_is_told(fake, bare, confidence, by):
    trace = Trace()
    models = Models("bare", (Bare(fake),)) if bare else fake
    options = SegmentOptions(min_confidence=confidence)
    segment(picture((80, 80, 40, RED)), Text(("red", "blue")), models, options, trace)
    assert trace.threshold.source.startswith(by)
    assert f"threshold {trace.threshold.score:.2f} ({by}" in trace.line()


@pytest.mark.parametrize("how", WAYS)
def test_one_word_is_not_everywhere_where_the_engine_knows_no_none(fake, how):
    image, bare = picture((80, 80, 40, RED)), Models("bare", (Bare(fake),))
    (region,) = segment(image, Text(("red",)), bare, SegmentOptions(how=how, min_confidence=0.5))
    assert region.box == (40, 40, 120, 120)
    nothing = segment(image, Text(("blue",)), bare, SegmentOptions(how=how, min_confidence=0.5))
    assert len(nothing) == 0
    assert nothing.absent[0].best < 0.5


def test_several_words_compete_with_each_other_only(fake):
    bare = Bare(fake)
    segment(picture((80, 80, 40, RED)), Text(("red", "blue")), Models("bare", (bare,)))
    assert bare.asked == ["red", "blue"]


def test_a_word_that_is_one_of_the_usual_rivals_has_not_itself_as_one(fake):
    view = View(picture(), Models("bare", (Bare(fake),)), Trace())
    assert "sky" in STUFF
    sky = view.words(["sky"])
    vectors = sky.features.rivals.against(sky.texts)
    assert len(vectors) < len(STUFF)
    assert (vectors @ sky.texts[0] < 0.95).all()


def test_why_tells_prompt_rival_and_quality(fake):
    (region,) = segment(
        picture((80, 80, 40, RED)), Text(("red", "blue")), fake, SegmentOptions(how="guided")
    )
    assert region.why.prompt.startswith("point ")
    assert region.why.rival in ("blue", "none of these")
    assert 0 <= region.why.rival_score < region.score
    assert region.why.quality > 0.5


def test_dense_regions_have_no_quality(fake):
    (region,) = segment(
        picture((80, 80, 40, RED)), Text(("red",)), fake, SegmentOptions(how="unified")
    )
    assert math.isnan(region.why.quality)
    assert region.why.prompt == "dense"


def test_the_trace_counts_prompts_and_passes(fake):
    trace = Trace()
    segment(picture((80, 80, 40, RED)), Text(("red",)), fake, SegmentOptions(how="guided"), trace)
    assert (trace.how, trace.prompts, trace.encodings) == ("guided", 1, 1)
    assert "4096" in trace.line()
    assert {"cut", "encode", "features", "merge", "words"} == set(trace.seconds)


def test_guided_needs_a_fraction_of_the_prompts_of_a_blind_grid(fake):
    image = picture((80, 80, 40, RED), (230, 150, 50, BLUE))
    traces = {how: Trace() for how in ("guided", "everything")}
    for how, trace in traces.items():
        segment(image, Text(("red", "blue")), fake, SegmentOptions(how=how), trace)
    assert traces["guided"].prompts * 5 <= traces["everything"].prompts


def test_batches_do_not_change_the_result(fake):
    image = picture(*[(30 + 60 * k, 60, 20, (RED, BLUE)[k % 2]) for k in range(5)])
    one, many = (
        segment(
            image,
            Text(("red", "blue")),
            fake,
            SegmentOptions(how="guided", prompts_per_batch=count),
        )
        for count in (1, 32)
    )
    assert one.names == many.names
    assert (one.masks.iou(many.masks).diagonal() == 1).all()


class Boxer:
    """Says there is a red thing in one box, and reaches over the picture's edge with another."""

    name = "boxer"

    def encode(self, images):
        return encode_sizes(images)

    def propose(self, seen, phrases):
        boxes = np.array([[30, 30, 130, 130], [-50, -50, -10, -10]], np.float32)
        return Proposals(boxes, np.array([0.8, 0.9], np.float32), np.array([0, 0]))


def test_grounded_cuts_what_a_detector_boxes_and_keeps_its_score(fake):
    class Cutter:
        """Only the segmenter of the fake."""

        name = "cutter"

        def encode(self, images):
            return fake.parts[0].encode(images)

        def cut(self, seen, prompts: PromptBatch):
            return fake.parts[0].cut(seen, prompts)

    models = Models("boxer+cutter", (Boxer(), Cutter()))
    (region,) = segment(picture((80, 80, 40, RED)), Text(("red",)), models)
    assert region.score == pytest.approx(0.8)
    assert region.box == (40, 40, 120, 120)
    assert region.why.prompt == "box 30,30,130,130"


@pytest.mark.parametrize(("threshold", "kept"), [(0.7, 1), (0.85, 0), (None, 1)])
def test_a_detector_says_from_which_score_on_its_boxes_count(fake, threshold, kept):
    class Careful(Boxer):
        def propose(self, seen, phrases):
            return replace(super().propose(seen, phrases), threshold=threshold)

    models = Models("careful+fake", (Careful(), *fake.parts))
    assert (
        len(
            segment(
                picture((80, 80, 40, RED)), Text(("red",)), models, SegmentOptions(how="grounded")
            )
        )
        == kept
    )


def test_boxes_alone_cannot_be_segmented(fake):
    models = Models("boxer", (Boxer(),))
    assert models.has(Detector)
    with pytest.raises(CapabilityError, match="boxes, not masks"):
        segment(picture(), Text(("red",)), models)
    with pytest.raises(CapabilityError, match="needs dense features"):
        segment(picture(), Text(("red",)), models, SegmentOptions(how="guided"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "magic"},
        {"min_confidence": "much"},
        {"min_confidence": 1.5},
        {"min_confidence": float("nan")},
        {"iou_threshold": -0.1},
        {"granularity": "some"},
        {"prompts_per_batch": 0},
        {"coarse_threshold": 2},
    ],
)
def test_options_outside_their_range_are_refused(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        SegmentOptions(**wrong)


def test_a_thousand_words_do_not_blow_up_the_answer(fake):
    words = ("red", *(f"thing {number}" for number in range(999)))
    found = segment(picture((80, 80, 40, RED)), Text(words), fake)
    assert found.names == ("red",)
    assert len(found.absent) == 999
