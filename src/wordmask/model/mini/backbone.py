"""EfficientNet-Lite0 as a pyramid: maps at strides 4, 8, 16 and 32.

The batch statistics of ImageNet are kept fixed: gamma / sigma becomes one scale per channel and the
rest one bias. Both can still be trained, and they cost nothing at run time.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.depthwise import filter_channels

# (blocks, kernel, stride, expansion, channels): EfficientNet (Tan and Le 2019) in the Lite0
# variant, which has no squeeze-and-excitation and uses ReLU6.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The last layers at strides 4, 8, 16 and 32; layer 0 is the stem.
OUTPUTS = (3, 5, 11, 16)
CHANNELS = (24, 40, 112, 320)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures, RGB in 0..1
EPS = 1e-3  # of the published BatchNorms


class ScaledConv(nn.Module):
    """A convolution followed by a fixed BatchNorm, kept as one scale and one bias per channel."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        *,
        act: bool = True,
    ) -> None:
        super().__init__()
        inputs = cin // groups * kernel**2
        # He et al. 2015: keeps the variance through layers with ReLU.
        random = torch.randn(cout, cin // groups, kernel, kernel) * (2.0 / inputs) ** 0.5
        self.weight = nn.Parameter(random)
        self.scale = nn.Parameter(torch.ones(cout))
        self.bias = nn.Parameter(torch.zeros(cout))
        self.stride, self.groups, self.pad, self.act = stride, groups, kernel // 2, act

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale[:, None, None, None]
        if self.groups > 1:
            y = filter_channels(x, weight, self.bias, self.stride)
        else:
            y = F.conv2d(x, weight, self.bias, self.stride, self.pad)
        return F.relu6(y) if self.act else y

    def load(self, state: Mapping[str, Tensor], conv: str, norm: str) -> None:
        """Copy the convolution `conv` and its BatchNorm `norm` from the published weights."""
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPS).sqrt()
        self.weight.data.copy_(state[f"{conv}.weight"])
        self.scale.data.copy_(scale)
        self.bias.data.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, convolve depthwise, project.

    The input is added to the output where both have the same shape.
    """

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = cin * expansion
        self.expand = ScaledConv(cin, wide, 1) if expansion > 1 else None
        self.depthwise = ScaledConv(wide, wide, kernel, stride, wide)
        self.project = ScaledConv(wide, cout, 1, act=False)
        self.shortcut = cin == cout and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        wide = self.expand(x) if self.expand is not None else x
        y: Tensor = self.project(self.depthwise(wide))
        return x + y if self.shortcut else y

    def load(self, state: Mapping[str, Tensor], prefix: str) -> None:
        if self.expand is not None:
            self.expand.load(state, f"{prefix}._expand_conv", f"{prefix}._bn0")
        self.depthwise.load(state, f"{prefix}._depthwise_conv", f"{prefix}._bn1")
        self.project.load(state, f"{prefix}._project_conv", f"{prefix}._bn2")


def _blocks() -> list[InvertedResidual]:
    """All blocks after the stem."""
    blocks, cin = [], 32
    for count, kernel, stride, expansion, cout in STAGES:
        for k in range(count):
            blocks.append(InvertedResidual(cin, cout, kernel, stride if k == 0 else 1, expansion))
            cin = cout
    return blocks


def middle_layers() -> nn.ModuleList:
    """Blocks as those of the backbone between strides 8 and 16."""
    return nn.ModuleList(_blocks()[OUTPUTS[1] : OUTPUTS[2]])


def last_layers() -> nn.ModuleList:
    """Blocks as those of the backbone between strides 16 and 32."""
    return nn.ModuleList(_blocks()[OUTPUTS[2] :])


class Backbone(nn.Module):
    """Pictures (B, 3, H, W), RGB in 0..255, to four feature maps of `CHANNELS` channels.

    H and W must be divisible by 32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, frozen: int = 4) -> None:
        """`frozen`: the first layers, stem included, that are not trained.

        They keep no activations for the backward pass, which saves memory and time.
        """
        super().__init__()
        self.layers = nn.ModuleList([ScaledConv(3, 32, 3, 2), *_blocks()])
        self.frozen = frozen
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * 255)
        for layer in self.layers[:frozen]:
            layer.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = (x - self.mean) / self.std
        maps: list[Tensor] = []
        for k, layer in enumerate(self.layers):
            with torch.set_grad_enabled(torch.is_grad_enabled() and k >= self.frozen):
                x = layer(x)
            if k in OUTPUTS:
                maps.append(x)
        return maps

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Weights as published for `efficientnet_lite0` (PyTorch names)."""
        for k, layer in enumerate(self.layers):
            if isinstance(layer, ScaledConv):
                layer.load(state, "_conv_stem", "_bn0")
            elif isinstance(layer, InvertedResidual):
                layer.load(state, f"_blocks.{k - 1}")
