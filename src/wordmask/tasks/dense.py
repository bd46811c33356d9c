"""A word for every pixel: the dense answer itself at full size, perhaps refined along edges."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Share, check
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.errors import CapabilityError
from wordmask.ops import resample
from wordmask.ops.guided_filter import GuidedFilter
from wordmask.ops.refine import pamr
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import WordMaps, interpolate

GRID = 512  # long side at which edges are refined


@dataclass(frozen=True)
class DenseOptions:
    """How each pixel gets its word."""

    refine: Literal["none", "pamr", "snap"] = "snap"
    """Move edges to those of the picture: snap (guided filter, quick), pamr (pixel-adaptive
    refinement, slow) or none."""
    min_confidence: Share = 0.0
    """A pixel whose best word is less probable than this stays without a label."""
    none: bool = True
    """Pixels may be "none of these", if the engine can tell; otherwise every pixel gets a word."""

    def __post_init__(self) -> None:
        check(self)


def dense(image: Image, text: Text, models: Models, options: DenseOptions | None = None) -> Result:
    """One region for each word that wins somewhere; regions share no pixel.

    The score is the calibrated mean probability of the word under its region.
    """
    options = options or DenseOptions()
    labels, maps = label(image, text, models, options)
    masks, ids = Masks.from_label_map(labels)
    shares = maps.under(masks)
    scores = maps.calibrate(shares[np.arange(len(ids)), ids], masks.areas)
    return Result.of(masks, text.names, scores=scores, label_ids=ids, made_by=models.made_by)


def label(
    image: Image, text: Text, models: Models, options: DenseOptions
) -> tuple[Array, WordMaps]:
    """(H, W) int32 word ids, -1 for none; and the probabilities behind them."""
    return label_view(View(image, models, Trace()), text, options)


def label_view(view: View, text: Text, options: DenseOptions) -> tuple[Array, WordMaps]:
    """`label` on a picture that may have been encoded already."""
    maps, spec = view.words(text.phrases), view.models.spec
    if maps is None:
        raise CapabilityError(
            f"{spec} has no dense features; add an engine that has them, as in {spec}+mini"
        )
    return label_pixels(view.image, maps, options), maps


def label_pixels(image: Image, maps: WordMaps, options: DenseOptions) -> Array:
    """(H, W) int32: the most probable word of each pixel, -1 for none.

    Planes are brought to full size one at a time, so memory does not grow with the words.
    """
    grid = _grid(image.size)
    words, planes = maps.winners(grid) if options.none else _winners_but_none(maps, grid)
    if (words == len(maps)).all():
        return np.full(image.size, -1, np.int32)  # there is no edge to refine
    if options.refine != "none":
        planes = _refine(image, planes, options.refine)
    best = np.full(image.size, -1, np.float32)
    labels = np.full(image.size, -1, np.int32)
    for word, plane in zip(words.tolist(), planes, strict=True):
        full = resample.bilinear(plane, image.size)
        wins = full > best
        best[wins] = full[wins]
        labels[wins] = word if word < len(maps) else -1
    labels[best < options.min_confidence] = -1
    return labels


def _winners_but_none(maps: WordMaps, grid: Size) -> tuple[Array, Array]:
    """The words that win some cell, and their planes, without "none"."""
    words, planes = maps.winners(grid)
    if len(words) > 1:
        return words[:-1], planes[:-1]
    # "None" wins every cell: take the words that come second.
    words = np.unique(maps.probabilities[:-1].argmax(0))
    return words, np.stack([interpolate(maps.probabilities[word], grid) for word in words])


def _grid(size: Size) -> Size:
    shrink = min(1.0, GRID / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _refine(image: Image, planes: Array, how: str) -> Array:
    height, width = planes.shape[1:]
    pixels = resample.stretch(image.pixels, (height, width))
    if how == "pamr":
        return pamr(pixels, planes)
    guide = pixels.astype(np.float32) / 255
    snap = GuidedFilter(guide, radius=8, eps=1e-3, coarse=2)
    return np.stack([snap(plane) for plane in planes])
