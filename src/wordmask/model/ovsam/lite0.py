"""The backbone at CPU size: ImageNet's EfficientNet-Lite0, frozen.

Its cells know ImageNet's 1,000 classes, and so any words (Norouzi et al. 2014): a cell's vector is
the mean of the classes' own vectors, weighted by how probable each is.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from wordmask.model.mini.backbone import CHANNELS, Backbone, ScaledConv
from wordmask.model.mini.classes import CLASSES, WIDE
from wordmask.model.mini.imagenet import read_imagenet
from wordmask.model.ovsam.net import BackboneView


class Lite0Network(nn.Module):
    """The pyramid, the head in every cell at stride 32, and a vector for each class."""

    words: Tensor

    def __init__(self, width: int) -> None:
        """`width`: dimensions of the classes' vectors; 0: they have none."""
        super().__init__()
        self.pyramid = Backbone()
        self.widen = ScaledConv(CHANNELS[-1], WIDE, 1)
        self.classify = nn.Conv2d(WIDE, CLASSES, 1)
        self.register_buffer("words", torch.zeros(CLASSES, width))

    def forward(self, pictures: Tensor) -> BackboneView:
        levels = self.pyramid(pictures.float())
        if not self.words.shape[1]:
            return BackboneView(levels)
        shares = self.classify(self.widen(levels[-1])).softmax(1)
        return BackboneView(levels, torch.einsum("bkhw,kd->bdhw", shares, self.words))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Weights as published for `efficientnet_lite0` (PyTorch names)."""
        self.pyramid.load_imagenet(state)
        self.widen.load(state, "_conv_head", "_bn1")
        self.classify.weight.data.copy_(state["_fc.weight"][:, :, None, None])
        self.classify.bias.data.copy_(state["_fc.bias"])


class Lite0Backbone:
    """Levels at strides 4, 8, 16 and 32, and cells that match words where classes have vectors."""

    name = "lite0"
    channels: tuple[int, ...] = CHANNELS
    strides: tuple[int, ...] = (4, 8, 16, 32)

    def __init__(
        self, state: Mapping[str, Tensor] | None = None, words: Tensor | None = None
    ) -> None:
        """`state`: weights by the names in `network`; ImageNet's, from their package, if none.

        `words` (1000, D): unit vectors of ImageNet's classes, where `state` does not hold them.
        """
        known = words if state is None else state["words"]
        self.network = Lite0Network(0 if known is None else known.shape[1])
        if state is None:
            self.network.load_imagenet(read_imagenet())
            if words is not None:
                self.network.words.copy_(words)
        else:
            self.network.load_state_dict(state)
        self.network.eval().requires_grad_(False)
        self.dense_width = self.network.words.shape[1]

    def __call__(self, pictures: Tensor) -> BackboneView:
        self.network.to(pictures.device)
        with torch.no_grad():
            view: BackboneView = self.network(pictures)
        return view
