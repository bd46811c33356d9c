"""The backbone at CPU size: ImageNet's EfficientNet-Lite0, frozen. Its cells know no words."""

from collections.abc import Mapping

import torch
from torch import Tensor

from wordmask.model.mini.backbone import CHANNELS, Backbone
from wordmask.model.mini.imagenet import read_imagenet
from wordmask.model.ovsam.net import BackboneView


class Lite0Backbone:
    """Levels at strides 4, 8, 16 and 32."""

    name = "lite0"
    channels: tuple[int, ...] = CHANNELS
    strides: tuple[int, ...] = (4, 8, 16, 32)
    dense_width = 0

    def __init__(self, state: Mapping[str, Tensor] | None = None) -> None:
        """`state`: weights by the names in `network`; ImageNet's, from their package, if none."""
        self.network = Backbone().eval().requires_grad_(False)
        if state is None:
            self.network.load_imagenet(read_imagenet())
        else:
            self.network.load_state_dict(state)

    def __call__(self, pictures: Tensor) -> BackboneView:
        self.network.to(pictures.device)
        with torch.no_grad():
            return BackboneView(self.network(pictures.float()))
