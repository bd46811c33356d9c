"""How well things are cut and named: held-out things, each asked for by a click and by its box.

What is measured never sees a true box at inference: a name comes from the mask that was cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.lab.metrics.bootstrap import resamples
from wordmask.lab.training.losses_ovsam import mask_iou
from wordmask.lab.training.ovsam_samples import (
    Source,
    SquareThings,
    ThingReader,
    box_prompt,
    click_prompt,
)
from wordmask.model.ovsam.decoder import OvsamPrompts
from wordmask.model.ovsam.naming import Opinions, fuse, word_logits
from wordmask.model.ovsam.whole import OvsamWhole, teacher_prompts

EXPONENTS = tuple(k / 20 for k in range(21))
WAYS = ("click", "box")


@dataclass(frozen=True, eq=False)
class MeasuredThings:
    """N things, each asked for in both ways (the first axis of two)."""

    picture: Array
    """(N,) number of the picture."""
    words: Tensor
    """(N,) -1 = nameless"""
    iou: Tensor
    """(2, N)"""
    roi: Tensor
    """(2, N, D)"""
    pooled: Tensor
    """(2, N, D)"""

    def of_words(self, words: Sequence[int]) -> "MeasuredThings":
        """Only the things of some words."""
        kept = torch.isin(self.words, torch.tensor(list(words), dtype=torch.long))
        columns = (self.iou[:, kept], self.roi[:, kept], self.pooled[:, kept])
        return MeasuredThings(self.picture[kept.numpy()], self.words[kept], *columns)

    def join(self, other: "MeasuredThings") -> "MeasuredThings":
        """The things of both, whose pictures are not the same."""
        first = int(self.picture.max(initial=-1)) + 1
        picture = np.concatenate([self.picture, other.picture + first])
        pairs = ((self.iou, other.iou), (self.roi, other.roi), (self.pooled, other.pooled))
        columns = (torch.cat(pair, 1) for pair in pairs)
        return MeasuredThings(picture, torch.cat([self.words, other.words]), *columns)


def measure_things(
    whole: OvsamWhole, reader: ThingReader, sources: Sequence[Source]
) -> MeasuredThings:
    """All things of some pictures."""
    whole.network.eval()
    rows: list[tuple[int, Tensor, Tensor, Tensor, Tensor]] = []
    for number, source in enumerate(sources):
        things = reader.read(source)
        if not things.is_whole and len(things.masks):
            with torch.no_grad():
                found = _measure_picture(whole, things)
            rows.append((number, torch.from_numpy(things.words), *found))
    if not rows:
        width = whole.network.plan.words
        none = torch.zeros(2, 0, width)
        return MeasuredThings(
            np.zeros(0, int), torch.zeros(0, dtype=torch.long), none[..., 0], none, none
        )
    picture = np.concatenate([np.full(len(row[1]), row[0]) for row in rows])
    words = torch.cat([row[1] for row in rows])
    return MeasuredThings(picture, words, *(torch.cat([r[k] for r in rows], 1) for k in (2, 3, 4)))


def _measure_picture(whole: OvsamWhole, things: SquareThings) -> tuple[Tensor, Tensor, Tensor]:
    """IoU (2, N) and both opinions (2, N, D) on the things of one picture."""
    device = next(whole.network.parameters()).device
    seen = whole.see(torch.from_numpy(things.pixels).permute(2, 0, 1)[None].to(device))
    target = torch.from_numpy(things.masks).float().to(device)
    found = []
    for way in WAYS:
        cut = whole.cut(seen, _prompts(things, way, device))
        found.append((mask_iou(cut.masks, target), *whole.name(seen, cut)))
    iou, roi, pooled = (torch.stack(column).cpu() for column in zip(*found, strict=True))
    return iou, roi, pooled


def judge_things(
    things: MeasuredThings, texts: Tensor, starts: Tensor, scale: float, exponent: float = 0.5
) -> dict[str, float]:
    """Mean IoU by each way, and the share of named things that are named right by each opinion."""
    figures = {f"{way}_iou": _mean(things.iou[k]) for k, way in enumerate(WAYS)}
    for name in ("roi", "pooled", "fused"):
        right = named_right(things, texts.cpu(), starts.cpu(), name, exponent)
        figures |= {f"{way}_{name}": _mean(right[k]) for k, way in enumerate(WAYS)}
    return figures


def named_right(
    things: MeasuredThings, texts: Tensor, starts: Tensor, name: str, exponent: float
) -> Tensor:
    """(2, N) 1 where the best of all words is the thing's own, for things that have a name."""
    known = things.words >= 0
    rows = []
    for k in range(len(WAYS)):
        opinions = Opinions(things.roi[k, known], things.pooled[k, known])
        vectors = fuse(opinions, exponent) if name == "fused" else getattr(opinions, name)
        best = word_logits(vectors, texts, starts, 1.0)[:, :-1].argmax(1)
        rows.append((best == things.words[known]).float())
    return torch.stack(rows)


def fit_exponent(
    things: MeasuredThings, texts: Tensor, starts: Tensor, apart: Sequence[int] = ()
) -> float:
    """The exponent by which most of these things are named right; of equals the one nearest 0.5.

    Words that stand `apart` weigh as much as all the others together.
    """
    others = sorted(set(things.words.tolist()) - set(apart))
    groups = [one for one in map(things.of_words, (apart, others)) if len(one.words)]
    if not groups:
        return 0.5
    shares = {
        one: sum(_mean(named_right(some, texts, starts, "fused", one)) for some in groups)
        for one in EXPONENTS
    }
    best = max(shares.values())
    return min((one for one in EXPONENTS if shares[one] == best), key=lambda one: abs(one - 0.5))


def paired_interval(first: Tensor, second: Tensor, picture: Array) -> tuple[float, float, float]:
    """Mean of second - first (N,), and its 95 % interval over resampled pictures."""
    gains = (second - first).numpy()
    numbers, of = np.unique(picture, return_inverse=True)
    sums, counts = np.bincount(of, gains), np.bincount(of)
    weights = resamples(len(numbers))
    means = (weights @ sums) / np.maximum(weights @ counts, 1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(gains.mean()), float(low), float(high)


def judge_maps(
    teacher: MapSegmenter, maps: Sequence[Array], things: SquareThings
) -> dict[str, Array]:
    """(N,) IoU by way of the masks that a teacher's own cutter makes of some maps."""
    side = things.pixels.shape[0]
    seen = teacher.see_maps((side, side), maps)
    target = torch.from_numpy(things.masks).float()
    found = {}
    for way in WAYS:
        cuts = teacher.cut(seen, teacher_prompts(_prompts(things, way, "cpu")))
        best = cuts.logits[np.arange(len(target)), cuts.quality.argmax(1)]
        masks = torch.nn.functional.interpolate(
            torch.from_numpy(best)[None], target.shape[1:], mode="bilinear", align_corners=False
        )[0]
        found[way] = mask_iou(masks, target).numpy()
    return found


def _prompts(things: SquareThings, way: str, device: torch.device | str) -> OvsamPrompts:
    made = [box_prompt(mask) if way == "box" else click_prompt(mask) for mask in things.masks]
    xy, kinds = (
        torch.from_numpy(np.stack(column)).to(device) for column in zip(*made, strict=True)
    )
    return OvsamPrompts(xy, kinds, torch.zeros(len(xy), 1, 4, 4, device=device))


def _mean(values: Tensor) -> float:
    return float(values.float().mean()) if values.numel() else float("nan")
