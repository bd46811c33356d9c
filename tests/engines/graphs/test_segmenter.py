"""SAM exported through the command line, and run without torch: the answers of the torch engine."""

import json
import shutil

import numpy as np
import pytest

from commands import run_here
from exports import once
from seeing import see
from tiny_networks import CPU, perturb, picture, torch, transformers
from wordmask import engines
from wordmask.core.protocols import PromptBatch, Seen, Segmenter
from wordmask.engines import sam
from wordmask.errors import ImageError, PromptError, WeightsError

SIDE = 64
IMAGES = {"square": picture(96, 96), "wide": picture(40, 90, 1), "tall": picture(97, 61, 2)}
CLICKS = np.array([[20.0, 30.0], [50.5, 11.0], [48.0, 39.0]])
BOXES = np.array([[5.0, 8.0, 50.0, 35.0], [30.0, 3.0, 55.0, 39.0]])


def tiny_sam():
    """One layer: an export's time is its number of nodes."""
    t = transformers
    config = t.SamConfig(
        vision_config=t.SamVisionConfig(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=SIDE,
            patch_size=16, output_channels=32, global_attn_indexes=[0], window_size=3, mlp_dim=64,
            num_pos_feats=16,
        ),
        prompt_encoder_config=t.SamPromptEncoderConfig(
            hidden_size=32, image_size=SIDE, patch_size=16, mask_input_channels=8
        ),
        mask_decoder_config=t.SamMaskDecoderConfig(
            hidden_size=32, mlp_dim=48, iou_head_hidden_dim=24, num_hidden_layers=1
        ),
    )  # fmt: skip
    torch.manual_seed(1)
    return perturb(t.SamModel(config), 0.15)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    def make(folder):
        tiny_sam().save_pretrained(folder / "hub")
        assert run_here("export", folder / "hub", folder / "onnx") == 0

    return once(tmp_path_factory, "sam", make)


@pytest.fixture(scope="module")
def graphs(folders):
    return engines.load(str(folders / "onnx")).get(Segmenter)


@pytest.fixture(scope="module")
def library(folders):
    return sam.load(str(folders / "hub"), CPU)


def earlier(seed=3):
    return np.random.default_rng(seed).normal(0, 4, (16, 16)).astype(np.float32)


PROMPTS = {
    "clicks": PromptBatch.points(CLICKS),
    "boxes": PromptBatch.of_boxes(BOXES),
    "points and a box": PromptBatch.click(CLICKS[:2], np.array([1, 0]), BOXES[0]),
    "a click on a mask": PromptBatch.click(CLICKS[:1], np.array([1]), logits=earlier()),
    "a box and a mask": PromptBatch.click(np.zeros((0, 2)), np.zeros(0), BOXES[1], earlier()),
    "a mask alone": PromptBatch.click(np.zeros((0, 2)), np.zeros(0), logits=earlier()),
    "a mixture": PromptBatch(
        np.array([[[20, 30], [40, 50]], [[9, 9], [0, 0]]], np.float32),
        np.array([[1, 0], [1, -1]], np.int8),
        np.array([[np.nan] * 4, BOXES[0]], np.float32),
    ),
}


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("prompts", PROMPTS)
def test_masks_are_those_of_torch(prompts, image, graphs, library):
    ours = graphs.cut(see(graphs, IMAGES[image]), PROMPTS[prompts])
    expected = library.cut(see(library, IMAGES[image]), PROMPTS[prompts])
    assert ours.logits.shape == expected.logits.shape
    assert expected.logits.std() > 0.05
    assert np.abs(ours.logits - expected.logits).max() < 1e-4
    assert np.abs(ours.quality - expected.quality).max() < 1e-4


def test_encodings_are_values_of_their_own_engine(graphs, library):
    first, second = graphs.encode([IMAGES["square"], IMAGES["wide"]])
    before = graphs.cut(first, PROMPTS["clicks"]).logits
    graphs.cut(second, PROMPTS["boxes"])
    assert isinstance(graphs, Segmenter)
    assert isinstance(first, Seen)
    assert (graphs.cut(first, PROMPTS["clicks"]).logits == before).all()
    assert first.nbytes == 4 * 32 * 4 * 4
    with pytest.raises(ImageError, match="another engine encoded"):
        graphs.cut(see(library, IMAGES["square"]), PROMPTS["clicks"])
    with pytest.raises(PromptError, match="at least one"):
        graphs.cut(first, PromptBatch.points(np.zeros((0, 2))))


def test_the_manifest_says_what_was_measured(folders, graphs):
    manifest = json.loads((folders / "onnx/manifest.json").read_text())
    assert manifest["kind"] == "sam"
    assert manifest["licence"].startswith("unknown")
    for entry in manifest["graphs"].values():
        sizes = [check["sizes"] for check in entry["parity"]["checks"]]
        assert len(sizes) == 3
        assert any(set(one.values()) == {1} for one in sizes)
        assert 0 < entry["parity"]["largest"] < 1e-4
    card = (folders / "onnx/README.md").read_text()
    assert "Licence of the weights: unknown" in card
    assert "`decoder.onnx`" in card
    assert graphs.name.startswith(manifest["engine"])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "decoder.onnx").unlink(), "is missing; copy the whole folder"),
        (lambda folder: cut_short(folder / "encoder.onnx"), "is cut or not an ONNX model"),
        (lambda folder: point_at(folder, "../decoder.onnx"), "points outside its folder"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "is not the manifest"),
        (lambda folder: set_values(folder, format=99), "is of format 99"),
        (lambda folder: set_values(folder, kind="poem"), "says kind 'poem'"),
        (lambda folder: set_values(folder, runtime="tensorrt"), "is for tensorrt"),
    ],
)
def test_a_bad_folder_is_refused_before_it_is_loaded(damage, said, folders, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(folders / "onnx", folder)
    damage(folder)
    with pytest.raises(WeightsError, match=said):
        engines.load(str(folder))


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def set_values(folder, **values):
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def point_at(folder, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["graphs"]["decoder"]
    shutil.copy(folder / "decoder.onnx", folder.parent / "decoder.onnx")
    entry["sha256"] = {name: entry["sha256"]["decoder.onnx"]}
    set_values(folder, graphs=manifest["graphs"])


def test_an_export_goes_to_a_new_folder_and_names_what_it_has(folders, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    assert run_here("export", folders / "hub", tmp_path / "full") == 4
    assert "not empty" in capsys.readouterr().err
    assert run_here("export", folders / "hub", tmp_path / "new.onnx") == 4
    assert "leave out .onnx" in capsys.readouterr().err
    assert run_here("export", folders / "hub", tmp_path / "new", "--parts", "image,video") == 2
    assert "has no part 'video'; it has image" in capsys.readouterr().err
    assert run_here("export", "telea", tmp_path / "new") == 3
    assert "cannot be exported" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_the_exported_folder_answers_on_the_command_line(folders, tmp_path):
    from PIL import Image as Pillow

    Pillow.fromarray(IMAGES["wide"].pixels).save(tmp_path / "a.png")
    code = run_here(
        "click", tmp_path / "a.png", "--point", "20,30", "--model", folders / "onnx",
        "--output-dir", tmp_path / "out",
    )  # fmt: skip
    assert code == 0
    assert any((tmp_path / "out").iterdir())


def test_the_folder_runs_on_openvino(folders, graphs, tmp_path):
    pytest.importorskip("openvino", reason="openvino is not installed: wordmask[openvino]")
    assert run_here("export", folders / "onnx", tmp_path / "ov", "--to", "openvino") == 0
    other = engines.load(str(tmp_path / "ov")).get(Segmenter)
    image = IMAGES["wide"]
    for prompts in ("clicks", "boxes", "a click on a mask", "a mask alone"):
        ours, expected = (
            one.cut(see(one, image), PROMPTS[prompts]).logits for one in (other, graphs)
        )
        assert np.abs(ours - expected).max() < 1e-3
    assert "+openvino@" in other.name


def test_other_runtimes_say_what_is_missing(folders, tmp_path, capsys):
    shutil.copytree(folders / "onnx", tmp_path / "copy")
    assert run_here("export", tmp_path / "copy", "--to", "tensorrt") == 3
    assert "copy the folder to the machine with the GPU" in capsys.readouterr().err
    assert (tmp_path / "copy/build_tensorrt.py").is_file()
    assert run_here("export", tmp_path / "copy", "--to", "coreml") == 3
    assert "do this on a Mac" in capsys.readouterr().err
    assert run_here("export", folders / "hub", "--to", "openvino") == 3
    assert "is no exported folder" in capsys.readouterr().err


def test_an_encoder_in_int8_says_what_it_lost(folders, tmp_path, capsys):
    from PIL import Image as Pillow

    (tmp_path / "pictures").mkdir()
    for name, image in IMAGES.items():
        Pillow.fromarray(image.pixels).save(tmp_path / f"pictures/{name}.png")
    out = tmp_path / "int8"
    assert run_here("export", folders / "onnx", out, "--to", "int8") == 2
    assert "--pictures" in capsys.readouterr().err
    flags = ("--to", "int8", "--pictures", tmp_path / "pictures")
    assert run_here("export", folders / "onnx", out, *flags) == 0
    said = capsys.readouterr().err
    assert "calibrating on 2 pictures" in said
    assert "masks of 9 clicks agree by IoU" in said
    manifest = json.loads((out / "manifest.json").read_text())
    (loss,) = manifest["graphs"]["encoder"]["loss"].values()
    assert 0 < loss < 0.2
    assert engines.load(str(out)).get(Segmenter)
