"""Meta's own `segment_anything`, where it is installed: what `everything` is compared with, in tests and benches.

It needs torchvision, which does not import beside a torch without CUDA, as its compiled operators are missing.
Only one of them is used (box NMS), so it is written here and the rest get a name. Never in the project's own
environment (transformers would take such a torchvision for a whole one); in one beside it:

    python -m venv ../published && ../published/bin/pip install --no-deps segment-anything-py torchvision
    echo "import site; site.addsitedir('THE PROJECT ENVIRONMENT/lib/python3.11/site-packages')" \
        > ../published/lib/python3.11/site-packages/project.pth
    ../published/bin/python -m pytest tests/engines/test_everything_published.py
    WORDMASK_PYTHON=../published/bin/python scripts/bench everything
"""

import importlib.util
from functools import partial
from typing import Any

import torch

_UNUSED = ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d")


def found() -> bool:
    """Whether the package and its torchvision are installed."""
    return all(importlib.util.find_spec(name) for name in ("segment_anything", "torchvision"))


def package() -> Any:
    """The module `segment_anything`."""
    if not hasattr(package, "library"):
        package.library = _operators()  # type: ignore[attr-defined] # they live as long as this object does
    import segment_anything
    import torchvision

    torchvision.extension._has_ops = lambda: True
    return segment_anything


def tiny(side: int, width: int = 32) -> Any:
    """A small random SAM of theirs, as smooth and as decided in its logits as a trained one.

    Fresh weights answer almost 0 to everything, so all are shifted. Random upscaling alternates from cell to cell,
    so its kernels are made even.
    """
    package()
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


def state_of(network: Any) -> dict[str, torch.Tensor]:
    """The weights of a transformers SAM under Meta's names."""
    from wordmask.engines.hub import meta

    own = network.state_dict()
    package()
    import segment_anything

    names = segment_anything.sam_model_registry["vit_b"]().state_dict()
    return {name: own[meta.translated(name)] for name in names}


def _operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    for name in ("qnms", "qroi_align", *_UNUSED, *(f"_{name}_backward" for name in _UNUSED)):
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


def _nms(boxes: torch.Tensor, scores: torch.Tensor, iou: float) -> torch.Tensor:
    """Indices of the boxes that stay, best first."""
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        starts = torch.maximum(boxes[best, :2], boxes[left, :2])
        sides = (torch.minimum(boxes[best, 2:], boxes[left, 2:]) - starts).clamp(min=0)
        shared = sides.prod(1)
        union = (
            (boxes[best, 2:] - boxes[best, :2]).prod()
            + (boxes[left, 2:] - boxes[left, :2]).prod(1)
            - shared
        )
        left = left[shared <= iou * union]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)
