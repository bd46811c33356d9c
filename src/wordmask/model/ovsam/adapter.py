"""SAM2CLIP: the levels of a frozen backbone become what a teacher's encoder sees.

    level k -> stride 16 -> one convolution to `width` + a vector that says which level it is
    sum of the levels + positions -> blocks (windows, the last one over everything) -> neck

The teacher's maps are compared with `TeacherMaps` of the embedding, so that any segmenter can be
the teacher: SAM's one map at stride 16, or several finer ones.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wordmask.model.ovsam.blocks import MapNorm, WindowBlock, grid_positions, resize
from wordmask.model.ovsam.plan import STRIDE, OvsamPlan


class Sam2Clip(nn.Module):
    """Levels [(B, C_k, h_k, w_k)] to an embedding (B, dim, side / 16, side / 16)."""

    def __init__(self, plan: OvsamPlan) -> None:
        super().__init__()
        width = plan.width
        self.inputs = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in plan.channels)
        self.level_vectors = nn.Parameter(torch.randn(len(plan.channels), width) * 0.02)
        windows = [plan.window] * (plan.depth - 1) + [0] * min(plan.depth, 1)
        self.blocks = nn.Sequential(*(WindowBlock(width, plan.heads, one) for one in windows))
        self.neck = nn.Sequential(
            nn.Conv2d(width, plan.dim, 1, bias=False),
            MapNorm(plan.dim),
            nn.Conv2d(plan.dim, plan.dim, 3, padding=1, bias=False),
            MapNorm(plan.dim),
        )

    def forward(self, levels: Sequence[Tensor], cells: int) -> Tensor:
        """`cells`: side of the embedding, the input's side / 16."""
        brought = [
            convolution(resize(level, (cells, cells))) + vector[:, None, None]
            for level, convolution, vector in zip(
                levels, self.inputs, self.level_vectors, strict=True
            )
        ]
        x = torch.stack(brought).sum(0)
        embedding: Tensor = self.neck(self.blocks(x + grid_positions(cells, cells, x.shape[1], x)))
        return embedding


class TeacherMaps(nn.Module):
    """The embedding as the maps that a teacher's decoder reads; only training needs it.

    A map finer than stride 16 also gets the backbone's own level of that stride, if it has one:
    the embedding cannot hold what is smaller than its cells.
    """

    def __init__(self, plan: OvsamPlan, shapes: Sequence[tuple[int, int]]) -> None:
        """`shapes`: (channels, side in cells) of each of the teacher's maps."""
        super().__init__()
        self.sides = [side for _, side in shapes]
        self.outputs = nn.ModuleList(nn.Conv2d(plan.dim, channels, 1) for channels, _ in shapes)
        own = {plan.side // stride: k for k, stride in enumerate(plan.strides) if stride < STRIDE}
        self.level_of = [own.get(side) for side in self.sides]
        self.laterals = nn.ModuleList(
            nn.Identity()
            if level is None
            else nn.Conv2d(plan.channels[level], channels, 3, padding=1)
            for level, (channels, _) in zip(self.level_of, shapes, strict=True)
        )

    def start_from(self, means: Sequence[Tensor], spreads: Sequence[float]) -> None:
        """Begin with the teacher's mean maps, (C,) each, and small changes of them."""
        with torch.no_grad():
            for output, mean, spread in zip(self.outputs, means, spreads, strict=True):
                output.weight.mul_(0.1 * spread)
                output.bias.copy_(mean)
            for lateral in self.laterals:
                for parameter in lateral.parameters():
                    parameter.zero_()

    def forward(self, embedding: Tensor, levels: Sequence[Tensor]) -> list[Tensor]:
        maps = []
        for k, side in enumerate(self.sides):
            made = self.outputs[k](resize(embedding, (side, side)))
            level = self.level_of[k]
            maps.append(made if level is None else made + self.laterals[k](levels[level]))
        return maps
