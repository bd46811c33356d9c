"""Labels never touch each other, stay in the picture, and leave the middle of things free."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from drawing import disc
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.media.drawing import palette, render
from wordmask.media.drawing.paint import spot
from wordmask.media.drawing.placing import Label, Place, place
from wordmask.media.drawing.render import RenderOptions

SIZE = (200, 300)
SIZE_WH = (60, 20)  # of a label


def block(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def place_one(mask: np.ndarray, *others: np.ndarray, stuff: bool = False) -> Place:
    """Where the label of `mask` goes, among other things that have no label yet."""
    masks = Masks.from_dense(np.stack([mask, *others]))
    corners = masks.corners.tolist()
    spots = [spot(crop, corner) for crop, corner in zip(masks.crops, corners, strict=True)]
    labels = [
        Label(SIZE_WH, one, repeats=False, stuff=stuff and not k) for k, one in enumerate(spots)
    ]
    found = place(labels, SIZE)[0]
    assert found is not None
    return found


def share_on(found: Place, mask: np.ndarray) -> float:
    """How much of a label lies on a mask."""
    width, height = SIZE_WH
    return float(mask[found.y : found.y + height, found.x : found.x + width].mean())


def covers(found: Place, xy: tuple[float, float]) -> bool:
    width, height = SIZE_WH
    return found.x <= xy[0] <= found.x + width and found.y <= xy[1] <= found.y + height


@examples(30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_labels_never_touch_each_other_or_leave_the_picture(seed, count):
    generator = np.random.default_rng(seed)
    size = (240, 320)
    corners = generator.integers(0, (300, 220), (count, 2))
    crops = [np.ones(shape, bool) for shape in generator.integers(1, 90, (count, 2))]
    masks = Masks.from_crops(size, corners, crops)
    labels = []
    for crop, corner in zip(masks.crops, masks.corners.tolist(), strict=True):
        size_wh = (int(generator.integers(20, 400)), 18)
        repeats, stuff = (generator.random(2) < 0.5).tolist()
        labels.append(Label(size_wh, spot(crop, corner), repeats, stuff))
    places = place(labels, size)
    covered = np.zeros(size, int)
    for found, label in zip(places, labels, strict=True):
        width, height = label.size_wh
        assert width <= 320 or found is None
        if found:
            assert 0 <= found.x <= 320 - width
            assert 0 <= found.y <= 240 - height
            covered[found.y : found.y + height, found.x : found.x + width] += 1
    assert covered.max() <= 1
    narrowest = min(label.size_wh[0] for label in labels)
    assert any(places) or narrowest > 320 or all(label.repeats for label in labels)


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(block(100, 80, 200, 160), id="a thing in the middle"),
        pytest.param(block(0, 0, 100, 100), id="in a corner"),
        pytest.param(block(120, 60, 140, 190), id="narrow"),
        pytest.param(block(0, 90, 300, 200), id="the ground"),
        pytest.param(block(0, 0, 300, 200), id="all of the picture"),
        pytest.param(disc(SIZE, (150, 100), 60), id="round"),
        pytest.param(disc(SIZE, (150, 100), 60) & ~disc(SIZE, (150, 100), 40), id="a ring"),
        pytest.param(block(148, 98, 152, 102), id="tiny"),
    ],
)
@pytest.mark.parametrize("stuff", [False, True])
def test_the_middle_of_a_thing_stays_free(mask, stuff):
    found = place_one(mask, stuff=stuff)
    masks = Masks.from_dense(mask)
    assert not covers(found, spot(masks.crops[0], masks.corners[0].tolist()).deepest)
    assert found.pointer is None


def test_a_label_stands_above_a_thing():
    mask = block(100, 80, 200, 160)
    found = place_one(mask)
    assert share_on(found, mask) == 0
    assert found.y + SIZE_WH[1] <= 80
    assert 100 <= found.x + SIZE_WH[0] / 2 <= 200


def test_a_thing_without_room_above_has_its_label_below_or_in_it():
    found = place_one(block(100, 0, 200, 90))
    assert found.y >= 45


def test_what_surrounds_things_has_its_label_inside():
    ground, thing = block(0, 90, 300, 200), block(120, 70, 180, 140)
    ground &= ~thing
    found = place_one(ground, thing, stuff=True)
    assert share_on(found, ground) == 1
    sky = block(0, 0, 300, 70)
    assert share_on(place_one(sky, stuff=True), sky) == 1
    assert place_one(sky, stuff=True).y < 20


def test_the_middle_of_a_neighbour_stays_free_too():
    thing, above = block(100, 100, 200, 180), block(110, 70, 190, 95)
    found = place_one(thing, above)
    assert not covers(found, (150, 82.5))


def test_a_label_without_room_beside_its_region_points_to_it():
    # A small thing whose label is as wide as the gaps between small things that it must not hide.
    masks = np.zeros((26, 240, 320), bool)
    masks[0, 118:121, 158:161] = True
    for index in range(1, 26):
        y, x = 96 + 11 * ((index - 1) // 5), 98 + 28 * ((index - 1) % 5)
        masks[index, y : y + 5, x : x + 5] = True
    labels = [0] + [1] * 25
    result = Result.of(
        Masks.from_dense(masks), ("lens", "grain"), scores=[0.9] + [0.5] * 25, label_ids=labels
    )
    shown = render.overlay(None, result, RenderOptions(opacity=0, outline=False))
    end_of_line = shown.getpixel((159, 119))
    assert end_of_line == tuple(palette.colours(result.vocabulary)[0].tolist())
