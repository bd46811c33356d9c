"""Teach a trained `mini` own words on own pictures: its head and its words learn, nothing else.

Encoder and cutter stay as they are, so clicks and boxes give the same masks as before. A pixel's
word competes with the other own words, with the common words that the engine holds against a query
(its rivals), and with "none of these": the same company that it meets when the engine is asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from wordmask.core.protocols import Rivals
from wordmask.errors import WeightsError
from wordmask.lab.export.mini import HEAD, export_head_into
from wordmask.lab.export.mini_text import encode_phrases, read_kin
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped
from wordmask.lab.training.batches import TrainingBatch
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    TrainOptions,
    group_by_decay,
    load_average,
)
from wordmask.lab.training.losses_words import PointAnswers, WordLosses, read_points
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.own_batches import OwnBatches
from wordmask.lab.training.own_split import OwnSplit
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.model.mini.net import Adapter, MiniNetwork
from wordmask.model.mini.spelling import tidy

JUDGED = 24  # pictures of the test set that an evaluation during the training looks at


@dataclass(frozen=True, kw_only=True)
class OwnTrainOptions(TrainOptions):
    """What one run on own pictures is."""

    usual_minutes: ClassVar[float] = 6.0
    start_from: Path | Literal["shipped"] = "shipped"
    """Exported files that are taught further: the shipped ones, or those of a folder."""
    keep: Annotated[float, Ge(0)] = 0.3
    """How much the head is held to what it said before, where a picture shows none of the words."""
    sample: SampleOptions = field(default_factory=lambda: SampleOptions(cuts=0))


class WordHead(nn.Module):
    """The part of the network that learns, after the part that does not."""

    def __init__(self, network: MiniNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors and "none" at stride 8, and the map (B, 160, h, w) that they are made of."""
        with torch.no_grad():
            x = self.network.trunk(pictures).words
        return self.network.to_words(x), self.network.to_none(x), x


class OwnObjective(PartObjective):
    """The head of an exported mini, own pictures, and the words in their company."""

    options: OwnTrainOptions

    def __init__(self, options: OwnTrainOptions, split: OwnSplit) -> None:
        self.options, self.split = options, split
        self.files = SHIPPED if str(options.start_from) == "shipped" else Path(options.start_from)
        shipped = load_shipped(self.files)
        self.network, self.adapter = shipped.network.requires_grad_(False), shipped.adapter
        self.heads = [self.network.get_submodule(name).requires_grad_(True) for name in HEAD]
        before = load_shipped(self.files).network
        self.before = before.to_words.requires_grad_(False)
        self.head = WordHead(self.network)
        self.modules: dict[str, nn.Module] = {"network": self.network, "adapter": self.adapter}
        self.phrases = tuple(map(tidy, split.words))
        self.texts = torch.from_numpy(company(self.files, self.phrases, self.adapter))
        with torch.no_grad():
            self.texts_before = self.adapter(self.texts)
        self.compare = WordLosses(*own_tables(len(split.words), len(self.texts)))
        self.maker = OwnBatches(split, options.sample, options.batch)

    def groups(self) -> list[ParameterGroup]:
        """Words move more slowly than the head."""
        own = [p for head in self.heads for p in head.parameters()]
        words = ParameterGroup(list(self.adapter.parameters()), self.options.rate * 0.3)
        return [*group_by_decay(own, self.options), words]

    def batches(self, start: int) -> Iterator[TrainingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: TrainingBatch, place: RunPlace) -> TrainingBatch:
        self.before.to(place.device)
        self.texts, self.texts_before = (
            one.to(place.device) for one in (self.texts, self.texts_before)
        )
        return batch.share(place)

    def losses(self, batch: TrainingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        self.network.eval()  # statistics of BatchNorms stay those of the first training
        self.compare.follow(batch.pictures.device)
        pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
        vectors, none, trunk = step.run(self.head, pictures)
        answers = self._answers(vectors, none, batch)
        gate = torch.ones(batch.region_points.shape[:3], device=pictures.device)
        moved = 1 - (answers.text * self.texts_before).sum(1)
        parts = {
            "points": self.compare.points(answers.logits, batch, step),
            "regions": 0.6 * self.compare.regions(answers, batch, gate, step),
            "kept": self.options.keep * self._hold(vectors, trunk, batch, step),
            "adapter": moved.mean(),
        }
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged

    def evaluate(self) -> dict[str, float]:
        """Share of the test set's labelled points of a word that are named right among all."""
        right = total = 0
        for batch in self.maker.test_batches(JUDGED):
            vectors, none, _ = self.head(batch.pictures.to(self.texts.device).float())
            logits = self._answers(vectors, none, batch.to(self.texts.device)).logits.cpu()
            shown = (batch.point_rows >= 0) & (batch.point_rows < len(self.split.words))
            right += int((logits.argmax(2) == batch.point_rows)[shown].sum())
            total += int(shown.sum())
        return {"points_right": right / max(total, 1)}

    def state(self) -> dict[str, Any]:
        own = {"words": list(self.split.words), "count": self.compare.count.cpu()}
        return super().state() | own

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if tuple(state["words"]) != self.split.words:
            raise WeightsError(
                f"the checkpoint in {self.options.out} is of other words; train into another folder"
            )
        self.compare.count = state["count"]

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        networks = self.network.cpu().eval(), self.adapter.cpu().eval()
        words = dict(zip(self.phrases, self.texts.cpu().numpy(), strict=False))
        export_head_into(*networks, words, self.files, folder)

    def _answers(self, vectors: Tensor, none: Tensor, batch: TrainingBatch) -> PointAnswers:
        text = self.adapter(self.texts)
        return read_points(vectors, none, batch, text, self.network.scale())

    def _hold(self, vectors: Tensor, trunk: Tensor, batch: TrainingBatch, step: Step) -> Tensor:
        """1 - cosine to what the head said before, at points that show none of the own words."""
        with torch.no_grad():
            before = self.before(trunk)
        grid = (batch.points / batch.pictures.shape[-1] * 2 - 1)[:, None]
        now, then = (
            F.normalize(F.grid_sample(one, grid, align_corners=False)[:, :, 0], dim=1)
            for one in (vectors, before)
        )
        other = batch.point_rows == len(self.split.words)
        off = (1 - (now * then).sum(1))[other]
        return step.mean(off, torch.ones_like(off))


def company(files: Path, phrases: Sequence[str], adapter: Adapter) -> np.ndarray:
    """(V + R, 256) vectors before the adapter: own words, then the rivals that they will meet."""
    kin = read_kin(files)
    own, things, related = (
        encode_phrases(files, names) for names in (phrases, kin.things, kin.related)
    )
    with torch.no_grad():
        adapted = [adapter(torch.from_numpy(rows)).numpy() for rows in (own, things, related)]
    numbered = {row.tobytes(): number for number, row in enumerate(adapted[1])}
    kept = Rivals(adapted[1], adapted[2], kin.thing_of).against(adapted[0])
    rows = [numbered[row.tobytes()] for row in kept]
    return np.concatenate([own, things[rows]]).astype(np.float32)


def own_tables(words: int, texts: int) -> tuple[Tensor, Tensor]:
    """`positive` and `against` (words + 1, texts + 1): a word is itself; the last row is "none",
    which any rival may be."""
    positive = torch.zeros(words + 1, texts + 1, dtype=torch.bool)
    positive[:words, :words] = torch.eye(words, dtype=torch.bool)
    positive[words, words:] = True
    return positive, torch.ones_like(positive)
