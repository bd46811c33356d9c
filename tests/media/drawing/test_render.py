"""Pictures of results: goldens of each kind, cut-outs, label maps, legends, sheets."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from scenes import picture, scene
from wordmask.core.result import Result
from wordmask.errors import OptionError
from wordmask.media.drawing import palette, render
from wordmask.media.drawing.render import RenderOptions
from wordmask.media.formats import save

GOLDEN = Path(__file__).parents[2] / "golden"
MEAN_DIFFERENCE = 1.5  # of 255: room for another FreeType or OpenCV, not for a shifted mask


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
    "cutout": lambda: render.cutout(picture(), scene()[[1, 2]], tight=True),
    "legend": lambda: render.legend(scene()),
    "side_by_side": lambda: render.side_by_side(picture(), scene(), other(), panel=200),
    "contact_sheet": lambda: render.contact_sheet(
        [render.overlay(picture(), scene()), render.cutout(picture(), scene())],
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
            f"{name} differs from its golden by {difference.mean():.2f} of 255 on average; "
            f"see {report}"
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


# ---- the rest


def test_cutouts_hide_what_they_cut_away():
    cut = np.asarray(render.cutout(picture(), scene()))
    inside = scene().masks.union()
    assert (cut[..., 3] == inside * 255).all()
    assert (cut[inside, :3] == picture().pixels[inside]).all()
    assert (cut[~inside] == 0).all()
    nothing = Result.nothing((150, 220))
    assert render.cutout(picture(), nothing, tight=True).size == (220, 150)


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
        render.write(render.cutout(picture(), scene()), tmp_path / name)
    assert save(scene(), tmp_path / "o.webp") == [tmp_path / "o.webp"]
