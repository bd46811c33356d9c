"""Training of the context: which words a picture as a whole makes likely.

The encoder and the classifier stay as they are. They look at every picture once; what they saw is
kept in the run's folder, and the small network that is trained learns from that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor, nn

from wordmask.core.image import Array, Image
from wordmask.core.options import Share
from wordmask.files import atomic, digest
from wordmask.lab.data.packs import Packs, Record, read_packs
from wordmask.lab.export.mini import export_context_into
from wordmask.lab.export.mini_weights import SHIPPED
from wordmask.lab.training.batches import split
from wordmask.lab.training.kept import keep_in
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    TrainOptions,
    group_by_decay,
    load_average,
)
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.presence import label_presence
from wordmask.lab.training.vocabulary import OTHER_NAMES
from wordmask.model.mini.context import ContextNetwork

PICTURES_A_FILE = 256
# Share of each set in a batch; sets that are not listed have the last one's.
SHARES = {"voc": 2.0, "coco": 3.0, "nyu": 1.0, "camvid": 1.0, "ccp": 1.5, "": 0.6}
NOISE = 0.2  # spread of what is added to a summary, in spreads of the summaries

Summarise = Callable[[Image], Array]
EmbedTexts = Callable[[tuple[str, ...]], Array]


@dataclass(frozen=True, kw_only=True)
class ContextTrainOptions(TrainOptions):
    """What one run of the context is."""

    minutes: Annotated[float, Gt(0)] = 4.5
    """Time budget, after the pictures have been looked at."""
    batch: Annotated[int, Ge(1)] = 64
    """Pictures per step."""
    rate: Annotated[float, Gt(0)] = 1e-3
    """Highest learning rate."""
    hold: Share = 0.3
    """Share of the budget after which the rate falls."""
    decay: Annotated[float, Ge(0)] = 0.05
    """Weight decay of matrices."""
    start_from: Path | None = None
    """Folder of exported files that the context is for; the shipped ones if not given."""


class ContextBatch(NamedTuple):
    """B pictures and V words."""

    summaries: Tensor
    """(B, 2000)"""
    present: Tensor
    """(B, V) 0 or 1"""
    weight: Tensor
    """(B, V), 0 = not known"""
    texts: Tensor
    """(V, D) unit rows: the words, some by another of their names"""


class _Names:
    """Vectors of all names of each word."""

    def __init__(self, words: Sequence[str], embed_texts: EmbedTexts) -> None:
        names = [(one, *OTHER_NAMES.get(one, ())) for one in words]
        self.counts = np.array([len(some) for some in names])
        self.starts = self.counts.cumsum() - self.counts
        self.vectors = embed_texts(tuple(name for some in names for name in some))

    def draw(self, rng: np.random.Generator) -> Array:
        """(V, D): half of the time a word's own name, else any of its names."""
        other = rng.integers(0, self.counts) * (rng.random(len(self.counts)) < 0.5)
        return np.asarray(self.vectors[self.starts + other], np.float32)


class ContextObjective(PartObjective):
    """Summaries of pictures and the words in them."""

    options: ContextTrainOptions

    def __init__(
        self, options: ContextTrainOptions, summarise: Summarise, embed_texts: EmbedTexts
    ) -> None:
        """`summarise`: what the classifier sees in a picture; `embed_texts`: words -> vectors."""
        self.options = options
        self.files = options.start_from or SHIPPED
        packs = read_packs(options.data)
        vocabulary = LabelReader(packs).vocabulary
        self.records = _usable(packs)
        rows = [label_presence(record, packs, vocabulary) for record in self.records]
        self.present = np.stack([row.present for row in rows]).astype(np.float32)
        self.weight = np.stack([row.weight for row in rows])
        classes = digest(self.files / "classes.onnx")[:12]
        folder = options.out / "summaries"
        keep_in(folder, f"classes {classes} of {options.data}, {len(self.records)} pictures")
        self.summaries = look_at(self.records, packs, summarise, folder)
        self.names = _Names(vocabulary.words, embed_texts)
        self.odds = _odds(self.records)
        self.network = ContextNetwork()
        self.network.mean.copy_(torch.from_numpy(self.summaries.mean(0)))
        self.spread = self.summaries.std(0) + np.float32(1e-3)
        self.network.spread.copy_(torch.from_numpy(self.spread))
        self.modules: dict[str, nn.Module] = {"network": self.network}

    def groups(self) -> list[ParameterGroup]:
        return group_by_decay(self.network.parameters(), self.options)

    def batches(self, start: int) -> Iterator[ContextBatch]:
        step = start
        while True:
            yield self.draw(step)
            step += 1

    def draw(self, step: int) -> ContextBatch:
        """The batch of one step, with a little noise on what was seen."""
        rng = np.random.default_rng([self.options.seed, step])
        rows = rng.choice(len(self.records), self.options.batch, p=self.odds)
        summaries = self.summaries[rows]
        noise = rng.standard_normal(summaries.shape, np.float32) * NOISE
        columns = (
            summaries + noise * self.spread,
            self.present[rows],
            self.weight[rows],
            self.names.draw(rng),
        )
        return ContextBatch(*map(torch.from_numpy, columns))

    def share(self, batch: ContextBatch, place: RunPlace) -> ContextBatch:
        rows = place.rows(len(batch.summaries))
        own = (batch.summaries[rows], batch.present[rows], batch.weight[rows], batch.texts)
        return ContextBatch(*(one.to(place.device) for one in own))

    def losses(self, batch: ContextBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        answers = self.network.each(batch.summaries)
        log_odds = answers[..., :-1] @ batch.texts.T + answers[..., -1:]
        present, weight = (one.expand_as(log_odds) for one in (batch.present, batch.weight))
        parts = F.binary_cross_entropy_with_logits(log_odds, present, reduction="none")
        loss = step.mean(parts.flatten(), weight.flatten())
        return loss, {"presence": float(loss.detach())}

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        export_context_into(self.network.eval(), self.files, folder)


def look_at(records: list[Record], packs: Packs, summarise: Summarise, folder: Path) -> Array:
    """(N, 2000) what the classifier sees in each picture; kept in `folder`, file by file."""
    parts = []
    for start in range(0, len(records), PICTURES_A_FILE):
        path = folder / f"{start // PICTURES_A_FILE:03}.npy"
        if not path.exists():
            chosen = records[start : start + PICTURES_A_FILE]
            rows = [summarise(packs.sets[one.set].image(one.sample)) for one in chosen]
            with atomic(path) as part, part.open("wb") as file:
                np.save(file, np.stack(rows).astype(np.float16))
        parts.append(np.load(path, allow_pickle=False).astype(np.float32))
    return np.concatenate(parts)


def _usable(packs: Packs) -> list[Record]:
    """Pictures to learn from that say something about words; frames of videos say it too often."""
    learn, _ = split(packs.records)
    return [
        record
        for record in learn
        if not record.sample.sequence and (packs.sets[record.set].classes or record.boxes)
    ]


def _odds(records: list[Record]) -> Array:
    odds = np.array([SHARES.get(record.set, SHARES[""]) for record in records])
    shares: Array = odds / odds.sum()
    return shares
