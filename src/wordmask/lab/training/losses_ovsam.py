"""The losses of recognising: masks at points that are in doubt, and names among all words."""

import torch
import torch.nn.functional as F
from torch import Tensor

UNCERTAIN = 12_544  # points of a mask that are compared (Cheng et al. 2022)
DRAWN = 3  # times as many are drawn, of which the most doubtful are taken
DOUBTFUL = 0.75  # share of the points that are taken so; the others are any
NONE_WEIGHT = 0.1  # of the column "none of them"


def uncertain_points(logits: Tensor, count: int) -> Tensor:
    """(N, count, 2) places in -1 to 1: mostly where masks of logits (N, h, w) are near 0."""
    size = len(logits), DRAWN * count, 2
    places = torch.rand(size).to(logits.device) * 2 - 1
    doubt = -read_at(logits, places).abs()
    most = round(count * DOUBTFUL)
    chosen = doubt.topk(most, 1).indices[..., None].expand(-1, -1, 2)
    anywhere = torch.rand(len(logits), count - most, 2).to(logits.device) * 2 - 1
    return torch.cat([places.gather(1, chosen), anywhere], 1)


def read_at(masks: Tensor, places: Tensor) -> Tensor:
    """(N, P) values of (N, h, w) at places (N, P, 2) in -1 to 1."""
    seen = F.grid_sample(masks[:, None], places[:, None], align_corners=False)
    return seen[:, 0, 0]


def mask_losses(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) cross-entropy and (N,) dice of masks (N, h, w), at uncertain points."""
    count = min(UNCERTAIN, logits[0].numel()) if len(logits) else 1
    with torch.no_grad():
        places = uncertain_points(logits.detach(), count)
        wanted = read_at(target, places)
    found = read_at(logits, places)
    cross = F.binary_cross_entropy_with_logits(found, wanted, reduction="none").mean(1)
    p = found.sigmoid()
    dice = 1 - (2 * (p * wanted).sum(1) + 1) / (p.sum(1) + wanted.sum(1) + 1)
    return cross, dice


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """(N,) IoU of masks of logits with shares (N, h, w)."""
    sure, true = logits > 0, target > 0.5
    both = (sure & true).flatten(1).sum(1)
    return both / (sure | true).flatten(1).sum(1).clamp(min=1)


def name_loss(logits: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) cross-entropy among V words and "none" (N, V + 1), and how much each prompt counts."""
    loss = F.cross_entropy(logits, words, reduction="none")
    is_none = words == logits.shape[1] - 1
    return loss, torch.where(is_none, NONE_WEIGHT, 1.0)
