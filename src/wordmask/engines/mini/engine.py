"""The embedded default: words, clicks and boxes on a CPU, offline, with onnxruntime alone.

One pass of the encoder serves everything; pictures are resized so that both sides are multiples of 32, which
bends the aspect by at most 3 % and lets every grid cover the picture edge to edge. `docs/model-card.md` says
what the weights were trained on and where they fail.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Cuts, Depth, Encoding, FeatureMap, PromptBatch
from wordmask.engines.mini.files import FILES, open_network
from wordmask.engines.mini.text import Words
from wordmask.engines.options import EngineOptions
from wordmask.errors import WeightsError
from wordmask.ops import resample

STRIDE, FINE = 8, 4
NOTHING, NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3  # kinds of points, as trained
AT_ONCE = 16  # prompts per run of the cutter: more cost memory and are not faster
KEPT = 4  # encodings remembered, so that naming and cutting one picture encode it once


def load(name: str, options: EngineOptions) -> "Mini":
    """The engine from the files in the package, or from the folder `options.checkpoint`."""
    folder = Path(options.checkpoint) if options.checkpoint is not None else FILES
    settings = folder / "mini.json"
    if not settings.exists():
        raise WeightsError(
            f"the weights of {name} are not in {folder}; reinstall wordmask, or give a folder made by lab.export"
        )
    return Mini(folder, json.loads(settings.read_text()), options)


@dataclass(frozen=True, eq=False)
class MiniEncoding:
    """What the encoder says of one picture, at the network's size."""

    size: Size
    inner: Size
    """Height and width that the network saw."""
    vectors: Array
    """(256, h, w) unit columns, h = inner height / 8"""
    none: Array
    """(h, w)"""
    coarse: Array
    fine: Array
    depth: Array
    whole: Array

    @property
    def nbytes(self) -> int:
        return sum(
            int(a.nbytes)
            for a in (self.vectors, self.none, self.coarse, self.fine, self.depth, self.whole)
        )


class Mini:
    """Segmenter, Dense, Embedder and DepthModel in one; safe in threads, no current picture."""

    def __init__(self, folder: Path, settings: dict[str, Any], options: EngineOptions) -> None:
        self.settings = settings
        self.side = int(options.input_side or settings["side"])
        self.name = f"mini@sha256:{settings['files']['encoder.onnx'][:12]}"
        self._folder = folder
        self._words = Words(folder, settings)
        self._networks: dict[str, Any] = {}
        self._kept: OrderedDict[tuple[str, int, bool], MiniEncoding] = OrderedDict()
        self._lock = Lock()

    # ---- Segmenter

    def encode(self, images: Sequence[Image]) -> list[Encoding]:
        return [self._encoding(image) for image in images]

    def cut(self, encoding: Encoding, prompts: PromptBatch) -> Cuts:
        """Three candidates per prompt at stride 4, their estimated IoU, and the vector that names each."""
        if not isinstance(encoding, MiniEncoding):
            raise TypeError(
                f"this encoding is {type(encoding).__name__}; cut with the engine that made it"
            )
        parts = [
            self._cut(encoding, prompts[slice(k, k + AT_ONCE)])
            for k in range(0, len(prompts), AT_ONCE)
        ]
        if not parts:
            h, w = (side // FINE for side in encoding.inner)
            return Cuts(
                np.zeros((0, 3, h, w), np.float32),
                np.zeros((0, 3), np.float32),
                np.zeros((0, 3, self.dims), np.float32),
            )
        return Cuts(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _cut(self, seen: MiniEncoding, prompts: PromptBatch) -> tuple[Array, Array, Array]:
        xy, kind = _points(prompts, seen)
        before = _before(prompts, seen.none.shape)
        feed = {
            "coarse": seen.coarse[None],
            "fine": seen.fine[None],
            "xy": xy,
            "kind": kind,
            "before": before,
        }
        masks, quality, label = self._run("cutter", feed)
        return masks, quality.clip(0, 1), self._name_cuts(seen, masks, label)

    def _name_cuts(self, seen: MiniEncoding, masks: Array, label: Array) -> Array:
        """(P, 3, D): the mean unit vector under each candidate, corrected by the prompt's label token."""
        count, candidates, height, width = masks.shape
        share = (
            (masks > 0)
            .astype(np.float32)
            .reshape(count * candidates, height // 2, 2, width // 2, 2)
            .mean((2, 4))
        )
        pooled = share.reshape(count * candidates, -1) @ seen.vectors.reshape(self.dims, -1).T
        named = _unit(pooled).reshape(count, candidates, -1) + label[:, None]
        return _unit(named)

    # ---- Dense

    def features(self, images: Sequence[Image]) -> list[FeatureMap]:
        """Unit vectors at stride 8 of the largest pass, averaged over the passes that the settings name."""
        return [self._features(image) for image in images]

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(N, 256) unit rows."""
        return self._words.embed(phrases)

    def _features(self, image: Image) -> FeatureMap:
        views = [self._view(image, side, mirrored) for side, mirrored in self._views()]
        grid = max(v[0].shape[:2] for v in views)
        vectors = _unit(np.mean([resample.bilinear(v, grid) for v, _ in views], 0))
        none = np.mean([resample.bilinear(n, grid) for _, n in views], 0)
        return FeatureMap(
            vectors,
            image.size,
            self.settings["scale"],
            none,
            tuple(self.settings["calibration"]),
            self.settings["threshold"],
            self._words.rivals,
            self.settings["presence"],
        )

    def _views(self) -> list[tuple[int, bool]]:
        """(side, mirrored) of each pass: settings name sides as shares of the working side."""
        return [
            (round(self.side * share / 32) * 32, bool(mirrored))
            for share, mirrored in self.settings["views"]
        ]

    def _view(self, image: Image, side: int, mirrored: bool) -> tuple[Array, Array]:
        seen = self._encoding(image, side, mirrored=mirrored)
        vectors, none = np.moveaxis(seen.vectors, 0, -1), seen.none
        return (vectors[:, ::-1], none[:, ::-1]) if mirrored else (vectors, none)

    # ---- Embedder, DepthModel

    def embed_images(self, images: Sequence[Image]) -> Array:
        return (
            np.stack([self._encoding(image).whole for image in images])
            if len(images)
            else np.zeros((0, self.dims), np.float32)
        )

    def depth(self, images: Sequence[Image]) -> list[Depth]:
        """Relative depth, larger is farther, up to scale and shift; learned from rooms."""
        return [
            Depth(
                resample.bilinear(self._encoding(i).depth, i.size),
                inverse=False,
            )
            for i in images
        ]

    @property
    def dims(self) -> int:
        return int(self.settings["dims"])

    # ---- running

    def _encoding(
        self, image: Image, side: int | None = None, *, mirrored: bool = False
    ) -> MiniEncoding:
        key = (image.digest, side or self.side, mirrored)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._encode(image, side or self.side, mirrored)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _encode(self, image: Image, side: int, mirrored: bool) -> MiniEncoding:
        inner = inner_size(image.size, side)
        pixels = resample.stretch(image.pixels, inner)
        pixels = pixels[:, ::-1] if mirrored else pixels
        vectors, none, coarse, fine, depth, whole = self._run(
            "encoder", {"picture": np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]}
        )
        return MiniEncoding(
            image.size, inner, vectors[0], none[0, 0], coarse[0], fine[0], depth[0, 0], whole[0]
        )

    def _run(self, network: str, feed: dict[str, Array]) -> list[Array]:
        with self._lock:
            if network not in self._networks:
                self._networks[network] = open_network(
                    self._folder, f"{network}.onnx", self.settings
                )
        answers: list[Array] = self._networks[network].run(None, feed)
        return answers


def inner_size(size: Size, side: int) -> Size:
    """The nearest size with a long side of about `side` and both sides multiples of 32.

    >>> inner_size((480, 640), 512)
    (384, 512)
    """
    scale = side / max(size)
    height, width = (max(2, round(s * scale / 32)) * 32 for s in size)
    return height, width


def _points(prompts: PromptBatch, seen: MiniEncoding) -> tuple[Array, Array]:
    """Points then box corners, in the network's pixels, with their kinds."""
    scale = np.array([seen.inner[1] / seen.size[1], seen.inner[0] / seen.size[0]], np.float32)
    boxed: Array = np.logical_not(np.isnan(prompts.boxes).any(1))
    corners = np.where(boxed[:, None], prompts.boxes, 0).reshape(-1, 2, 2)
    xy = np.concatenate([corners, prompts.xy], 1) * scale
    kind = np.full(xy.shape[:2], NOTHING, np.int64)
    kind[boxed, :2] = TOP_LEFT, BOTTOM_RIGHT
    kind[:, 2:] = prompts.keep
    return np.where(kind[..., None] == NOTHING, 0, xy).astype(np.float32), kind


def _before(prompts: PromptBatch, grid: tuple[int, ...]) -> Array:
    """Earlier masks at stride 8, zeros where there is none.

    Not with several points: on held-out pictures a fourth click reaches an IoU of 0.60 without the earlier mask and of
    0.33 with it, because the network believes the mask more than the points that correct it.
    """
    before = np.zeros((len(prompts), 1, *grid), np.float32)
    if prompts.logits is not None:
        for k in np.flatnonzero((prompts.keep >= 0).sum(1) < 2):
            mask = np.asarray(prompts.logits[k], np.float32).clip(-8, 8)
            before[k, 0] = cv2.resize(mask, grid[::-1], interpolation=cv2.INTER_AREA)
    return before


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Array = (rows / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit
