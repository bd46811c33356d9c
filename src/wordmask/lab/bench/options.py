"""What a bench can be told: one class for each set of options that benches share.

A bench that takes more has a class of its own beside it, in benches/.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from wordmask.core.options import Confidence, check
from wordmask.errors import Mend, OptionError
from wordmask.lab.bench.presets import Preset, find_preset

# Options that change no measured number: two runs that differ in them alone are the same run.
CHANGE_NO_NUMBER = {"save_vis", "show", "workers", "rounds", "seed"}

RegionWay = Literal["auto", "unified", "guided", "everything", "grounded"]


def split_commas(items: Iterable[str]) -> tuple[str, ...]:
    """
    >>> split_commas(["cat, dog", " cow ", ","])
    ('cat', 'dog', 'cow')
    """
    parts = [part.strip() for item in items for part in item.split(",")]
    return tuple(part for part in parts if part)


@dataclass(frozen=True)
class BenchOptions:
    """What every bench takes."""

    num_samples: Annotated[int, Interval(ge=1, le=1_000_000_000)] | None = None
    """Only the first N pictures or videos."""
    workers: Annotated[int, Interval(ge=1, le=256)] = 1
    """Threads, each measuring one picture at a time."""
    rounds: Annotated[int, Interval(ge=2, le=1_000_000)] = 1000
    """Resamples of the bootstrap behind the intervals."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class PictureOptions(BenchOptions):
    """Benches of single pictures draw the worst and the best of them."""

    show: Annotated[int, Interval(ge=0, le=10_000)] = 10
    """How many of the worst and of the best pictures to draw."""
    save_vis: bool = False
    """Draw every picture, not only the worst and the best."""


@dataclass(frozen=True)
class WordOptions(PictureOptions):
    """Benches that ask for words: which words, and how the dense features are made."""

    words: tuple[str, ...] = ()
    """Only these classes of the data set; commas may stand between them."""
    preset: str = ""
    """A protocol by name, such as voc21/sclip; the result says where the run departs from it."""
    slide_inference: bool = False
    """Look at the picture through a sliding window."""
    slide_crop: Annotated[int, Interval(ge=16, le=4096)] = 224
    """Side of the window, in pixels."""
    slide_stride: Annotated[int, Ge(1)] = 112
    """Step of the window, in pixels."""
    logit_scale: Annotated[float, Interval(ge=0.001, le=10_000)] | None = None
    """Factor before the softmax over the words; by default the engine's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "words", split_commas(self.words))
        if self.preset:
            find_preset(self.preset)  # an unknown name is refused before anything is loaded
        if self.slide_stride > self.slide_crop:
            raise OptionError(
                f"slide_stride {self.slide_stride} is more than slide_crop {self.slide_crop}, "
                "so the windows would leave gaps",
                mend=Mend("slide_stride", str(self.slide_crop)),
            )

    @property
    def pinned(self) -> Preset | None:
        """The preset, where one is named."""
        return find_preset(self.preset) if self.preset else None

    def departures(self, preset: Preset) -> list[str]:
        """Where these options leave the preset."""
        found = []
        window = (self.slide_crop, self.slide_stride)
        pinned = (preset.slide_crop, preset.slide_stride)
        if self.slide_inference and window != pinned:
            found.append("window: {}/{} instead of {}/{}".format(*window, *pinned))
        if self.logit_scale is not None and self.logit_scale != preset.logit_scale:
            own = preset.logit_scale or "the engine's own"
            found.append(f"logit scale: {self.logit_scale:g} instead of {own}")
        if self.num_samples is not None:
            found.append(f"only the first {self.num_samples} pictures")
        if self.words:
            found.append(f"only the classes {', '.join(self.words)}")
        return found


@dataclass(frozen=True)
class RegionOptions(WordOptions):
    """Benches of the regions that words find."""

    how: RegionWay = "auto"
    """How words become masks: unified, guided, everything, grounded; auto: as the engines can."""
    use_sam: bool = False
    """Cut the dense regions with the segmenter: the same as how=guided."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.use_sam and self.how not in ("auto", "guided"):
            raise OptionError(f"use_sam means how=guided, got how={self.how}")

    @property
    def way(self) -> RegionWay:
        """How words become masks: what was asked for, else what the preset says."""
        if self.use_sam:
            return "guided"
        if self.how == "auto" and self.pinned is not None:
            return self.pinned.region_way
        return self.how


@dataclass(frozen=True)
class ThresholdOptions(RegionOptions):
    """Benches in which only the regions above a score count."""

    min_confidence: Confidence = "auto"
    """Score from which a region counts: a number in [0, 1], or auto (the engine's own)."""

    def departures(self, preset: Preset) -> list[str]:
        return [*super().departures(preset), *threshold_departure(self.min_confidence, preset)]


def threshold_departure(min_confidence: Confidence, preset: Preset) -> list[str]:
    """One line where the threshold is not the preset's, else none."""
    if min_confidence in ("auto", preset.threshold):
        return []
    return [f"threshold: {min_confidence} instead of {preset.threshold or 'none'}"]
