"""What an overlay shows: colours in place, labels where they hide least."""

import numpy as np
import pytest
from PIL import Image as Pil

from scenes import picture, scene
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import ImageError, OptionError
from wordmask.media.drawing import lettering, palette, render
from wordmask.media.drawing.render import RenderOptions


def pixels_of(shown: Pil.Image) -> np.ndarray:
    return np.asarray(shown.convert("RGB")).astype(int)


def test_fills_are_where_the_masks_are_and_nowhere_else():
    """A half-pixel shift or a swapped axis moves the fill off the mask."""
    image = Image(np.full((40, 60, 3), 128, np.uint8))
    mask = np.zeros((40, 60), bool)
    mask[5:20, 30:55] = True
    result = Result.of(Masks.from_dense(mask), ("cat",), label_ids=[0])
    shown = pixels_of(
        render.overlay(image, result, RenderOptions(labels=False, outline=False, opacity=1))
    )
    assert (shown[mask] == palette.colours(["cat"])[0]).all(
        1
    ).mean() > 0.95  # all but the rounded corners
    assert (shown[~mask] == 128).all(1).mean() > 0.99
    assert (shown == 128)[5:20, 29].mean() > 0.9


def test_the_pictures_border_is_no_edge_of_a_mask():
    image = Image(np.full((40, 60, 3), 128, np.uint8))
    shown = pixels_of(render.overlay(image, Result.of(Masks.from_dense(np.ones((40, 60), bool)))))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1


def test_one_pixel_is_seen():
    mask = np.zeros((200, 300), bool)
    mask[50, 70] = True
    shown = pixels_of(
        render.overlay(Image(np.zeros((200, 300, 3), np.uint8)), Result.of(Masks.from_dense(mask)))
    )
    assert shown[50, 70].max() > 60


def test_small_regions_stay_in_sight_on_large_ones():
    large, small = np.ones((60, 60), bool), np.zeros((60, 60), bool)
    small[20:40, 20:40] = True
    result = Result.of(Masks.from_dense(np.stack([small, large])), scores=[0.9, 0.8])
    shown = pixels_of(render.overlay(None, result, RenderOptions(opacity=1, labels=False)))
    assert (shown[30, 30] == palette.PALETTE[0]).all()
    assert (shown[5, 5] == palette.PALETTE[1]).all()


def test_scores_of_a_truth_are_not_written():
    truth, found = scene(scores=[1, 1, 1, 1]), scene(scores=[1, 1, 1, 0.99])
    without = RenderOptions(scores=False)
    assert render.overlay(None, truth) == render.overlay(None, truth, without)
    assert render.overlay(None, found) != render.overlay(None, found, without)


def test_no_region_changes_nothing():
    assert (
        pixels_of(render.overlay(picture(), Result.nothing((150, 220), ("cat",))))
        == picture().pixels
    ).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opacity": 2}, "opacity"),
        ({"scale": 0}, "scale"),
        ({"colour_by": "labels"}, "colour_by must be one of auto, label"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        RenderOptions(**options)


def test_pictures_of_another_size_are_refused():
    for draw in (render.overlay, render.cutout):
        with pytest.raises(ImageError, match="resize one of them"):
            draw(picture(10, 10), scene())
    with pytest.raises(ImageError, match="must share one size"):
        render.side_by_side(picture(10, 10), scene(), scene())


# ---- colours


def test_colours_follow_labels_tracks_or_regions():
    by_label = render.region_colours(scene(label_ids=[0, 0, 1, -1]))
    assert (by_label[0] == by_label[1]).all()
    assert tuple(by_label[3]) == palette.GREY
    by_track = render.region_colours(scene(label_ids=[0] * 4, track_ids=[1, 5, -1, 1]))
    assert [tuple(row) for row in by_track] == [
        palette.nth(1),
        palette.nth(5),
        palette.GREY,
        palette.nth(1),
    ]
    assert len(np.unique(render.region_colours(scene(label_ids=[0] * 4), "region"), axis=0)) == 4
    with pytest.raises(OptionError, match="no tracks"):
        render.region_colours(scene(), "track")


def test_a_font_can_be_given_and_must_be_one(tmp_path):
    given_ = RenderOptions(font=str(lettering.SHIPPED))
    assert render.overlay(picture(), scene(), given_) == render.overlay(picture(), scene())
    with pytest.raises(OptionError, match="is not a font"):
        render.overlay(picture(), scene(), RenderOptions(font=str(tmp_path / "none.ttf")))
