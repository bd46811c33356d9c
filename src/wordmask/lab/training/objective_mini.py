"""One step's losses: from a batch and the network's answers to one number, and its parts for the log."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.lab.training.batches import Batch
from wordmask.lab.training.losses import (
    CutLoss,
    contrast,
    cut_loss,
    depth_loss,
    marginal_nll,
    weighted_mean,
)
from wordmask.model.mini.constants import BOTTOM_RIGHT, NOTHING, TOP_LEFT
from wordmask.model.mini.net import Adapter, Features, MiniNetwork


@dataclass(frozen=True)
class Weights:
    """How much each part counts."""

    points: float = 1.0
    regions: float = 0.6
    inside: float = 0.4
    masks: float = 1.5
    quality: float = 2.0
    label: float = 0.3
    depth: float = 0.15
    captions: float = 0.05
    adapter: float = 1.0
    sharpened: int = 18
    """How many teachers' boxes per step the cutter turns into masks."""


class Objective:
    """Knows the rows of all labels; remembers how frequent each has been."""

    def __init__(
        self, positive: Tensor, against: Tensor, weights: Weights, *, half: bool = False
    ) -> None:
        """`half`: the network runs in bf16; losses stay in fp32."""
        self.positive, self.against, self.weights, self.in_bf16 = positive, against, weights, half
        self.count = torch.ones(len(positive))
        self.half = torch.where(positive[:, -1], 0.5, 1.0)

    def __call__(
        self, model: MiniNetwork, adapter: Adapter, batch: Batch, words: Tensor, *, sharpen: bool
    ) -> tuple[Tensor, dict[str, float]]:
        """`words`: (V, 256) the vectors that this step uses; `sharpen`: let the cutter refine teachers' boxes."""
        w = self.weights
        f = Features(
            *self._run(model, batch.pictures.float().contiguous(memory_format=torch.channels_last))
        )
        text = adapter(words)
        parts: dict[str, Tensor] = {}
        logits, region_logits, vectors, none = self._logits(model, f, batch, text)
        parts["points"] = w.points * self._points(logits, batch)
        gate = torch.ones(batch.region_points.shape[:3])
        if sharpen:
            gate, trusted = self._sharpen(model, f, batch)
            parts["inside"] = w.inside * self._inside(region_logits, batch, trusted)
        parts["regions"] = w.regions * self._regions(model, vectors, none, batch, text, gate)
        cut, label = self._cut(model, f, batch, text)
        parts |= {
            "masks": w.masks * cut.masks,
            "quality": w.quality * cut.quality,
            "label": w.label * label,
        }
        parts["depth"] = w.depth * depth_loss(f.depth[:, 0], batch.depth)
        told = batch.captions.abs().sum(1) > 0
        if int(told.sum()) > 1:
            parts["captions"] = w.captions * contrast(f.whole[told], batch.captions[told])
        parts["adapter"] = w.adapter * (1 - (text * words).sum(1)).mean()
        return torch.stack(list(parts.values())).sum(), {
            k: float(v.detach()) for k, v in parts.items()
        } | {"iou": float(cut.iou)}

    def _run(self, network: nn.Module, *inputs: Tensor) -> list[Tensor]:
        with torch.autocast(inputs[0].device.type, torch.bfloat16, enabled=self.in_bf16):
            return [out.float() for out in network(*inputs)]

    def _logits(
        self, model: MiniNetwork, f: Features, batch: Batch, text: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of points (B, P, V + 1), of points in regions (B, R, K, V + 1); the latter's unit vectors and none."""
        _, r, k = batch.region_points.shape[:3]
        where = torch.cat([batch.points, batch.region_points.flatten(1, 2)], 1)
        side = batch.pictures.shape[-1]
        both = torch.cat([f.vectors, f.none], 1)
        seen = F.grid_sample(
            both, (where / side * 2 - 1)[:, None], align_corners=False, padding_mode="border"
        )[:, :, 0].transpose(1, 2)
        vectors, none = F.normalize(seen[..., :-1], dim=2), seen[..., -1:]
        logits = torch.cat([model.scale() * vectors @ text.T, none], 2)
        p = batch.points.shape[1]
        return (
            logits[:, :p],
            logits[:, p:].unflatten(1, (r, k)),
            vectors[:, p:].unflatten(1, (r, k)),
            none[:, p:].unflatten(1, (r, k)),
        )

    def _row_weights(self, rows: Tensor) -> Tensor:
        """1 / sqrt(frequency), "none" at half; frequencies forget slowly."""
        self.count = self.count * 0.998 + torch.bincount(rows, minlength=len(self.count)).float()
        share = self.count / self.count.sum() * len(self.count)
        return (share.clamp(min=0.02) ** -0.5 * self.half)[rows]

    def _points(self, logits: Tensor, batch: Batch) -> Tensor:
        known = batch.point_rows >= 0
        rows = batch.point_rows[known]
        loss = marginal_nll(logits[known], self.positive[rows], self.against[rows])
        return weighted_mean(loss, self._row_weights(rows))

    def _regions(
        self, model: MiniNetwork, vectors: Tensor, none: Tensor, batch: Batch, text: Tensor, gate: Tensor
    ) -> Tensor:
        """Pool unit vectors over each region, weighted by `gate` and by being present; name it among its rivals."""
        known = (batch.region_rows >= 0) & ~self.positive[batch.region_rows, -1]
        if not known.any():
            return vectors.sum() * 0
        rows = batch.region_rows[known]
        present = torch.sigmoid(
            (model.scale() * vectors @ text.T).logsumexp(3) - none[..., 0]
        ).detach()
        weight = (present * gate + 1e-3)[known]
        pooled = F.normalize((vectors[known] * weight[..., None]).sum(1), dim=1)
        positive, against = self.positive[rows][:, :-1], self.against[rows][:, :-1]
        loss = marginal_nll(model.scale() * pooled @ text.T, positive, against)
        frequency = torch.bincount(rows, minlength=len(self.count)).float()
        return weighted_mean(loss, frequency[rows] ** -0.5 * self._rarity(rows))

    def _rarity(self, rows: Tensor) -> Tensor:
        share = self.count / self.count.sum() * len(self.count)
        return share.clamp(min=0.05)[rows] ** -0.3

    def _sharpen(self, model: MiniNetwork, f: Features, batch: Batch) -> tuple[Tensor, Tensor]:
        """The cutter's masks for some of the teachers' boxes.

        (B, R, K) how much each point of a region counts, and whether it may be trusted as a pixel of the word.
        """
        gate = torch.ones(batch.region_points.shape[:3])
        trusted = torch.zeros_like(gate, dtype=torch.bool)
        boxed = (batch.region_boxes[..., 2] > batch.region_boxes[..., 0]).nonzero()
        boxed = boxed[torch.randperm(len(boxed))[: self.weights.sharpened]]
        if not len(boxed):
            return gate, trusted
        of, k = boxed[:, 0], boxed[:, 1]
        xy = batch.region_boxes[of, k].unflatten(1, (2, 2))
        kind = torch.tensor([TOP_LEFT, BOTTOM_RIGHT]).expand(len(of), 2)
        nothing = torch.zeros(len(of), 1, *f.coarse.shape[2:])
        with torch.no_grad():
            masks, quality, _ = self._run(
                model.decoder, f.coarse[of], f.fine[of], xy, kind, nothing
            )
            best = masks[torch.arange(len(of)), quality.argmax(1)][:, None]
            where = batch.region_points[of, k] / batch.pictures.shape[-1] * 2 - 1
            inside = F.grid_sample(best, where[:, None], align_corners=False)[:, 0, 0].sigmoid()
        gate[of, k] = inside
        trusted[of, k] = (inside > 0.75) & (quality.sigmoid().amax(1) > 0.7)[:, None]
        return gate, trusted

    def _inside(self, logits: Tensor, batch: Batch, trusted: Tensor) -> Tensor:
        """Points of the cutter's own masks are pixels of the teacher's word."""
        if not trusted.any():
            return logits.sum() * 0
        rows = batch.region_rows[:, :, None].expand_as(trusted)[trusted]
        loss = marginal_nll(logits[trusted], self.positive[rows], self.against[rows])
        return weighted_mean(loss, self._rarity(rows))

    def _cut(self, model: MiniNetwork, f: Features, batch: Batch, text: Tensor) -> tuple[CutLoss, Tensor]:
        """Cut every prompted mask; the label token corrects the vector pooled under the true mask."""
        of, used = batch.cut_of, (batch.cut_kinds > NOTHING).any(0)
        points, kinds = batch.cut_points[:, used], batch.cut_kinds[:, used]
        prompts = (points, kinds, batch.cut_before[:, None])
        masks, quality, label = self._run(model.decoder, f.coarse[of], f.fine[of], *prompts)
        with torch.no_grad():
            share = F.avg_pool2d(batch.cut_masks[:, None], 2).flatten(1)
            unit = F.normalize(f.vectors, dim=1).flatten(2)
            pooled = F.normalize(
                torch.stack([unit[b] @ s for b, s in zip(of.tolist(), share, strict=True)]), dim=1
            )
        named = (batch.cut_rows >= 0) & ~self.positive[batch.cut_rows, -1]
        rows = batch.cut_rows[named]
        logits = model.scale() * F.normalize(pooled + label, dim=1)[named] @ text.T
        loss = marginal_nll(logits, self.positive[rows][:, :-1], self.against[rows][:, :-1])
        return cut_loss(masks, quality, batch.cut_masks), weighted_mean(loss, self._rarity(rows))
