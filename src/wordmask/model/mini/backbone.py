"""EfficientNet-Lite0 as a pyramid: maps at strides 4, 8, 16 and 32.

The ImageNet batch statistics stay as they are: each convolution is multiplied by gamma / sigma and shifted,
so what remains of a BatchNorm is a scale and a bias that can still learn, and it costs nothing at run time.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.depthwise import filter_channels

# (blocks, kernel, stride, expansion, channels): Tan and Le 2019, the Lite0 variant (no squeeze-excite, ReLU6).
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
TAPS = (3, 5, 11, 16)  # layers (the stem is 0) after which the strides 4, 8, 16 and 32 are complete
CHANNELS = (24, 40, 112, 320)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EPS = 1e-3


class ScaledConv(nn.Module):
    """A convolution whose BatchNorm has been frozen into one scale and one bias per channel."""

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
        self.weight = nn.Parameter(
            torch.randn(cout, cin // groups, kernel, kernel)
            * (2.0 / (cin // groups * kernel**2)) ** 0.5
        )
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
        """Take a convolution and its BatchNorm out of the published weights."""
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPS).sqrt()
        self.weight.data.copy_(state[f"{conv}.weight"])
        self.scale.data.copy_(scale)
        self.bias.data.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


class Block(nn.Module):
    """Widen, filter each channel by itself, narrow; with a shortcut where the shape stays."""

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
        norms = iter(("_bn0", "_bn1", "_bn2") if self.expand is not None else ("_bn1", "_bn2"))
        if self.expand is not None:
            self.expand.load(state, f"{prefix}._expand_conv", f"{prefix}.{next(norms)}")
        self.depthwise.load(state, f"{prefix}._depthwise_conv", f"{prefix}.{next(norms)}")
        self.project.load(state, f"{prefix}._project_conv", f"{prefix}.{next(norms)}")


class Backbone(nn.Module):
    """(B, 3, H, W) RGB in 0..255, sides divisible by 32 -> maps of 24, 40, 112 and 320 channels."""

    mean: Tensor
    std: Tensor

    def __init__(self, frozen: int = 4) -> None:
        """`frozen`: how many layers (stem included) neither learn nor keep what a backward pass would need."""
        super().__init__()
        layers: list[nn.Module] = [ScaledConv(3, 32, 3, 2)]
        cin = 32
        for blocks, kernel, stride, expansion, cout in STAGES:
            for k in range(blocks):
                layers.append(Block(cin, cout, kernel, stride if k == 0 else 1, expansion))
                cin = cout
        self.layers = nn.ModuleList(layers)
        self.frozen = frozen
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * 255)
        for layer in layers[:frozen]:
            layer.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = (x - self.mean) / self.std
        maps: list[Tensor] = []
        for k, layer in enumerate(self.layers):
            with torch.set_grad_enabled(torch.is_grad_enabled() and k >= self.frozen):
                x = layer(x)
            if k in TAPS:
                maps.append(x)
        return maps

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Weights as published for `efficientnet_lite0` (PyTorch names)."""
        for k, layer in enumerate(self.layers):
            if isinstance(layer, ScaledConv):
                layer.load(state, "_conv_stem", "_bn0")
            elif isinstance(layer, Block):
                layer.load(state, f"_blocks.{k - 1}")
