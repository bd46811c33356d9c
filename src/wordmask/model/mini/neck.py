"""What merges the backbone's maps: the neck that all heads share, one for words and one for masks.

The two begin as nothing: their last convolutions are zero, so they add nothing to the shared neck.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.backbone import CHANNELS, OUTPUTS, Backbone, last_layers, middle_layers
from wordmask.model.mini.decoder import upsample
from wordmask.model.mini.depthwise import Depthwise


def conv(cin: int, cout: int, kernel: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(cout)
    )


class ContextBlock(nn.Module):
    """A residual block: depthwise 5 x 5, then two pointwise convolutions that widen and narrow."""

    def __init__(self, dim: int, wide: int = 2) -> None:
        super().__init__()
        self.near = nn.Sequential(Depthwise(dim, 5, bias=False), nn.BatchNorm2d(dim))
        self.widen = conv(dim, dim * wide)
        self.narrow = conv(dim * wide, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(F.relu(self.widen(self.near(x))))
        return x + y


class Neck(nn.Module):
    """Merges the maps from stride 32 down to stride 8; returns both ends, `dim` channels each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(conv(c, dim) for c in CHANNELS[1:])
        self.context = nn.Sequential(ContextBlock(dim), ContextBlock(dim), ContextBlock(dim))
        self.everywhere = nn.Linear(dim, dim)
        self.at16 = nn.Sequential(ContextBlock(dim), ContextBlock(dim))
        self.at8 = nn.Sequential(ContextBlock(dim), ContextBlock(dim))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        s8, s16, s32 = (conv(m) for conv, m in zip(self.lateral, maps[1:], strict=True))
        top = self.context(F.relu(s32))
        top = top + self.everywhere(top.mean((2, 3)))[:, :, None, None]
        middle = self.at16(F.relu(s16 + upsample(top)))
        return self.at8(F.relu(s8 + upsample(middle))), top


class WordNeck(nn.Module):
    """What words need beyond the neck, with layers of its own below stride 16."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = last_layers()
        self.lateral = nn.ModuleList(conv(c, dim) for c in CHANNELS[2:])
        self.context = nn.Sequential(ContextBlock(dim), ContextBlock(dim), ContextBlock(dim))
        self.everywhere = nn.Linear(dim, dim)
        self.at16 = nn.Sequential(ContextBlock(dim), ContextBlock(dim))
        self.last = _conv_of_zeros(dim)

    def forward(self, s16: Tensor) -> Tensor:
        """(B, 112, h, w), the backbone's map at stride 16, to (B, dim, h, w)."""
        x = s16
        for layer in self.layers:
            x = layer(x)
        at16, at32 = self.lateral
        top = self.context(F.relu(at32(x)))
        top = top + self.everywhere(top.mean((2, 3)))[:, :, None, None]
        added: Tensor = self.last(self.at16(F.relu(at16(s16) + upsample(top))))
        return added

    def begin_like(self, backbone: Backbone, neck: Neck) -> None:
        """Start from the layers that everything shares."""
        shared = backbone.layers[-len(self.layers) :]
        self.layers.load_state_dict(shared.state_dict())
        self.lateral.load_state_dict(neck.lateral[1:].state_dict())
        for name in ("context", "everywhere", "at16"):
            self.get_submodule(name).load_state_dict(neck.get_submodule(name).state_dict())


class MaskNeck(nn.Module):
    """What masks need beyond the neck, with layers of its own between strides 8 and 16.

    It goes on from the map at stride 8 and reads the neck, which knows what lies below.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = middle_layers()
        self.lateral = nn.ModuleList(conv(c, dim) for c in CHANNELS[1:3])
        self.at16 = nn.Sequential(ContextBlock(dim), ContextBlock(dim))
        self.at8 = nn.Sequential(ContextBlock(dim), ContextBlock(dim))
        self.last = _conv_of_zeros(dim)

    def forward(self, neck: Tensor, s8: Tensor) -> Tensor:
        """The neck (B, dim, h, w) and the backbone's map (B, 40, h, w) to (B, dim, h, w)."""
        x = s8
        for layer in self.layers:
            x = layer(x)
        at8, at16 = self.lateral
        middle = self.at16(F.relu(at16(x) + F.avg_pool2d(neck, 2)))
        added: Tensor = self.last(self.at8(F.relu(at8(s8) + neck + upsample(middle))))
        return added

    def begin_like(self, backbone: Backbone, neck: Neck) -> None:
        """Start from the layers that everything shares."""
        own = slice(OUTPUTS[1] + 1, OUTPUTS[2] + 1)
        self.layers.load_state_dict(backbone.layers[own].state_dict())
        self.lateral.load_state_dict(neck.lateral[:2].state_dict())
        for name in ("at16", "at8"):
            self.get_submodule(name).load_state_dict(neck.get_submodule(name).state_dict())


def _conv_of_zeros(dim: int) -> nn.Conv2d:
    layer = nn.Conv2d(dim, dim, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
