"""Words at points and in regions against the rows of labels: the losses of naming."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from wordmask.lab.training.batches import TrainingBatch
from wordmask.lab.training.loop import Step
from wordmask.lab.training.losses import marginal_nll


@dataclass(frozen=True, eq=False)
class PointAnswers:
    """What the network says at P points anywhere, and at K points in each of R regions."""

    logits: Tensor
    """(B, P, V + 1); the last is "none of the words"."""
    region_logits: Tensor
    """(B, R, K, V + 1)"""
    region_vectors: Tensor
    """(B, R, K, 256) unit"""
    text: Tensor
    """(V, 256) the words' vectors."""
    scale: Tensor
    """The factor on cosines."""


def read_points(
    vectors: Tensor, none: Tensor, batch: TrainingBatch, text: Tensor, scale: Tensor
) -> PointAnswers:
    """What maps (B, 256, h, w) and (B, 1, h, w) say at the points of a batch."""
    _, regions, inside = batch.region_points.shape[:3]
    where = torch.cat([batch.points, batch.region_points.flatten(1, 2)], 1)
    grid = (where / batch.pictures.shape[-1] * 2 - 1)[:, None]
    both = torch.cat([vectors, none], 1)
    seen = F.grid_sample(both, grid, align_corners=False, padding_mode="border")
    seen = seen[:, :, 0].transpose(1, 2)
    units = F.normalize(seen[..., :-1], dim=2)
    logits = torch.cat([scale * units @ text.T, seen[..., -1:]], 2)
    first = batch.points.shape[1]
    return PointAnswers(
        logits[:, :first],
        logits[:, first:].unflatten(1, (regions, inside)),
        units[:, first:].unflatten(1, (regions, inside)),
        text,
        scale,
    )


class WordLosses:
    """Compares answers with the rows of labels, and remembers how frequent each row is."""

    def __init__(self, positive: Tensor, against: Tensor) -> None:
        """`positive`, `against`: (rows, V + 1) bool, the tables of a vocabulary."""
        self.positive, self.against = positive, against
        self.count = torch.ones(len(positive))
        self.row_weight = torch.where(positive[:, -1], 0.5, 1.0)  # "none" counts half

    def follow(self, device: torch.device) -> None:
        """The tables go where the batches are."""
        if self.count.device != device:
            self.positive, self.against = self.positive.to(device), self.against.to(device)
            self.count, self.row_weight = self.count.to(device), self.row_weight.to(device)

    def points(self, logits: Tensor, batch: TrainingBatch, step: Step) -> Tensor:
        """Name each labelled point."""
        known = batch.point_rows >= 0
        rows = batch.point_rows[known]
        loss = marginal_nll(logits[known], self.positive[rows], self.against[rows])
        return step.mean(loss, self._row_weights(rows, step))

    def regions(
        self, answers: PointAnswers, batch: TrainingBatch, gate: Tensor, step: Step
    ) -> Tensor:
        """Name each region by its mean unit vector, among the words that compete with its own.

        A point counts by `gate` (B, R, K), and by how likely it shows any word at all.
        """
        vectors = answers.region_vectors
        known = (batch.region_rows >= 0) & ~self.positive[batch.region_rows, -1]
        rows = batch.region_rows[known]
        logits, none = answers.region_logits[..., :-1], answers.region_logits[..., -1]
        present = torch.sigmoid(logits.logsumexp(3) - none).detach()
        weight = (present * gate + 1e-3)[known]
        pooled = F.normalize((vectors[known] * weight[..., None]).sum(1), dim=1)
        positive, against = self.positive[rows][:, :-1], self.against[rows][:, :-1]
        loss = marginal_nll(answers.scale * pooled @ answers.text.T, positive, against)
        frequency = self._count(rows, step)
        return step.mean(loss, frequency[rows] ** -0.5 * self._rarity(rows))

    def inside(self, logits: Tensor, batch: TrainingBatch, trusted: Tensor, step: Step) -> Tensor:
        """Points of the decoder's own masks are pixels of the teacher's word."""
        rows = batch.region_rows[:, :, None].expand_as(trusted)[trusted]
        loss = marginal_nll(logits[trusted], self.positive[rows], self.against[rows])
        return step.mean(loss, self._rarity(rows))

    def _count(self, rows: Tensor, step: Step) -> Tensor:
        """How often each row is among those of all processes."""
        return step.place.sum(torch.bincount(rows, minlength=len(self.count)).float())

    def _row_weights(self, rows: Tensor, step: Step) -> Tensor:
        """1 / sqrt(frequency) of each row; updates the frequencies, which forget slowly."""
        self.count = self.count * 0.998 + self._count(rows, step)
        share = self.count / self.count.sum() * len(self.count)
        return (share.clamp(min=0.02) ** -0.5 * self.row_weight)[rows]

    def _rarity(self, rows: Tensor) -> Tensor:
        share = self.count / self.count.sum() * len(self.count)
        return share.clamp(min=0.05)[rows] ** -0.3
