"""The network `mini`: one backbone pass, then vectors for words, features for cutting, and depth.

picture -> strides 4-32 -> context at 32 -> merged down to 8 -> `vectors`: a unit vector per cell, in the words' space
                                                               `none`: how much this cell is no word at all
                                                               `depth`: larger is farther, up to scale and shift
                                              `coarse` (8) and `fine` (4): what the cutter works on
                                              `whole`: one unit vector for the picture
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.backbone import CHANNELS, Backbone
from wordmask.model.mini.decoder import Decoder
from wordmask.model.mini.depthwise import Depthwise

WORDS = 256  # dimensions of the words' space
STRIDE = 8


class Features(NamedTuple):
    """What one pass over B pictures of H x W gives; h, w = H / 8, W / 8."""

    vectors: Tensor
    """(B, 256, h, w), not yet normalised."""
    none: Tensor
    """(B, 1, h, w) logit of "no word"."""
    coarse: Tensor
    """(B, 96, h, w)"""
    fine: Tensor
    """(B, 48, 2h, 2w)"""
    depth: Tensor
    """(B, 1, h, w)"""
    whole: Tensor
    """(B, 256), unit."""


def conv(cin: int, cout: int, kernel: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(cout)
    )


class Smooth(nn.Module):
    """A depthwise 5 x 5, then a pointwise pair, around a shortcut."""

    def __init__(self, dim: int, wide: int = 2) -> None:
        super().__init__()
        self.near = nn.Sequential(Depthwise(dim, 5, bias=False), nn.BatchNorm2d(dim))
        self.widen = conv(dim, dim * wide)
        self.narrow = conv(dim * wide, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(F.relu(self.widen(self.near(x))))
        return x + y


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Neck(nn.Module):
    """Merges the pyramid from the top; returns stride 8 (C channels) and the context at stride 32."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(conv(c, dim) for c in CHANNELS[1:])
        self.context = nn.Sequential(Smooth(dim), Smooth(dim), Smooth(dim))
        self.everywhere = nn.Linear(dim, dim)
        self.at16 = nn.Sequential(Smooth(dim), Smooth(dim))
        self.at8 = nn.Sequential(Smooth(dim), Smooth(dim))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        s8, s16, s32 = (f(m) for f, m in zip(self.lateral, maps[1:], strict=True))
        top = self.context(F.relu(s32))
        top = top + self.everywhere(top.mean((2, 3)))[:, :, None, None]
        middle = self.at16(F.relu(s16 + up(top)))
        return self.at8(F.relu(s8 + up(middle))), top


class Mini(nn.Module):
    """Backbone, neck and heads; `decoder` is called separately, once per prompt."""

    def __init__(
        self, *, frozen: int = 4, dim: int = 160, cut_dim: int = 96, fine: int = 48
    ) -> None:
        super().__init__()
        self.backbone = Backbone(frozen)
        self.neck = Neck(dim)
        self.to_words = nn.Sequential(Smooth(dim), nn.Conv2d(dim, WORDS, 1))
        self.to_none = nn.Conv2d(dim, 1, 1)
        self.to_depth = nn.Sequential(conv(dim, 32, 3), nn.ReLU(), nn.Conv2d(32, 1, 1))
        self.to_coarse = nn.Sequential(
            conv(dim, cut_dim, 3), nn.ReLU(), nn.Conv2d(cut_dim, cut_dim, 1)
        )
        self.to_fine = nn.Sequential(
            conv(CHANNELS[0], fine, 3), nn.ReLU(), nn.Conv2d(fine, fine, 1)
        )
        self.from_coarse = nn.Conv2d(dim, fine, 1)
        self.to_whole = nn.Linear(dim, WORDS)
        self.decoder = Decoder(cut_dim, fine, WORDS)
        self.log_scale = nn.Parameter(torch.tensor(2.5))
        """log of what cosines are multiplied with before a softmax over words."""

    def forward(self, pictures: Tensor) -> Features:
        """(B, 3, H, W) RGB in 0..255, H and W divisible by 32."""
        maps = self.backbone(pictures)
        x, top = self.neck(maps)
        return Features(
            vectors=self.to_words(x),
            none=self.to_none(x),
            coarse=self.to_coarse(x),
            fine=self.to_fine(maps[0]) + up(self.from_coarse(x)),
            depth=self.to_depth(x),
            whole=F.normalize(self.to_whole(top.mean((2, 3))), dim=1),
        )

    def scale(self) -> Tensor:
        return self.log_scale.exp().clamp(max=40.0)


class Adapter(nn.Module):
    """Moves whitened word vectors a little, starting from not at all, so that unseen words keep their place."""

    def __init__(self, rank: int = 64) -> None:
        super().__init__()
        self.down = nn.Linear(WORDS, rank, bias=False)
        self.up = nn.Linear(rank, WORDS, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, words: Tensor) -> Tensor:
        return F.normalize(words + self.up(torch.tanh(self.down(words))), dim=-1)
