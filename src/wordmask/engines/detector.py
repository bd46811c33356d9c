"""GroundingDINO, MM-GroundingDINO and OWLv2: words -> boxes, for any number of words.

A score is the network's own (a sigmoid, not a probability among the words); `threshold` is where
its makers cut. Weaker boxes, down to `FLOOR`, are given too, so that a task can say how close a
word that was not found came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Proposals, Seen, own_seen
from wordmask.engines.hub.loading import Loaded, WordNetwork, load_folder
from wordmask.engines.hub.phrases import TokenRow, token_rows
from wordmask.engines.hub.pictures import CLIP_PIXELS, IMAGENET
from wordmask.engines.hub.pixels import normalise, to_numpy, to_tensor
from wordmask.engines.hub.runtime import chunks
from wordmask.engines.options import EngineOptions
from wordmask.ops import boxes as ops_boxes

FLOOR = 0.05
SAME = 0.7  # IoU from which two boxes of one word are one thing
# IoU from which boxes of two words are one thing with two names; the better name stays
SAME_AMONG_WORDS = 0.9
SHORT, LONG = 800, 1333  # px, as GroundingDINO was trained
OWL_TEMPLATE = "a photo of a {}"
PHRASES_AT_ONCE = 256


class BoxRows(NamedTuple):
    """N boxes as a network gives them."""

    boxes: Array  # (N, 4) float32 xyxy, as shares of what the network saw
    scores: Array  # (N,) float32
    label_ids: Array  # (N,) int32


@dataclass(frozen=True, eq=False)
class DinoSeen:
    """The pixels: GroundingDINO joins words and picture early, so that it has no encoding of the
    picture alone."""

    size: Size
    pixels: Tensor  # (3, h, w), normalised, in host memory

    @property
    def nbytes(self) -> int:
        return int(self.pixels.nbytes)


@dataclass(frozen=True, eq=False)
class OwlSeen:
    """What OWLv2 makes of each cell of a picture before it knows any word."""

    size: Size
    cells: Tensor  # (1, N, D)
    boxes: Array  # (N, 4) float32 xyxy, as shares of the padded square

    @property
    def nbytes(self) -> int:
        return int(self.cells.nbytes + self.boxes.nbytes)


class GroundingDino(WordNetwork):
    """A `Detector`. Words go in as many rows as they need; a box belongs to its best word."""

    threshold = 0.3

    def __init__(self, loaded: Loaded, options: EngineOptions) -> None:
        super().__init__(loaded, IMAGENET)
        self._short = options.input_side or SHORT
        self._limit = int(loaded.model.config.max_text_len)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [DinoSeen(image.size, self.pixels(image)) for image in images]

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes for each of the phrases."""
        own = own_seen(seen, DinoSeen, self.name)
        pixels = self._batch(own.pixels)
        with torch.no_grad():
            rows = [
                self._ask(pixels, row) for row in token_rows(self._tokenizer, phrases, self._limit)
            ]
        return _proposals(rows, own.size, own.size, self.threshold)

    def pixels(self, image: Image) -> Tensor:
        """(3, h, w): short side 800, long side at most 1333, or in that ratio to `input_side`."""
        size = detr_size(image.size, self._short, self._short * LONG // SHORT)
        return normalise(to_tensor(image, size), self._statistics)

    def _ask(self, pixels: Tensor, row: TokenRow) -> BoxRows:
        ids = torch.tensor([row.ids], device=pixels.device)
        everywhere = torch.ones(pixels[:, 0].shape, dtype=torch.int64, device=pixels.device)
        out = self._model(
            pixel_values=pixels,
            input_ids=ids,
            pixel_mask=everywhere,
            token_type_ids=torch.zeros_like(ids),
        )
        tokens = out.logits[0].float().sigmoid()
        # The mean over a phrase's own tokens: the maximum would give every dog to "hot dog".
        fits = torch.stack([tokens[:, start:stop].mean(1) for start, stop in row.spans], 1)
        scores, best = fits.max(1)
        label_ids = np.array(row.phrases, np.int32)[best.cpu().numpy()]
        return BoxRows(corners(to_numpy(out.pred_boxes[0])), to_numpy(scores), label_ids)


class Owl(WordNetwork):
    """A `Detector` that looks at the picture once, however many words there are."""

    threshold = 0.1

    def __init__(self, loaded: Loaded, options: EngineOptions) -> None:
        super().__init__(loaded, CLIP_PIXELS)
        config = loaded.model.config
        self._side = int(config.vision_config.image_size)
        self._longest = int(config.text_config.max_position_embeddings)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> OwlSeen:
        pixels = self._batch(self.pixels(image))
        with torch.no_grad():
            grid = self._model.image_embedder(pixel_values=pixels)[0]
            cells = grid.flatten(1, 2)
            boxes = corners(to_numpy(self._model.box_predictor(cells, grid)[0]))
        return OwlSeen(image.size, cells.cpu() if self._place.offload else cells, boxes)

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes for each of the phrases."""
        own = own_seen(seen, OwlSeen, self.name)
        if not phrases:
            return _proposals([], own.size, own.size, self.threshold)
        with torch.no_grad():
            words = torch.cat([self._embed(some) for some in chunks(phrases, PHRASES_AT_ONCE)])
            cells = own.cells.to(self._place.device)
            logits = self._model.class_predictor(cells, words[None])[0][0]
        scores, best = logits.float().sigmoid().max(-1)
        rows = BoxRows(own.boxes, to_numpy(scores), best.cpu().numpy().astype(np.int32))
        square = max(own.size)
        return _proposals([rows], (square, square), own.size, self.threshold)

    def pixels(self, image: Image) -> Tensor:
        """(3, s, s): the long side fitted, the rest black, as OWLv2 was trained."""
        scale = self._side / max(image.size)
        height, width = (max(1, round(side * scale)) for side in image.size)
        small = to_tensor(image, (height, width))
        square = functional.pad(small, (0, self._side - width, 0, self._side - height))
        return normalise(square, self._statistics)

    def _embed(self, phrases: Sequence[str]) -> Tensor:
        """(P, D); each phrase is a row of its own, so words cannot touch each other."""
        lines = [OWL_TEMPLATE.format(phrase.lower()) for phrase in phrases]
        tokens = self._tokens(lines, self._longest)
        rows: Tensor = self._model.owlv2.get_text_features(**tokens).pooler_output
        return rows


def load(name: str, options: EngineOptions) -> GroundingDino | Owl:
    """The detector of a known name or a folder in hub layout."""
    loaded = load_folder(name, options, __name__, "the detector engine")
    family = Owl if loaded.folder.kind == "owlv2" else GroundingDino
    return family(loaded, options)


def detr_size(size: Size, short: int, long: int) -> Size:
    """The picture's size with its short side at `short`, or less so that the long side fits `long`.

    >>> detr_size((480, 640), 800, 1333), detr_size((480, 2000), 800, 1333)
    ((800, 1066), (320, 1333))
    """
    least, most = min(size), max(size)
    fit = min(float(short), long * least / most)
    height, width = (
        round(fit) if side == least else int(fit * side / least + 1e-6) for side in size
    )
    return height, width


def corners(centred: Array) -> Array:
    """(N, 4) x0 y0 x1 y1 from centre x, centre y, width, height."""
    half = centred[:, 2:] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], 1)


def _proposals(parts: Iterable[BoxRows], scale: Size, size: Size, threshold: float) -> Proposals:
    """All boxes in a picture of `size` without duplicates, of one word and then among words.

    `scale` is the height and width that the shares are of.
    """
    empty = BoxRows(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
    boxes, scores, labels = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    height, width = scale
    boxes = ops_boxes.clip(boxes * np.array([width, height, width, height], np.float32), size)
    kept = np.flatnonzero((scores >= FLOOR) & (ops_boxes.area(boxes) > 0))
    kept = kept[ops_boxes.nms(boxes[kept], scores[kept], SAME, labels[kept])]
    kept = kept[ops_boxes.nms(boxes[kept], scores[kept], SAME_AMONG_WORDS)]
    return Proposals(
        boxes[kept].astype(np.float32),
        scores[kept].clip(0, 1),
        labels[kept].astype(np.int32),
        threshold=threshold,
    )
