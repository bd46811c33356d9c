"""Train `mini` from the packs: what it learns from, what is minimised and logged, the export."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Gt, Interval
from torch import Tensor, nn

from wordmask.core.options import Share
from wordmask.errors import Mend, WeightsError
from wordmask.lab.data.packs import read_packs
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped, measure_norms
from wordmask.lab.training.batches import Batches, TrainingBatch
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.language import (
    Embed,
    build_language,
    caption_words,
    embed_sentences,
)
from wordmask.lab.training.loop import (
    CHECKPOINT,
    ParameterGroup,
    Step,
    TrainOptions,
    group_by_decay,
    load_average,
)
from wordmask.lab.training.losses_mini import LossWeights, MiniLosses
from wordmask.lab.training.losses_words import WordLosses
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.lab.training.vocabulary import Whitening
from wordmask.model.mini.imagenet import read_imagenet
from wordmask.model.mini.net import Adapter, MiniNetwork

NORM_BATCHES = 4  # on which the statistics of shipped weights are measured


@dataclass(frozen=True, kw_only=True)
class MiniTrainOptions(TrainOptions):
    """What one run of `mini` is."""

    backbone_rate: Annotated[float, Gt(0)] = 3e-4
    """Highest learning rate of the backbone."""
    frozen: Annotated[int, Interval(ge=6, le=17)] = 6
    """The first layers of the backbone, which are not trained; six also serve the classes."""
    sharpen_from: Share = 0.25
    """Share of the budget after which the decoder turns teachers' boxes into masks."""
    without_words: tuple[str, ...] = ()
    """COCO words that training must not see, neither as truths nor as teachers' boxes."""
    start_from: Path | Literal["shipped"] | None = None
    """Weights to begin with instead of ImageNet's: a checkpoint, a folder of exported files."""
    sample: SampleOptions = field(default_factory=SampleOptions)
    weights: LossWeights = field(default_factory=LossWeights)


def mini_groups(
    network: MiniNetwork, adapter: Adapter, layers_rate: float, options: TrainOptions
) -> list[ParameterGroup]:
    """What learns of a `mini`: layers that began as ImageNet's at `layers_rate`, words at half."""
    own = (network.backbone, network.word_neck.layers, network.mask_neck.layers)
    layers = [parameter for part in own for parameter in part.parameters()]
    known = set(layers)
    heads = [p for child in network.children() for p in child.parameters() if p not in known]
    learning = [[p for p in some if p.requires_grad] for some in (layers, heads)]
    words = [network.log_scale, *adapter.parameters()]
    return [
        *group_by_decay(learning[0], replace(options, rate=layers_rate)),
        *group_by_decay(learning[1], options),
        ParameterGroup(words, options.rate * 0.5),
    ]


def measure_start(network: MiniNetwork, maker: Batches, options: TrainOptions) -> None:
    """Statistics for the BatchNorms of exported weights, unless a checkpoint brings its own."""
    if not (options.out / CHECKPOINT).exists():
        pictures = (maker.batch(options.seed, k).pictures for k in range(NORM_BATCHES))
        measure_norms(network, pictures)


def check_words(state: dict[str, Any], words: tuple[str, ...], out: Path) -> None:
    """Raise where a checkpoint's state is of other words than the packs have."""
    if tuple(state["words"]) != words:
        raise WeightsError(
            f"the checkpoint in {out} was trained with other words than these packs have; train "
            "into another folder",
            mend=Mend("out", "FOLDER"),
        )


class MiniObjective:
    """Network, packs, language and losses of one run."""

    def __init__(self, options: MiniTrainOptions, embed_lines: Embed = embed_sentences) -> None:
        """`embed_lines`: the sentence encoder."""
        self.options = options
        self.packs = read_packs(options.data)
        self.labels = LabelReader(self.packs, options.without_words)
        self.words = self.labels.vocabulary.words
        self.network, self.adapter = MiniNetwork(frozen=options.frozen), Adapter()
        self.modules: dict[str, nn.Module] = {"network": self.network, "adapter": self.adapter}
        whitening = self._load_start()
        kept = options.out / "language.npz"
        self.language = build_language(self.packs, self.words, kept, whitening, embed_lines)
        captions = self.language.captions
        self.maker = Batches(self.labels, options.sample, options.batch, captions)
        positive, against = self._tables()
        self.word_losses = WordLosses(positive, against)
        self.compare = MiniLosses(self.network, self.adapter, self.word_losses, options.weights)
        if self._starts_from_files():
            measure_start(self.network, self.maker, options)

    def groups(self) -> list[ParameterGroup]:
        return mini_groups(self.network, self.adapter, self.options.backbone_rate, self.options)

    def batches(self, start: int) -> Iterator[TrainingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: TrainingBatch, place: RunPlace) -> TrainingBatch:
        return batch.share(place)

    def losses(self, batch: TrainingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        o = self.options
        words = self.language.draw(np.random.default_rng([o.seed, step.number, 1]))
        sharpen = step.share >= o.sharpen_from
        loss, parts = self.compare(batch, words.to(step.place.device), step, sharpen=sharpen)
        return loss, parts | {"scale": float(self.network.scale().detach())}

    def evaluate(self) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, Any]:
        whitening = self.language.whitening
        return {
            "count": self.word_losses.count.cpu(),
            "words": list(self.words),
            "mean": torch.from_numpy(whitening.mean),
            "turn": torch.from_numpy(whitening.turn),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        check_words(state, self.words, self.options.out)
        self.word_losses.count = state["count"]

    def export(self, checkpoint: Path, folder: Path) -> None:
        from wordmask.lab.export.mini import TrainedMini, export_mini

        trained = TrainedMini.read(checkpoint)
        export_mini(trained, self.labels.vocabulary, caption_words(self.packs), folder)

    def _load_start(self) -> Whitening | None:
        """Load the weights to begin with; the whitening that they were trained with, if any."""
        start = self.options.start_from
        if start is None:
            self._load_imagenet()
            return None
        if self._starts_from_files():
            shipped = load_shipped(SHIPPED if str(start) == "shipped" else Path(start))
            self.network.load_state_dict(shipped.network.state_dict())
            self.adapter.load_state_dict(shipped.adapter.state_dict())
            return shipped.whitening
        state = load_average(Path(start), self.modules)
        return Whitening(state["mean"].numpy(), state["turn"].numpy())

    def _starts_from_files(self) -> bool:
        start = self.options.start_from
        return start is not None and (str(start) == "shipped" or Path(start).is_dir())

    def _load_imagenet(self) -> None:
        network = self.network
        network.backbone.load_imagenet(read_imagenet())
        for own in (network.word_neck, network.mask_neck):
            own.begin_like(network.backbone, network.neck)

    def _tables(self) -> tuple[Tensor, Tensor]:
        """`positive` and `against` of all rows, without the words that are kept from training."""
        positive, against = (torch.from_numpy(table) for table in self.labels.vocabulary.tables())
        for k, word in enumerate(self.words):
            if word in self.options.without_words:  # not even as something that others are not
                positive[:, k], against[:, k] = False, False
        return positive, against
