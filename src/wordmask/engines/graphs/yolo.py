"""YOLO-seg and FastSAM files in ONNX: boxes with coefficients, and prototypes of masks.

The user's own exported file only: ultralytics' weights are under AGPL-3.0, which is told. With the
names of its classes a file is a `Detector` of these words; with one class ("object") it finds
everything, and a click picks among what was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import Cuts, MaskProposals, PromptBatch, Proposals, Seen, own_seen
from wordmask.engines.graphs.network import GraphNetwork, open_network
from wordmask.engines.hub.pictures import to_array
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home, licences
from wordmask.engines.weights.onnx_ports import read_ports
from wordmask.errors import PromptError, WeightsError
from wordmask.ops import boxes as boxops
from wordmask.ops import regions
from wordmask.ops.resample import Taps

FLOOR, THRESHOLD = 0.05, 0.25  # scores that are given, and from which one counts
OVERLAP, OVERLAP_OF_ALL = 0.7, 0.9  # IoU of boxes from which the weaker one goes
MOST = 300  # objects a picture
GREY = 114 / 255  # of the border
OUTSIDE = -32.0  # logit where nothing was found
LICENCE = "AGPL-3.0"


class Letterbox(NamedTuple):
    """Where a picture stands in the square: fitted by its long side, in the middle."""

    size: Size  # the picture's
    inner: Size  # of the picture in the square
    top: int
    left: int

    @classmethod
    def of(cls, size: Size, square: Size) -> "Letterbox":
        scale = min(square[0] / size[0], square[1] / size[1])
        height, width = (max(1, round(side * scale)) for side in size)
        # ultralytics puts the odd pixel behind
        top, left = (
            round((whole - part) / 2 - 0.1)
            for whole, part in zip(square, (height, width), strict=True)
        )
        return cls(size, (height, width), top, left)

    def to_picture(self, boxes: Array) -> Array:
        """Boxes (N, 4) in the square -> in the picture."""
        shift = np.array([self.left, self.top] * 2, np.float32)
        factors = np.array([self.size[1] / self.inner[1], self.size[0] / self.inner[0]] * 2)
        return boxops.clip((boxes - shift) * factors, self.size).astype(np.float32)


class FoundObjects(NamedTuple):
    """What stands in a picture, best first."""

    boxes: Array  # (N, 4) in the picture
    scores: Array  # (N,)
    classes: Array  # (N,)
    logits: Array  # (N, h, w) over the picture


@dataclass(frozen=True, eq=False)
class YoloSeen:
    """One picture, looked at when it is first asked about."""

    size: Size
    found: Once[FoundObjects]

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for made in self.found.made for array in made)


class YoloEngine:
    """A `Detector` of the file's classes, and a `Segmenter` that picks among what is found."""

    def __init__(self, name: str, network: GraphNetwork, classes: Sequence[str]) -> None:
        self.name, self.classes, self._network = name, tuple(classes), network
        self._input, shape = next(iter(network.inputs.items()))
        height, width = (side if isinstance(side, int) else 640 for side in shape[2:])
        self._square = (height, width)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [YoloSeen(image.size, Once(partial(self._look, image))) for image in images]

    # ---- Detector

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Objects of the classes that the phrases name; other phrases find nothing."""
        own = own_seen(seen, YoloSeen, self.name)
        found = own.found()
        known = {name.lower(): number for number, name in enumerate(self.classes)}
        places = {known.get(phrase.strip().lower(), -1): row for row, phrase in enumerate(phrases)}
        rows = np.array([k for k, one in enumerate(found.classes) if int(one) in places], np.int64)
        masks = regions.masks_of_logits(found.logits[rows], own.size)
        real = np.flatnonzero(masks.areas > 0)
        labels = np.array([places[int(found.classes[row])] for row in rows], np.int32)
        return Proposals(
            found.boxes[rows][real], found.scores[rows][real], labels[real], masks[real], THRESHOLD
        )

    # ---- Segmenter

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """For each prompt the found object that fits it best; quality 0 where none does."""
        own = own_seen(seen, YoloSeen, self.name)
        if not len(prompts):
            raise PromptError("there are no prompts to cut by; give at least one point or box")
        found = own.found()
        cells = found.logits.shape[-2:]
        logits = np.full((len(prompts), 1, *cells), OUTSIDE, np.float32)
        quality = np.zeros((len(prompts), 1), np.float32)
        for row in range(len(prompts)):
            fits = self._fit(found, prompts[slice(row, row + 1)], own.size)
            if len(fits) and fits.max() > 0:
                logits[row, 0], quality[row, 0] = found.logits[fits.argmax()], fits.max()
        return Cuts(logits, quality.clip(0, 1))

    def _fit(self, found: FoundObjects, prompt: PromptBatch, size: Size) -> Array:
        """(N,) how well each object fits one prompt: its score, 0 where a point speaks against."""
        fits = found.scores.copy()
        if np.isfinite(prompt.boxes).all():
            fits *= boxops.iou(found.boxes, prompt.boxes)[:, 0]
        rows, columns = found.logits.shape[-2:]
        for (x, y), keep in zip(prompt.xy[0], prompt.keep[0], strict=True):
            if keep < 0:
                continue
            row = min(int(y / size[0] * rows), rows - 1)
            column = min(int(x / size[1] * columns), columns - 1)
            fits *= (found.logits[:, row, column] > 0) == bool(keep)
        return fits

    def _look(self, image: Image) -> FoundObjects:
        place = Letterbox.of(image.size, self._square)
        pixels = np.full((1, 3, *self._square), GREY, np.float32)
        (top, left), (height, width) = (place.top, place.left), place.inner
        pixels[0, :, top : top + height, left : left + width] = to_array(image, place.inner)
        answers = list(self._network({self._input: pixels}).values())
        rows, prototypes = answers[0][0].T, answers[1][0]
        extra = rows.shape[1] - 4 - len(prototypes)
        if extra < 1:
            raise WeightsError(
                f"{self.name} gives {rows.shape[1]} numbers a box, {len(prototypes)} prototypes; "
                "a YOLO-seg file has 4 + classes + prototypes of them"
            )
        scores = rows[:, 4 : 4 + extra]
        classes, best = scores.argmax(1), scores.max(1)
        kept = np.flatnonzero(best >= FLOOR)
        middle, half = rows[kept, :2], rows[kept, 2:4] / 2
        boxes = np.concatenate([middle - half, middle + half], 1)
        limit = OVERLAP_OF_ALL if extra == 1 else OVERLAP
        chosen = boxops.nms(boxes, best[kept], limit, classes[kept])[:MOST]
        kept, boxes = kept[chosen], boxes[chosen]
        logits = _logits(rows[kept, 4 + extra :], prototypes, boxes, place, self._square)
        return FoundObjects(place.to_picture(boxes), best[kept], classes[kept], logits)


class FastSam(YoloEngine):
    """A file with one class: it finds everything, without names."""

    def propose_all(self, seen: Seen) -> MaskProposals:
        """All that counts."""
        own = own_seen(seen, YoloSeen, self.name)
        found = own.found()
        rows = np.flatnonzero(found.scores >= THRESHOLD)
        masks: Masks = regions.masks_of_logits(found.logits[rows], own.size)
        real = np.flatnonzero(masks.areas > 0)
        return MaskProposals(masks[real], found.scores[rows][real].clip(0, 1))


def _logits(
    coefficients: Array, prototypes: Array, boxes: Array, place: Letterbox, square: Size
) -> Array:
    """(N, h, w) over the picture: coefficients x prototypes, inside each box."""
    rows, columns = prototypes.shape[1:]
    scale = rows / square[0], columns / square[1]
    masks = np.einsum("np,phw->nhw", coefficients, prototypes).astype(np.float32)
    y, x = np.arange(rows) + 0.5, np.arange(columns) + 0.5
    x0, y0, x1, y1 = (boxes * np.array([scale[1], scale[0]] * 2)).T[:, :, None]
    inside = ((y >= y0) & (y < y1))[:, :, None] & ((x >= x0) & (x < x1))[:, None]
    masks = np.where(inside, masks, -np.abs(masks))  # so the edge stays where the box ends
    # Out of the border: the picture's rows and columns of the grid, perhaps fractions.
    for axis, start, extent, share in (
        (1, place.top, place.inner[0], scale[0]),
        (2, place.left, place.inner[1], scale[1]),
    ):
        valid, begin = extent * share, start * share
        count = max(1, round(valid))
        places = begin + (np.arange(count) + 0.5) * valid / count - 0.5
        matrix = Taps.at(places, masks.shape[axis]).matrix(masks.shape[axis])
        masks = matrix @ masks if axis == 1 else masks @ matrix.T
    return np.asarray(masks, np.float32)


def load(path: Path, options: EngineOptions) -> YoloEngine:
    """The engine of one file."""
    ports = read_ports(path)
    licences.tell(str(path), ports.notes.get("license", LICENCE))
    classes = ports.class_names()
    kind = FastSam if len(classes) <= 1 else YoloEngine
    return kind(home.stamp(path.stem, path), open_network(path, options), classes)
