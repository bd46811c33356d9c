"""The embedded default: words, clicks and boxes on a CPU, offline, with onnxruntime alone.

The encoder sees a picture at a size whose sides are multiples of 32, which changes its aspect by at
most 3 % and lets every grid cover it edge to edge. `docs/model-card.md` says what the weights were
trained on and where they fail.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.classes import ClassEvidence, ClassMaps, ContextEvidence
from wordmask.core.depth import Depth
from wordmask.core.image import Array, Image, Size
from wordmask.core.once import Once
from wordmask.core.protocols import (
    Cuts,
    CutThresholds,
    FeatureMap,
    Memory,
    PromptBatch,
    Seen,
    TrackStep,
    own_seen,
)
from wordmask.engines.mini.classes import class_maps
from wordmask.engines.mini.connected import keep_asked
from wordmask.engines.mini.files import FILES
from wordmask.engines.mini.passes import draw_together, mean_vectors
from wordmask.engines.mini.seen import EncoderMaps, MiniSeen, PromptArrays, blank_seen
from wordmask.engines.mini.text import TextEncoder
from wordmask.engines.mini.tracker import ObjectTracker
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights.shipped import open_network
from wordmask.errors import WeightsError
from wordmask.ops import resample

FINE = 4  # stride of the cutter's masks
NOTHING, NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3  # kinds of points, as trained
PROMPTS_AT_ONCE = 4  # more are slower: their maps do not fit the cache
# Depth + shift is best proportional to Z: the median of 64 rooms (8 in 10 lie in 3.0 to 8.3).
DEPTH_SHIFT = 4.9
# Of 53 things in 28 rooms the shape is off by 11 % as it is, by 9 % smoothed so (flat: 10.6 %).
DEPTH_SMOOTHING = 0.2
DEPTH_ERROR = 0.17  # mean relative error of Z in rooms, once scale and shift are right
NEEDED = ("side", "views", "scale", "calibration", "presence", "classes", "everything", "files")
NETWORKS = ("encoder", "prepare", "cutter", "depth", "classes", "text")


def load(name: str, options: EngineOptions) -> "MiniEngine":
    """The engine from the files in the package, or from the folder `options.checkpoint`."""
    folder = Path(options.checkpoint) if options.checkpoint is not None else FILES
    settings = folder / "mini.json"
    if not settings.exists():
        raise WeightsError(
            f"the weights of {name} are not in {folder}; "
            "reinstall wordmask, or give a folder that the export of mini wrote"
        )
    values = json.loads(settings.read_text())
    missing = [key for key in NEEDED if key not in values]
    missing += [name for name in NETWORKS if f"{name}.onnx" not in values.get("files", {})]
    if missing:
        raise WeightsError(
            f"{settings} says nothing of {', '.join(missing)}: it was exported by an earlier "
            "version of wordmask; export the checkpoint again"
        )
    return MiniEngine(folder, values, options)


class Look(NamedTuple):
    """One pass of the encoder for words."""

    side: int  # of the picture's longer side, in pixels
    mirrored: bool


class WordPass(NamedTuple):
    """What a pass says about words, on the grid of its size."""

    look: Look
    vectors: Array  # (h, w, 256), turned back
    none: Array  # (h, w), turned back
    shared: Array  # (40, h, w), as the network saw the picture


class MiniEngine:
    """Segmenter, Dense, Embedder, Tracker and DepthModel in one; safe in threads."""

    def __init__(self, folder: Path, settings: dict[str, Any], options: EngineOptions) -> None:
        self.settings = settings
        self.side = int(options.input_side or settings["side"])
        self.name = f"mini@sha256:{_digest(settings)}"
        self._folder = folder
        self._threads = options.op_threads
        self._texts = TextEncoder(folder, settings, options.op_threads)
        self._networks: dict[str, Any] = {}
        self._lock = Lock()
        self._tracker = ObjectTracker(self._see_at, self._cut, fast=options.tracking == "fast")

    @property
    def dims(self) -> int:
        return int(self.settings["dims"])

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._see(image) for image in images]

    def _see(self, image: Image) -> MiniSeen:
        return self._see_at(image, inner_size(image.size, self.side))

    def _see_at(self, image: Image, inner: Size) -> MiniSeen:
        maps = Once(lambda: self._encode(image.pixels, inner))
        prompt_maps = Once(lambda: self._prepare(maps()))
        features = Once(lambda: self._features(image, maps()))
        mirrored = Once(lambda: self._see_at(mirror(image), inner))
        return MiniSeen(image, inner, maps, prompt_maps, features, mirrored)

    # ---- Segmenter

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Three candidates per prompt at stride 4: logits, estimated IoU, and a naming vector."""
        own = own_seen(seen, MiniSeen, self.name)
        starts = range(0, len(prompts), PROMPTS_AT_ONCE)
        parts = [self._cut_some(own, prompts[slice(k, k + PROMPTS_AT_ONCE)]) for k in starts]
        if not parts:
            return self._no_cuts(own.inner)
        logits, quality, vectors = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Cuts(logits, quality, vectors, CutThresholds(**self.settings["everything"]))

    def maps(self, seen: Seen) -> tuple[Array, ...]:
        """What the cutter reads: maps at strides 8, 4 and 8."""
        own = own_seen(seen, MiniSeen, self.name)
        return own.maps.neck, own.maps.early, own.maps.shared

    def see_maps(self, size: Size, maps: Sequence[Array]) -> MiniSeen:
        """A picture of which only such maps are known: to cut, not to name."""
        return blank_seen(size, maps, self.dims, self._prepare)

    def _no_cuts(self, inner: Size) -> Cuts:
        height, width = (side // FINE for side in inner)
        return Cuts(
            np.zeros((0, 3, height, width), np.float32),
            np.zeros((0, 3), np.float32),
            np.zeros((0, 3, self.dims), np.float32),
        )

    def _cut_some(self, seen: MiniSeen, prompts: PromptBatch) -> tuple[Array, Array, Array]:
        """Logits, quality and vectors of a few prompts."""
        masks, quality = self._cut(seen, prompts)
        boxed = np.flatnonzero(~np.isnan(prompts.boxes).any(1) & ~(prompts.keep >= 0).any(1))
        if seen.mirrored is not None and prompts.logits is None and len(boxed):
            # A box alone is cut in the mirrored picture too: two opinions are better than one.
            boxes = PromptBatch.of_boxes(mirror_boxes(prompts.boxes[boxed], seen.size[1]))
            others, _ = self._cut(seen.mirrored(), boxes)
            masks[boxed] = (masks[boxed] + others[..., ::-1]) / 2
        return masks, quality, self._name_cuts(seen, masks)

    def _cut(self, seen: MiniSeen, prompts: PromptBatch) -> tuple[Array, Array]:
        """Logits and quality."""
        xy, kind = _points(prompts, seen)
        before = _earlier_masks(prompts, seen.maps.none.shape)
        maps = seen.prompt_maps()
        feed = {
            "cells": maps.cells,
            "middle": maps.middle,
            "detail": maps.detail,
            "xy": xy,
            "kind": kind,
            "before": before,
        }
        masks, quality = self._run("cutter", feed)
        return keep_asked(masks, xy, kind, before), quality.clip(0, 1)

    def _prepare(self, maps: EncoderMaps) -> PromptArrays:
        feed = {
            "neck": maps.neck[None],
            "early": maps.early[None],
            "shared": maps.shared[None],
        }
        made = self._run("prepare", feed)
        return PromptArrays(*made[: len(PromptArrays._fields)])  # older files say more

    def _name_cuts(self, seen: MiniSeen, masks: Array) -> Array:
        """(P, 3, D): the mean unit vector under each candidate."""
        count, candidates, height, width = masks.shape
        inside = (masks > 0).reshape(count * candidates, height, width).view(np.uint8)
        # How many of its four parts are inside, for each cell of the vectors; a mean over blocks
        # takes five times as long.
        rows = inside[:, ::2] + inside[:, 1::2]
        share = (rows[:, :, ::2] + rows[:, :, 1::2]).reshape(count * candidates, -1)
        pooled = share.astype(np.float32) @ seen.maps.vectors.reshape(self.dims, -1).T
        return _unit(pooled).reshape(count, candidates, -1)

    # ---- Dense

    def features(self, seen: Seen) -> FeatureMap:
        """Unit vectors at stride 8 of the largest pass, the mean of the passes in the settings."""
        return own_seen(seen, MiniSeen, self.name).features()

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(N, 256) unit rows."""
        return self._texts.embed(phrases)

    def _features(self, image: Image, maps: EncoderMaps) -> FeatureMap:
        passes = [self._look(image, look, maps) for look in self._looks()]
        vectors = mean_vectors([one.vectors for one in passes])
        if "together.onnx" in self.settings["files"]:  # older files are without
            vectors = draw_together(vectors, self._run_together, **self.settings["together"])
        none = np.mean([resample.bilinear(one.none, vectors.shape[:2]) for one in passes], 0)
        classes = self._classes(passes)
        return FeatureMap(
            vectors,
            image.size,
            self.settings["scale"],
            none,
            tuple(self.settings["calibration"]),
            self.settings["threshold"],
            self._texts.rivals,
            self.settings["presence"],
            ClassEvidence(
                self._texts.class_names(),
                classes,
                **self.settings["classes"],
            ),
            self._context(classes),
        )

    def _run_together(self, feed: Mapping[str, Any]) -> Array:
        drawn: Array = self._run("together", feed)[0]
        return drawn

    def _classes(self, passes: list[WordPass]) -> Once[ClassMaps]:
        """Of the passes that are not enlarged."""
        small = [(one.shared, one.look.mirrored) for one in passes if one.look.side <= self.side]
        return Once(lambda: class_maps([self._class_logits(*one) for one in small]))

    def _context(self, classes: Once[ClassMaps]) -> ContextEvidence | None:
        """None before a context has been trained for these weights."""
        if "context.onnx" not in self.settings["files"]:
            return None

        def find_direction() -> Array:
            summary = classes().summary.astype(np.float32)
            direction: Array = self._run("context", {"summary": summary[None]})[0][0]
            return direction

        return ContextEvidence(Once(find_direction), **self.settings["context"])

    def _class_logits(self, shared: Array, mirrored: bool) -> Array:
        """(1000, h, w) of one pass, turned back."""
        logits: Array = self._run("classes", {"shared": shared[None]})[0][0]
        return logits[..., ::-1] if mirrored else logits

    def _looks(self) -> list[Look]:
        """The settings name sides as shares of the working side."""
        return [
            Look(round(self.side * share / 32) * 32, bool(mirrored))
            for share, mirrored in self.settings["views"]
        ]

    def _look(self, image: Image, look: Look, maps: EncoderMaps) -> WordPass:
        """`maps` are those of the working side."""
        if look != (self.side, False):
            pixels = image.pixels[:, ::-1] if look.mirrored else image.pixels
            maps = self._encode(pixels, inner_size(image.size, look.side))
        vectors, none = np.moveaxis(maps.vectors, 0, -1), maps.none
        if look.mirrored:
            vectors, none = vectors[:, ::-1], none[:, ::-1]
        return WordPass(look, vectors, none, maps.shared)

    # ---- Embedder, DepthModel

    def embed(self, seen: Seen) -> Array:
        """(256,) unit vector of the whole picture."""
        return own_seen(seen, MiniSeen, self.name).maps.whole

    def depth(self, seen: Seen) -> Depth:
        """Relative depth, larger is farther, up to scale and shift; learned from rooms."""
        coarse = self._run("depth", {"neck": own_seen(seen, MiniSeen, self.name).maps.neck[None]})[
            0
        ][0, 0]
        values = resample.bilinear(coarse, seen.size)
        return Depth(
            values, inverse=False, usual_shift=DEPTH_SHIFT, usual_error=DEPTH_ERROR,
            smoothing=DEPTH_SMOOTHING,
        )  # fmt: skip

    # ---- Tracker

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """How the object looks in its surroundings; see `tracker.py`."""
        return self._tracker.remember(own_seen(seen, MiniSeen, self.name), mask, memory)

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """Each object, encoded closely by itself; the whole frame only where one is searched."""
        own = own_seen(seen, MiniSeen, self.name)
        return [self._tracker.step(memory, own) for memory in memories]

    # ---- running

    def _encode(self, pixels: Array, inner: Size) -> EncoderMaps:
        picture = np.ascontiguousarray(resample.stretch(pixels, inner).transpose(2, 0, 1))[None]
        vectors, none, neck, early, whole, shared = (
            answer[0] for answer in self._run("encoder", {"picture": picture})
        )
        return EncoderMaps(vectors, none[0], neck, early, whole, shared)

    def _run(self, network: str, feed: Mapping[str, Any]) -> list[Array]:
        with self._lock:
            if network not in self._networks:
                self._networks[network] = open_network(
                    self._folder, f"{network}.onnx", self.settings, self._threads
                )
        opened = self._networks[network]
        wanted = {one.name: feed[one.name] for one in opened.get_inputs()}  # older files read less
        answers: list[Array] = opened.run(None, wanted)
        return answers


def _digest(settings: dict[str, Any]) -> str:
    """Short; it changes with any network, whose hash is in the settings, and with any setting."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def mirror(image: Image) -> Image:
    """Left and right exchanged."""
    return Image(np.ascontiguousarray(image.pixels[:, ::-1]))


def mirror_boxes(boxes: Array, width: int) -> Array:
    """(N, 4) boxes in the mirrored picture of this width."""
    x0, y0, x1, y1 = boxes.T
    return np.stack([width - x1, y0, width - x0, y1], 1)


def inner_size(size: Size, side: int) -> Size:
    """The nearest size with a long side of about `side` and both sides multiples of 32.

    >>> inner_size((480, 640), 512)
    (384, 512)
    """
    scale = side / max(size)
    height, width = (max(2, round(s * scale / 32)) * 32 for s in size)
    return height, width


def _points(prompts: PromptBatch, seen: MiniSeen) -> tuple[Array, Array]:
    """Points after box corners, in the network's pixels, with their kinds."""
    scale = np.array([seen.inner[1] / seen.size[1], seen.inner[0] / seen.size[0]], np.float32)
    boxed: Array = np.logical_not(np.isnan(prompts.boxes).any(1))
    corners = np.where(boxed[:, None], prompts.boxes, 0).reshape(-1, 2, 2)
    xy = np.concatenate([corners, prompts.xy], 1) * scale
    kind = np.full(xy.shape[:2], NOTHING, np.int64)
    kind[boxed, :2] = TOP_LEFT, BOTTOM_RIGHT
    kind[:, 2:] = prompts.keep
    used = (kind != NOTHING).any(0)  # a column that no prompt uses only costs time
    xy, kind = xy[:, used], kind[:, used]
    return np.where(kind[..., None] == NOTHING, 0, xy).astype(np.float32), kind


def _earlier_masks(prompts: PromptBatch, grid: tuple[int, ...]) -> Array:
    """(P, 1, h, w) logits of earlier masks at stride 8, zeros where there is none."""
    before = np.zeros((len(prompts), 1, *grid), np.float32)
    if prompts.logits is not None:
        for k, logits in enumerate(prompts.logits):
            mask = np.asarray(logits, np.float32).clip(-8, 8)
            before[k, 0] = cv2.resize(mask, grid[::-1], interpolation=cv2.INTER_AREA)
    return before


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Array = (rows / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit
