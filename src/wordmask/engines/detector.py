"""GroundingDINO, MM-GroundingDINO and OWLv2: words -> boxes, for any number of words.

A score is the network's own (a sigmoid, not a probability among the words); `threshold` is where its makers cut.
Weaker boxes, down to `FLOOR`, are given too, so that a task can say how near a missing word was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Proposals, Seen, own_seen
from wordmask.engines.hub import phrases as hub_phrases
from wordmask.engines.hub.runtime import (
    IMAGENET,
    Checkpoint,
    chunks,
    inference,
    load_model,
    load_tokenizer,
    normalised,
    numpy,
    open_folder,
    pixel_statistics,
    resized,
    runtime,
    torch,
)
from wordmask.engines.hub.towers import CLIP_PIXELS
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home as weights
from wordmask.ops import boxes as ops_boxes

KINDS = {
    "grounding-dino": "GroundingDinoForObjectDetection",
    "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
    "owlv2": "Owlv2ForObjectDetection",
}
FLOOR = 0.05
SAME = 0.7  # IoU from which two boxes of one word are one thing
SAME_AMONG_WORDS = (
    0.9  # and two boxes of different words one thing with two names; the better name stays
)
SHORT, LONG = 800, 1333  # px, as GroundingDINO was trained
OWL_TEMPLATE = "a photo of a {}"


@dataclass(frozen=True, eq=False)
class DinoSeen:
    """The picture as GroundingDINO takes it: words and picture meet early in the network, so
    there is no encoding of the picture alone."""

    size: Size
    pixels: Any  # (1, 3, h, w), normalised

    @property
    def nbytes(self) -> int:
        return int(self.pixels.nbytes)


@dataclass(frozen=True, eq=False)
class OwlSeen:
    """What OWLv2 says of each cell of a picture before it knows any word."""

    size: Size
    cells: Any  # (1, P, D) on the engine's device
    boxes: Array  # (P, 4) float32 as shares of the padded square

    @property
    def nbytes(self) -> int:
        return int(self.cells.nbytes + self.boxes.nbytes)


class GroundingDino:
    """A `Detector`. Words go in as many rows as their tokens need; a box belongs to the word that it fits best."""

    threshold = 0.3

    def __init__(
        self, name: str, model: Any, checkpoint: Checkpoint, options: EngineOptions
    ) -> None:
        self.name = name
        self._place = runtime(options)
        self._model = self._place.prepare(model)
        self._tokenizer = load_tokenizer(checkpoint.path)
        self._statistics = pixel_statistics(checkpoint.path, IMAGENET)
        self._short = options.input_side or SHORT
        self._limit = int(model.config.max_text_len)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [DinoSeen(image.size, self.pixels(image)[None]) for image in images]

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes for each of the phrases; label ids point into `phrases` as given."""
        own = own_seen(seen, DinoSeen, self.name)
        parts = []
        with inference():
            pixels = own.pixels.to(self._place.device, self._place.dtype)
            for row in hub_phrases.rows(self._tokenizer, phrases, self._limit):
                parts.append(self._row(pixels, row))
        return replace(_joined(parts, own.size, own.size), threshold=self.threshold)

    def pixels(self, image: Image) -> Any:
        """(3, h, w): short side 800 and long side at most 1333, or in that ratio to `input_side`."""
        return normalised(
            resized(image, detr_size(image.size, self._short, self._short * LONG // SHORT)),
            *self._statistics,
        )

    def _row(self, pixels: Any, row: hub_phrases.Row) -> tuple[Array, Array, Array]:
        """Boxes (N, 4) as shares of the picture, scores, and numbers of phrases."""
        t = torch()
        ids = t.tensor([row.ids], device=pixels.device)
        seen = t.ones(pixels[:, 0].shape, dtype=t.int64, device=pixels.device)
        out = self._model(
            pixel_values=pixels, input_ids=ids, pixel_mask=seen, token_type_ids=t.zeros_like(ids)
        )
        tokens = out.logits[0].float().sigmoid()
        # The mean over a phrase's own tokens: the maximum would give every dog to "hot dog".
        fits = t.stack([tokens[:, start:stop].mean(1) for start, stop in row.spans], 1)
        scores, best = fits.max(1)
        numbers = np.array(row.phrases, np.int32)[best.cpu().numpy()]
        return corners(numpy(out.pred_boxes[0])), numpy(scores), numbers


class Owl:
    """A `Detector` that sees the picture once, however many words there are."""

    threshold = 0.1

    def __init__(
        self, name: str, model: Any, checkpoint: Checkpoint, options: EngineOptions
    ) -> None:
        self.name = name
        self._place = runtime(options)
        self._model = self._place.prepare(model)
        self._tokenizer = load_tokenizer(checkpoint.path)
        self._statistics = pixel_statistics(checkpoint.path, CLIP_PIXELS)
        self._side = int(model.config.vision_config.image_size)
        self._longest = int(model.config.text_config.max_position_embeddings)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> OwlSeen:
        with inference():
            pixels = self.pixels(image)[None].to(self._place.device, self._place.dtype)
            grid = self._model.image_embedder(pixel_values=pixels)[0]
            cells = grid.flatten(1, 2)
            boxes = corners(numpy(self._model.box_predictor(cells, grid)[0]))
        return OwlSeen(image.size, cells.cpu() if self._place.offload else cells, boxes)

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes for each of the phrases; label ids point into `phrases` as given."""
        own = own_seen(seen, OwlSeen, self.name)
        square = max(own.size)
        with inference():
            cells = own.cells.to(self._place.device)
            words = torch().cat([self._words(some) for some in chunks(phrases, 256)])
            logits = self._model.class_predictor(cells, words[None])[0][0]
            scores, best = logits.float().sigmoid().max(-1)
        found = own.boxes, numpy(scores), best.cpu().numpy().astype(np.int32)
        return replace(_joined([found], (square, square), own.size), threshold=self.threshold)

    def pixels(self, image: Image) -> Any:
        """(3, s, s): the long side fitted, the rest black, as OWLv2 was trained."""
        scale = self._side / max(image.size)
        height, width = (max(1, round(side * scale)) for side in image.size)
        small = resized(image, (height, width))
        square = torch().nn.functional.pad(small, (0, self._side - width, 0, self._side - height))
        return normalised(square, *self._statistics)

    def _words(self, phrases: Sequence[str]) -> Any:
        """(P, D) on the device; each is a row of its own, so words cannot touch each other."""
        tokens = self._tokenizer(
            [OWL_TEMPLATE.format(phrase.lower()) for phrase in phrases],
            padding="max_length",
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        ids, mask = (
            tokens[name].to(self._place.device) for name in ("input_ids", "attention_mask")
        )
        return self._model.owlv2.get_text_features(input_ids=ids, attention_mask=mask).pooler_output


def load(name: str, options: EngineOptions) -> GroundingDino | Owl:
    """The detector of a known name or a folder in hub layout."""
    path = weights.folder(name, options)
    checkpoint = open_folder(path, KINDS, "the detector engine")
    model = load_model(checkpoint, KINDS[checkpoint.kind], options)
    family = Owl if checkpoint.kind == "owlv2" else GroundingDino
    return family(weights.stamp(name, path), model, checkpoint, options)


def detr_size(size: Size, short: int, long: int) -> Size:
    """The picture's size with its short side at `short`, or less so that the long side stays within `long`.

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


def _joined(parts: Sequence[tuple[Array, Array, Array]], scale: Size, size: Size) -> Proposals:
    """All rows' boxes in the picture, doubles gone: within a word, and then among words."""
    empty = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
    places, scores, labels = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    height, width = scale
    places = ops_boxes.clip(places * np.array([width, height, width, height], np.float32), size)
    kept = np.flatnonzero((scores >= FLOOR) & (ops_boxes.area(places) > 0))
    kept = kept[ops_boxes.nms(places[kept], scores[kept], SAME, labels[kept])]
    kept = kept[ops_boxes.nms(places[kept], scores[kept], SAME_AMONG_WORDS)]
    return Proposals(
        places[kept].astype(np.float32), scores[kept].clip(0, 1), labels[kept].astype(np.int32)
    )
