"""Our `everything` finds the masks of transformers' own mask generation on the same SAM.

Meta's generator is compared in test_everything_published.py, where it is installed.
"""

import numpy as np
import pytest

from tiny_networks import torch, transformers
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.engines import sam
from wordmask.engines.options import EngineOptions
from wordmask.tasks.everything import EverythingOptions, everything

SIDE, PER_SIDE = 256, 6


@pytest.fixture(scope="module")
def network():
    """A small random SAM, as smooth and as decided in its logits as a trained one."""
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE,
        "patch_size": 16,
        "output_channels": 32, "global_attn_indexes": [1], "window_size": 4, "mlp_dim": 64,
        "num_pos_feats": 16,
    }  # fmt: skip
    config = transformers.SamConfig(
        vision_config=transformers.SamVisionConfig(**vision),
        prompt_encoder_config=transformers.SamPromptEncoderConfig(
            hidden_size=32, image_size=SIDE, patch_size=16, mask_input_channels=8
        ),
        mask_decoder_config=transformers.SamMaskDecoderConfig(
            hidden_size=32, mlp_dim=48, iou_head_hidden_dim=24
        ),
    )
    torch.manual_seed(1)
    model = transformers.SamModel(config).eval()
    decoder = model.mask_decoder
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape))
        for layer in (decoder.upscale_conv1, decoder.upscale_conv2):
            layer.weight.copy_(2 * layer.weight.mean((2, 3), keepdim=True).expand_as(layer.weight))
        for head in decoder.output_hypernetworks_mlps:
            head.proj_out.weight.mul_(40)
            head.proj_out.bias.mul_(40)
        decoder.iou_prediction_head.proj_out.weight.mul_(0.2)
        decoder.iou_prediction_head.proj_out.bias.fill_(0.6)
    return model


@pytest.fixture(scope="module")
def engine(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sam")
    network.save_pretrained(folder)
    return Models("tiny", (sam.load(str(folder), EngineOptions(device="cpu", offline=True)),))


def square(side):
    coarse = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image(np.kron(coarse, np.ones((side // 8, side // 8, 1), np.uint8)))


def generated(network, image, quality=0.0, stability=0.0):
    """The library's steps but its box NMS, which needs torchvision: masks and estimated IoUs."""
    processor = transformers.SamImageProcessorPil(
        size={"longest_edge": SIDE},
        pad_size={"height": SIDE, "width": SIDE},
        mask_size={"longest_edge": SIDE // 4},
    )
    crops, points, *_ = processor.generate_crop_boxes(image.pixels, SIDE, points_per_crop=PER_SIDE)
    inputs = processor(image.pixels, return_tensors="pt")
    with torch.no_grad():
        # Half an input pixel less: the library takes the corner of a pixel for its centre.
        out = network(
            inputs["pixel_values"], points.transpose(1, 2).float()[0, 0][None, :, None] - 0.5
        )
    full = processor.post_process_masks(
        out.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"], binarize=False
    )
    codes, scores, _ = processor.filter_masks(
        full[0], out.iou_scores[0], image.size, crops[0], quality, stability
    )
    masks = Masks.from_rle(codes, image.size)
    return masks[masks.areas > 0], scores.numpy()[masks.areas > 0]


def ours(image, engine, **given):
    wide = {"min_quality": 0, "min_stability": 0, "iou_threshold": 1.0, "min_region_size": 0}
    return everything(
        image, engine, EverythingOptions(points_per_side=PER_SIDE, adaptive=False, **(wide | given))
    )


@pytest.mark.parametrize(("side", "least"), [(SIDE, 0.999), (480, 0.95), (160, 0.95)])
def test_all_candidates_are_the_librarys(side, least, network, engine):
    """At the network's own side they agree exactly; else the library resamples twice, ours once."""
    masks, quality = generated(network, square(side))
    found = ours(square(side), engine)
    alike = masks.iou(found.masks)
    assert 50 < len(masks) == len(found)
    assert alike.max(1).min() >= least
    assert alike.max(0).min() >= least
    assert np.abs(np.sort(found.scores) - np.sort(quality.clip(0, 1))).max() < 1e-4


def test_the_filters_let_the_same_masks_pass_but_for_those_on_the_threshold(network, engine):
    """Stability is measured at low resolution here, over the picture there."""
    image, stability = square(SIDE), 0.75
    _, all_quality = generated(network, image)
    quality = float(np.median(all_quality))
    strict, easy = (
        generated(network, image, quality, stability + shift)[0] for shift in (0.05, -0.05)
    )
    found = ours(image, engine, min_quality=quality, min_stability=stability)
    assert 5 < len(strict) <= len(found) <= len(easy) + 1 < len(all_quality) / 2
    assert (strict.iou(found.masks) > 0.99).any(1).all()
    assert (found.masks.iou(easy) > 0.99).any(1).sum() >= len(found) - 1
