"""`wordmask edit` on drawn pictures, with the engine fake."""

import json
import resource
import subprocess
import sys

import numpy as np
import pytest

from commands import draw_lawn, load, names, run_here, save

REMOVED = ["photo.removed.mask.png", "photo.removed.png", "photo.removed.recipe.json"]


@pytest.fixture
def photo(tmp_path):
    return draw_lawn(tmp_path / "photo.png")


def test_remove_writes_picture_mask_and_recipe_and_the_recipe_replays(photo, tmp_path, capsys):
    out = tmp_path / "out"
    how = ("--prompt", "red", "--prompt", "blue", "--fill", "classical", "-m", "fake")
    assert run_here("edit", "remove", photo, *how, "--output-dir", out) == 0
    assert names(out) == REMOVED
    before, after, mask = (
        load(photo),
        load(out / "photo.removed.png"),
        load(out / "photo.removed.mask.png"),
    )
    assert set(np.unique(mask)) == {0, 255}
    assert mask[60, 45] == mask[55, 115] == 255
    assert (after[mask > 0][:, 1] > 120).all()  # lawn
    assert (after[:20] == before[:20]).all()
    recipe = json.loads((out / "photo.removed.recipe.json").read_text())
    assert recipe["verb"] == "remove"
    assert {region["name"] for region in recipe["regions"]} == {"red", "blue"}
    assert recipe["made_by"] == ["fake", "patch"]
    assert (
        run_here("edit", "replay", out / "photo.removed.recipe.json", "-o", tmp_path / "again") == 0
    )
    assert "the same bytes" in capsys.readouterr().out
    for suffix in (".png", ".mask.png"):
        again = tmp_path / "again" / f"photo.removed.replayed{suffix}"
        assert again.read_bytes() == (out / f"photo.removed{suffix}").read_bytes()


@pytest.mark.parametrize("fill", ["auto", "patch", "telea", "navier-stokes"])
def test_every_classical_fill_removes(photo, tmp_path, fill):
    assert (
        run_here(
            "edit",
            "remove",
            photo,
            "--prompt",
            "red",
            "--fill",
            fill,
            "-m",
            "fake",
            "-o",
            tmp_path / "o",
        )
        == 0
    )
    assert load(tmp_path / "o/photo.removed.png")[60, 45, 1] > 120


def test_no_fill_blackens_or_shows_the_mask(photo, tmp_path):
    how = ("--prompt", "red", "--fill", "none", "-m", "fake", "-o")
    assert run_here("edit", "remove", photo, *how, tmp_path / "black") == 0
    assert run_here("edit", "replace", photo, *how, tmp_path / "white") == 0
    black, white = (
        load(tmp_path / "black/photo.removed.png"),
        load(tmp_path / "white/photo.replaced.png"),
    )
    mask = load(tmp_path / "black/photo.removed.mask.png") > 0
    assert not black[mask].any()
    assert (black[~mask] == load(photo)[~mask]).all()
    assert (white == np.where(mask[..., None], 255, 0)).all()


def saved_result(photo, tmp_path):
    assert (
        run_here(
            "edit",
            "segment",
            photo,
            "--prompt",
            "red",
            "--prompt",
            "blue",
            "-m",
            "fake",
            "-o",
            tmp_path / "s",
        )
        == 0
    )
    return tmp_path / "s/photo.target.wordmask.json"


@pytest.mark.parametrize(
    ("target", "where"),
    [
        pytest.param(("--click", "45,60"), [(60, 45)], id="click"),
        pytest.param(("--click", "45,60", "--click", "5,5,0"), [(60, 45)], id="click and not"),
        pytest.param(("--box", "95,35,135,75"), [(55, 115)], id="box"),
        pytest.param(
            ("--prompt", "red", "--box", "95,35,135,75"), [(60, 45), (55, 115)], id="word and box"
        ),
        pytest.param(
            ("--prompt", "red, blue"), [(60, 45), (55, 115)], id="words parted by a comma"
        ),
        pytest.param(("--result", "SAVED"), [(60, 45), (55, 115)], id="saved"),
        pytest.param(("--result", "SAVED", "--region", "0"), [(60, 45)], id="region"),
        pytest.param(("--example", "PHOTO,SAVED"), [(60, 45), (55, 115)], id="example"),
    ],
)
def test_targets(photo, tmp_path, target, where):
    saved = saved_result(photo, tmp_path)
    target = [part.replace("SAVED", str(saved)).replace("PHOTO", str(photo)) for part in target]
    assert (
        run_here(
            "edit", "remove", photo, *target, "--fill", "none", "-m", "fake", "-o", tmp_path / "o"
        )
        == 0
    )
    mask = load(tmp_path / "o/photo.removed.mask.png") > 0
    for y, x in ((60, 45), (55, 115), (5, 5)):
        assert mask[y, x] == ((y, x) in where)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(("--prompt", "cat"), 2, "nothing to edit", id="nothing there"),
        pytest.param((), 2, "--prompt WORD", id="no target"),
        pytest.param(("--region", "0"), 2, "--result", id="region without result"),
        pytest.param(("--click", "1"), 2, "--click takes", id="bad click"),
        pytest.param(
            ("--prompt", "red", "--fill", "magic"),
            2,
            "--fill must be one of auto, none",
            id="unknown fill",
        ),
        pytest.param(
            ("--prompt", "red", "--fill", "lama"), 2, "--fill-model", id="lama without file"
        ),
        pytest.param(("--prompt", "red", "--steps", "0"), 2, "steps", id="steps"),
        pytest.param(
            ("--box", "0,0,160,120", "--dilate", "0.2"), 2, "covers everything", id="everything"
        ),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_written(
    photo, tmp_path, capsys, arguments, code, told
):
    before = photo.read_bytes()
    whole = save(tmp_path / "whole.png", np.full((120, 160, 3), (220, 20, 20), np.uint8))
    picture = whole if "--box" in arguments else photo
    assert (
        run_here("edit", "remove", picture, *arguments, "-m", "fake", "-o", tmp_path / "o") == code
    )
    assert told in capsys.readouterr().err
    assert names(tmp_path / "o") == []
    assert photo.read_bytes() == before


def test_replace_by_words_needs_diffusion_and_says_so(photo, tmp_path, capsys):
    how = ("--prompt", "red", "--edit-prompt", "a hat", "-m", "fake", "-o", tmp_path / "o")
    assert run_here("edit", "replace", photo, *how) == 3
    assert "--use-inpainting" in capsys.readouterr().err
    assert (
        run_here("edit", "style", photo, "--prompt", "red", "-m", "fake", "-o", tmp_path / "o") == 2
    )
    assert run_here("edit", "remove", photo, *how) == 3
    assert "leave them out" in capsys.readouterr().err
    # Told before anything is looked for: that there is no cat is not found out.
    assert (
        run_here("edit", "replace", photo, "--prompt", "cat", "-m", "fake", "-o", tmp_path / "o")
        == 2
    )
    assert "replace needs words" in capsys.readouterr().err
    assert names(tmp_path / "o") == []


def test_without_diffusers_the_extra_is_named_before_anything_is_done(
    photo, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    monkeypatch.delitem(sys.modules, "wordmask.engines.fill.diffusion", raising=False)
    how = (
        "--prompt",
        "red",
        "--edit-prompt",
        "a hat",
        "--use-inpainting",
        "--offline",
        "-m",
        "fake",
        "-o",
        tmp_path / "o",
    )
    assert run_here("edit", "replace", photo, *how) == 3
    assert "wordmask[edit]" in capsys.readouterr().err
    assert names(tmp_path / "o") == []


def test_missing_weights_of_a_painter_are_asked_for_by_its_own_flag(
    photo, tmp_path, capsys, monkeypatch
):
    pytest.importorskip("diffusers", reason="diffusion needs the extra edit")
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))
    how = ("--edit-prompt", "a hat", "--offline", "-m", "fake", "-o", tmp_path / "o")
    assert run_here("edit", "replace", photo, "--prompt", "red", "--use-inpainting", *how) == 3
    told = capsys.readouterr().err
    assert "--fill-model FOLDER" in told
    assert "--checkpoint" not in told
    assert (
        run_here("edit", "remove", photo, "--prompt", "red", "--fill-model", "gone.onnx", *how[2:])
        == 3
    )
    assert "gone.onnx is not there" in capsys.readouterr().err


def test_styles_replay_too(photo, tmp_path, capsys):
    how = (
        "--prompt",
        "red",
        "--style",
        "colours",
        "--reference",
        photo,
        "-m",
        "fake",
        "-o",
        tmp_path / "o",
    )
    assert run_here("edit", "style", photo, *how) == 0
    assert (
        run_here(
            "edit", "replay", tmp_path / "o/photo.styled.recipe.json", "-o", tmp_path / "again"
        )
        == 0
    )
    assert "the same bytes" in capsys.readouterr().out


def test_a_recipe_is_for_its_own_picture(photo, tmp_path, capsys):
    assert (
        run_here(
            "edit",
            "remove",
            photo,
            "--prompt",
            "red",
            "--fill",
            "telea",
            "-m",
            "fake",
            "-o",
            tmp_path / "o",
        )
        == 0
    )
    save(photo, 255 - load(photo))
    assert (
        run_here(
            "edit", "replay", tmp_path / "o/photo.removed.recipe.json", "-o", tmp_path / "again"
        )
        == 2
    )
    assert "is not the picture" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{")
    assert run_here("edit", "replay", tmp_path / "bad.json") == 2


def test_alpha_and_sixteen_bits_survive(photo, tmp_path):
    rgb = load(photo)
    alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    alpha[:10] = 0
    clear = save(tmp_path / "clear.png", np.concatenate([rgb, alpha], 2))
    deep = save(tmp_path / "deep.png", rgb.astype(np.uint16) * 257 + 3)
    for path in (clear, deep):
        assert (
            run_here("edit", "remove", path, "--prompt", "red", "-m", "fake", "-o", tmp_path / "o")
            == 0
        )
    assert (load(tmp_path / "o/clear.removed.png")[..., 3] == alpha[..., 0]).all()
    out, before = load(tmp_path / "o/deep.removed.png"), load(deep)
    assert out.dtype == np.uint16
    assert (out[:, 80:] == before[:, 80:]).all()
    assert (out[60, 45] != before[60, 45]).any()


def test_many_pictures_one_bad_the_others_are_done(photo, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    how = ("--prompt", "red", "--fill", "telea", "-m", "fake", "-o", tmp_path / "o")
    assert run_here("edit", "remove", photo, tmp_path / "bad.png", *how) == 5
    assert "bad.png" in capsys.readouterr().err
    assert names(tmp_path / "o") == REMOVED


def test_the_picture_itself_stays_where_the_outputs_lie_beside_it(photo, tmp_path):
    before = photo.read_bytes()
    how = ("--prompt", "red", "--fill", "telea", "-m", "fake", "-o", photo.parent)
    assert run_here("edit", "remove", photo, *how) == 0
    assert run_here("effect", "blur", photo, "--prompt", "red", *how[4:]) == 0
    assert photo.read_bytes() == before
    assert names(tmp_path) == ["photo.blur.png", "photo.png", *REMOVED]


def test_no_file_that_is_read_is_replaced_not_even_if_that_is_allowed(photo, tmp_path, capsys):
    twin = save(tmp_path / "photo.removed.png", load(photo))
    saved = saved_result(photo, tmp_path)
    how = ("--fill", "telea", "-m", "fake", "--overwrite", "-o")
    before = twin.read_bytes(), saved.read_bytes()
    assert run_here("edit", "remove", photo, twin, "--prompt", "red", *how, tmp_path) == 5
    made = [f"photo.removed.removed{suffix}" for suffix in (".mask.png", ".png", ".recipe.json")]
    assert names(tmp_path) == sorted(["photo.png", "photo.removed.png", *made, "s"])
    how = ("-m", "fake", "--overwrite", "-o", saved.parent)
    assert run_here("edit", "segment", photo, "--result", saved, *how) == 2
    assert capsys.readouterr().err.count("would be overwritten") == 2
    assert (twin.read_bytes(), saved.read_bytes()) == before


def test_a_recipe_finds_the_painters_file_from_anywhere(photo, tmp_path, capsys, monkeypatch):
    onnx = pytest.importorskip("onnx", reason="building an ONNX file needs onnx (extra export)")
    ports = [
        onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, [1, channels, "height", "width"]
        )
        for name, channels in (("image", 3), ("mask", 1), ("out", 3))
    ]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["image", "mask"], ["out"])], "lama", ports[:2], ports[2:]
    )
    onnx.save(
        onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9
        ),
        tmp_path / "l.onnx",
    )
    monkeypatch.chdir(tmp_path)
    assert (
        run_here(
            "edit",
            "remove",
            photo,
            "--prompt",
            "red",
            "--fill-model",
            "l.onnx",
            "-m",
            "fake",
            "-o",
            "o",
        )
        == 0
    )
    assert (load(tmp_path / "o/photo.removed.png")[60, 45] == 255).all()
    monkeypatch.chdir(tmp_path / "o")
    assert run_here("edit", "replay", "photo.removed.recipe.json", "-o", tmp_path / "again") == 0
    assert "the same bytes" in capsys.readouterr().out


@pytest.mark.parametrize("limit", [200, 3_000, 20_000])
def test_a_full_disk_leaves_nothing_half_written(photo, tmp_path, limit):
    """A child process may write files of at most `limit` bytes: one of the three files fails."""
    arguments = [
        "edit",
        "remove",
        str(photo),
        "--prompt",
        "red",
        "--fill",
        "telea",
        "-m",
        "fake",
        "-o",
        str(tmp_path / "o"),
    ]

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code = f"from wordmask.doors.cli import main; main({arguments!r})"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        preexec_fn=small,
        capture_output=True,
        text=True,
        check=False,
    )  # the limit is what is tested; no threads here
    assert done.returncode == 4, done.stderr
    assert "the disk is full" in done.stderr
    assert names(tmp_path / "o") == []
