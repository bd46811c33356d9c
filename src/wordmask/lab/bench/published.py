"""Meta's own `segment_anything`, where it is installed: what `everything` is compared with.

It needs torchvision, which does not import beside a torch without CUDA, as its compiled operators
are missing. Only one of them is used (NMS of boxes), so it is written here and the rest get a name.
Never install it into the project's own environment (transformers would take such a torchvision for
a whole one), but into one beside it: there segment-anything-py and torchvision without what they
depend on, and a .pth file whose line `import site; site.addsitedir("...")` adds the site-packages
of the project's environment. WORDMASK_PYTHON then names that environment's Python to the scripts.
"""

import importlib.util
from functools import cache
from typing import Any

import torch

_UNUSED = ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d")


def is_installed() -> bool:
    """Whether the package and its torchvision are here."""
    return all(importlib.util.find_spec(name) for name in ("segment_anything", "torchvision"))


@cache
def operators() -> Any:
    """The operators that torchvision lacks; they live as long as the object does."""
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    for name in ("qnms", "qroi_align", *_UNUSED, *(f"_{name}_backward" for name in _UNUSED)):
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


def package() -> Any:
    """The module `segment_anything`."""
    operators()
    import segment_anything
    import torchvision

    torchvision.extension._has_ops = lambda: True
    return segment_anything


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
