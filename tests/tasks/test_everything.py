"""Every region, unasked."""

import cv2
import numpy as np
import pytest

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.protocols import Cuts
from wordmask.errors import OptionError
from wordmask.tasks.everything import EverythingOptions, everything, grid_points


def drawn():
    pixels = np.full((240, 320, 3), 255, np.uint8)
    for x, y, colour in ((60, 60, (255, 0, 0)), (250, 60, (0, 0, 255)), (150, 180, (0, 160, 0))):
        cv2.circle(pixels, (x, y), 35, colour, -1)
    return Image(pixels, "drawn")


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

        def cut(self, encoding, prompts):
            self.asked += len(prompts)
            return fake.parts[0].cut(encoding, prompts)

    counts = {}
    for adaptive in (True, False):
        engine = Counting()
        everything(drawn(), Models("counting", (engine,)), EverythingOptions(points_per_side=32, adaptive=adaptive))
        counts[adaptive] = engine.asked
    assert counts[True] < counts[False] == 32 * 24


def test_crops_find_the_same_discs_in_the_same_place(fake):
    whole, crops = (
        everything(drawn(), fake, EverythingOptions(points_per_side=16, crop_layers=layers)) for layers in (0, 1)
    )
    disc = whole[[k for k, area in enumerate(whole.masks.areas) if 3000 < area < 5000]]
    assert disc.masks.iou(crops.masks).max(1) == pytest.approx(1.0, abs=0.03)


def test_the_last_batch_of_points_is_not_dropped():
    """A public pipeline forgets it: here each point gets a mask of its own, so all must come back."""

    class OnePixel:
        name = "one-pixel"

        def encode(self, images):
            class Seen:
                size = images[0].size
                nbytes = 0

            return [Seen()]

        def cut(self, encoding, prompts):
            logits = np.full((len(prompts), 1, 40, 40), -9, np.float32)
            for row, (x, y) in enumerate(prompts.xy[:, 0]):
                logits[row, 0, int(y), int(x)] = 90
            return Cuts(logits, np.full((len(prompts), 1), 0.9, np.float32))

    image = Image(np.zeros((40, 40, 3), np.uint8))
    options = EverythingOptions(points_per_side=5, adaptive=False, prompts_per_batch=7, min_region_size=0)
    assert len(everything(image, Models("one", (OnePixel(),)), options)) == 25


@pytest.mark.parametrize(("size", "side", "count"), [((100, 100), 4, 16), ((100, 200), 4, 8), ((10, 1000), 8, 8)])
def test_the_grid_has_square_cells_with_a_point_in_each_centre(size, side, count):
    points = grid_points(size, side)
    assert len(points) == count
    assert points.mean(0) == pytest.approx((size[1] / 2, size[0] / 2))
    assert points[0, 0] == pytest.approx(size[1] / side / 2)


def test_options_are_checked():
    with pytest.raises(OptionError, match="min_quality"):
        EverythingOptions(min_quality=1.2)
