"""What pictures of results show: colours in place, labels legible, apart and inside; and goldens of the whole."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import ImageError, OptionError
from wordmask.media.drawing import lettering, palette, render
from wordmask.media.drawing.paint import spot
from wordmask.media.drawing.placing import place
from wordmask.media.drawing.render import RenderOptions
from wordmask.media.formats import save

GOLDEN = Path(__file__).parents[2] / "golden"
MEAN_DIFFERENCE = 1.5  # of 255: room for another FreeType or OpenCV, not for a shifted mask


def picture(height: int = 150, width: int = 220, *, low: int = 40, high: int = 215) -> Image:
    """A drawn landscape: a shaded sky, a hill, a sun."""
    y, x = np.mgrid[:height, :width]
    shade = low + (high - low) * y / height
    pixels = np.stack([shade * 0.75, shade * 0.9, shade], 2)
    pixels[y > height * 0.7 + 14 * np.sin(x / 23)] = (0.4 * high, 0.62 * high, 0.35 * high)
    pixels[(x - width * 0.78) ** 2 + (y - height * 0.25) ** 2 < (height * 0.13) ** 2] = (
        high,
        high * 0.92,
        high * 0.5,
    )
    return Image(pixels.astype(np.uint8), "landscape.png")


def scene(image: Image | None = None, **columns) -> Result:
    image = image or picture()
    height, width = image.size
    y, x = np.mgrid[:height, :width]
    masks = [
        y > height * 0.7 + 14 * np.sin(x / 23),
        (x - width * 0.78) ** 2 + (y - height * 0.25) ** 2 < (height * 0.13) ** 2,
        (np.hypot(x - width * 0.3, y - height * 0.45) < height * 0.2)
        & (np.hypot(x - width * 0.3, y - height * 0.45) > 12),
        (abs(x - width * 0.55) < 2) & (abs(y - height * 0.6) < 2),
    ]
    words = ("green hill", "sun", "ring", "bird")
    columns = {"scores": [0.97, 0.88, 0.71, 0.42], "label_ids": [0, 1, 2, 3]} | columns
    return Result.of(Masks.from_dense(np.stack(masks)), words, image=image, **columns)


def pixels_of(shown: Pil.Image) -> np.ndarray:
    return np.asarray(shown.convert("RGB")).astype(int)


# ---- goldens


def other() -> Result:
    """Something near the scene: one thing missed, one extra, one with another word."""
    shifted = scene().masks.move((150, 220), (9, 0))
    return Result.of(
        shifted, scene().vocabulary, scores=[0.9, 0.8, 0.7, 0.6], label_ids=[0, 1, 3, 2]
    )[[0, 1, 2]]


DRAWN = {
    "overlay": lambda: render.overlay(picture(), scene()),
    "overlay_dark": lambda: render.overlay(picture(low=5, high=40), scene()),
    "overlay_bright": lambda: render.overlay(picture(low=225, high=255), scene()),
    "outlines": lambda: render.overlay(picture(), scene(), RenderOptions(opacity=0, scores=False)),
    "no_picture": lambda: render.show(scene().with_image(None)),
    "tracks": lambda: render.overlay(picture(), scene(track_ids=[3, 7, 12, -1])),
    "everything": lambda: render.overlay(picture(), scene(label_ids=[-1] * 4)),
    "label_map": lambda: render.label_map(scene()),
    "cut_out": lambda: render.cut_out(picture(), scene()[[1, 2]], tight=True),
    "legend": lambda: render.legend(scene()),
    "side_by_side": lambda: render.side_by_side(picture(), scene(), other(), panel=200),
    "contact_sheet": lambda: render.contact_sheet(
        [render.overlay(picture(), scene()), render.cut_out(picture(), scene())],
        ["overlay", "a cut-out " * 9],
        cell=160,
    ),
}


def compare(name: str, shown: Pil.Image, golden: Path, report: Path) -> None:
    """Fail with a difference picture where the two are not the same to the eye."""
    if not golden.exists():
        shown.save(report / f"{name}.png")
        pytest.fail(
            f"there is no {golden}; look at {report / name}.png and, if it is good, put it there"
        )
    with Pil.open(golden) as opened:
        wanted = opened.copy()
    assert shown.size == wanted.size
    assert shown.mode == wanted.mode
    difference = np.abs(np.asarray(shown).astype(int) - np.asarray(wanted).astype(int))
    if difference.mean() > MEAN_DIFFERENCE:
        shown.save(report / f"{name}.png")
        Pil.fromarray(np.minimum(4 * difference, 255).astype(np.uint8)[..., :3]).save(
            report / f"{name}.difference.png"
        )
        pytest.fail(
            f"{name} differs from its golden by {difference.mean():.2f} of 255 on average; see {report}"
        )


@pytest.mark.parametrize("name", DRAWN)
def test_golden(name, tmp_path):
    compare(name, DRAWN[name](), GOLDEN / f"{name}.png", tmp_path)


def test_a_missing_or_different_golden_fails_and_leaves_a_picture(tmp_path):
    shown = DRAWN["label_map"]()
    with pytest.raises(pytest.fail.Exception, match="there is no"):
        compare("x", shown, tmp_path / "none.png", tmp_path)
    Pil.new("RGB", shown.size, "white").save(tmp_path / "golden.png")
    with pytest.raises(pytest.fail.Exception, match="differs from its golden"):
        compare("y", shown, tmp_path / "golden.png", tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "golden.png",
        "x.png",
        "y.png",
        "y.difference.png",
    }


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_input_gives_the_same_bytes(name):
    assert DRAWN[name]().tobytes() == DRAWN[name]().tobytes()


# ---- overlay


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
    [({"opacity": 2}, "opacity"), ({"scale": 0}, "scale"), ({"colour_by": "labels"}, "'label'")],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        RenderOptions(**options)


def test_pictures_of_another_size_are_refused():
    for draw in (render.overlay, render.cut_out):
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
        palette.numbered(1),
        palette.numbered(5),
        palette.GREY,
        palette.numbered(1),
    ]
    assert len(np.unique(render.region_colours(scene(label_ids=[0] * 4), "region"), axis=0)) == 4
    with pytest.raises(OptionError, match="no tracks"):
        render.region_colours(scene(), "track")


# ---- labels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_labels_never_touch_each_other_or_leave_the_picture(seed, count):
    generator = np.random.default_rng(seed)
    size = (240, 320)
    corners = generator.integers(0, (300, 220), (count, 2))
    masks = Masks.from_crops(
        size, corners, [np.ones(shape, bool) for shape in generator.integers(1, 90, (count, 2))]
    )
    spots = [
        spot(crop, corner) for crop, corner in zip(masks.crops, masks.corners.tolist(), strict=True)
    ]
    plates = [(int(width), 18) for width in generator.integers(20, 400, count)]
    repeats = (generator.random(count) < 0.5).tolist()
    places = place(plates, spots, masks.boxes.astype(float), repeats, size)
    covered = np.zeros(size, int)
    for found, (width, height) in zip(places, plates, strict=True):
        assert width <= 320 or found is None
        if found:
            assert found.x >= 0
            assert found.y >= 0
            assert found.x + width <= 320
            assert found.y + height <= 240
            covered[found.y : found.y + height, found.x : found.x + width] += 1
    assert covered.max() <= 1
    assert any(places) or min(width for width, _ in plates) > 320 or all(repeats)


def test_the_label_of_a_roomy_region_sits_deep_inside_it():
    mask = np.zeros((200, 300), bool)
    mask[40:160, 20:200] = True
    masks = Masks.from_dense(mask)
    (found,) = place(
        [(60, 20)], [spot(masks.crops[0], (20, 40))], masks.boxes.astype(float), [False], (200, 300)
    )
    assert found.pointer is None
    assert mask[found.y : found.y + 20, found.x : found.x + 60].all()


def test_a_label_without_room_beside_its_region_points_to_it():
    """A small thing under a label of its own size, its neighbourhood taken by small things it must not hide."""
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
    assert shown.getpixel((159, 119)) == tuple(
        palette.colours(result.vocabulary)[0].tolist()
    )  # the line's end


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two lines"),
        ("bell\x07", "bell"),
        ("x" * 60, "x" * 39 + "…"),
        ("кошка", "кошка"),
    ],
)
def test_labels_are_one_tidy_line(text, shown):
    assert lettering.tidy(text) == shown


@pytest.mark.parametrize("word", ["cat", "Straße", "кошка", "γάτα", "חתול", "قطة", "Հայ"])
def test_the_shipped_font_writes(word):
    assert lettering.font_for(word, 20).path == str(lettering.SHIPPED)


def test_letters_that_no_font_has_are_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(lettering, "_system_fonts", lambda: (Path("gone.ttf"), lettering.SHIPPED))
    lettering._system_font.cache_clear()
    assert lettering.chip("猫", "0.91", (255, 0, 0), 20).width > 40
    monkeypatch.setattr(lettering, "_covers", lambda path, text: path.name == "other.ttf")
    monkeypatch.setattr(lettering, "_system_fonts", lambda: (Path("other.ttf"),))
    lettering._system_font.cache_clear()
    with pytest.raises(OptionError, match=r"other.ttf is not a font"):
        lettering.font_for("犬", 20)
    lettering._system_font.cache_clear()


def test_fonts_of_the_system_are_looked_for_by_name(tmp_path, monkeypatch):
    for name in ("NotoSansCJK.ttc", "Fancy.ttf", "msyh.ttf"):
        (tmp_path / name).touch()
    monkeypatch.setattr(lettering, "_SYSTEM", (str(tmp_path),))
    lettering._system_fonts.cache_clear()
    assert [file.name for file in lettering._system_fonts()] == ["NotoSansCJK.ttc", "msyh.ttf"]
    lettering._system_fonts.cache_clear()


def test_a_font_can_be_given_and_must_be_one(tmp_path):
    given_ = RenderOptions(font=str(lettering.SHIPPED))
    assert render.overlay(picture(), scene(), given_) == render.overlay(picture(), scene())
    with pytest.raises(OptionError, match="is not a font"):
        render.overlay(picture(), scene(), RenderOptions(font=str(tmp_path / "none.ttf")))


# ---- the rest


def test_cut_outs_hide_what_they_cut_away():
    cut = np.asarray(render.cut_out(picture(), scene()))
    inside = scene().masks.union()
    assert (cut[..., 3] == inside * 255).all()
    assert (cut[inside, :3] == picture().pixels[inside]).all()
    assert (cut[~inside] == 0).all()
    nothing = Result.nothing((150, 220))
    assert render.cut_out(picture(), nothing, tight=True).size == (220, 150)


def test_label_maps_hold_the_words_colours():
    shown = pixels_of(render.label_map(scene()))
    labels = scene().label_map()
    assert (shown[labels == 1] == palette.colours(scene().vocabulary)[1]).all()
    assert (shown[labels == -1] == 0).all()


def test_legends_count_what_is_unnamed_too():
    assert render.legend(scene(label_ids=[0, 0, -1, 1])).height > render.legend(scene()).height
    assert render.legend(Result.nothing((3, 4))).size[0] > 0


def test_show_is_of_a_size_to_look_at_and_writes_the_pictures_own(tmp_path):
    shown = scene().show(tmp_path / "a.png")
    assert max(shown.size) == 560
    with Pil.open(tmp_path / "a.png") as written:
        assert written.size == (220, 150)
    wide = Result.nothing((30, 4000)).show()
    assert wide.size == (1600, 12)


def test_notebooks_get_bounded_pictures():
    large = picture(900, 2400)
    data = scene(large)._repr_png_()
    assert Pil.open(BytesIO(data)).size == (1024, 384)
    assert scene(picture(560, 900)).with_image(None).show().size == (900, 560)


def test_sides_and_sheets_are_checked():
    blank = Pil.new("RGB", (10, 10))
    for pictures, captions, options in (
        ([], [], {}),
        ([blank], ["a", "b"], {}),
        ([blank], [], {"cell": 3}),
    ):
        with pytest.raises(OptionError):
            render.contact_sheet(pictures, captions, **options)
    assert render.contact_sheet([blank] * 5, columns=2, cell=16).size == (6 + 2 * 16, 6 + 3 * 16)


def test_side_by_side_names_what_differs():
    assert (
        render.side_by_side(
            picture(300, 100), scene(picture(300, 100)), scene(picture(300, 100))
        ).width
        > 400
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.doc", "not in '.doc'"), ("a", "nothing"), ("a.jpg", "no transparency")],
)
def test_pictures_are_written_in_formats_for_pictures(name, message, tmp_path):
    with pytest.raises(OptionError, match=message):
        render.write(render.cut_out(picture(), scene()), tmp_path / name)
    assert save(scene(), tmp_path / "o.webp") == [tmp_path / "o.webp"]
