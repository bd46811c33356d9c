"""Training of what cuts: words, depth and classes stay as they are, so none can become worse.

Learned are the neck for masks, the maps that the decoder reads, and the decoder. Its judge begins
anew and must be trained afterwards: it belongs to one cutter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
from annotated_types import Gt
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
from wordmask.lab.training.objective_mini import measure_start
from wordmask.lab.training.objective_part import PartObjective
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions
from wordmask.model.mini.judge import MaskJudge
from wordmask.model.mini.net import MiniNetwork

LEARNING = ("mask_neck", "to_coarse", "to_fine", "from_coarse", "decoder")
# How often pictures of each set are drawn: those with whole things most. Clothes and parts teach
# that a click on a person means a shirt.
SHARES = {
    "voc": 3.0,
    "coco": 2.6,
    "nyu": 1.4,
    "camvid": 0.8,
    "coco_person": 1.6,
    "unlabelled": 2.4,
    "flickr8k": 0.9,
    "ccp": 0.2,
    "carparts": 0.15,
    "facade": 0.15,
    "bsds": 0.3,
    "coco_airport": 0.15,
    "suim": 0.05,
    "davis": 0.2,
}


@dataclass(frozen=True, kw_only=True)
class CutterTrainOptions(TrainOptions):
    """What one run of the cutter is."""

    start_from: Path | Literal["shipped"] = "shipped"
    """Exported files whose encoder is kept: the shipped ones, or those of a folder."""
    fresh: bool = False
    """Begin with random weights of the decoder instead of those in the files."""
    layers_rate: Annotated[float, Gt(0)] = 4e-4
    """Highest learning rate of the layers that begin as the backbone's."""
    sample: SampleOptions = field(
        default_factory=lambda: SampleOptions(side=320, scales=(0.75, 1.6), cuts=4)
    )
    weights: LossWeights = field(default_factory=LossWeights)


class CuttingNetwork(nn.Module):
    """Pictures to what the decoder reads; only the last part of the way learns."""

    def __init__(self, network: MiniNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Coarse and fine."""
        with torch.no_grad():
            maps = self.network.backbone(pictures)
            neck, _ = self.network.neck(maps)
        return self.network.cut_maps(neck, maps[0], maps[1])


class CutterObjective(PartObjective):
    """What cuts in a `mini` whose encoder does not change."""

    options: CutterTrainOptions

    def __init__(self, options: CutterTrainOptions) -> None:
        self.options = options
        self.files = SHIPPED if str(options.start_from) == "shipped" else Path(options.start_from)
        self.network = load_shipped(self.files).network.requires_grad_(False)
        if options.fresh:
            self.network.decoder = type(self.network.decoder)()
        decoder = self.network.decoder
        self.learning = [self.network.get_submodule(name).requires_grad_(True) for name in LEARNING]
        decoder.judge = MaskJudge().requires_grad_(False)
        self.cutting = CuttingNetwork(self.network)
        self.modules: dict[str, nn.Module] = {"network": self.network}
        labels = LabelReader(read_packs(options.data), ())
        self.maker = Batches(labels, options.sample, options.batch, {}, SHARES)
        measure_start(self.network, self.maker, options)

    def groups(self) -> list[ParameterGroup]:
        layers = list(self.network.mask_neck.layers.parameters())
        known = set(layers)
        rest = [p for part in self.learning for p in part.parameters() if p not in known]
        return [
            *group_by_decay(layers, replace(self.options, rate=self.options.layers_rate)),
            *group_by_decay((p for p in rest if p.requires_grad), self.options),
        ]

    def batches(self, start: int) -> Iterator[TrainingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: TrainingBatch, place: RunPlace) -> TrainingBatch:
        self.network.to(place.device)
        return batch.share(place)

    def losses(self, batch: TrainingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        weights = self.options.weights
        self.network.eval()
        for part in self.learning:
            part.train()
        pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
        coarse, fine = step.run(self.cutting, pictures)
        if not len(batch.cut_of):  # no mask in any of the crops
            cut = no_cuts(coarse, step.mean)
        else:
            cut = prompted_cut_loss(self.network.decoder, (coarse, fine), batch, step)
        parts = {"masks": weights.masks * cut.masks, "quality": weights.quality * cut.quality}
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | {"iou": float(cut.iou)}

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        export_cutter_into(self.network.eval(), self.files, folder)
