"""What the network is punished for, each loss on its own, in the order in which `lab.train` adds them up."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def marginal_nll(logits: Tensor, positive: Tensor, against: Tensor) -> Tensor:
    """-log of the probability of `positive` among `against`; both (N, V) bool, `against` contains `positive`."""
    low = torch.finfo(logits.dtype).min / 4
    return logits.masked_fill(~against, low).logsumexp(1) - logits.masked_fill(
        ~positive, low
    ).logsumexp(1)


def weighted_mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum().clamp(min=1e-6)


class CutLoss(NamedTuple):
    """One value for all prompts of a batch, part by part, and how well the chosen candidates do."""

    masks: Tensor
    quality: Tensor
    iou: Tensor


def cut_loss(masks: Tensor, quality: Tensor, target: Tensor) -> CutLoss:
    """masks (N, 3, h, w) logits, quality (N, 3) logits, target (N, h, w) in 0..1.

    The best candidate counts most, the others a little, so that one click may mean a part or the whole.
    """
    wanted = target[:, None].expand_as(masks)
    cross = F.binary_cross_entropy_with_logits(masks, wanted, reduction="none")
    p = masks.sigmoid()
    # Focal weighting, milder than SAM's; dividing by the target's area lets small things count as much as large ones.
    hard = (p - wanted).abs().detach() + 0.1
    area = target.mean((1, 2)).clamp(0.005, 0.3)[:, None]
    bce = (cross * hard).mean((2, 3)) / area
    both = (p * wanted).sum((2, 3))
    dice = 1 - (2 * both + 1) / (p.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    each = dice + 0.25 * bce.clamp(max=8)
    with torch.no_grad():
        sure, true = masks > 0, wanted > 0.5
        iou = (sure & true).sum((2, 3)) / (sure | true).sum((2, 3)).clamp(min=1)
    best = each.min(1).values
    right = F.mse_loss(quality.sigmoid(), iou)
    chosen = iou.gather(1, quality.argmax(1, keepdim=True)).mean()
    return CutLoss((0.7 * best + 0.3 * each.mean(1)).mean(), right, chosen)


def depth_loss(depth: Tensor, target: Tensor) -> Tensor:
    """(B, h, w): mean absolute difference after the best scale and shift per picture; 0 in `target` = unknown."""
    known = (target > 0).float()
    n = known.sum((1, 2)).clamp(min=1)
    centre, wanted = ((x * known).sum((1, 2)) / n for x in (depth, target))
    d = (depth - centre[:, None, None]) * known
    t = (target - wanted[:, None, None]) * known
    d = d / (d.abs().sum((1, 2)) / n).clamp(min=1e-3)[:, None, None]
    t = t / (t.abs().sum((1, 2)) / n).clamp(min=1e-3)[:, None, None]
    used = (known.sum((1, 2)) > 50).float()
    per_picture = (d - t).abs().sum((1, 2)) / n
    return weighted_mean(per_picture, used)


def contrast(pictures: Tensor, texts: Tensor, scale: float = 15.0) -> Tensor:
    """Each picture (B, D) beside its own caption (B, D), both ways; unit rows."""
    logits = scale * pictures @ texts.T
    right = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
