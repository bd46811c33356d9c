"""`wordmask effect` on drawn pictures, with the engine fake."""

import numpy as np
import pytest

from commands import draw_lawn, load, run_here, save
from wordmask.tasks.effects.table import EFFECTS


@pytest.fixture
def photo(tmp_path):
    return draw_lawn(tmp_path / "photo.png")


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_is_a_command(photo, tmp_path, name):
    laid = ("--picture", photo) if name == "overlay" else ()
    assert (
        run_here(
            "effect", name, photo, "--prompt", "red", *laid, "-m", "fake", "-o", tmp_path / "o"
        )
        == 0
    )
    out = load(tmp_path / f"o/photo.{name}.png")
    assert out.shape[2] == (4 if name == "sticker" else 3)
    assert (out[..., :3] != load(photo)).any()


def test_effects_take_their_options_and_say_when_there_is_nothing(photo, tmp_path, capsys):
    how = ("-m", "fake", "-o", tmp_path / "o")
    assert run_here("effect", "recolour", photo, "--prompt", "red", "--colour", "blue", *how) == 0
    red, _, blue = load(tmp_path / "o/photo.recolour.png")[60, 45].astype(int)
    assert blue > red + 60
    assert run_here("effect", "backdrop", photo, "--prompt", "red", "--picture", photo, *how) == 0
    assert (
        run_here("effect", "recolour", photo, "--prompt", "red", "--colour", "blurple", *how) == 2
    )
    assert run_here("effect", "overlay", photo, "--prompt", "red", *how) == 2
    assert "--picture" in capsys.readouterr().err
    assert run_here("effect", "blur", photo, "--prompt", "cat", *how) == 2
    assert "nothing to edit" in capsys.readouterr().err


def test_a_sticker_is_transparent_or_on_the_ground_that_is_asked_for(photo, tmp_path):
    how = ("--prompt", "red", "-m", "fake", "-o", tmp_path / "o")
    assert run_here("effect", "sticker", photo, *how) == 0
    assert load(tmp_path / "o/photo.sticker.png")[5, 5].tolist() == [0, 0, 0, 0]
    assert run_here("effect", "sticker", photo, "--ground", "navy", *how) == 0
    assert load(tmp_path / "o/photo.sticker.png")[5, 5].tolist() == [0, 0, 128]


def test_an_overlays_own_alpha_counts_and_its_occluders_are_looked_for(photo, tmp_path, capsys):
    hat = np.full((40, 60, 4), 255, np.uint8)
    hat[:, :30, 3] = 0  # its left half is clear
    picture = save(tmp_path / "hat.png", hat)
    how = (
        "--picture",
        picture,
        "--anchor",
        "centre",
        "--place",
        "front",
        "--scale",
        "8",
        "-m",
        "fake",
        "-o",
    )
    assert run_here("effect", "overlay", photo, "--prompt", "red", *how, tmp_path / "a") == 0
    before, after = load(photo), load(tmp_path / "a/photo.overlay.png")
    assert (after[:, :40] == before[:, :40]).all()
    assert (after[:, 50:] == 255).all()
    assert (
        run_here(
            "effect",
            "overlay",
            photo,
            "--prompt",
            "red",
            "--occluders",
            "blue",
            *how,
            tmp_path / "b",
        )
        == 0
    )
    behind = load(tmp_path / "b/photo.overlay.png")
    assert (behind[45:65, 105:125] == before[45:65, 105:125]).all()
    assert (behind[100:, 60:] == 255).all()
    assert (
        run_here(
            "effect",
            "overlay",
            photo,
            "--prompt",
            "cat",
            "--occluders",
            "blue",
            *how,
            tmp_path / "c",
        )
        == 2
    )
    assert "nothing to edit" in capsys.readouterr().err
