"""Pieces of the dense answer that are cut again."""

from dataclasses import replace

import cv2
import numpy as np

from drawing import paint_discs
from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Segmenter
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.segment import SegmentOptions, segment

RED, BLUE = (255, 0, 0), (0, 0, 255)


class Greedy:
    """Cuts reach over their edges, and are as sure there as anywhere."""

    name = "greedy"

    def __init__(self, cutter):
        self.cutter = cutter

    def encode(self, images):
        return self.cutter.encode(images)

    def cut(self, seen, prompts):
        cuts = self.cutter.cut(seen, prompts)
        logits = cuts.logits.copy()
        for plane in logits.reshape(-1, *logits.shape[2:]):
            plane[:] = np.where(cv2.dilate(plane, np.ones((13, 13))) > 0, 20, -20)
        return replace(cuts, logits=logits)


def test_where_cuts_overlap_a_pixel_goes_to_the_word_that_is_more_probable_there():
    image = paint_discs((240, 320), (100, 120, 40, RED), (181, 120, 40, BLUE))
    fake = engines.load("fake")
    models = Models("greedy+fake", (Greedy(fake.get(Segmenter)), *fake.parts))
    found = segment(image, Text(("red", "blue")), models, SegmentOptions(how="guided"))
    assert sorted(found.names) == ["blue", "red"]
    assert all(region.why.prompt.startswith("point") for region in found)  # cut, not as it was
    for region, other in zip(found, reversed(list(found)), strict=True):
        colour = RED if other.name == "red" else BLUE
        taken = region.mask & (image.pixels == colour).all(-1)
        assert taken.sum() < 30, f"{region.name} took {taken.sum()} pixels of {other.name}"


def test_what_cannot_pass_the_threshold_is_not_cut():
    image = paint_discs((240, 320), (100, 120, 40, RED), (240, 120, 40, BLUE))
    prompts = {}
    for threshold in (0.5, 1.0):
        trace = Trace()
        options = SegmentOptions(how="guided", min_confidence=threshold)
        found = segment(image, Text(("red", "blue")), engines.load("fake"), options, trace)
        prompts[threshold] = trace.prompts
    assert prompts == {0.5: 2, 1.0: 0}
    assert [absent.phrase for absent in found.absent] == ["red", "blue"]
    assert all(0 < absent.best < absent.needed for absent in found.absent)
