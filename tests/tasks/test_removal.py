"""Things taken out of videos: what is behind them comes from frames that show it."""

import numpy as np
import pytest

from drawing import disc
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.ops.align import find_corners, homographies
from wordmask.tasks import removal
from wordmask.tasks.edit import EditOptions
from wordmask.tasks.removal import remove_moving

SIZE = (120, 200)


def wall(k):
    """A wall of shades, moved by 2 pixels a frame."""
    rng = np.random.default_rng(1)
    shades = np.kron(rng.integers(40, 220, (20, 60, 3), dtype=np.uint8), np.ones((6, 6, 1)))
    return np.ascontiguousarray(shades[:, 2 * k : 2 * k + SIZE[1]].astype(np.uint8))


def hole(k):
    return disc(SIZE, (40 + 7 * k, 60), 15)


def pairs(count, holes=hole):
    for k in range(count):
        pixels = wall(k)
        mask = holes(k)
        pixels[mask] = (250, 0, 250)
        masks = mask[None] if mask.any() else np.zeros((0, *SIZE), bool)
        yield Image(pixels), Result.of(Masks.from_dense(masks))


def never(image, mask):
    raise AssertionError("everything was seen elsewhere")


def paint_black(image, mask):
    return Image(np.where(mask[..., None], np.uint8(0), image.pixels))


def test_what_other_frames_show_is_put_in():
    for k, made in enumerate(remove_moving(pairs(14), never)):
        off = np.abs(made.pixels.astype(int) - wall(k))[hole(k)]
        assert off.mean() < 8


def test_outside_the_ring_no_byte_changes():
    options = EditOptions(dilate=0, feather=0)
    for k, made in enumerate(remove_moving(pairs(8), paint_black, options)):
        assert (made.pixels[~hole(k)] == wall(k)[~hole(k)]).all()


def test_what_no_frame_shows_is_filled():
    """The thing stays where it is in a picture that does not move."""
    still = [Image(np.where(hole(3)[..., None], 255, wall(0)).astype(np.uint8))] * 5
    result = Result.of(Masks.from_dense(hole(3)[None]))
    for made in remove_moving(((image, result) for image in still), paint_black):
        assert (made.pixels[disc(SIZE, (61, 60), 12)] == 0).all()


def test_frames_without_the_thing_are_as_they_were():
    given = list(pairs(5, lambda k: np.zeros(SIZE, bool)))
    assert [made is image for made, (image, _) in zip(
        remove_moving(iter(given), never), given, strict=True
    )] == [True] * 5  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 60])
def test_as_many_come_out_as_went_in(count):
    made = list(remove_moving(pairs(count, lambda k: hole(k % 14)), paint_black))
    assert len(made) == count


def test_a_bounded_number_of_frames_is_held(monkeypatch):
    """However long the video is, a frame comes out soon after it went in."""
    monkeypatch.setattr(removal, "MOST_BYTES", 6 * wall(0).nbytes)
    taken = 0

    def count():
        nonlocal taken
        for pair in pairs(20, lambda k: hole(k % 14)):
            taken += 1
            yield pair

    late = [taken - given for given, _ in enumerate(remove_moving(count(), paint_black), 1)]
    assert max(late) == 3


def test_the_same_frames_give_the_same_bytes():
    one, two = (list(remove_moving(pairs(6), paint_black)) for _ in range(2))
    assert all((a.pixels == b.pixels).all() for a, b in zip(one, two, strict=True))


def test_a_pan_is_found():
    here, there = (find_corners(wall(k), np.zeros(SIZE, bool)) for k in (0, 5))
    for matrix in homographies(here, there, (80, 40, 120, 80)):
        moved = matrix @ (100, 60, 1)
        assert moved[:2] / moved[2] == pytest.approx((90, 60), abs=0.5)


def test_nothing_is_found_where_nothing_is_seen():
    flat = find_corners(np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, bool))
    assert len(flat.xy) == 0
    assert homographies(flat, flat, (0, 0, 10, 10)) == []
