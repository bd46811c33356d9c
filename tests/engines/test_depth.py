"""Depth networks with random weights against transformers' own processors, where it has some
without torchvision; where it has none, against its formulas written out.
"""

import numpy as np
import pytest

from tiny_networks import perturb, picture, torch, transformers
from wordmask.core.protocols import DepthModel
from wordmask.engines import depth
from wordmask.engines.hub.pictures import IMAGENET
from wordmask.engines.options import EngineOptions
from wordmask.errors import ImageError, WeightsError

DINO = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "patch_size": 14}
NECK = {
    "neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "reassemble_factors": [4, 2, 1, 0.5]
}  # fmt: skip


def depth_anything(kind="relative"):
    t = transformers
    backbone = t.Dinov2Config(
        **DINO, mlp_ratio=2, image_size=28, out_indices=[1, 2, 3, 4], reshape_hidden_states=False
    )
    config = t.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, head_hidden_size=4,
        depth_estimation_type=kind, max_depth=20 if kind == "metric" else 1, **NECK,
    )  # fmt: skip
    return t.DepthAnythingForDepthEstimation(config)


def dpt():
    config = transformers.DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=24,
        image_size=32, patch_size=8, backbone_out_indices=[0, 1, 2, 3], **NECK,
    )  # fmt: skip
    return transformers.DPTForDepthEstimation(config)


def zoe():
    t = transformers
    backbone = t.BeitConfig(
        image_size=32, patch_size=8, hidden_size=16, num_hidden_layers=4, num_attention_heads=2,
        intermediate_size=24, use_relative_position_bias=True, reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = t.ZoeDepthConfig(
        backbone_config=backbone, num_relative_features=4, bottleneck_features=8,
        bin_embedding_dim=8, num_attractors=[4, 2, 2, 1], **NECK,
    )  # fmt: skip
    return t.ZoeDepthForDepthEstimation(config)


def depth_pro(*, view=True):
    t = transformers
    dino = {**DINO, "patch_size": 8, "mlp_ratio": 2, "image_size": 16, "model_type": "dinov2"}
    config = t.DepthProConfig(
        image_model_config=dino, patch_model_config=dino, fov_model_config=dino, patch_size=16,
        fusion_hidden_size=8, intermediate_hook_ids=[2, 0], intermediate_feature_dims=[8, 8],
        scaled_images_feature_dims=[8, 8, 8], merge_padding_value=0, use_fov_model=view,
    )  # fmt: skip
    return t.DepthProForDepthEstimation(config)


MAKERS = {
    "relative": depth_anything,
    "metric": lambda: depth_anything("metric"),
    "dpt": dpt,
    "zoe": zoe,
    "pro": depth_pro,
    "pro without view": lambda: depth_pro(view=False),
}
SIDES = {"relative": 56, "metric": 56, "dpt": 64, "zoe": 64, "pro": 64, "pro without view": 64}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind, maker in MAKERS.items():
        torch.manual_seed(4)
        made[kind] = tmp_path_factory.mktemp(kind.replace(" ", "-"))
        keep_alive(perturb(maker(), 0.08)).save_pretrained(made[kind])
    return made


def keep_alive(model):
    """The last layer is a rectifier: by a bias it answers something else than nought."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.out_channels == 1:
            torch.nn.init.constant_(layer.bias, 1.0)
    return model


def load(folders, kind, **options):
    options = {"input_side": SIDES[kind]} | options
    return depth.load(str(folders[kind]), EngineOptions(device="cpu", offline=True, **options))


def answer(engine, image):
    (seen,) = engine.encode([image])
    return engine.depth(seen)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_family_is_read_by_what_its_folder_says(folders, kind):
    engine = load(folders, kind)
    assert isinstance(engine, DepthModel)
    assert "@sha256:" in engine.name
    image = picture(45, 70)
    found = answer(engine, image)
    assert found.values.shape == image.size
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()
    assert found.values.std() > 0
    assert found.metric == (kind in ("metric", "zoe", "pro"))
    assert found.inverse == (not found.metric)
    assert (found.focal_px is not None) == (kind == "pro")


def library_processor(kind):
    t = transformers
    side = SIDES[kind]
    if kind == "dpt":
        return t.DPTImageProcessorPil(
            size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3
        )
    if kind == "zoe":
        return t.ZoeDepthImageProcessorPil(
            size={"height": side, "width": side * 512 // 384 + 1}, ensure_multiple_of=32,
            image_mean=[0.5] * 3, image_std=[0.5] * 3,
        )  # fmt: skip
    return t.DPTImageProcessorPil(
        size={"height": side, "width": side}, keep_aspect_ratio=True, ensure_multiple_of=14,
        image_mean=IMAGENET[0], image_std=IMAGENET[1],
    )  # fmt: skip


@pytest.mark.parametrize("size", [(60, 80), (90, 50), (64, 64)])
@pytest.mark.parametrize("kind", ["relative", "metric", "dpt", "zoe"])
def test_the_network_sees_what_the_library_would_show_it(folders, kind, size):
    image = picture(*size)
    wanted = library_processor(kind)(images=[image.pixels], return_tensors="pt")["pixel_values"][0]
    seen = load(folders, kind).pixels(image)
    assert seen.shape == wanted.shape
    assert (seen - wanted).abs().max() < 1e-4


@pytest.mark.parametrize("kind", ["relative", "metric", "dpt"])
def test_the_answer_is_the_library_s(folders, kind):
    image = picture(60, 80)
    processor = library_processor(kind)
    model = transformers.AutoModelForDepthEstimation.from_pretrained(folders[kind]).eval()
    with torch.no_grad():
        out = model(**processor(images=[image.pixels], return_tensors="pt"))
    wanted = processor.post_process_depth_estimation(out, target_sizes=[image.size])[0]
    np.testing.assert_allclose(
        answer(load(folders, kind), image).values, wanted["predicted_depth"], atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize("size", [(60, 80), (90, 50)])
def test_zoe_loses_the_frame_that_it_put_around_the_picture(folders, size):
    """The library's own formula; its code for it needs torchvision."""
    image = picture(*size)
    engine = load(folders, "zoe")
    model = transformers.ZoeDepthForDepthEstimation.from_pretrained(folders["zoe"]).eval()
    with torch.no_grad():
        raw = model(pixel_values=engine.pixels(image)[None]).predicted_depth
    high, wide = (int(np.sqrt(side / 2) * 3) for side in size)
    framed = torch.nn.functional.interpolate(
        raw[None], (size[0] + 2 * high, size[1] + 2 * wide), mode="bicubic"
    )
    wanted = framed[0, 0, high:-high, wide:-wide]
    np.testing.assert_allclose(answer(engine, image).values, wanted, atol=1e-5)


def test_depth_pro_s_metres_follow_the_field_of_view(folders):
    """Z = f / (W d), f = W / (2 tan(view / 2)): written out, as its processor needs torchvision."""
    image = picture(60, 80)
    engine = load(folders, "pro")
    model = transformers.DepthProForDepthEstimation.from_pretrained(folders["pro"]).eval()
    whole = torch.from_numpy(image.pixels.copy()).permute(2, 0, 1)[None] / 255 * 2 - 1
    square = torch.nn.functional.interpolate(whole, (64, 64), mode="bilinear")
    with torch.no_grad():
        out = model(pixel_values=square)
    focal = 0.5 * 80 / torch.tan(0.5 * torch.deg2rad(out.field_of_view[0]))
    inverse = out.predicted_depth[None] * 80 / focal
    large = torch.nn.functional.interpolate(inverse, image.size, mode="bilinear")[0, 0]
    found = answer(engine, image)
    assert found.focal_px == pytest.approx(float(focal), rel=1e-4)
    np.testing.assert_allclose(found.values, 1 / large.clamp(1e-4, 1e4), rtol=1e-3)


def test_the_folder_s_own_preprocessing_counts(folders, tmp_path):
    engine_rules = depth.read_rules(tmp_path, depth.DepthAnything.rules)
    assert engine_rules == depth.DepthAnything.rules
    (tmp_path / "preprocessor_config.json").write_text(
        '{"size": {"height": 70, "width": 84}, "keep_aspect_ratio": false, "resample": 2}'
    )
    rules = depth.read_rules(tmp_path, depth.DepthAnything.rules)
    assert rules == depth.InputRules((70, 84), False, 14, cubic=False)
    assert rules.fit((480, 640)) == (70, 84)


def test_another_engine_s_encoding_and_another_architecture_are_refused(folders, tmp_path):
    engine = load(folders, "dpt")
    with pytest.raises(ImageError, match="another engine"):
        engine.depth(type("Other", (), {"size": (1, 1), "nbytes": 0})())
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(WeightsError, match=r"depth_anything, .*zoedepth"):
        depth.load(str(tmp_path), EngineOptions(device="cpu"))
