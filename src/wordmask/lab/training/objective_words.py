"""Training of what names cells: clicks, boxes, depth and "everything" cut as before.

Learned are the neck for words, the layers that turn a cell into a vector, "none of these" and the
adapter of the words. They are all that words need, so a step costs half of one of the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor, nn

from wordmask.lab.data.packs import read_packs
from wordmask.lab.export.mini import export_words_into
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped
from wordmask.lab.training.batches import Batches, TrainingBatch
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.language import Embed, build_language, embed_sentences
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    TrainOptions,
    load_average,
)
from wordmask.lab.training.losses_mini import LossWeights, sharpen_boxes
from wordmask.lab.training.losses_words import WordLosses, read_points
from wordmask.lab.training.objective_mini import check_words, measure_start, mini_groups
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.model.mini.net import MiniNetwork

LEARNING = ("word_neck", "to_words", "to_none")
# How often pictures of each set are drawn. The few of COCO with truths are soon known by heart
# (0.79 of their regions named right, 0.57 of those that are held out), so teachers say more here.
SHARES = {
    "voc": 2.6,
    "coco": 1.3,
    "nyu": 2.0,
    "camvid": 1.2,
    "coco_person": 0.8,
    "unlabelled": 3.2,
    "flickr8k": 2.0,
    "ccp": 1.0,
    "carparts": 0.15,
    "facade": 0.25,
    "coco_airport": 0.15,
    "suim": 0.03,
    "davis": 0.12,
}


@dataclass(frozen=True, kw_only=True)
class WordsTrainOptions(TrainOptions):
    """What one run of the words is."""

    start_from: Path | Literal["shipped"] = "shipped"
    """Exported files whose other parts are kept: the shipped ones, or those of a folder."""
    layers_rate: Annotated[float, Gt(0)] = 4e-4
    """Highest learning rate of the layers that begin as the backbone's."""
    sample: SampleOptions = field(default_factory=lambda: SampleOptions(cuts=0))
    weights: LossWeights = field(default_factory=lambda: LossWeights(sharpened=24))


class NamingNetwork(nn.Module):
    """What names cells, and the maps that the cutter reads."""

    def __init__(self, network: MiniNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors and "none" at stride 8; coarse and fine."""
        trunk = self.network.trunk(pictures)
        x = trunk.words
        maps = self.network.cut_maps(trunk.neck, trunk.early, trunk.shared)
        return self.network.to_words(x), self.network.to_none(x), *maps


class WordsObjective(PartObjective):
    """The words of a `mini` whose cutter does not change."""

    options: WordsTrainOptions

    def __init__(self, options: WordsTrainOptions, embed_lines: Embed = embed_sentences) -> None:
        """`embed_lines`: the sentence encoder."""
        self.options = options
        self.files = SHIPPED if str(options.start_from) == "shipped" else Path(options.start_from)
        shipped = load_shipped(self.files)
        self.network, self.adapter = shipped.network.requires_grad_(False), shipped.adapter
        self.learning = [self.network.get_submodule(name).requires_grad_(True) for name in LEARNING]
        self.network.log_scale.requires_grad_(True)
        self.naming = NamingNetwork(self.network)
        self.modules: dict[str, nn.Module] = {"network": self.network, "adapter": self.adapter}
        packs = read_packs(options.data)
        labels = LabelReader(packs, ())
        self.words = labels.vocabulary.words
        kept = options.out / "language.npz"
        self.language = build_language(packs, self.words, kept, shipped.whitening, embed_lines)
        self.compare = WordLosses(*map(torch.from_numpy, labels.vocabulary.tables()))
        self.maker = Batches(labels, options.sample, options.batch, {}, SHARES)
        measure_start(self.network, self.maker, options)

    def groups(self) -> list[ParameterGroup]:
        return mini_groups(self.network, self.adapter, self.options.layers_rate, self.options)

    def batches(self, start: int) -> Iterator[TrainingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: TrainingBatch, place: RunPlace) -> TrainingBatch:
        return batch.share(place)

    def losses(self, batch: TrainingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        w, device = self.options.weights, batch.pictures.device
        self.network.eval()
        for part in self.learning:
            part.train()
        self.compare.follow(device)
        pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
        vectors, none, coarse, fine = step.run(self.naming, pictures)
        words = self.language.draw(np.random.default_rng([self.options.seed, step.number, 1]))
        words = words.to(device)
        text = self.adapter(words)
        answers = read_points(vectors, none, batch, text, self.network.scale())
        decoder = self.network.decoder
        gate, trusted = sharpen_boxes(decoder, (coarse, fine), batch, w.sharpened, step.run)
        parts = {
            "points": w.points * self.compare.points(answers.logits, batch, step),
            "inside": w.inside * self.compare.inside(answers.region_logits, batch, trusted, step),
            "regions": w.regions * self.compare.regions(answers, batch, gate, step),
            "adapter": w.adapter * (1 - (text * words).sum(1)).mean(),
        }
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged

    def state(self) -> dict[str, Any]:
        own = {"words": list(self.words), "count": self.compare.count.cpu()}
        return super().state() | own

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        check_words(state, self.words, self.options.out)
        self.compare.count = state["count"]

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        networks = self.network.cpu().eval(), self.adapter.cpu().eval()
        export_words_into(*networks, self.files, folder)
