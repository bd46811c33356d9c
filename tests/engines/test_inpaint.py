import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.protocols import Inpainter, PaintSettings
from wordmask.core.result import Result
from wordmask.engines import EngineOptions, inpaint
from wordmask.errors import CapabilityError, MaskError, WeightsError
from wordmask.tasks import edit

CLASSICAL = ("patch", "telea", "navier-stokes")


def scene(side: int = 96) -> tuple[Image, np.ndarray]:
    """Stripes with a square hole in the middle."""
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, ::8] = pixels[:, 1::8] = (200, 180, 60)
    hole = np.zeros((side, side), bool)
    hole[side // 3 : side // 2, side // 3 : side // 2] = True
    return Image(pixels, "stripes"), hole


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_painters_load_by_name_and_change_the_hole_only(name):
    painter = engines.load(name, need=(Inpainter,)).get(Inpainter)
    image, hole = scene()
    dirty = Image(np.where(hole[..., None], np.uint8(255), image.pixels))
    filled = painter.fill(dirty, hole)
    assert (filled.pixels[~hole] == image.pixels[~hole]).all()
    assert (filled.pixels[hole] != 255).any()
    assert (painter.fill(dirty, hole).pixels == filled.pixels).all()


def test_patch_goes_on_with_stripes_where_telea_smears_them():
    image, hole = scene()
    apart = {
        name: float(
            np.abs(
                inpaint.load(name, EngineOptions()).fill(image, hole).pixels.astype(int)
                - image.pixels
            )[hole].mean()
        )
        for name in CLASSICAL
    }
    assert apart["patch"] < 5 < apart["telea"]


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_hole_without_surroundings_is_refused_with_a_way_out(name):
    image, hole = scene(32)
    with pytest.raises(MaskError, match=r"covers everything.*--use-inpainting"):
        inpaint.load(name, EngineOptions()).fill(image, np.ones_like(hole))


def test_a_hole_of_another_size_is_refused():
    image, _ = scene(32)
    with pytest.raises(MaskError, match="the hole is"):
        inpaint.load("patch", EngineOptions()).fill(image, np.ones((3, 3), bool))


# ---- LaMa's kind, as ONNX


def lama_file(path, *, side=None, scale=1.0, mask_channels=1):
    """A network that answers `image + mask * 0.5`, in 0..1 or, with scale 255, in 0..255."""
    onnx = pytest.importorskip("onnx", reason="building an ONNX file needs onnx (extra export)")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    shape = ["height", "width"] if side is None else [side, side]
    ports = [
        helper.make_tensor_value_info("image", floats, [1, 3, *shape]),
        helper.make_tensor_value_info("mask", floats, [1, mask_channels, *shape]),
    ]
    constants = [
        helper.make_tensor("half", floats, [], [0.5]),
        helper.make_tensor("scale", floats, [], [scale]),
    ]
    nodes = [
        helper.make_node("Mul", ["mask", "half"], ["grey"]),
        helper.make_node("Add", ["image", "grey"], ["sum"]),
        helper.make_node("Mul", ["sum", "scale"], ["out"]),
    ]
    out = helper.make_tensor_value_info("out", floats, [1, 3, *shape])
    graph = helper.make_graph(nodes, "lama", ports, [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(("side", "scale"), [(None, 1.0), (None, 255.0), (64, 1.0), (64, 255.0)])
def test_lama_runs_from_a_file_whatever_its_size_and_range(tmp_path, side, scale):
    path = lama_file(tmp_path / "lama.onnx", side=side, scale=scale)
    painter = engines.load(str(path), need=(Inpainter,)).get(Inpainter)
    image, hole = scene(61)
    filled = painter.fill(image, hole)
    assert filled.size == image.size
    assert (filled.pixels[~hole] == image.pixels[~hole]).all()
    assert (np.abs(filled.pixels[hole].astype(int) - 128) <= 1).all()
    assert "@sha256:" in painter.name


def test_lama_gets_crops_at_its_own_size(tmp_path):
    painter = inpaint.load(
        "lama", EngineOptions(checkpoint=lama_file(tmp_path / "lama.onnx", side=64))
    )
    pixels = np.zeros((400, 500, 3), np.uint8)
    mask = np.zeros((400, 500), bool)
    mask[50:250, 100:400] = True
    done = edit.remove(Image(pixels), Result.of(Masks.from_dense(mask)), painter)
    assert (done.image.pixels[120:180, 200:300] > 100).all()
    assert not done.image.pixels[~done.touched].any()
    with pytest.raises(CapabilityError, match="takes crops up to"):
        painter.fill(Image(pixels), mask)


def test_lama_without_a_file_or_with_a_wrong_one_says_what_it_needs(tmp_path):
    with pytest.raises(WeightsError, match="--fill-model"):
        inpaint.load("lama", EngineOptions())
    with pytest.raises(WeightsError, match="a mask"):
        inpaint.load(
            "lama", EngineOptions(checkpoint=lama_file(tmp_path / "two.onnx", mask_channels=3))
        )
    (tmp_path / "junk.onnx").write_bytes(b"\x08\x07junk")
    with pytest.raises(WeightsError, match=r"junk\.onnx"):
        inpaint.load("lama", EngineOptions(checkpoint=tmp_path / "junk.onnx"))


# ---- diffusion, with tiny random networks


def tokenizer(folder):
    """CLIP's, with single letters only."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(97, 123)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(
        json.dumps({word: number for number, word in enumerate(words)})
    )
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=16
    )


def text_config(**more):
    from transformers import CLIPTextConfig

    sizes = {
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
    }
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return CLIPTextConfig(vocab_size=64, max_position_embeddings=16, **sizes, **ends, **more)


def networks(torch, **unet):
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    torch.manual_seed(0)
    blocks = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return {
        "unet": UNet2DConditionModel(
            sample_size=16,
            layers_per_block=1,
            block_out_channels=(32, 64),
            in_channels=9,
            out_channels=4,
            **blocks,
            **unet,
        ),
        "vae": AutoencoderKL(
            block_out_channels=[32, 32, 32, 32],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            latent_channels=4,
        ),
        "scheduler": DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            steps_offset=1,
        ),
    }


@pytest.fixture(scope="module")
def small_sd(tmp_path_factory):
    """A Stable Diffusion inpainting folder of a few hundred kilobytes."""
    diffusers = pytest.importorskip("diffusers", reason="diffusion needs the extra edit")
    torch = pytest.importorskip("torch", reason="diffusion needs the extra edit")
    from transformers import CLIPTextModel

    folder = tmp_path_factory.mktemp("sd")
    parts = networks(torch, cross_attention_dim=32)
    encoder = CLIPTextModel(text_config())
    pipe = diffusers.StableDiffusionInpaintPipeline(
        **parts, text_encoder=encoder, tokenizer=tokenizer(folder / "words"), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"


@pytest.fixture(scope="module")
def small_sdxl(tmp_path_factory):
    diffusers = pytest.importorskip("diffusers", reason="diffusion needs the extra edit")
    torch = pytest.importorskip("torch", reason="diffusion needs the extra edit")
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    folder = tmp_path_factory.mktemp("sdxl")
    parts = networks(
        torch, cross_attention_dim=64, attention_head_dim=(2, 4), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2), projection_class_embeddings_input_dim=80,
    )  # fmt: skip
    config = text_config(projection_dim=32, hidden_act="gelu")
    pipe = diffusers.StableDiffusionXLInpaintPipeline(
        **parts, text_encoder=CLIPTextModel(config), text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=tokenizer(folder / "one"), tokenizer_2=tokenizer(folder / "two"),
    )  # fmt: skip
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"


@pytest.fixture(params=["small_sd", "small_sdxl"])
def pipeline(request):
    return request.getfixturevalue(request.param)


def test_a_saved_pipeline_loads_and_paints_from_words(pipeline):
    painter = engines.load(
        str(pipeline), need=(Inpainter,), options=EngineOptions(device="cpu")
    ).get(Inpainter)
    assert painter.paint_side == 128
    painter = painter.with_settings(PaintSettings(steps=2, guidance=3.0, negative="bad"))
    image, hole = scene(64)
    red, again, other = (
        painter.fill(image, hole, words, seed)
        for words, seed in (("red", 1), ("red", 1), ("red", 2))
    )
    assert (red.pixels[~hole] == image.pixels[~hole]).all()
    assert (red.pixels == again.pixels).all()
    assert (red.pixels[hole] != other.pixels[hole]).any()


def test_words_and_settings_reach_the_pipeline(small_sd):
    painter = inpaint.load(str(small_sd), EngineOptions(device="cpu")).with_settings(
        PaintSettings(steps=2)
    )
    image, hole = scene(64)
    plain = painter.fill(image, hole, "a cat", 0).pixels[hole]
    for other in (
        painter.with_settings(PaintSettings(steps=3)),
        painter.with_settings(PaintSettings(steps=2, guidance=1.5)),
        painter.with_settings(PaintSettings(steps=2, negative="dog")),
    ):
        assert (other.fill(image, hole, "a cat", 0).pixels[hole] != plain).any()
    assert (painter.fill(image, hole, "dogs", 0).pixels[hole] != plain).any()


def test_style_starts_from_what_is_there(small_sd):
    """With little strength the object keeps its structure: nearer to the picture than with full strength."""
    painter = inpaint.load(str(small_sd), EngineOptions(device="cpu"))
    image, hole = scene(64)
    little, much = (
        painter.with_settings(PaintSettings(steps=4, strength=s))
        .fill(image, hole, "oil", 0)
        .pixels[hole]
        for s in (0.3, 1.0)
    )
    assert (little != much).any()


def test_replace_through_the_whole_pipeline(small_sd):
    painter = inpaint.load(str(small_sd), EngineOptions(device="cpu")).with_settings(
        PaintSettings(steps=2)
    )
    rng = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(rng.integers(0, 255, (150, 210, 3), np.uint8), (0, 0), 3)
    mask = np.zeros((150, 210), bool)
    mask[40:90, 60:130] = True
    done = edit.replace(Image(pixels), Result.of(Masks.from_dense(mask)), painter, "a sofa")
    assert (done.image.pixels[~done.touched] == pixels[~done.touched]).all()
    assert (done.image.pixels[mask] != pixels[mask]).any()


def test_sides_that_diffusion_cannot_paint_are_refused(small_sd):
    painter = inpaint.load(str(small_sd), EngineOptions(device="cpu"))
    with pytest.raises(CapabilityError, match="multiples of 8"):
        painter.fill(Image(np.zeros((30, 33, 3), np.uint8)), np.eye(30, 33, dtype=bool), "x")


def test_a_picture_of_another_size_is_refused():
    from PIL import Image as Pillow

    class Rounds:
        def __call__(self, **_settings):
            return type("Done", (), {"images": [Pillow.new("RGB", (16, 16))]})

    pytest.importorskip("torch", reason="diffusion needs the extra edit")
    image, hole = scene(64)
    with pytest.raises(CapabilityError, match="painted"):
        inpaint.Diffusion("sd", Rounds()).fill(image, hole, "x")


def test_the_safety_checkers_refusal_is_an_error():
    class Refuses:
        def __call__(self, **_settings):
            return type("Done", (), {"nsfw_content_detected": [True], "images": [None]})

    pytest.importorskip("torch", reason="diffusion needs the extra edit")
    image, hole = scene(64)
    with pytest.raises(CapabilityError, match="safety checker"):
        inpaint.Diffusion("sd", Refuses()).fill(image, hole, "x")


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    pytest.importorskip("diffusers", reason="diffusion needs the extra edit")
    (tmp_path / "config.json").write_text("{}")
    for written in (None, "{", "[]"):
        if written is not None:
            (tmp_path / "model_index.json").write_text(written)
        with pytest.raises(WeightsError, match=r"model_index\.json"):
            inpaint.load("sd", EngineOptions(checkpoint=tmp_path, device="cpu"))


def test_without_diffusers_the_extra_is_named():
    """In a fresh process, where diffusers cannot be imported."""
    code = (
        "import sys; sys.modules['diffusers'] = None\n"
        "from wordmask import engines\n"
        "try: engines.load('sd1.5-inpaint', options=engines.EngineOptions(offline=True))\n"
        "except engines.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'wordmask[edit]'" in done.stdout
