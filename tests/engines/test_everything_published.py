"""Our `everything` against Meta's own generator, on the same random SAM: the same masks."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[hf]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'wordmask[hf]'"
)

from safetensors.torch import save_file  # noqa: E402 (after the skips above)

from wordmask.core.image import Image  # noqa: E402
from wordmask.core.masks import Masks  # noqa: E402
from wordmask.core.models import Models  # noqa: E402
from wordmask.engines import sam  # noqa: E402
from wordmask.engines.options import EngineOptions  # noqa: E402
from wordmask.lab.bench import published  # noqa: E402
from wordmask.ops import merge  # noqa: E402
from wordmask.tasks.everything import EverythingOptions, everything  # noqa: E402
from wordmask.tasks.finding.grid import grid_points  # noqa: E402

pytestmark = pytest.mark.skipif(
    not published.is_installed(),
    reason="segment_anything is not installed: lab/bench/published.py says how",
)
SIDE, PER_SIDE = 256, 6


@pytest.fixture(scope="module")
def theirs():
    return tiny(SIDE)


@pytest.fixture(scope="module")
def ours(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("meta") / "sam.safetensors"
    save_file({name: value.contiguous() for name, value in theirs.state_dict().items()}, path)
    return Models("tiny", (sam.load(str(path), EngineOptions(device="cpu", offline=True)),))


def tiny(side, width=32):
    """A small random SAM of theirs, as smooth and as decided in its logits as a trained one.

    Fresh weights answer almost 0 to everything, so all are shifted. Random upscaling alternates
    from cell to cell, so its kernels are made even.
    """
    published.package()
    from segment_anything.modeling import (
        ImageEncoderViT,
        MaskDecoder,
        PromptEncoder,
        Sam,
        TwoWayTransformer,
    )

    torch.manual_seed(0)
    cells = (side // 16, side // 16)
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    encoder = ImageEncoderViT(
        side, 16, 3, width, depth=2, num_heads=2, mlp_ratio=2, out_chans=width,
        norm_layer=norm, use_rel_pos=True, window_size=5, global_attn_indexes=(1,),
    )  # fmt: skip
    decoder = MaskDecoder(
        transformer_dim=width,
        transformer=TwoWayTransformer(depth=2, embedding_dim=width, num_heads=8, mlp_dim=48),
        iou_head_hidden_dim=24,
    )
    sam = Sam(encoder, PromptEncoder(width, cells, (side, side), 8), decoder)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape))
        for layer in (0, 3):
            kernels = decoder.output_upscaling[layer].weight
            kernels.copy_(2 * kernels.mean((2, 3), keepdim=True).expand_as(kernels))
        for head in decoder.output_hypernetworks_mlps:
            head.layers[-1].weight.mul_(40)
            head.layers[-1].bias.mul_(40)
        decoder.iou_prediction_head.layers[-1].weight.mul_(0.2)
        decoder.iou_prediction_head.layers[-1].bias.fill_(0.6)  # most estimates between 0 and 1
    return sam.eval()


def picture(height, width):
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image(
        np.kron(coarse, np.ones((height // 6 + 1, width // 6 + 1, 1), np.uint8))[
            :height, :width
        ].copy()
    )


def generated(network, image, quality=0.0, stability=0.0):
    """Their masks without their NMS, as `Masks`, estimates of IoU and stabilities.

    Their grid is n x n whatever the picture's shape,
    and their points are half an input pixel to the right and
    below of ours (they take the corner of a pixel for its centre), so they are given our points.
    """
    size = np.array(image.size[::-1])
    inner = np.floor(size * SIDE / size.max() + 0.5)
    points = grid_points(image.size, PER_SIDE) / size - 0.5 / inner
    generator = published.package().SamAutomaticMaskGenerator(
        network, points_per_side=None, point_grids=[points], box_nms_thresh=1.0,
        pred_iou_thresh=quality, stability_score_thresh=stability,
    )  # fmt: skip
    found = [one for one in generator.generate(image.pixels) if one["area"]]
    masks = Masks.from_dense(np.array([one["segmentation"] for one in found]))
    return masks, *(
        np.array([one[key] for one in found]) for key in ("predicted_iou", "stability_score")
    )


def options(**given):
    """Every candidate of every point; what is not `given` is wide open."""
    wide = {"min_quality": 0, "min_stability": 0, "iou_threshold": 1.0, "min_region_size": 0}
    return EverythingOptions(points_per_side=PER_SIDE, adaptive=False, **(wide | given))


# Theirs upsamples to the network's square and from there to the picture, ours once: the same where
# both are one size. Where a side ends within a cell of the logits, ours spreads them anew.
@pytest.mark.parametrize(
    ("size", "least"), [((256, 256), 0.999), ((192, 256), 0.98), ((300, 200), 0.9)]
)
def test_all_candidates_are_the_published_generators(size, least, theirs, ours):
    image = picture(*size)
    masks, quality, _ = generated(theirs, image)
    found = everything(image, ours, options())
    alike = masks.iou(found.masks)
    assert (
        len(masks) == len(found) >= 3 * len(grid_points(size, PER_SIDE)) - 2
    )  # an empty one is left out
    assert alike.max(1).min() >= least
    assert alike.max(0).min() >= least
    assert np.abs(np.sort(found.scores) - np.sort(quality.clip(0, 1))).max() < 1e-4


def test_after_the_filters_only_masks_on_the_threshold_differ(theirs, ours):
    """Stability is measured at low resolution here, over the picture there."""
    image = picture(SIDE, SIDE)
    masks, quality, stability = generated(theirs, image)
    wanted = {
        "min_quality": float(np.median(quality)),
        "min_stability": float(np.median(stability)),
    }
    found = everything(image, ours, options(**wanted))
    alike = masks.iou(found.masks) > 0.999
    passes = (quality >= wanted["min_quality"]) & (stability >= wanted["min_stability"])
    near = (np.abs(stability - wanted["min_stability"]) < 0.02) | (
        np.abs(quality - wanted["min_quality"]) < 1e-4
    )
    assert alike.any(0).all()
    assert 5 < passes.sum() < len(masks) - 5
    assert (alike.any(1) == passes)[~near].all()
    strict, *_ = generated(theirs, image, *wanted.values())
    assert abs(len(strict) - len(found)) <= near.sum()


def test_thinned_by_masks_the_same_ones_stay(theirs, ours):
    """Their NMS compares boxes, ours masks; ours on their masks gives the same, but for ties."""
    image = picture(SIDE, SIDE)
    masks, quality, _ = generated(theirs, image)
    stay = masks[merge.nms(masks, quality, iou=0.7)]
    found = everything(image, ours, options(iou_threshold=0.7))
    alike = stay.iou(found.masks) > 0.999
    assert 2 <= len(stay) < len(masks)
    assert alike.any(1).mean() >= 0.9
    assert alike.any(0).mean() >= 0.9
