"""Diffusion painters, with tiny random networks."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from holes import scene
from tiny_pipelines import save_sd, save_sdxl
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.protocols import Inpainter, PaintSettings
from wordmask.core.result import Result
from wordmask.engines import EngineOptions
from wordmask.engines.fill import diffusion
from wordmask.errors import CapabilityError, WeightsError
from wordmask.tasks import edit


@pytest.fixture(scope="module")
def small_sd(tmp_path_factory):
    return save_sd(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def small_sdxl(tmp_path_factory):
    return save_sdxl(tmp_path_factory.mktemp("sdxl"))


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
    painter = diffusion.load(str(small_sd), EngineOptions(device="cpu")).with_settings(
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
    """With little strength the object keeps its structure."""
    painter = diffusion.load(str(small_sd), EngineOptions(device="cpu"))
    image, hole = scene(64)
    little, much = (
        painter.with_settings(PaintSettings(steps=4, strength=s))
        .fill(image, hole, "oil", 0)
        .pixels[hole]
        for s in (0.3, 1.0)
    )
    assert (little != much).any()


def test_replace_through_the_whole_pipeline(small_sd):
    painter = diffusion.load(str(small_sd), EngineOptions(device="cpu")).with_settings(
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
    painter = diffusion.load(str(small_sd), EngineOptions(device="cpu"))
    with pytest.raises(CapabilityError, match="multiples of 8"):
        painter.fill(Image(np.zeros((30, 33, 3), np.uint8)), np.eye(30, 33, dtype=bool), "x")


def test_a_picture_of_another_size_is_refused():
    from PIL import Image as Pillow

    class Rounds:
        def __call__(self, **_settings):
            return type("Done", (), {"images": [Pillow.new("RGB", (16, 16))]})

    image, hole = scene(64)
    with pytest.raises(CapabilityError, match="painted"):
        diffusion.Diffusion("sd", Rounds()).fill(image, hole, "x")


def test_the_safety_checkers_refusal_is_an_error():
    class Refuses:
        def __call__(self, **_settings):
            return type("Done", (), {"nsfw_content_detected": [True], "images": [None]})

    image, hole = scene(64)
    with pytest.raises(CapabilityError, match="safety checker"):
        diffusion.Diffusion("sd", Refuses()).fill(image, hole, "x")


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for written in (None, "{", "[]"):
        if written is not None:
            (tmp_path / "model_index.json").write_text(written)
        with pytest.raises(WeightsError, match=r"model_index\.json"):
            diffusion.load("sd", EngineOptions(checkpoint=tmp_path, device="cpu"))


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
