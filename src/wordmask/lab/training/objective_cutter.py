"""Training of the cutter alone: the encoder stays as it is, so nothing else can become worse."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from wordmask.lab.data.packs import read_packs
from wordmask.lab.export.mini import export_cutter_into
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped
from wordmask.lab.training.batches import Batches, TrainingBatch
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    TrainOptions,
    group_by_decay,
    load_average,
)
from wordmask.lab.training.losses import no_cuts
from wordmask.lab.training.losses_mini import LossWeights, prompted_cut_loss
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.model.mini.net import Features


@dataclass(frozen=True, kw_only=True)
class CutterTrainOptions(TrainOptions):
    """What one run of the cutter is."""

    start_from: Path | Literal["shipped"] = "shipped"
    """Exported files whose encoder is kept: the shipped ones, or those of a folder."""
    fresh: bool = False
    """Begin with random weights of the cutter instead of those in the files."""
    sample: SampleOptions = field(
        default_factory=lambda: SampleOptions(side=320, scales=(0.75, 1.6))
    )
    weights: LossWeights = field(default_factory=LossWeights)


class CutterObjective(PartObjective):
    """The decoder of a `mini` whose encoder does not change."""

    options: CutterTrainOptions

    def __init__(self, options: CutterTrainOptions) -> None:
        self.options = options
        self.files = SHIPPED if str(options.start_from) == "shipped" else Path(options.start_from)
        self.network = load_shipped(self.files).network.requires_grad_(False)
        if options.fresh:
            self.network.decoder = type(self.network.decoder)()
        self.decoder = self.network.decoder.requires_grad_(True)
        self.modules: dict[str, nn.Module] = {"decoder": self.decoder}
        labels = LabelReader(read_packs(options.data), ())
        self.maker = Batches(labels, options.sample, options.batch, {})

    def groups(self) -> list[ParameterGroup]:
        return group_by_decay(self.decoder.parameters(), self.options)

    def batches(self, start: int) -> Iterator[TrainingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: TrainingBatch, place: RunPlace) -> TrainingBatch:
        self.network.to(place.device)
        return batch.share(place)

    def losses(self, batch: TrainingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        weights = self.options.weights
        self.network.eval()  # of the network only the decoder is in training
        with torch.no_grad():
            features = Features(*step.run(self.network, batch.pictures.float()))
        self.decoder.train()
        if not len(batch.cut_of):  # no mask in any of the crops
            weights_of_all = torch.cat([one.flatten() for one in self.decoder.parameters()])
            cut = no_cuts(weights_of_all, step.mean)
        else:
            cut = prompted_cut_loss(self.decoder, features, batch, step)
        parts = {"masks": weights.masks * cut.masks, "quality": weights.quality * cut.quality}
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | {"iou": float(cut.iou)}

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        export_cutter_into(self.network.eval(), self.files, folder)
