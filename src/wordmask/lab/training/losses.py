"""Losses, each by itself. `losses_mini` weighs them and adds them up."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def marginal_nll(logits: Tensor, positive: Tensor, against: Tensor) -> Tensor:
    """(N,) negative log of the probability that one of `positive` holds, among `against`.

    logits (N, V); `positive` and `against` (N, V) bool, `against` contains `positive`.
    """
    low = torch.finfo(logits.dtype).min / 4
    all_words = logits.masked_fill(~against, low).logsumexp(1)
    right_words = logits.masked_fill(~positive, low).logsumexp(1)
    return all_words - right_words


def weighted_mean(loss: Tensor, weight: Tensor) -> Tensor:
    """Mean of `loss` weighted by `weight`, both (N,)."""
    return (loss * weight).sum() / weight.sum().clamp(min=1e-6)


FEW_CELLS = 50
# (N,) losses and their weights -> the weighted mean; a loop's counts the items of all processes
Mean = Callable[[Tensor, Tensor], Tensor]


class CutLoss(NamedTuple):
    """Losses of all prompts of a batch."""

    masks: Tensor
    quality: Tensor
    iou: Tensor
    """Mean IoU of the candidates with the best predicted quality: for the log, it is no loss."""


def cut_loss(masks: Tensor, quality: Tensor, target: Tensor, mean: Mean = weighted_mean) -> CutLoss:
    """masks (N, 3, h, w) logits, quality (N, 3) logits, target (N, h, w) in 0..1.

    The best candidate counts most and the others a little, so that one click may mean a part or the
    whole.
    """
    wanted = target[:, None].expand_as(masks)
    cross = F.binary_cross_entropy_with_logits(masks, wanted, reduction="none")
    p = masks.sigmoid()
    # Focal weighting, milder than SAM's. Dividing by the target's area lets small things count as
    # much as large ones.
    hard = (p - wanted).abs().detach() + 0.1
    area = target.mean((1, 2)).clamp(0.005, 0.3)[:, None]
    bce = (cross * hard).mean((2, 3)) / area
    both = (p * wanted).sum((2, 3))
    dice = 1 - (2 * both + 1) / (p.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    each = dice + 0.25 * bce.clamp(max=8)
    iou = candidate_ious(masks, target)
    best = each.min(1).values
    right = (quality.sigmoid() - iou).square().mean(1)
    chosen = iou.gather(1, quality.argmax(1, keepdim=True))[:, 0]
    same = torch.ones_like(best)
    return CutLoss(
        mean(0.7 * best + 0.3 * each.mean(1), same), mean(right, same), mean(chosen, same)
    )


def candidate_ious(masks: Tensor, target: Tensor) -> Tensor:
    """(N, 3): IoU of candidates (N, 3, h, w), as logits, with the truth (N, h, w) in 0..1."""
    sure, true = masks > 0, target[:, None] > 0.5
    iou: Tensor = (sure & true).sum((2, 3)) / (sure | true).sum((2, 3)).clamp(min=1)
    return iou


def no_cuts(features: Tensor, mean: Mean) -> CutLoss:
    """The losses of no prompt at all, which still hang on the features."""
    nothing = features.flatten()[:0]
    return CutLoss(*(mean(nothing, nothing.detach()) for _ in CutLoss._fields))


def depth_loss(depth: Tensor, target: Tensor, mean: Mean = weighted_mean) -> Tensor:
    """Mean absolute difference of two (B, h, w) depths, each brought to mean 0 and mean size 1.

    So scale and shift do not count. `target` is 0 where unknown; pictures with few known cells are
    left out.
    """
    known = (target > 0).float()
    count = known.sum((1, 2))
    found, wanted = (_normalise(x, known) for x in (depth, target))
    per_picture = (found - wanted).abs().sum((1, 2)) / count.clamp(min=1)
    return mean(per_picture, (count > FEW_CELLS).float())


def _normalise(x: Tensor, known: Tensor) -> Tensor:
    """(B, h, w) with mean 0 and mean absolute value 1 over the known cells, 0 elsewhere."""
    count = known.sum((1, 2)).clamp(min=1)
    mean = (x * known).sum((1, 2)) / count
    centred = (x - mean[:, None, None]) * known
    size = centred.abs().sum((1, 2)) / count
    return centred / size.clamp(min=1e-3)[:, None, None]


def contrast(pictures: Tensor, texts: Tensor, scale: float = 15.0) -> Tensor:
    """Cross-entropy of finding each picture's own caption, and each caption's picture.

    pictures and texts (B, D) unit rows; `scale` multiplies their cosines.
    """
    logits = scale * pictures @ texts.T
    right = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
