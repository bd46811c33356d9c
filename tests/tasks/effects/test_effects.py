"""What each look does and leaves alone; and goldens of all of them on one drawn scene."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import MaskError, OptionError
from wordmask.ops.fill import patch_fill
from wordmask.tasks import edit
from wordmask.tasks.effects import background, edge, overlay, surface
from wordmask.tasks.effects.table import EFFECTS

GOLDEN = Path(__file__).parents[2] / "golden"
MEAN_DIFFERENCE = 1.5  # of 255: room for another OpenCV, not for a look that has changed
SIZE = (120, 160)


def ball() -> tuple[Image, Result]:
    """A shaded orange ball with a soft edge before a striped wall and a floor."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    wall = np.stack([90 + 40 * np.sin(x / 5), 130 + 0 * x, 170 - 0.4 * y], 2)
    wall[y > 90] = (110, 90, 70)
    away = np.hypot(y - 64, x - 84) - 34
    light = np.clip(1.25 - np.hypot(y - 48, x - 70) / 60, 0.3, 1.2)
    alpha = np.clip(0.5 - away / 3, 0, 1)[..., None]
    pixels = alpha * (light[..., None] * (240, 140, 40)) + (1 - alpha) * wall
    mask = alpha[..., 0] > 0.5
    return Image(pixels.clip(0, 255).astype(np.uint8), "ball"), Result.of(
        Masks.from_dense(mask), ("ball",), label_ids=[0]
    )


def checks() -> Image:
    """A picture to lay on: a checkerboard of magenta and green."""
    y, x = np.mgrid[:40, :60]
    odd = ((y // 10 + x // 10) % 2).astype(bool)
    return Image(np.where(odd[..., None], (200, 0, 200), (0, 160, 60)).astype(np.uint8))


def options(name: str):
    _, kind = EFFECTS[name]
    return kind(picture=checks()) if name == "overlay" else kind()


def look(name: str, image: Image, result: Result) -> np.ndarray:
    function, _ = EFFECTS[name]
    return function(image, result, options(name)).pixels


# What an effect must leave as it is: "object" the object's inside, "around" what is far from it.
LEAVES = {
    "hue": "around", "recolour": "around", "pixelate": "around",
    "outline": "object", "glow": "object",
    "blur": "object", "desaturate": "object", "spotlight": "object",
    "backdrop": "object", "shadow": "object",
    "sticker": "object", "overlay": "object",
}  # fmt: skip


@pytest.mark.parametrize("name", EFFECTS)
def test_each_effect_changes_what_it_should_and_nothing_else(name):
    image, result = ball()
    mask = result.masks.union()
    out = look(name, image, result)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    inside = cv2.erode(mask.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    kept, changed = (~near, inside) if LEAVES[name] == "around" else (inside, ~mask)
    assert (out[kept] == image.pixels[kept]).all()
    assert (out[changed] != image.pixels[changed]).any()
    assert out.dtype == np.uint8


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_are_pure_and_the_same_each_time(name):
    image, result = ball()
    before = image.pixels.copy()
    first, second = look(name, image, result), look(name, image, result)
    assert (first == second).all()
    assert (image.pixels == before).all()


@pytest.mark.parametrize("name", EFFECTS)
def test_without_an_object_the_picture_stays(name):
    image, _ = ball()
    out = look(name, image, Result.nothing(image.size))
    plain = np.full_like(image.pixels, 192)  # a sticker of nothing is its empty ground
    assert (out == (plain if name == "sticker" else image.pixels)).all()


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("size", [(1, 1), (5, 40)])
@pytest.mark.parametrize("covered", ["everything", "one pixel"])
def test_odd_masks_do_no_harm(name, size, covered):
    rng = np.random.default_rng(0)
    image = Image(rng.integers(0, 256, (*size, 3), np.uint8))
    mask = np.zeros(size, bool)
    mask[0, 0] = True
    result = Result.of(Masks.from_dense(mask | (covered == "everything")))
    assert look(name, image, result).shape == image.pixels.shape


@pytest.mark.parametrize("name", EFFECTS)
def test_a_result_of_another_size_is_refused(name):
    image, _ = ball()
    with pytest.raises(MaskError, match="the picture"):
        look(name, image, Result.of(Masks.from_dense(np.ones((3, 3), bool))))


def test_pixelate_leaves_no_pixel_of_the_object():
    """Privacy: few colours within the mask, each over a large square, and no soft edge."""
    rng = np.random.default_rng(0)
    image = Image(rng.integers(0, 256, (64, 64, 3), np.uint8))
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    out = surface.pixelate(
        image, Result.of(Masks.from_dense(mask)), surface.PixelateOptions(blocks=4, margin=0)
    )
    assert len(np.unique(out.pixels[mask], axis=0)) <= 16


def test_recolour_takes_the_named_colour_and_refuses_others():
    image, result = ball()
    out = (
        surface.recolour(image, result, surface.RecolourOptions(colour="blue"))
        .pixels[64, 84]
        .astype(int)
    )
    assert out[2] > out[0] + 60
    with pytest.raises(OptionError, match="#rrggbb"):
        surface.recolour(image, result, surface.RecolourOptions(colour="blurple-ish"))


def test_the_objects_colour_does_not_bleed_into_the_blur():
    image, result = ball()
    grey = Image(np.where(result.masks.union()[..., None], image.pixels, np.uint8(100)))
    out = background.blur(grey, result, background.BlurOptions(amount=0.1)).pixels.astype(int)
    far = cv2.dilate(result.masks.union().astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert np.abs(out[far] - 100).max() <= 6


def test_a_new_backdrop_leaves_no_fringe_of_the_old():
    """An orange ball was before blue; before black, its edge should have no blue left."""
    image, result = ball()
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    alpha = np.clip(0.5 - (np.hypot(y - 64, x - 84) - 34) / 3, 0, 1)[..., None]
    blue = Image(np.rint(alpha * (240, 140, 40) + (1 - alpha) * (20, 40, 250)).astype(np.uint8))
    clean, dirty = (
        background.backdrop(
            blue, result, background.BackdropOptions(colour="black", decontaminate=on)
        ).pixels.astype(int)
        for on in (True, False)
    )
    edge = (alpha[..., 0] > 0.1) & (alpha[..., 0] < 0.9)
    excess = [np.maximum(out[..., 2] - out[..., 1], 0)[edge].mean() for out in (clean, dirty)]
    assert excess[0] < 0.3 * excess[1]
    assert image.size == blue.size


def test_a_gradient_goes_from_one_colour_to_the_other_and_a_picture_covers_the_frame():
    image, result = ball()
    out = background.backdrop(
        image, result, background.BackdropOptions(colour="black", to="white")
    ).pixels
    assert (out[0, 0] == 0).all()
    assert (out[-1, 0] == 255).all()
    laid = background.backdrop(image, result, background.BackdropOptions(picture=checks())).pixels
    corners = laid[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    assert (np.abs(corners[:, 0] - corners[:, 2]) < 20).any()
    assert (corners != image.pixels[[0, 0, -1, -1], [0, -1, 0, -1]]).any()


def test_a_sticker_is_transparent_around_its_border():
    image, result = ball()
    out = edge.sticker_rgba(image, result, edge.StickerOptions(border=0.05))
    mask = result.masks.union()
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    assert (out[mask, 3] >= 250).all()
    assert (out[(away > 0) & (away < 5), 3] == 255).all()
    assert (out[(away > 3.5) & (away < 5.5), :3] > 200).all()
    assert not out[away > 12, 3].any()
    bare = edge.sticker_rgba(image, result, edge.StickerOptions(border=0))
    assert not bare[away > 12].any()
    assert not edge.sticker_rgba(image, Result.nothing(image.size)).any()


@pytest.mark.parametrize("place", ["behind", "front", "inside"])
def test_an_overlay_is_hidden_where_it_should_be(place):
    image, result = ball()
    settings = overlay.OverlayOptions(picture=checks(), anchor="centre", scale=2.0, place=place)
    out = overlay.overlay(image, result, settings).pixels
    changed = (out != image.pixels).any(2)
    mask = result.masks.union()
    near, deep = (
        f(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for f in (cv2.dilate, cv2.erode)
    )
    assert changed[deep].any() == (place != "behind")
    assert changed[~near].any() == (place != "inside")


def test_an_overlay_sits_on_its_anchor_at_its_scale():
    image, result = ball()
    x0, y0, x1, _ = result.masks.boxes[0].tolist()
    settings = overlay.OverlayOptions(picture=checks(), anchor="top", scale=0.5, place="front")
    changed = (overlay.overlay(image, result, settings).pixels != image.pixels).any(2)
    columns, rows = np.flatnonzero(changed.any(0)), np.flatnonzero(changed.any(1))
    assert abs((columns[0] + columns[-1] + 1) / 2 - (x0 + x1) / 2) <= 1
    assert abs((rows[0] + rows[-1] + 1) / 2 - y0) <= 1
    assert abs(columns[-1] + 1 - columns[0] - (x1 - x0) / 2) <= 2


def test_occluders_stay_in_front_and_alpha_lets_the_picture_through():
    image, result = ball()
    post = np.zeros(SIZE, bool)
    post[:, 70:78] = True
    both = Result.of(
        Masks.from_dense(np.stack([result.masks.union(), post])), ("ball", "post"), label_ids=[0, 1]
    )
    settings = overlay.OverlayOptions(
        picture=checks(), anchor="centre", place="front", occluders=("post",)
    )
    out = overlay.overlay(image, both, settings).pixels
    assert (out[60, 73:75] == image.pixels[60, 73:75]).all()
    assert (out[60, 90] != image.pixels[60, 90]).any()
    clear = replace(settings, alpha=np.zeros((40, 60), np.uint8))
    assert (overlay.overlay(image, both, clear).pixels == image.pixels).all()


@pytest.mark.parametrize("scale", [0.2, 0.7, 3.0])
def test_what_lies_under_an_overlays_transparency_does_not_show_at_its_edge(scale):
    """White with black under its clear part: nothing gets darker than the grey below."""
    picture, alpha = np.zeros((90, 90, 3), np.uint8), np.zeros((90, 90), np.uint8)
    picture[20:70, 20:70], alpha[20:70, 20:70] = 255, 255
    grey, (_, result) = Image(np.full((*SIZE, 3), 200, np.uint8)), ball()
    settings = overlay.OverlayOptions(Image(picture), alpha, "centre", scale, "front")
    out = overlay.overlay(grey, result, settings).pixels
    assert out.min() >= 199
    assert out.max() == 255


def test_an_overlay_beyond_the_picture_is_no_error_and_one_without_a_picture_is():
    image, result = ball()
    corner = np.zeros(SIZE, bool)
    corner[:3, :3] = True
    at_corner = Result.of(Masks.from_dense(corner))
    out = overlay.overlay(
        image, at_corner, overlay.OverlayOptions(picture=checks(), anchor="left", scale=10)
    )
    assert out.size == image.size
    with pytest.raises(OptionError, match="set picture=FILE"):
        overlay.overlay(image, result)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (surface.RecolourOptions, {"strength": 2}), (surface.PixelateOptions, {"blocks": 0}),
        (edge.OutlineOptions, {"width": 0}), (edge.GlowOptions, {"strength": -1}),
        (background.BlurOptions, {"amount": 0}), (background.DesaturateOptions, {"strength": 9}),
        (background.SpotlightOptions, {"darkness": 2}),
        (background.ShadowOptions, {"softness": -1}),
        (edge.StickerOptions, {"border": 1}), (overlay.OverlayOptions, {"anchor": "moon"}),
        (overlay.OverlayOptions, {"place": "under"}), (overlay.OverlayOptions, {"scale": 0}),
    ],
)  # fmt: skip
def test_options_outside_their_range_are_refused(kind, wrong):
    with pytest.raises(OptionError):
        kind(**wrong)


# ---- goldens


def shown(name: str) -> np.ndarray:
    image, result = ball()
    if name in EFFECTS:
        return look(name, image, result)
    hole = (
        cv2.dilate(result.masks.union().astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    )  # the ball's soft edge goes too
    if name == "fill_patch":
        return patch_fill(image.pixels, hole)
    if name in ("fill_telea", "fill_navier-stokes"):
        method = cv2.INPAINT_TELEA if name == "fill_telea" else cv2.INPAINT_NS
        return cv2.inpaint(image.pixels.copy(), hole.astype(np.uint8), 5, method)
    reference = checks() if name == "style_colours" else None
    return edit.stylise(image, result, name.removeprefix("style_"), reference).image.pixels


FILLS = (
    "fill_patch",
    "fill_telea",
    "fill_navier-stokes",
    "style_colours",
    "style_posterise",
    "style_sketch",
)


@pytest.mark.parametrize("name", [*EFFECTS, *FILLS])
def test_golden(name, tmp_path):
    golden = cv2.imread(str(GOLDEN / f"effects_{name}.png"))
    got = cv2.cvtColor(shown(name), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(tmp_path / f"effects_{name}.png"), got)
    if golden is None:
        pytest.fail(
            f"no golden; look at {tmp_path}/effects_{name}.png and, if it is good, put it there"
        )
    difference = np.abs(got.astype(int) - golden)
    cv2.imwrite(str(tmp_path / "difference.png"), (difference * 8).clip(0, 255).astype(np.uint8))
    assert difference.mean() <= MEAN_DIFFERENCE, f"see {tmp_path}"
