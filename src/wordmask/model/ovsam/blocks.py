"""What the networks share: attention within windows, positions, small perceptrons.

The block is that of SAM's encoder (Kirillov et al. 2023, after ViTDet): attention within windows of
14 x 14 cells, or over the whole map, then a perceptron, each on top of a shortcut.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WindowBlock(nn.Module):
    """Attention and a perceptron on a map (B, C, h, w); `window` 0 looks over the whole map."""

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        side = self.window or max(size)
        # (B * windows, cells, C): the map is padded until windows fill it
        parts, grid = cut_windows(x, side)
        parts = parts + self._attend(self.norm1(parts))
        parts = parts + self.mlp(self.norm2(parts))
        return join_windows(parts, grid, side)[:, :, : size[0], : size[1]]

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(q, k, v)
        seen: Tensor = self.out(read.transpose(1, 2).flatten(2))
        return seen


def cut_windows(x: Tensor, side: int) -> tuple[Tensor, tuple[int, int]]:
    """(B, C, h, w) to (B * rows * columns, side^2, C), and how many rows and columns."""
    height, width = x.shape[2:]
    x = F.pad(x, (0, -width % side, 0, -height % side))
    rows, columns = x.shape[2] // side, x.shape[3] // side
    parts = x.unflatten(3, (columns, side)).unflatten(2, (rows, side))
    return parts.permute(0, 2, 4, 3, 5, 1).flatten(0, 2).flatten(1, 2), (rows, columns)


def join_windows(parts: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """The way back, padding included."""
    x = parts.unflatten(1, (side, side)).unflatten(0, (-1, *grid))
    return x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def grid_positions(height: int, width: int, dim: int, like: Tensor) -> Tensor:
    """(1, dim, h, w): sines and cosines of both coordinates, for a map of any size."""
    quarter = dim // 4
    rates = torch.exp(torch.arange(quarter, device=like.device) * (-math.log(10_000) / quarter))
    codes = []
    for extent in (height, width):
        angles = torch.arange(extent, device=like.device)[:, None] * rates
        codes.append(torch.cat([angles.sin(), angles.cos()], 1))
    rows, columns = codes
    both = torch.cat(
        [
            rows[:, None].expand(-1, width, -1),
            columns[None].expand(height, -1, -1),
        ],
        2,
    )
    return both.permute(2, 0, 1)[None].to(like.dtype)


class MapNorm(nn.Module):
    """Layer norm over the channels of a map (B, C, h, w)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normed


def perceptron(dim: int, out: int, layers: int = 3) -> nn.Sequential:
    """`layers` linear layers with ReLU between them."""
    inner = [part for _ in range(layers - 1) for part in (nn.Linear(dim, dim), nn.ReLU())]
    return nn.Sequential(*inner, nn.Linear(dim, out))


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """A map on another grid that covers the same picture; means where it becomes coarser."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    coarser = x.shape[2] > size[0]
    # In fp32: on a CPU torch has no smooth resizing in bf16.
    resized = F.interpolate(
        x.float(), size, mode="bilinear", align_corners=False, antialias=coarser
    )
    return resized.to(x.dtype)
