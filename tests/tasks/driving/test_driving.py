"""Growth, road and objects of drawn drives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import box_mask, draw
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import OptionError
from wordmask.tasks.driving.growth import time_to_contact
from wordmask.tasks.driving.motion import choose_points, find_similarity, follow_points
from wordmask.tasks.driving.road import (
    RoadCamera,
    free_rows,
    free_space,
    metres,
    own_road,
    place_on_road,
    road_markings,
)
from wordmask.tasks.scene import SceneOptions, SceneWatcher, drop_wide_signs

SIZE = (360, 640)

# ---- growth


@given(st.floats(1, 9), st.floats(0.02, 0.1))
def test_the_time_of_a_steady_approach_is_exact(seconds, step):
    times = [k * step for k in range(10)]
    areas = [1e4 / (seconds + times[-1] - t) ** 2 for t in times]
    assert time_to_contact(areas, times) == pytest.approx(seconds, rel=1e-6)


def test_nothing_is_said_of_what_does_not_come_nearer_or_is_new():
    times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert time_to_contact([100.0] * 6, times) is None
    assert time_to_contact([100, 90, 80, 70, 60, 50], times) is None
    assert time_to_contact([100, 110, 120], times[:3]) is None
    assert time_to_contact([100, 100.1, 100.2, 100.3, 100.4, 100.5], times) is None  # in 200 s
    assert time_to_contact([0, 0, 0, 0, 0, 1], times) is None
    assert time_to_contact([], []) is None


# ---- road


def test_the_own_road_reaches_the_bottom_centre():
    road = np.zeros((100, 120), bool)
    road[50:, 30:90] = True
    road[20:40, 100:] = True  # another one
    own = own_road(road)
    assert own[90, 60]
    assert not own[30, 110]
    assert not own_road(np.zeros((100, 120), bool)).any()
    assert not own_road(box_mask((100, 120), (0, 0, 120, 60))).any()


def test_free_rows_end_at_the_first_gap_above_the_lowest_road():
    own = draw("#...", "....", "##..", "###.", ".##.")
    assert free_rows(own).tolist() == [2, 2, 3, 5]
    assert free_space(own).tolist() == draw("....", "....", "##..", "###.", ".##.").tolist()


def test_metres_follow_the_formula():
    far = metres(np.array([100, 180, 360]), SIZE, RoadCamera(1.5, 800, 0.5))
    assert np.isnan(far[0])
    assert np.isnan(far[1])
    assert far[2] == pytest.approx(800 * 1.5 / 180)


def test_a_place_on_the_road():
    own = box_mask(SIZE, (100, 200, 300, 360))
    assert place_on_road(own, (100, 300)) == 0
    assert place_on_road(own, (299, 300)) == 1
    assert place_on_road(own, (400, 300)) > 1
    assert place_on_road(own, (100, 50)) is None


def test_markings_are_narrow_and_bright():
    pixels = np.full((*SIZE, 3), 90, np.uint8)
    pixels[200:, 318:322] = 230  # a line
    pixels[200:, 400:500] = 230  # a bright field
    marks = road_markings(Image(pixels), box_mask(SIZE, (50, 200, 600, 360)))
    assert marks[300, 319]
    assert not marks[300, 450]
    assert not marks[100].any()


# ---- drives


def draw_approach(seconds, x=320):
    """A red square with waves in it, as it looks `seconds` before contact, on grey road."""
    pixels = np.full((*SIZE, 3), 128, np.uint8)
    half = 120 / seconds
    y, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    dx, dy = (columns - x) / half, (y - 150) / half
    # Edges between pixels are mixed, so that growth below a pixel shows.
    cover = np.clip((1 - np.abs(dx)) * half + 0.5, 0, 1) * np.clip(
        (1 - np.abs(dy)) * half + 0.5, 0, 1
    )
    colour = 200 + 30 * np.sin(9 * dx) * np.sin(9 * dy)
    colour = np.stack([colour, 20 + 0 * colour, 20 + 0 * colour], -1)
    mixed = cover[..., None] * colour + (1 - cover[..., None]) * pixels
    return Image(mixed.round().astype(np.uint8))


@pytest.fixture
def red_is_a_car(monkeypatch):
    """The weightless engine knows colours: red things are cars, grey ground is road."""
    from wordmask.tasks import scene

    spelled = {name: f"{name} thing" for name in scene.CITYSCAPES}
    monkeypatch.setattr(scene, "SPELLED", spelled | {"car": "red", "road": "grey"})


def watch(images, fps=20, **options):
    watcher = SceneWatcher(engines.load("fake"), SceneOptions(**{"look_every": 5, **options}))
    return [watcher.step(image, k / fps) for k, image in enumerate(images)]


def test_a_square_that_comes_nearer_is_timed_within_five_percent(red_is_a_car):
    when = [4 - k / 20 for k in range(30)]
    frames = watch([draw_approach(seconds) for seconds in when])
    told = [(frame.objects[0], seconds) for frame, seconds in zip(frames, when, strict=True)]
    assert {thing.name for thing, _ in told} == {"car"}
    assert len({thing.id for thing, _ in told}) == 1
    assert told[2][0].no_contact == "new"
    for thing, seconds in told[10:]:
        assert thing.contact_s == pytest.approx(seconds, rel=0.05)


def test_what_goes_away_or_touches_the_edge_has_no_time(red_is_a_car):
    away = watch([draw_approach(3 + k / 20) for k in range(12)])[-1].objects[0]
    assert (away.contact_s, away.no_contact) == (None, "not nearer")
    edge = watch([draw_approach(3, x=20)] * 6)[-1].objects[0]
    assert (edge.contact_s, edge.no_contact) == (None, "edge")


def test_speed_crossings_and_warnings(red_is_a_car):
    frames = watch([draw_approach(4, x=200 + 8 * k) for k in range(20)], line="300,0,300,360")
    thing = frames[-1].objects[0]
    assert thing.speed == pytest.approx((160, 0), abs=8)
    assert frames[0].crossings == {}
    assert frames[-1].crossings == {"car left": 1}
    assert frames[-1].counts == {"car": 1}
    near = watch([draw_approach(2.5 - k / 20) for k in range(12)])
    assert any("contact in" in warning for warning in near[-1].warnings)


def test_a_frame_without_road_says_so(red_is_a_car):
    blank = Image(np.full((*SIZE, 3), 255, np.uint8))
    (frame,) = watch([blank])
    assert frame.objects == ()
    assert not frame.road.any()
    assert (frame.free == SIZE[0]).all()
    assert frame.warnings == ("no road is seen before the camera",)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"camera_height": 1.5}, "focal_px"),
        ({"focal_px": 900.0}, "camera_height"),
        ({"line": "1,2,3"}, "four numbers"),
        ({"look_every": 0}, "look_every"),
    ],
)
def test_options_that_cannot_be(options, told):
    with pytest.raises(OptionError, match=told):
        _ = SceneOptions(**options).camera


def test_motion_needs_points():
    flat = np.full((50, 60), 99, np.uint8)
    points = choose_points(flat, box_mask((50, 60), (10, 10, 40, 40)))
    there, kept = follow_points(flat, flat, points)
    assert find_similarity(points[kept], there[kept]) is None


def test_a_sign_that_fills_the_picture_is_none():
    masks = Masks.from_dense(
        np.stack([box_mask(SIZE, (0, 0, 300, 300)), box_mask(SIZE, (0, 0, 9, 9))])
    )
    result = Result.of(masks, ("traffic sign",), label_ids=[0, 0])
    assert drop_wide_signs(result).masks.areas.tolist() == [81]
