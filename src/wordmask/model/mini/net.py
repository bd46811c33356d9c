"""The network `mini`: one pass of the backbone gives word vectors, features for masks, and depth.

picture -> maps at strides 4 to 32 -> context at 32 -> merged down to stride 8

at stride 8   `vectors`  a vector per cell, in the space of the words
              `none`     logit of "none of the words"
              `depth`    larger is farther, up to scale and shift
              `coarse`   with `fine` at stride 4: the input of the mask decoder
one           `whole`    a unit vector for the whole picture
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.backbone import CHANNELS, Backbone
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.decoder import Decoder, upsample
from wordmask.model.mini.neck import ContextBlock, MaskNeck, Neck, WordNeck, conv


class Features(NamedTuple):
    """The output for B pictures of H x W; h = H / 8, w = W / 8."""

    vectors: Tensor
    """(B, 256, h, w), not normalised."""
    none: Tensor
    """(B, 1, h, w) logit of "none of the words"."""
    coarse: Tensor
    """(B, 96, h, w)"""
    fine: Tensor
    """(B, 48, 2h, 2w)"""
    depth: Tensor
    """(B, 1, h, w)"""
    whole: Tensor
    """(B, 256), unit."""
    shared: Tensor
    """(B, 40, h, w): out of the layers that are never trained; `ClassNetwork` goes on from it."""


class Trunk(NamedTuple):
    """What the heads read."""

    neck: Tensor
    """(B, 160, h, w)"""
    words: Tensor
    """(B, 160, h, w): the neck, and what words need beyond it."""
    top: Tensor
    """(B, 160, h / 4, w / 4)"""
    early: Tensor
    """(B, 24, 2h, 2w) of the backbone"""
    shared: Tensor
    """(B, 40, h, w)"""


class MiniNetwork(nn.Module):
    """Backbone, neck and heads. `decoder` is a part of it but is called by itself, with prompts."""

    def __init__(
        self, *, frozen: int = 4, dim: int = 160, cut_dim: int = 96, fine: int = 48
    ) -> None:
        super().__init__()
        self.backbone = Backbone(frozen)
        self.neck = Neck(dim)
        self.word_neck = WordNeck(dim)
        self.mask_neck = MaskNeck(dim)
        self.to_words = nn.Sequential(ContextBlock(dim), nn.Conv2d(dim, WORDS, 1))
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
        self.decoder = Decoder(cut_dim, fine)
        self.log_scale = nn.Parameter(torch.tensor(2.5))
        """log of the factor on cosines before the softmax over words."""

    def forward(self, pictures: Tensor) -> Features:
        """(B, 3, H, W) RGB in 0..255, H and W divisible by 32."""
        trunk = self.trunk(pictures)
        coarse, fine = self.cut_maps(trunk.neck, trunk.early, trunk.shared)
        return Features(
            vectors=self.to_words(trunk.words),
            none=self.to_none(trunk.words),
            coarse=coarse,
            fine=fine,
            depth=self.to_depth(trunk.neck),
            whole=self.whole_vector(trunk),
            shared=trunk.shared,
        )

    def trunk(self, pictures: Tensor) -> Trunk:
        """What all heads read."""
        maps = self.backbone(pictures)
        neck, top = self.neck(maps)
        words = neck + upsample(self.word_neck(maps[2]))
        return Trunk(neck, words, top, maps[0], maps[1])

    def cut_maps(self, neck: Tensor, early: Tensor, shared: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder reads, coarse and fine."""
        x = neck + self.mask_neck(neck, shared)
        return self.to_coarse(x), self.to_fine(early) + upsample(self.from_coarse(x))

    def whole_vector(self, trunk: Trunk) -> Tensor:
        """(B, 256), unit: the picture as a whole."""
        return F.normalize(self.to_whole(trunk.top.mean((2, 3))), dim=1)

    def scale(self) -> Tensor:
        """The factor on cosines before the softmax over words."""
        return self.log_scale.exp().clamp(max=40.0)


class Adapter(nn.Module):
    """Corrects whitened word vectors.

    It starts as the identity, so that words it is never trained on stay where they are.
    """

    def __init__(self, rank: int = 64) -> None:
        super().__init__()
        self.down = nn.Linear(WORDS, rank, bias=False)
        self.up = nn.Linear(rank, WORDS, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, words: Tensor) -> Tensor:
        """(..., 256) to unit vectors (..., 256)."""
        return F.normalize(words + self.up(torch.tanh(self.down(words))), dim=-1)
