"""Every region, unasked."""

import cv2
import numpy as np
import pytest

from drawing import box_mask, paint_discs
from seeing import encode_sizes
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.protocols import Cuts, MaskProposals
from wordmask.errors import OptionError
from wordmask.tasks.everything import EverythingOptions, everything
from wordmask.tasks.finding.trace import Trace


def drawn():
    places = ((60, 60, (255, 0, 0)), (250, 60, (0, 0, 255)), (150, 180, (0, 160, 0)))
    return paint_discs((240, 320), *((x, y, 35, colour) for x, y, colour in places))


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


@pytest.mark.parametrize("adaptive", [True, False])
def test_every_disc_is_found_once(fake, adaptive):
    found = everything(drawn(), fake, EverythingOptions(points_per_side=16, adaptive=adaptive))
    discs = [region for region in found if 3000 < region.area < 5000]
    assert len(discs) == 3
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.names) == {""}


def test_adaptive_asks_less_for_the_same_discs(fake):
    class Counting:
        name = "counting"
        asked = 0

        def encode(self, images):
            return fake.parts[0].encode(images)

        def cut(self, seen, prompts):
            self.asked += len(prompts)
            return fake.parts[0].cut(seen, prompts)

    counts = {}
    for adaptive in (True, False):
        engine = Counting()
        everything(
            drawn(),
            Models("counting", (engine,)),
            EverythingOptions(points_per_side=16, adaptive=adaptive),
        )
        counts[adaptive] = engine.asked
    assert counts[True] < counts[False] == 16 * 12


@pytest.mark.parametrize(("x", "y"), [(32, 32), (64, 32), (96, 64)])
def test_adaptive_does_not_skip_a_small_thing_inside_a_near_copy_of_its_surroundings(fake, x, y):
    """On two discs a click on the ground gives the ground, and a copy with one of the discs."""
    pixels = np.full((96, 128, 3), (255, 255, 0), np.uint8)
    for centre, colour in (((64, 96), (255, 0, 0)), ((x, y), (0, 0, 0))):
        cv2.circle(pixels, centre, 14, colour, -1)
    disc = Masks.from_dense((pixels == 0).all(-1))
    found = everything(Image(pixels), fake, EverythingOptions(points_per_side=16))
    assert disc.iou(found.masks).max() > 0.9


class Counted:
    """Cuts one square around each click, sure of it, and keeps what it was asked."""

    name = "counted"

    def __init__(self, side):
        self.side = side
        self.asked = []

    def encode(self, images):
        return encode_sizes(images)

    def cut(self, seen, prompts):
        height, width = seen.size
        self.asked += [tuple(xy) for xy in prompts.xy[:, 0].tolist()]
        rows, columns = np.ogrid[:height, :width]
        x, y = np.moveaxis(prompts.xy[:, 0, :, None, None], 1, 0)
        near = (np.abs(columns - x) <= self.side / 2) & (np.abs(rows - y) <= self.side / 2)
        return Cuts(
            np.where(near, 9.0, -9.0).astype(np.float32)[:, None],
            np.full((len(near), 1), 0.9, np.float32),
        )


def asked(pixels, side=400, **options):
    engine = Counted(side)
    everything(Image(pixels), Models("counted", (engine,)), EverythingOptions(**options))
    return engine.asked


def test_inside_a_sure_region_adaptive_skips_only_what_looks_even():
    """The one region covers all, so only the picture can tell that there is a thing on it."""
    pixels = np.full((96, 128, 3), 200, np.uint8)
    cv2.circle(pixels, (40, 50), 9, (90, 90, 90), -1)
    points = np.array(asked(pixels, points_per_side=16))
    in_disc = (np.hypot(*(points - (40, 50)).T) < 9).sum()
    assert in_disc >= 1
    assert len(points) < 0.6 * 16 * 12


@pytest.mark.parametrize("per_side", [1, 2, 5, 16])
def test_adaptive_asks_points_of_the_grid_and_none_twice(per_side):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    even = np.full_like(noise, 200)
    grid = sorted(asked(noise, points_per_side=per_side, adaptive=False))
    assert sorted(asked(noise, side=6, points_per_side=per_side)) == grid
    assert set(asked(even, points_per_side=per_side)) <= set(grid)


def test_crops_find_the_same_discs_in_the_same_place(fake):
    whole, crops = (
        everything(drawn(), fake, EverythingOptions(points_per_side=16, crop_layers=layers))
        for layers in (0, 1)
    )
    disc = whole[[k for k, area in enumerate(whole.masks.areas) if 3000 < area < 5000]]
    assert disc.masks.iou(crops.masks).max(1) == pytest.approx(1.0, abs=0.03)


def test_the_last_batch_of_points_is_not_dropped():
    """A public pipeline forgets it: here each point has its own mask, so all must come back."""

    class OnePixel:
        name = "one-pixel"

        def encode(self, images):
            return encode_sizes(images)

        def cut(self, seen, prompts):
            logits = np.full((len(prompts), 1, 40, 40), -9, np.float32)
            for row, (x, y) in enumerate(prompts.xy[:, 0]):
                logits[row, 0, int(y), int(x)] = 90
            return Cuts(logits, np.full((len(prompts), 1), 0.9, np.float32))

    image = Image(np.zeros((40, 40, 3), np.uint8))
    options = EverythingOptions(
        points_per_side=5, adaptive=False, prompts_per_batch=7, min_region_size=0
    )
    assert len(everything(image, Models("one", (OnePixel(),)), options)) == 25


def test_options_are_checked():
    with pytest.raises(OptionError, match="min_quality"):
        EverythingOptions(min_quality=1.2)


class Proposer:
    """An engine that proposes all masks at once: two good ones, a copy, a speck and a poor one."""

    name = "proposer"

    def encode(self, images):
        return encode_sizes(images)

    def propose_all(self, seen):
        boxes = (
            (0, 0, 20, 20),
            (40, 10, 70, 50),
            (0, 0, 20, 19),
            (80, 80, 83, 83),
            (50, 60, 90, 90),
        )
        masks = Masks.from_dense(np.stack([box_mask(seen.size, box) for box in boxes]))
        return MaskProposals(masks, np.array([0.7, 0.9, 0.65, 0.9, 0.3], np.float32))


def test_an_engine_that_proposes_all_masks_needs_no_grid(fake):
    models = Models("proposer+fake", (Proposer(), *fake.parts))
    trace = Trace()
    found = everything(paint_discs((100, 100)), models, EverythingOptions(), trace)
    assert found.masks.boxes.tolist() == [[40, 10, 70, 50], [0, 0, 20, 20]]
    assert [why.prompt for why in found.why] == ["everything"] * 2
    assert trace.prompts == 0
