"""CLIP2SAM, second half: a mask to a vector in the words' space.

Two opinions: what a pyramid shows in the box of the mask that was CUT (never of a true one), with
the decoder's label token added, and the mean of the backbone's own word cells under that mask. What
is learned forgets words that training never named; the backbone's own cells stay as they are and
know them. Only cells that are themselves learned get the label token too.

    roi      pyramid of 4 levels -> RoIAlign 12 x 12 at the level for the box's size -> + label
    pooled   cells that match words, averaged under the mask (-> + label, if they are learned)
    fused    head^(1 - e) * clip^e of two softmaxes is one softmax over (1 - e) roi + e pooled
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.errors import WeightsError
from wordmask.model.ovsam.blocks import MapNorm, resize
from wordmask.model.ovsam.plan import OvsamPlan

PYRAMID = (4, 8, 16, 32)  # strides
BINS, SAMPLES = 12, 2  # of a region's side, and in each bin's
USUAL_SHARE = 224 / 1024  # of the square's side: a box so large is read at the third level


class Opinions(NamedTuple):
    """Unit vectors (N, words)."""

    roi: Tensor
    pooled: Tensor


class Pyramid(nn.Module):
    """Levels of any strides to maps of `dim` channels at strides 4 to 32 (Lin et al. 2017)."""

    def __init__(self, plan: OvsamPlan) -> None:
        super().__init__()
        self.side = plan.side
        self.laterals = nn.ModuleList(nn.Conv2d(one, plan.dim, 1) for one in plan.channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(plan.dim, plan.dim, 3, padding=1), MapNorm(plan.dim))
            for _ in PYRAMID
        )

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        sides = [self.side // stride for stride in PYRAMID]
        maps = [
            resize(lateral(level), (side, side))
            for level, lateral, side in zip(levels, self.laterals, sides, strict=True)
        ]
        for k in (2, 1, 0):
            maps[k] = maps[k] + resize(maps[k + 1], (sides[k], sides[k]))
        return [smooth(one) for smooth, one in zip(self.smooth, maps, strict=True)]


def roi_align(level: Tensor, of: Tensor, boxes: Tensor, side: int) -> Tensor:
    """(N, C, 12, 12): bilinear samples in each bin of a box, averaged (He et al. 2017).

    level (B, C, h, w) covers a square of `side` pixels; `of` (N,) the picture of each box (N, 4).
    """
    steps = (torch.arange(BINS * SAMPLES, device=boxes.device) + 0.5) / (BINS * SAMPLES)
    x = boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * steps
    y = boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * steps
    count = len(steps)
    grid = torch.stack([x[:, None].expand(-1, count, -1), y[:, :, None].expand(-1, -1, count)], 3)
    seen = F.grid_sample(level[of], grid / side * 2 - 1, align_corners=False, padding_mode="border")
    return F.avg_pool2d(seen, SAMPLES)


def level_of(boxes: Tensor, side: int) -> Tensor:
    """(N,) which level of the pyramid suits a box: one more for each doubling of its side."""
    extent = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1).prod(1).sqrt()
    return (2 + (extent / (side * USUAL_SHARE)).log2().floor()).clamp(0, len(PYRAMID) - 1).long()


def box_of(masks: Tensor, side: int) -> Tensor:
    """(N, 4) boxes around what is inside masks of logits (N, h, w); nothing inside: everything."""
    height, width = masks.shape[1:]
    inside = masks > 0
    edges = []
    for extent, along in ((width, 1), (height, 2)):
        seen = inside.any(along)
        places = torch.arange(extent, device=masks.device)
        first = torch.where(seen, places, extent).amin(1)
        last = torch.where(seen, places + 1, 0).amax(1)
        edges += [first * side / extent, last * side / extent]
    x0, x1, y0, y1 = edges
    boxes = torch.stack([x0, y0, x1, y1], 1).float()
    whole = torch.tensor([0.0, 0.0, side, side], device=masks.device)
    return torch.where(inside.flatten(1).any(1)[:, None], boxes, whole)


class NameHead(nn.Module):
    """Both opinions on what a cut shows."""

    def __init__(self, plan: OvsamPlan) -> None:
        super().__init__()
        dim, self.side = plan.dim, plan.side
        self.pyramid = Pyramid(plan)
        self.project, self.label_to_pooled = None, None
        if not plan.dense:
            self.project = nn.Sequential(nn.Conv2d(sum(plan.channels), plan.words, 1))
            self.label_to_pooled = nn.Linear(dim, plan.words)
            nn.init.zeros_(self.label_to_pooled.weight)
            nn.init.zeros_(self.label_to_pooled.bias)
        self.shrink = nn.Sequential(
            nn.Conv2d(dim, dim, 3, stride=2, padding=1), nn.GELU(), nn.Conv2d(dim, 3 * dim, 6)
        )
        self.label_to_roi = nn.Linear(dim, 3 * dim)
        self.to_words = nn.Sequential(nn.GELU(), nn.Linear(3 * dim, plan.words))

    def word_cells(self, levels: Sequence[Tensor], dense: Tensor | None) -> Tensor:
        """(B, words, h, w) cells that match words: the backbone's own, or learned ones."""
        if self.project is None:
            if dense is None:
                raise WeightsError(
                    "this backbone has no cells that match words; the plan needs some"
                )
            return dense
        cells = self.side // 16
        levels = [resize(level, (cells, cells)) for level in levels]
        made: Tensor = self.project(torch.cat(levels, 1))
        return made

    def forward(
        self, maps: Sequence[Tensor], cells: Tensor, of: Tensor, masks: Tensor, label: Tensor
    ) -> Opinions:
        """`maps` of the pyramid, word cells (B, words, h, w), and N cuts: `of` which pictures,
        their mask logits, their label tokens."""
        masks = masks.detach()  # a name must not bend a mask
        boxes = box_of(masks, self.side)
        chosen = level_of(boxes, self.side)
        regions = torch.zeros(len(of), maps[0].shape[1], BINS, BINS, device=masks.device)
        for k, level in enumerate(maps):
            rows = (chosen == k).nonzero()[:, 0]
            if len(rows):
                found = roi_align(level.float(), of[rows], boxes[rows], self.side)
                regions = regions.index_copy(0, rows, found)
        roi = self.to_words(self.shrink(regions)[:, :, 0, 0] + self.label_to_roi(label))
        pooled = mean_under(cells, of, masks)
        if self.label_to_pooled is not None:
            pooled = pooled + self.label_to_pooled(label)
        return Opinions(F.normalize(roi.float(), dim=1), F.normalize(pooled.float(), dim=1))


def mean_under(cells: Tensor, of: Tensor, masks: Tensor) -> Tensor:
    """(N, D) unit: the mean of unit cells (B, D, h, w) under masks of logits, soft at the edge."""
    share = F.adaptive_avg_pool2d(masks.float().sigmoid(), tuple(cells.shape[2:])).flatten(1)
    units = F.normalize(cells.float(), dim=1).flatten(2)
    total = torch.einsum("nk,ndk->nd", share, units[of])
    return F.normalize(total, dim=1)


def fuse(opinions: Opinions, exponent: float) -> Tensor:
    """(N, words) unit: the direction whose softmax is head^(1 - e) * clip^e, normalised.

    Where a word has synonyms, the best one counts for both opinions together.
    """
    return F.normalize((1 - exponent) * opinions.roi + exponent * opinions.pooled, dim=1)


def word_logits(vectors: Tensor, texts: Tensor, starts: Tensor, scale: float) -> Tensor:
    """(N, V + 1): scaled cosines, the best synonym of each word, and a zero for "none of them".

    texts (S, D) unit rows; `starts` (S,) the word of each.
    """
    cosines = scale * vectors @ texts.T
    count = int(starts.max()) + 1 if len(starts) else 0
    best = cosines.new_full((len(vectors), count), -torch.inf)
    best = best.scatter_reduce(1, starts.expand_as(cosines), cosines, "amax")
    return torch.cat([best, torch.zeros_like(best[:, :1])], 1)
