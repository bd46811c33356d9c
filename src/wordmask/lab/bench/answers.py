"""What the tasks answer in a picture, in the classes of the data set."""

from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.options import Confidence
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense
from wordmask.core.result import Result
from wordmask.errors import CapabilityError
from wordmask.lab.bench.bench import NO_PROTOCOL, Kit, LabelledPicture, PictureBench
from wordmask.lab.bench.drawn import label_panels
from wordmask.lab.bench.options import RegionOptions, RegionWay, WordOptions
from wordmask.lab.bench.phrases import ClassPhrases, phrases_of
from wordmask.lab.bench.presets import pinned_fields
from wordmask.lab.bench.window import Windowed
from wordmask.lab.data import Truth
from wordmask.tasks.dense import DenseOptions, label_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import WordMaps
from wordmask.tasks.segment import SegmentOptions, segment_view

Worded = TypeVar("Worded", bound=WordOptions)
Regional = TypeVar("Regional", bound=RegionOptions)


class WordBench(PictureBench[Worded]):
    """A bench that asks for the classes of the data set by words."""

    answer: ClassVar[str] = ""  # what of the engine's answer is measured, for the result file

    def way(self, kit: Kit[Worded]) -> str | None:
        """How words become the answer; None where the bench does not turn words into masks."""
        return None

    def facts(self, kit: Kit[Worded]) -> dict[str, Any]:
        way = self.way(kit)
        return {
            "how": way,
            "answer": self.answer,
            "words": list(class_phrases(kit).phrases),
            "protocol": protocol(kit, way),
        }

    def panels(self, kit: Kit[Worded], picture: LabelledPicture) -> list[Array]:
        """By default the label of every pixel against the truth's."""
        answer = dense_labels(kit, view(kit, picture.image))
        return panels_against(kit, picture, real_labels(picture.truth), answer)


class RegionBench(WordBench[Regional]):
    """A bench of the regions that words find."""

    def way(self, kit: Kit[Regional]) -> str:
        return kit.options.way

    def min_confidence(self, kit: Kit[Regional]) -> Confidence:
        """The score from which a region counts."""
        return 0.0

    def panels(self, kit: Kit[Regional], picture: LabelledPicture) -> list[Array]:
        seen, truth = view(kit, picture.image), picture.truth
        found = regions(kit, seen, kit.options.way, self.min_confidence(kit))
        real = truth.result.label_map() if truth.exhaustive else real_labels(truth)
        return panels_against(kit, picture, real, found.label_map())


# ---- what is asked


def class_phrases(kit: Kit[WordOptions]) -> ClassPhrases:
    """The phrases of the classes, and the words that the preset gives to the background."""
    pinned = kit.options.pinned
    return phrases_of(
        kit.data.classes,
        kit.data.background,
        only=kit.options.words,
        background_words=pinned.background_words if pinned else (),
        synonyms=kit.data.synonyms,
    )


def view(kit: Kit[WordOptions], image: Image) -> View:
    """The picture, encoded once for all that is asked of it."""
    return View(image, models_through_window(kit), Trace())


def models_through_window(kit: Kit[WordOptions]) -> Models:
    """The engines, the dense one with the window and the scale that the protocol wants."""
    models = kit.models
    window = Windowed.of(kit.options) if models.has(Dense) else None
    if window is None:
        return models
    # In front of the others, so that it is the one that answers for dense features.
    return replace(models, parts=(replace(window, inner=models.get(Dense)), *models.parts))


def protocol(kit: Kit[WordOptions], way: str | None) -> dict[str, Any]:
    """The preset, what it pins, and every point in which this run departs from it."""
    preset = kit.options.pinned
    if preset is None:
        return NO_PROTOCOL
    deviations = list(preset.deviations)
    if kit.data.name != preset.data:
        deviations.append(f"data: {kit.data.name} instead of {preset.data}")
    if way not in (None, preset.how):
        deviations.append(f"how: {way} instead of {preset.how}")
    deviations += kit.options.departures(preset)
    if preset.templates:
        deviations.append(f"templates: the engine's own, the protocol averages {preset.templates}")
    return {"preset": preset.name, "pinned": pinned_fields(preset), "deviations": deviations}


# ---- what is answered


def regions(
    kit: Kit[WordOptions], seen: View, way: RegionWay, min_confidence: Confidence
) -> Result:
    """What `segment` returns, its words turned into classes; background regions are left out."""
    phrases = class_phrases(kit)
    options = SegmentOptions(how=way, min_confidence=min_confidence)
    found = segment_view(seen, Text(phrases.phrases), options)
    classes = phrases.to_classes(found.label_ids)
    background = -1 if kit.data.background is None else kit.data.background
    kept = np.flatnonzero((classes != -1) & (classes != background))
    return Result.of(
        found.masks[kept],
        kit.data.classes,
        scores=found.scores[kept],
        label_ids=classes[kept],
    )


def word_maps(kit: Kit[WordOptions], seen: View) -> WordMaps:
    """How probable each phrase is in each cell of the picture."""
    maps = seen.words(class_phrases(kit).phrases)
    if maps is None:
        raise CapabilityError(f"{kit.models.spec} has no dense features to hold words against")
    return maps


def dense_labels(kit: Kit[WordOptions], seen: View, options: DenseOptions | None = None) -> Array:
    """(H, W) int32 class of every pixel; where no word wins the background, or -1 without one."""
    phrases = class_phrases(kit)
    options = options or dense_options(kit)
    labels, _ = label_view(seen, Text(phrases.phrases), options)
    return with_background(phrases.to_classes(labels), kit.data.background)


def dense_options(
    kit: Kit[WordOptions], min_confidence: Confidence = "auto", *, pamr: bool = False
) -> DenseOptions:
    """How each pixel gets its word. Of `min_confidence`, auto is the preset's threshold, else 0."""
    if isinstance(min_confidence, str):
        pinned = kit.options.pinned
        min_confidence = pinned.threshold if pinned else 0.0
    return DenseOptions(
        refine="pamr" if pamr else "none",
        min_confidence=min_confidence,
        none=kit.data.background is not None,
    )


def with_background(labels: Array, background: int | None) -> Array:
    """The labels; in a set with a background, a pixel that nothing was said of is background."""
    return labels if background is None else np.where(labels < 0, np.int32(background), labels)


# ---- drawing


def real_labels(truth: Truth) -> Array:
    """(H, W) class of every pixel in the truth, -1 for none."""
    return truth.labels if truth.labels is not None else truth.result.label_map()


def panels_against(
    kit: Kit[WordOptions], picture: LabelledPicture, real: Array, answer: Array
) -> list[Array]:
    """Truth, answer and difference of two label maps in the classes of the data set."""
    if kit.options.words:  # what was not asked for was not missed
        real = np.where(np.isin(real, class_phrases(kit).owners), real, -1)
    void = None if picture.truth.exhaustive else picture.truth.void
    return label_panels(picture.image, real, answer, classes=kit.data.classes, void=void)
