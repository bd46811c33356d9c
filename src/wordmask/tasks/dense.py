"""A label for every pixel: the dense answer itself, brought to full size, perhaps refined along edges."""

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
from wordmask.ops.guided_filter import guided_filter
from wordmask.ops.refine import pamr
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import WordMaps, spread

GRID = 512  # long side at which edges are refined


@dataclass(frozen=True)
class DenseOptions:
    """How each pixel gets its word."""

    refine: Literal["none", "pamr", "snap"] = "none"
    """Move edges to those of the picture: none, pamr (pixel-adaptive refinement) or snap (guided filter)."""
    min_confidence: Share = 0.0
    """A pixel whose best word is less probable than this stays without a label."""
    none: bool = True
    """Pixels may be "none of these", if the engine can tell; otherwise every pixel gets a word."""

    def __post_init__(self) -> None:
        check(self)


def dense(image: Image, text: Text, models: Models, options: DenseOptions | None = None) -> Result:
    """One region per word that wins somewhere; the words' regions are disjoint, the score is the mean probability."""
    options = options or DenseOptions()
    labels, maps = label(image, text, models, options)
    masks, ids = Masks.from_label_map(labels)
    shares = maps.under(masks)
    scores = maps.calibrated(shares[np.arange(len(ids)), ids], masks.areas)
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
    return decide(view.image, maps, options), maps


def decide(image: Image, maps: WordMaps, options: DenseOptions) -> Array:
    """The most probable word of each pixel. Planes are spread one at a time: memory does not grow with the words."""
    words, planes = maps.winners(_grid(image.size))
    if not options.none:
        words, planes = (
            (words[:-1], planes[:-1]) if len(words) > 1 else _first_word(maps, planes.shape[1:])
        )
    if options.refine != "none":
        planes = _refined(image, planes, options.refine)
    best = np.full(image.size, -1, np.float32)
    labels = np.full(image.size, -1, np.int32)
    for word, plane in zip(words.tolist(), planes, strict=True):
        full = resample.bilinear(plane, image.size)
        wins = full > best
        best[wins] = full[wins]
        labels[wins] = word if word < len(maps) else -1
    labels[best < options.min_confidence] = -1
    return labels


def _first_word(maps: WordMaps, grid: tuple[int, ...]) -> tuple[Array, Array]:
    """ "None" wins everywhere but may not be the answer: the most probable words, by cell."""
    probabilities = maps.probabilities[:-1]
    words = np.unique(probabilities.argmax(0))
    return words, np.stack([spread(probabilities[word], (grid[0], grid[1])) for word in words])


def _grid(size: Size) -> Size:
    shrink = min(1.0, GRID / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _refined(image: Image, planes: Array, how: str) -> Array:
    height, width = planes.shape[1:]
    pixels = resample.stretch(image.pixels, (height, width))
    if how == "pamr":
        return pamr(pixels, planes)
    guide = pixels.astype(np.float32) / 255
    return np.stack([guided_filter(guide, plane, radius=8, eps=1e-3) for plane in planes])
