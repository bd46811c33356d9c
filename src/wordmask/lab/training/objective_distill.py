"""SAM2CLIP: the adapter learns to give what a teacher's encoder gives, from a frozen backbone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wordmask.core.image import Array
from wordmask.errors import CapabilityError
from wordmask.lab.training.batches import stream_ahead
from wordmask.lab.training.loop import ParameterGroup, Step, group_by_decay
from wordmask.lab.training.losses import Mean, weighted_mean
from wordmask.lab.training.ovsam_options import OvsamTrainOptions
from wordmask.lab.training.ovsam_samples import Source, ThingReader
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.teacher import TeacherDump
from wordmask.model.ovsam.adapter import Sam2Clip, TeacherMaps
from wordmask.model.ovsam.net import FrozenBackbone
from wordmask.model.ovsam.plan import STRIDE, OvsamPlan
from wordmask.model.ovsam.square import fit_square

MEASURED = 32  # pictures on which the spread of the teacher's maps is measured
JUDGED = 32  # held-out pictures of an evaluation


class DistillBatch(NamedTuple):
    """B square pictures and the teacher's maps of them."""

    pictures: Tensor
    """(B, 3, side, side) uint8"""
    sizes: Tensor
    """(B, 2) height and width that the picture fills, as shares of the square."""
    maps: list[Tensor]
    """(B, C, h, w) each"""


class DistillObjective:
    """Adapter, frozen backbone, and a dump of the teacher."""

    def __init__(
        self,
        options: OvsamTrainOptions,
        plan: OvsamPlan,
        reader: ThingReader,
        backbone: FrozenBackbone,
        dump: TeacherDump,
    ) -> None:
        self.options, self.plan, self.reader = options, plan, reader
        self.backbone, self.dump = backbone, dump
        some = [self._maps(source)[1] for source in reader.learn[:MEASURED]]
        self.means = [
            np.mean([maps[k].mean((1, 2)) for maps in some], 0) for k in range(len(some[0]))
        ]
        self.spreads = [
            max(float(np.mean([(maps[k] - mean[:, None, None]).std() for maps in some])), 1e-6)
            for k, mean in enumerate(self.means)
        ]
        shapes = [(one.shape[0], one.shape[1]) for one in some[0]]
        self.adapter, self.outputs = Sam2Clip(plan), TeacherMaps(plan, shapes)
        means = [torch.from_numpy(mean.astype(np.float32)) for mean in self.means]
        self.outputs.start_from(means, self.spreads)
        self.modules: dict[str, nn.Module] = {"adapter": self.adapter, "outputs": self.outputs}

    def groups(self) -> list[ParameterGroup]:
        own = [one for module in self.modules.values() for one in module.parameters()]
        return group_by_decay(own, self.options)

    def batches(self, start: int) -> Iterator[DistillBatch]:
        return stream_ahead(self.batch, start)

    def batch(self, step: int) -> DistillBatch:
        """The batch of one step; pictures are seen as the teacher saw them, neither cut nor
        mirrored."""
        rng = np.random.default_rng([self.options.seed, step])
        rows = rng.integers(0, len(self.reader.learn), self.options.batch)
        return self._collate([self.reader.learn[row] for row in rows])

    def share(self, batch: DistillBatch, place: RunPlace) -> DistillBatch:
        rows = place.rows(len(batch.pictures))
        maps = [one[rows].to(place.device) for one in batch.maps]
        return DistillBatch(
            batch.pictures[rows].to(place.device), batch.sizes[rows].to(place.device), maps
        )

    def losses(self, batch: DistillBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        with torch.no_grad():
            levels = self.backbone(batch.pictures).levels
        embedding = step.run(lambda *some: [self.embed(list(some))], *levels)[0]
        made = step.run(lambda *some: self.outputs(some[0], some[1:]), embedding, *levels)
        errors = self._errors(made, batch, step.mean)
        logged = {f"map{k}": float(one.detach()) for k, one in enumerate(errors)}
        return torch.stack(errors).sum(), logged

    def embed(self, levels: list[Tensor]) -> Tensor:
        embedding: Tensor = self.adapter(levels, self.plan.side // STRIDE)
        return embedding

    def see(self, pictures: Tensor) -> list[Tensor]:
        """What the student says that the teacher sees, (B, C, h, w) each."""
        levels = self.backbone(pictures).levels
        made: list[Tensor] = self.outputs(self.embed(levels), levels)
        return made

    def evaluate(self) -> dict[str, float]:
        """The error on held-out pictures, where 1 is that of the teacher's mean."""
        rows: list[list[float]] = []
        for source in self.reader.held[:JUDGED]:
            batch = self.share(self._collate([source]), self._place())
            made = self.see(batch.pictures)
            rows.append([float(one) for one in self._errors(made, batch, weighted_mean)])
        return {f"map{k}": float(one) for k, one in enumerate(np.mean(rows, 0))} if rows else {}

    def state(self) -> dict[str, Any]:
        plan = {"backbone": self.backbone.name, "side": self.plan.side}
        return {"plan": plan, "teacher": self.dump.name}

    def load_state(self, state: dict[str, Any]) -> None:
        """The networks are checked by their shapes."""

    def export(self, checkpoint: Path, folder: Path) -> None:
        raise CapabilityError(
            f"an adapter alone names nothing; train the stage recognise with adapter={checkpoint}"
        )

    def _errors(self, made: list[Tensor], batch: DistillBatch, mean: Mean) -> list[Tensor]:
        """Squared error of each map in units of its spread, where the picture is."""
        errors = []
        for k, (found, wanted) in enumerate(zip(made, batch.maps, strict=True)):
            off = ((found - wanted) / self.spreads[k]).square().mean(1)
            inside = _picture_share(batch.sizes, off.shape[1])
            errors.append(mean(off.flatten(), inside.flatten()))
        return errors

    def _maps(self, source: Source) -> tuple[Array, list[Array], tuple[int, int]]:
        pixels, size = fit_square(source.data.image(source.sample).pixels, self.plan.side)
        return pixels, self.dump.maps(pixels), size

    def _collate(self, sources: list[Source]) -> DistillBatch:
        pixels, maps, sizes = zip(*(self._maps(one) for one in sources), strict=True)
        columns = zip(*maps, strict=True)
        return DistillBatch(
            torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2),
            torch.tensor(sizes, dtype=torch.float32) / self.plan.side,
            [torch.from_numpy(np.stack(column)) for column in columns],
        )

    def _place(self) -> RunPlace:
        return RunPlace(next(self.adapter.parameters()).device)


def _picture_share(sizes: Tensor, side: int) -> Tensor:
    """(B, side, side) 1 where a square map shows the picture, 0 in the padding."""
    cells = (torch.arange(side, device=sizes.device) + 0.5) / side
    rows, columns = cells < sizes[:, :1], cells < sizes[:, 1:]
    return (rows[:, :, None] & columns[:, None]).float()
