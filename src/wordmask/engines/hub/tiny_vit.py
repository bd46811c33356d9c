"""The picture encoder of MobileSAM: TinyViT-5M (Wu et al., ECCV 2022) with SAM's neck.

A convolutional stage, then three of attention in windows, each with a small convolution inside. The
parts have the published names, so the published weights load strictly.
"""

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutput

WIDTHS, DEPTHS, HEADS, WINDOWS = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7)
STRIDES = (2, 2, 1)  # between the stages: SAM wants 1 / 16 at the end
NECK, CLASSES = 256, 1000


class ConvNorm(nn.Sequential):
    """A convolution without bias and its BatchNorm."""

    def __init__(self, wide: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(wide, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)


class PatchStem(nn.Module):
    """Pixels -> a map at 1 / 4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.seq = nn.Sequential(ConvNorm(3, half, 3, 2), nn.GELU(), ConvNorm(half, width, 3, 2))

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.seq(pixels)
        return found


class ConvBlock(nn.Module):
    """An inverted bottleneck with a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 4 * width
        self.conv1 = ConvNorm(width, wide, 1)
        self.conv2 = ConvNorm(wide, wide, 3, groups=wide)
        self.conv3 = ConvNorm(wide, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.gelu(self.conv2(functional.gelu(self.conv1(x))))
        return functional.gelu(x + self.conv3(inner))


class Downsample(nn.Module):
    """From one stage's width to the next one's, at half the size or the same."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, out, 1)
        self.conv2 = ConvNorm(out, out, 3, stride, groups=out)
        self.conv3 = ConvNorm(out, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv3(functional.gelu(self.conv2(functional.gelu(self.conv1(x)))))
        return found


class WindowAttention(nn.Module):
    """Attention in one window, with a learned bias for each distance."""

    bias_rows: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.qkv = nn.LayerNorm(width), nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        places = list(product(range(window), repeat=2))
        numbers: dict[tuple[int, int], int] = {}  # of a distance, in the order in which it is met
        rows = [
            numbers.setdefault((abs(y - v), abs(x - u)), len(numbers))
            for y, x in places
            for v, u in places
        ]
        self.attention_biases = nn.Parameter(torch.zeros(heads, len(numbers)))
        table = torch.tensor(rows).reshape(window**2, window**2)
        self.register_buffer("bias_rows", table, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(windows, tokens, D)."""
        split = self.qkv(self.norm(x)).unflatten(2, (self.heads, 3, -1)).permute(3, 0, 2, 1, 4)
        query, key, value = split.unbind(0)
        scores = query @ key.mT * query.shape[-1] ** -0.5 + self.attention_biases[:, self.bias_rows]
        found: Tensor = self.proj((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return found


class FeedForward(nn.Module):
    """Four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc2(functional.gelu(self.fc1(self.norm(x))))
        return found


class TinyViTBlock(nn.Module):
    """Attention in windows, a convolution over their borders, a feed-forward part."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, h, w)."""
        x = self.local_conv(x + self._attend(x))
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        (count, _, height, width), side = x.shape, self.window
        padded = functional.pad(x, (0, -width % side, 0, -height % side))
        rows, columns = padded.shape[2] // side, padded.shape[3] // side
        cut = padded.unflatten(3, (columns, side)).unflatten(2, (rows, side))
        tokens = cut.permute(0, 2, 4, 3, 5, 1).reshape(count * rows * columns, side * side, -1)
        seen = self.attn(tokens).reshape(count, rows, columns, side, side, -1)
        whole = seen.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
        return whole[:, :, :height, :width]


class Stage(nn.Module):
    """Blocks of one width, then the way to the next one's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        width, heads, window = WIDTHS[number], HEADS[number], WINDOWS[number]
        blocks = [
            TinyViTBlock(width, heads, window) if number else ConvBlock(width)
            for _ in range(DEPTHS[number])
        ]
        self.blocks = nn.ModuleList(blocks)
        self.downsample: Any = None
        if number + 1 < len(WIDTHS):
            self.downsample = Downsample(width, WIDTHS[number + 1], STRIDES[number])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of a map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        across = x.permute(0, 2, 3, 1)
        normed = functional.layer_norm(across, self.weight.shape, self.weight, self.bias, 1e-6)
        return normed.permute(0, 3, 1, 2)


class TinyViT(nn.Module):
    """Pixels (B, 3, side, side) -> what SAM's decoder reads (B, 256, side / 16, side / 16)."""

    width = WIDTHS[-1]
    pos_embed = None  # as in transformers' encoder: there is nothing to resize

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchStem(WIDTHS[0])
        self.layers = nn.ModuleList([Stage(number) for number in range(len(WIDTHS))])
        # Of the classifier that it was trained as; published, and never run.
        self.norm_head, self.head = nn.LayerNorm(WIDTHS[-1]), nn.Linear(WIDTHS[-1], CLASSES)
        self.neck = nn.Sequential(
            nn.Conv2d(WIDTHS[-1], NECK, 1, bias=False),
            ChannelNorm(NECK),
            nn.Conv2d(NECK, NECK, 3, padding=1, bias=False),
            ChannelNorm(NECK),
        )

    def forward(self, pixels: Tensor) -> BaseModelOutput:
        x = self.patch_embed(pixels)
        for stage in self.layers:
            x = stage(x)
        return BaseModelOutput(last_hidden_state=self.neck(x))
