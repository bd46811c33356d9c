"""What a run of Open-Vocabulary SAM is: its stages, its size, its data."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from wordmask.core.options import check
from wordmask.errors import InputError, Mend, OptionError
from wordmask.lab.data.storages import DataAddress
from wordmask.lab.training.loop import TrainOptions
from wordmask.model.ovsam.net import FrozenBackbone
from wordmask.model.ovsam.plan import OvsamPlan


@dataclass(frozen=True, kw_only=True)
class OvsamTrainOptions(TrainOptions):
    """What one stage of one run is."""

    usual_minutes: ClassVar[float] = 30.0
    stage: Literal["distill", "recognise"] = "distill"
    """distill: the adapter learns what the teacher's encoder sees; recognise: the decoder and the
    names are learned on a distilled adapter."""
    backbone: str = "tipsv2-b14"
    """A CLIP, SigLIP or TIPSv2 by name or folder, or lite0 (ImageNet's, for a CPU)."""
    teacher: str = "sam-h"
    """The segmenter whose encoder is learned from, and that cuts first: any SAM, SAM-HQ, SAM 2, or
    mini; the same in both stages."""
    cutter: Literal["teacher", "own"] = "teacher"
    """teacher: its own cutter cuts first and is corrected (recognise); own: cutting is learned from
    nothing, which takes long."""
    more_data: tuple[DataAddress, ...] = ()
    """Further data sets of any kind, mixed with the first."""
    images: DataAddress | None = None
    """Folder of the pictures, where they do not lie beside their annotations."""
    test: DataAddress | None = None
    """Data to judge by; else every twentieth picture is kept for it."""
    check_data: bool = True
    """Look at every picture before the first step; off: trust the data."""
    skip_broken: bool = False
    """Leave out what is broken, and pictures that the test set has too, instead of refusing."""
    adapter: Path | None = None
    """Checkpoint of the stage distill (recognise needs it)."""
    size: Literal["auto", "full", "small"] = "auto"
    """full: the paper's; small: for a CPU; auto: small with lite0."""
    side: Annotated[int, Ge(64)] | None = None
    """Pixels of the square that pictures are fitted into; 1024, or 256 if small."""
    most_pictures: Annotated[int, Ge(0)] = 0
    """Learn from at most so many pictures; 0: all."""
    without_words: tuple[str, ...] = ()
    """Words that are never named in training: what the network makes of them is told apart."""
    rate: Annotated[float, Gt(0)] = 4e-4
    """Highest learning rate."""
    decay: Annotated[float, Ge(0)] = 0.05
    """Weight decay of matrices and filters."""
    batch: Annotated[int, Ge(1)] = 8
    """Pictures per step."""

    def __post_init__(self) -> None:
        check(self)


def adapter_of(options: OvsamTrainOptions) -> Path:
    """The checkpoint on which the stage recognise stands."""
    mend = Mend("adapter", "LAST.PT")
    if options.adapter is None:
        raise OptionError("the stage recognise needs a distilled adapter", mend=mend)
    if not options.adapter.is_file():
        raise InputError(f"there is no checkpoint {options.adapter}", mend=mend)
    return options.adapter


def plan_of(options: OvsamTrainOptions, backbone: FrozenBackbone, words: int) -> OvsamPlan:
    """The sizes of the networks for a backbone and texts of `words` dimensions."""
    if options.side is not None and options.side % 64:
        raise OptionError(
            f"side must be divisible by 64, got {options.side}",
            mend=Mend("side", str(max(64, options.side // 64 * 64))),
        )
    dense = backbone.dense_width == words
    plan = OvsamPlan(backbone.channels, backbone.strides, words, dense=dense)
    small = options.size == "small" or (options.size == "auto" and backbone.name == "lite0")
    if small:
        plan = replace(plan, side=256, width=192, depth=3, heads=6, dim=128, scale=20.0)
    return plan if options.side is None else replace(plan, side=options.side)
