"""ONNX files of other makers, told by their names: points and pixels arrive as trained."""

import logging

import numpy as np
import pytest

pytest.importorskip("onnx", reason="drawn files need onnx: pip install 'wordmask[export]'")

from onnx_drawn import CELLS, SIDE, decoder, encoder
from seeing import see
from tiny_networks import picture
from wordmask import engines
from wordmask.core.protocols import PromptBatch, Segmenter
from wordmask.engines.hub.pictures import IMAGENET
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.engines.weights.fetch import Remote, select_files
from wordmask.engines.weights.onnx_ports import read_ports
from wordmask.errors import CapabilityError, OptionError, WeightsError

IMAGE = picture(32, 64)  # fills the upper half of a padded square
MAPS = ("image_embeddings",)
META = {"mask_input": [1, 1, 16, 16], "has_mask_input": [1], "orig_im_size": [2]}


def write_meta(folder, first="sam_vit_b.encoder.onnx", second="sam_vit_b.decoder.onnx"):
    encoder(folder / first, "input_image")
    names = ("point_coords", "point_labels", "low_res_masks", "iou_predictions")
    decoder(folder / second, MAPS, names, META)


def write_sam2(folder):
    from onnx import helper

    from onnx_drawn import write

    names = ("image_embed", "high_res_feats_0", "high_res_feats_1")
    pool = [
        helper.make_node("AveragePool", ["image"], [name], kernel_shape=[16, 16], strides=[16, 16])
        for name in names
    ]
    shapes = {name: [1, 3, CELLS, CELLS] for name in names}
    write(folder / "sam2_hiera_tiny.encoder.onnx", pool, {"image": [1, 3, SIDE, SIDE]}, shapes)
    more = {"mask_input": [1, 1, 16, 16], "has_mask_input": [1]}
    taken = ("point_coords", "point_labels", "masks", "iou_predictions")
    decoder(folder / "sam2_hiera_tiny.decoder.onnx", names, taken, more)


def write_edge(folder):
    encoder(folder / "edge_sam_3x_encoder.onnx", "image")
    names = ("point_coords", "point_labels", "masks", "scores")
    decoder(folder / "edge_sam_3x_decoder.onnx", MAPS, names, count=4)


def write_efficient(folder):
    encoder(folder / "efficientsam_ti_encoder.onnx", "batched_images")
    names = ("batched_point_coords", "batched_point_labels", "output_masks", "iou_predictions")
    more = {"orig_im_size?": [2]}
    decoder(folder / "efficientsam_ti_decoder.onnx", MAPS, names, more, lead=("B", "Q", "K"))


def write_hub(folder):
    (folder / "config.json").write_text('{"model_type": "sam"}')
    encoder(folder / "onnx/vision_encoder.onnx", "pixel_values")
    encoder(folder / "onnx/vision_encoder_fp16.onnx", "pixel_values")
    names = ("input_points", "input_labels?", "pred_masks", "iou_scores")
    path = folder / "onnx/prompt_encoder_mask_decoder.onnx"
    decoder(path, MAPS, names, lead=("B", "P", "K"))  # fmt: skip


MAKERS = {
    "Meta": write_meta, "SAM 2": write_sam2, "EdgeSAM": write_edge,
    "EfficientSAM": write_efficient, "hub": write_hub,
}  # fmt: skip
# Where the click (40, 10) arrives: x in the square, less the half pixel that the graphs add.
X = 40 * SIDE / 64 - 0.5


@pytest.mark.parametrize("maker", MAKERS)
def test_files_are_told_by_their_names_and_points_arrive(maker, tmp_path):
    MAKERS[maker](tmp_path)
    assert home.factory_of(tmp_path) == "wordmask.engines.graphs:load"
    engine = engines.load(str(tmp_path)).get(Segmenter)
    cuts = engine.cut(see(engine, IMAGE), PromptBatch.points([[40.0, 10.0]]))
    assert cuts.logits.shape[:2] == (1, 3)
    assert cuts.quality[0].tolist() == pytest.approx(
        [0.9, 0.8, 0.7] if maker != "EdgeSAM" else [0.8, 0.7, 0.6]
    )
    red = expected_red(maker)
    assert cuts.logits[0, 0] == pytest.approx(red + X, abs=1e-3)


def expected_red(maker):
    """The mean of the red pixels in each cell, over the picture."""
    from PIL import Image as Pillow

    stretched = maker in ("SAM 2", "EfficientSAM")
    size_wh = (SIDE, SIDE) if stretched else (SIDE, SIDE // 2)
    pixels = np.asarray(Pillow.fromarray(IMAGE.pixels).resize(size_wh, Pillow.Resampling.BILINEAR))
    red = pixels[..., 0].astype(float) / 255
    if maker != "EfficientSAM":
        red = (red - IMAGENET[0][0]) / IMAGENET[1][0]
    height, width = red.shape
    return red.reshape(height // 16, 16, width // 16, 16).mean((1, 3))


@pytest.mark.parametrize("maker", ["Meta", "SAM 2", "EdgeSAM", "EfficientSAM"])
def test_a_box_is_its_two_corners(maker, tmp_path):
    MAKERS[maker](tmp_path)
    engine = engines.load(str(tmp_path)).get(Segmenter)
    seen = see(engine, IMAGE)
    box = engine.cut(seen, PromptBatch.of_boxes([[10.0, 5.0, 50.0, 30.0]])).logits
    assert box.shape[1] == 1
    expected = expected_red(maker) + 2 * (10 - 0.5) + 3 * (50 - 0.5)
    assert box[0, 0] == pytest.approx(expected, abs=1e-3)


def test_what_files_cannot_take_is_said(tmp_path):
    write_hub(tmp_path)
    engine = engines.load(str(tmp_path)).get(Segmenter)
    seen = see(engine, IMAGE)
    with pytest.raises(CapabilityError, match="points only"):
        engine.cut(seen, PromptBatch.of_boxes([[10.0, 5.0, 50.0, 30.0]]))
    with pytest.raises(CapabilityError, match="no earlier masks"):
        engine.cut(seen, PromptBatch.points([[4.0, 4.0]], np.zeros((1, 8, 8), np.float32)))
    with pytest.raises(OptionError, match="one input side"):
        engines.load(str(tmp_path), options=EngineOptions(input_side=32))


def test_edgesam_is_for_no_business_and_that_is_said(tmp_path, caplog):
    write_edge(tmp_path)
    with caplog.at_level(logging.WARNING):
        engines.load(str(tmp_path))
    assert "may not be used commercially" in caplog.text


def test_one_of_two_pairs_is_meant_by_its_file(tmp_path):
    write_meta(tmp_path)
    write_meta(tmp_path, "mobile_sam.encoder.onnx", "mobile_sam.decoder.onnx")
    with pytest.raises(WeightsError, match="there are 2 and 2 of them"):
        engines.load(str(tmp_path))
    engine = engines.load(str(tmp_path / "mobile_sam.encoder.onnx")).get(Segmenter)
    assert engine.name.startswith("mobile_sam@sha256:")


def test_an_encoder_without_its_decoder_is_said(tmp_path):
    write_meta(tmp_path)
    (tmp_path / "sam_vit_b.encoder.onnx").unlink()
    with pytest.raises(WeightsError, match="there are 0 and 1 of them"):
        engines.load(str(tmp_path))


def test_names_are_read_without_loading_anything(tmp_path):
    write_meta(tmp_path)
    ports = read_ports(tmp_path / "sam_vit_b.decoder.onnx")
    assert ports.inputs[:3] == ("image_embeddings", "point_coords", "point_labels")
    assert ports.outputs == ("low_res_masks", "iou_predictions")
    data = (tmp_path / "sam_vit_b.decoder.onnx").read_bytes()
    for bad in (data[:-50], b"", b"not onnx at all", data[100:]):
        (tmp_path / "bad.onnx").write_bytes(bad)
        with pytest.raises(WeightsError, match=r"bad\.onnx is"):
            read_ports(tmp_path / "bad.onnx")


def test_of_a_repository_in_onnx_layout_the_full_networks_are_fetched():
    names = [
        "config.json", "preprocessor_config.json", "README.md", "onnx/vision_encoder.onnx",
        "onnx/vision_encoder.onnx_data", "onnx/vision_encoder_fp16.onnx",
        "onnx/prompt_encoder_mask_decoder.onnx", "onnx/prompt_encoder_mask_decoder_q4f16.onnx",
        "other/model.onnx",
    ]  # fmt: skip
    found = select_files([Remote(name, 1, None) for name in names], allow_pickle=False)
    assert [file.name for file in found] == [
        "config.json", "preprocessor_config.json", "onnx/vision_encoder.onnx",
        "onnx/vision_encoder.onnx_data", "onnx/prompt_encoder_mask_decoder.onnx",
    ]  # fmt: skip
