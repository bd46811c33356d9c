"""What the tasks answer, in the data set's classes."""

from dataclasses import replace

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense
from wordmask.core.result import Result
from wordmask.lab.bench.benches.window import Windowed
from wordmask.lab.bench.plan import Kit
from wordmask.tasks.dense import DenseOptions, label
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment_view

PLAIN_WAYS = (
    "auto",
    "dense",
    "unified",
)  # where a label for every pixel comes straight from the dense features


def view(kit: Kit, image: Image) -> View:
    """The picture, encoded once for all that is asked of it."""
    return View(image, models_of(kit), Trace())


def models_of(kit: Kit) -> Models:
    """The engines, seen through the window and with the scale that the protocol asks for."""
    options, pinned, models = kit.options, kit.pinned, kit.models
    window = Windowed.of(options, pinned) if models.has(Dense) else None
    if window is None:
        return models
    # In front of the others, so that it is the one that answers for dense features.
    return replace(models, parts=(replace(window, inner=models.get(Dense)), *models.parts))


def label_map(kit: Kit, image: Image) -> Array:
    """(H, W) int32 class of every pixel; where nothing is said, the background, or -1 in a set without one."""
    models = models_of(kit)
    words = kit.words
    background = kit.data.background
    labels = np.full(image.size, -1, np.int32)
    if models.has(Dense):
        options = DenseOptions(
            refine="pamr" if kit.options.use_pamr else "none",
            min_confidence=_threshold(kit),
            none=background is not None,
        )
        labels, _ = label(image, Text(words.phrases), models, options)
        labels = words.to_classes(labels)
    if kit.way not in PLAIN_WAYS or not models.has(Dense):
        # What a cutter has confirmed replaces the dense answer; elsewhere that stays.
        found = regions(
            kit, View(image, models, Trace()), min_confidence=kit.options.min_confidence
        )
        for row in range(len(found) - 1, -1, -1):
            found.masks.paint(labels, row, found.label_ids[row])
    if background is not None:
        labels[labels < 0] = background
    return labels


def _threshold(kit: Kit) -> float:
    """Probability from which a pixel's best word counts: the run's own, else the preset's, else any."""
    asked = kit.options.min_confidence
    if kit.way in PLAIN_WAYS and not isinstance(
        asked, str
    ):  # elsewhere it is for the regions that are cut
        return asked
    return kit.pinned.threshold if kit.pinned else 0.0


def regions(kit: Kit, seen: View, *, min_confidence: float | str) -> Result:
    """Regions of every word that is asked for, named by class; those of the background's words are left out."""
    way = "unified" if kit.way == "dense" else kit.way
    options = SegmentOptions(how=way, min_confidence=min_confidence)
    found = segment_view(seen, Text(kit.words.phrases), options)
    owners = np.array([*kit.words.owners, -1], np.int32)[found.label_ids]
    kept = np.flatnonzero(
        (owners != -1) & (owners != (-1 if kit.data.background is None else kit.data.background))
    )
    return Result.of(
        found.masks[kept], kit.data.classes, scores=found.scores[kept], label_ids=owners[kept]
    )
