"""The losses of one step of `mini`: from a batch to one number, and its parts for the log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor

from wordmask.core.options import check
from wordmask.lab.training.batches import TrainingBatch
from wordmask.lab.training.losses import (
    CutLoss,
    contrast,
    cut_loss,
    depth_loss,
    marginal_nll,
    weighted_mean,
)
from wordmask.lab.training.mistakes import Prompts, correct_some
from wordmask.model.mini.constants import BOTTOM_RIGHT, NOTHING, TOP_LEFT
from wordmask.model.mini.decoder import Decoder, PromptMaps
from wordmask.model.mini.net import Adapter, Features, MiniNetwork

Run = Callable[..., list[Tensor]]  # a network and its inputs -> its outputs in fp32
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class LossWeights:
    """How much each part counts."""

    points: Weight = 1.0
    regions: Weight = 0.6
    inside: Weight = 0.4
    masks: Weight = 1.5
    quality: Weight = 2.0
    depth: Weight = 0.15
    captions: Weight = 0.05
    adapter: Weight = 1.0
    sharpened: Annotated[int, Ge(0)] = 18
    """How many teachers' boxes per step the decoder turns into masks."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class PointAnswers:
    """What the network says at P points anywhere, and at K points in each of R regions."""

    logits: Tensor
    """(B, P, V + 1); the last is "none of the words"."""
    region_logits: Tensor
    """(B, R, K, V + 1)"""
    region_vectors: Tensor
    """(B, R, K, 256) unit"""


class MiniLosses:
    """Compares the network with the rows of labels, and remembers how frequent each row is."""

    def __init__(
        self,
        network: MiniNetwork,
        adapter: Adapter,
        positive: Tensor,
        against: Tensor,
        weights: LossWeights,
    ) -> None:
        """`positive`, `against`: (rows, V + 1) bool, the tables of the vocabulary."""
        self.network, self.adapter, self.weights = network, adapter, weights
        self.positive, self.against = positive, against
        self.count = torch.ones(len(positive))
        self.row_weight = torch.where(positive[:, -1], 0.5, 1.0)  # "none" counts half

    def __call__(
        self, batch: TrainingBatch, words: Tensor, run: Run, *, sharpen: bool
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss, and its parts for the log.

        `words`: (V, 256) the vectors of this step. `run` calls a network in the precision of the
        training. `sharpen`: the decoder turns teachers' boxes into masks.
        """
        w = self.weights
        pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
        f = Features(*run(self.network, pictures))
        text = self.adapter(words)
        answers = self._at_points(f, batch, text)
        parts = {"points": w.points * self._points(answers.logits, batch)}
        gate = torch.ones(batch.region_points.shape[:3])
        if sharpen:
            gate, trusted = self._sharpen(f, batch, run)
            parts["inside"] = w.inside * self._inside(answers.region_logits, batch, trusted)
        parts["regions"] = w.regions * self._regions(answers, batch, text, gate)
        cut = self._cut(f, batch, run)
        parts["masks"] = w.masks * cut.masks
        parts["quality"] = w.quality * cut.quality
        parts["depth"] = w.depth * depth_loss(f.depth[:, 0], batch.depth)
        has_caption = batch.captions.abs().sum(1) > 0
        if int(has_caption.sum()) > 1:
            captions = batch.captions[has_caption]
            parts["captions"] = w.captions * contrast(f.whole[has_caption], captions)
        parts["adapter"] = w.adapter * (1 - (text * words).sum(1)).mean()
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | {"iou": float(cut.iou)}

    def _at_points(self, f: Features, batch: TrainingBatch, text: Tensor) -> PointAnswers:
        _, regions, inside = batch.region_points.shape[:3]
        where = torch.cat([batch.points, batch.region_points.flatten(1, 2)], 1)
        grid = (where / batch.pictures.shape[-1] * 2 - 1)[:, None]
        both = torch.cat([f.vectors, f.none], 1)
        seen = F.grid_sample(both, grid, align_corners=False, padding_mode="border")
        seen = seen[:, :, 0].transpose(1, 2)
        vectors, none = F.normalize(seen[..., :-1], dim=2), seen[..., -1:]
        logits = torch.cat([self.network.scale() * vectors @ text.T, none], 2)
        first = batch.points.shape[1]
        return PointAnswers(
            logits[:, :first],
            logits[:, first:].unflatten(1, (regions, inside)),
            vectors[:, first:].unflatten(1, (regions, inside)),
        )

    # ---- words

    def _points(self, logits: Tensor, batch: TrainingBatch) -> Tensor:
        """Name each labelled point."""
        known = batch.point_rows >= 0
        rows = batch.point_rows[known]
        loss = marginal_nll(logits[known], self.positive[rows], self.against[rows])
        return weighted_mean(loss, self._row_weights(rows))

    def _regions(
        self, answers: PointAnswers, batch: TrainingBatch, text: Tensor, gate: Tensor
    ) -> Tensor:
        """Name each region by its mean unit vector, among the words that compete with its own.

        A point counts by `gate` (B, R, K), and by how likely it shows any word at all.
        """
        vectors = answers.region_vectors
        known = (batch.region_rows >= 0) & ~self.positive[batch.region_rows, -1]
        if not known.any():
            return vectors.sum() * 0
        rows = batch.region_rows[known]
        logits, none = answers.region_logits[..., :-1], answers.region_logits[..., -1]
        present = torch.sigmoid(logits.logsumexp(3) - none).detach()
        weight = (present * gate + 1e-3)[known]
        pooled = F.normalize((vectors[known] * weight[..., None]).sum(1), dim=1)
        positive, against = self.positive[rows][:, :-1], self.against[rows][:, :-1]
        loss = marginal_nll(self.network.scale() * pooled @ text.T, positive, against)
        frequency = torch.bincount(rows, minlength=len(self.count)).float()
        return weighted_mean(loss, frequency[rows] ** -0.5 * self._rarity(rows))

    def _row_weights(self, rows: Tensor) -> Tensor:
        """1 / sqrt(frequency) of each row; updates the frequencies, which forget slowly."""
        self.count = self.count * 0.998 + torch.bincount(rows, minlength=len(self.count)).float()
        share = self.count / self.count.sum() * len(self.count)
        return (share.clamp(min=0.02) ** -0.5 * self.row_weight)[rows]

    def _rarity(self, rows: Tensor) -> Tensor:
        share = self.count / self.count.sum() * len(self.count)
        return share.clamp(min=0.05)[rows] ** -0.3

    # ---- masks

    def _sharpen(self, f: Features, batch: TrainingBatch, run: Run) -> tuple[Tensor, Tensor]:
        """Masks that the decoder makes of some of the teachers' boxes, at the points of regions.

        Two of (B, R, K): how much each point counts, and whether it may be trusted to show the
        word.
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
        before = torch.zeros(len(of), 1, *f.coarse.shape[2:])
        with torch.no_grad():
            maps = prompt_maps(self.network.decoder, f, of, run)
            masks, quality = run(self.network.decoder, maps, xy, kind, before)
            best = masks[torch.arange(len(of)), quality.argmax(1)][:, None]
            where = batch.region_points[of, k] / batch.pictures.shape[-1] * 2 - 1
            inside = F.grid_sample(best, where[:, None], align_corners=False)[:, 0, 0].sigmoid()
        gate[of, k] = inside
        trusted[of, k] = (inside > 0.75) & (quality.sigmoid().amax(1) > 0.7)[:, None]
        return gate, trusted

    def _inside(self, logits: Tensor, batch: TrainingBatch, trusted: Tensor) -> Tensor:
        """Points of the decoder's own masks are pixels of the teacher's word."""
        if not trusted.any():
            return logits.sum() * 0
        rows = batch.region_rows[:, :, None].expand_as(trusted)[trusted]
        loss = marginal_nll(logits[trusted], self.positive[rows], self.against[rows])
        return weighted_mean(loss, self._rarity(rows))

    def _cut(self, f: Features, batch: TrainingBatch, run: Run) -> CutLoss:
        """The losses of all prompted masks."""
        if not len(batch.cut_of):
            zero = f.coarse.sum() * 0
            return CutLoss(zero, zero, zero)
        return prompted_cut_loss(self.network.decoder, f, batch, run)


def prompt_maps(decoder: Decoder, f: Features, of: Tensor, run: Run) -> PromptMaps:
    """Made once a picture, and given to each prompt: `of` (N,) says which picture is its."""
    return PromptMaps(*(one[of] for one in run(decoder.prepare, f.coarse, f.fine)))


def prompted_cut_loss(decoder: Decoder, f: Features, batch: TrainingBatch, run: Run) -> CutLoss:
    """The losses of a batch's prompts, some of which are corrected after the decoder's answers."""

    def answer(maps: PromptMaps, prompts: Prompts) -> list[Tensor]:
        used = (prompts.kinds > NOTHING).any(0)
        xy, kinds = prompts.xy[:, used], prompts.kinds[:, used]
        return run(decoder, maps, xy, kinds, prompts.before)

    maps = prompt_maps(decoder, f, batch.cut_of, run)
    prompts = Prompts(batch.cut_points, batch.cut_kinds, batch.cut_before[:, None])
    prompts = correct_some(answer, maps, prompts, batch.cut_masks)
    masks, quality = answer(maps, prompts)
    return cut_loss(masks, quality, batch.cut_masks)
