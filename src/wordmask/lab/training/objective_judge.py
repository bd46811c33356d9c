"""Training of the judge alone: how good each of the cutter's candidates is, by facts about it.

Encoder and cutter stay as they are. They cut training pictures once; the facts about what they cut,
and its true IoU, are kept in the run's folder, and the small network learns from that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor, nn

from wordmask.core.options import Share
from wordmask.errors import InputError, WeightsError
from wordmask.files import atomic, digest
from wordmask.lab.data.packs import read_packs
from wordmask.lab.export.mini import export_judge_into
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped
from wordmask.lab.training.batches import Batches, TrainingBatch
from wordmask.lab.training.kept import keep_in
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    TrainOptions,
    group_by_decay,
    load_average,
)
from wordmask.lab.training.losses import candidate_ious
from wordmask.lab.training.mistakes import Prompts, correct_some
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.model.mini.constants import NOTHING
from wordmask.model.mini.decoder import Decoder, PromptMaps
from wordmask.model.mini.judge import FACTS, MaskJudge
from wordmask.model.mini.net import MiniNetwork

DRAWS_A_FILE = 64  # batches of pictures whose cuts are kept in one file
ORDER = 0.5  # weight of the loss that puts the candidates of a prompt in order


@dataclass(frozen=True, kw_only=True)
class JudgeTrainOptions(TrainOptions):
    """What one run of the judge is."""

    max_steps: Annotated[int, Ge(0)] | None = 1500
    """Stop after this many steps: many more learn the facts by heart."""
    minutes: Annotated[float, Gt(0)] = 10.0
    """Time budget, after the pictures have been cut."""
    draws: Annotated[int, Ge(1)] = 1024
    """Batches of four pictures that are cut, to learn from."""
    batch: Annotated[int, Ge(1)] = 512
    """Prompts per step."""
    rate: Annotated[float, Gt(0)] = 2e-3
    """Highest learning rate."""
    warm: Share = 0.0
    """Share of the budget in which the rate climbs."""
    hold: Share = 1.0
    """Share of the budget after which the rate falls."""
    decay: Annotated[float, Ge(0)] = 0.05
    """Weight decay of matrices."""
    start_from: Path | None = None
    """Folder of exported files whose cuts are judged; the shipped ones if not given."""
    trust: Share = 0.4
    """How much of the judge's correction is exported: the whole of it prefers parts of persons."""
    sample: SampleOptions = field(
        default_factory=lambda: SampleOptions(side=480, scales=(1.0, 1.5), cuts=10)
    )


class JudgedCuts(NamedTuple):
    """N prompts with three candidates each."""

    facts: Tensor
    """(N, 3, FACTS)"""
    iou: Tensor
    """(N, 3) with the truth."""


class JudgeObjective(PartObjective):
    """The judge of a `mini` that does not change."""

    options: JudgeTrainOptions

    def __init__(self, options: JudgeTrainOptions) -> None:
        self.options = options
        self.files = options.start_from or SHIPPED
        shipped = load_shipped(self.files)
        if not shipped.has_judge:
            raise WeightsError(
                f"{self.files} is of before cutters had a judge; "
                "train its cutter first (wordmask train cutter), which gives it one"
            )
        self.network = shipped.network.requires_grad_(False)
        labels = LabelReader(read_packs(options.data), ())
        maker = Batches(labels, options.sample, 4, {})
        self.cuts = cut_pictures(self.network, maker, options)
        self.judge = self.network.decoder.judge = MaskJudge()
        self.modules: dict[str, nn.Module] = {"judge": self.judge}

    def groups(self) -> list[ParameterGroup]:
        return group_by_decay(self.judge.parameters(), self.options)

    def batches(self, start: int) -> Iterator[JudgedCuts]:
        step = start
        while True:
            rng = np.random.default_rng([self.options.seed, step])
            rows = rng.integers(0, len(self.cuts.iou), self.options.batch)
            yield JudgedCuts(self.cuts.facts[rows], self.cuts.iou[rows])
            step += 1

    def share(self, batch: JudgedCuts, place: RunPlace) -> JudgedCuts:
        rows = place.rows(len(batch.iou))
        return JudgedCuts(*(one[rows].to(place.device) for one in batch))

    def losses(self, batch: JudgedCuts, step: Step) -> tuple[Tensor, dict[str, float]]:
        """Each candidate's IoU, and of two candidates which is better."""
        judged = self.judge(batch.facts)
        each = F.binary_cross_entropy_with_logits(judged, batch.iou, reduction="none")
        better = (batch.iou[:, :, None] - batch.iou[:, None]).clamp(min=0)
        margin = judged[:, :, None] - judged[:, None]
        order = (F.softplus(-margin) * better).sum((1, 2))
        same = torch.ones_like(order)
        parts = {"iou": step.mean(each.mean(1), same), "order": ORDER * step.mean(order, same)}
        chosen = batch.iou.gather(1, judged.argmax(1, keepdim=True))[:, 0]
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | {
            "chosen": float(step.mean(chosen, same))
        }

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        with torch.no_grad():
            for values in self.judge.tell.parameters():
                values.mul_(self.options.trust)
        export_judge_into(self.network.eval(), self.files, folder)


def cut_pictures(network: MiniNetwork, maker: Batches, options: JudgeTrainOptions) -> JudgedCuts:
    """What the cutter makes of the training pictures; kept in the run's folder, file by file."""
    folder, parts = options.out / "cuts", []
    files = digest((options.start_from or SHIPPED) / "mini.json")[:12]
    keep_in(folder, f"mini {files} of {options.data}, seed {options.seed}, {options.sample}")
    for start in range(0, options.draws, DRAWS_A_FILE):
        steps = range(start, min(start + DRAWS_A_FILE, options.draws))
        path = folder / f"{steps.start:05}-{steps.stop:05}.npz"
        if not path.exists():
            with torch.no_grad():
                made = [judged_cuts(network, maker.batch(options.seed, step)) for step in steps]
            columns = [torch.cat(column).numpy() for column in zip(*made, strict=True)]
            with atomic(path) as part, part.open("wb") as file:
                np.savez(file, facts=columns[0], iou=columns[1])
        with np.load(path, allow_pickle=False) as kept:
            parts.append([torch.from_numpy(kept[name]) for name in JudgedCuts._fields])
    cuts = JudgedCuts(*(torch.cat(column) for column in zip(*parts, strict=True)))
    if not len(cuts.iou):
        raise InputError(f"no mask was found in the pictures of {options.data}: nothing to judge")
    return cuts


def judged_cuts(network: MiniNetwork, batch: TrainingBatch) -> JudgedCuts:
    """The candidates of a batch's prompts, some of which are corrections of earlier answers."""
    network.eval()
    decoder = network.decoder
    trunk = network.trunk(batch.pictures.float())
    coarse, fine = network.cut_maps(trunk.neck, trunk.early, trunk.shared)
    maps = decoder.prepare(coarse, fine)
    parts = []
    for picture in batch.cut_of.unique().tolist():
        rows = batch.cut_of == picture
        count = int(rows.sum())
        own = PromptMaps(*(one[picture].expand(count, -1, -1, -1) for one in maps))
        masks = batch.cut_masks[rows]
        prompts = Prompts(
            batch.cut_points[rows], batch.cut_kinds[rows], batch.cut_before[rows][:, None]
        )
        parts.append(_judge_prompts(decoder, own, prompts, masks))
    facts, ious = zip(*parts, strict=True) if parts else ((), ())
    nothing = JudgedCuts(torch.zeros(0, 3, FACTS), torch.zeros(0, 3))
    return JudgedCuts(torch.cat([nothing.facts, *facts]), torch.cat([nothing.iou, *ious]))


def _judge_prompts(
    decoder: Decoder, maps: PromptMaps, prompts: Prompts, wanted: Tensor
) -> JudgedCuts:
    def answer(maps: PromptMaps, prompts: Prompts) -> list[Tensor]:
        used = (prompts.kinds > NOTHING).any(0)
        return list(decoder(maps, prompts.xy[:, used], prompts.kinds[:, used], prompts.before))

    prompts = correct_some(answer, maps, prompts, wanted)
    used = (prompts.kinds > NOTHING).any(0)
    masks, facts = decoder.cut(maps, prompts.xy[:, used], prompts.kinds[:, used], prompts.before)
    return JudgedCuts(facts, candidate_ious(masks, wanted))
