"""What an engine can be. An engine implements one or more of these; tasks know nothing else of it.

Every value that comes out is immutable and belongs to the caller: there is no hidden current picture,
so one engine serves many threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import PromptError


@runtime_checkable
class Encoding(Protocol):
    """One picture as a segmenter sees it: encode once, cut often."""

    @property
    def size(self) -> Size: ...
    @property
    def nbytes(self) -> int: ...


@dataclass(frozen=True, eq=False)
class PromptBatch:
    """P independent prompts for one encoding, in the picture's coordinates.

    A prompt has up to K points, perhaps a box, perhaps an earlier mask. `keep` is 1 for "this",
    0 for "not this", -1 for a place that holds no point. A row of NaN in `boxes` is no box.
    """

    xy: Array  # (P, K, 2) float32
    keep: Array  # (P, K) int8
    boxes: Array  # (P, 4) float32
    logits: Array | None = (
        None  # (P, h, w) float32, an earlier cut's mask logits at any resolution, edge to edge
    )

    def __post_init__(self) -> None:
        count = len(self.xy)
        shapes = self.xy.shape, self.keep.shape, self.boxes.shape
        if shapes != ((count, self.keep.shape[1], 2), (count, self.keep.shape[1]), (count, 4)):
            raise PromptError(f"prompts do not fit each other: xy, keep, boxes are {shapes}")

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, rows: slice) -> "PromptBatch":
        logits = None if self.logits is None else self.logits[rows]
        return PromptBatch(self.xy[rows], self.keep[rows], self.boxes[rows], logits)

    @classmethod
    def points(cls, xy: Array, logits: Array | None = None) -> "PromptBatch":
        """One positive point per prompt: (P, 2)."""
        xy = np.asarray(xy, np.float32).reshape(-1, 1, 2)
        return cls(
            xy, np.ones(xy.shape[:2], np.int8), np.full((len(xy), 4), np.nan, np.float32), logits
        )

    @classmethod
    def of_boxes(cls, xyxy: Array, logits: Array | None = None) -> "PromptBatch":
        """One box per prompt: (P, 4)."""
        xyxy = np.asarray(xyxy, np.float32).reshape(-1, 4)
        return cls(
            np.zeros((len(xyxy), 0, 2), np.float32), np.zeros((len(xyxy), 0), np.int8), xyxy, logits
        )

    @classmethod
    def click(
        cls, xy: Array, keep: Array, box: Array | None = None, logits: Array | None = None
    ) -> "PromptBatch":
        """ONE prompt of several points (K, 2), perhaps a box (4,), perhaps an earlier mask (h, w)."""
        boxes = (
            np.full((1, 4), np.nan, np.float32)
            if box is None
            else np.asarray(box, np.float32).reshape(1, 4)
        )
        earlier = None if logits is None else logits[None]
        points = np.asarray(xy, np.float32).reshape(1, -1, 2)
        return cls(points, np.asarray(keep, np.int8).reshape(1, -1), boxes, earlier)


@dataclass(frozen=True, eq=False)
class Cuts:
    """What came of P prompts: C candidates each, at low resolution, edge to edge over the picture."""

    logits: Array  # (P, C, h, w) float32, > 0 is inside
    quality: Array  # (P, C) float32, estimated IoU in [0, 1]
    vectors: Array | None = (
        None  # (P, C, D) unit rows in the space of `Embedder.embed_texts`, if the engine names too
    )


@dataclass(frozen=True, eq=False)
class Rivals:
    """Words that an engine knows well: a cell that is one of them is not what was asked for.

    A rival stands aside where a word asked for may mean it or a part of it: where their cosine, or that with one
    of its kin ("person": jeans, hair), reaches `alike`.
    """

    vectors: Array  # (R, D) unit rows
    kin: Array  # (K, D) unit rows; every rival is among its own kin
    kin_of: Array  # (K,) int, row of the rival
    alike: float = 0.6

    def against(self, words: Array) -> Array:
        """(r, D): the rivals of these words (C, D)."""
        near = (self.kin @ words.T).max(1) >= self.alike
        kept: Array = self.vectors[np.setdiff1d(np.arange(len(self.vectors)), self.kin_of[near])]
        return kept


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """A unit vector for every cell of a grid that covers the picture edge to edge."""

    vectors: Array  # (h, w, D) float32
    size: Size  # the picture's
    scale: float = 40.0  # softmax(scale * vectors @ words.T) is a distribution over the words
    none: Array | None = (
        None  # (h, w) float32 logit of "none of these words", if the engine has one
    )
    calibration: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """(a, b, c): a region's score is sigmoid(a * logit(mean probability) + b + c * log(its share of the picture))."""
    threshold: float | None = (
        None  # the calibrated score from which a word counts as present; None = not known
    )
    rivals: Rivals | None = None  # what a cell may be instead of what was asked for
    presence: float = (
        0.0  # a word is in the picture where its most probable cells reach this, on average
    )

    @property
    def nbytes(self) -> int:
        return int(self.vectors.nbytes + (0 if self.none is None else self.none.nbytes))


@dataclass(frozen=True, eq=False)
class Proposals:
    """Boxes that a detector gives to words, perhaps with masks. Rows in any order."""

    boxes: Array  # (N, 4) float32 xyxy
    scores: Array  # (N,) float32 in [0, 1]
    label_ids: Array  # (N,) int32 into the phrases that were asked for
    masks: Masks | None = None
    threshold: float | None = (
        None  # the score from which the engine's makers count a box; None = not known
    )


@dataclass(frozen=True, eq=False)
class Memory:
    """A tracker's state after a frame; the engine's own, bounded in size."""

    state: Any
    frame: int = 0
    result: Result | None = None


@dataclass(frozen=True, eq=False)
class Depth:
    """Depth per pixel; `inverse` and up to scale and shift unless `metric`."""

    values: Array  # (H, W) float32
    metric: bool = False
    inverse: bool = True


@dataclass(frozen=True, eq=False)
class Poses:
    """People's joints: (N, J, 3) x, y, confidence."""

    joints: Array
    names: tuple[str, ...] = field(default=())


@runtime_checkable
class Segmenter(Protocol):
    """Points, boxes, masks -> masks."""

    def encode(self, images: Sequence[Image]) -> list[Encoding]: ...
    def cut(self, encoding: Encoding, prompts: PromptBatch) -> Cuts: ...


@runtime_checkable
class Dense(Protocol):
    """A picture -> one unit vector per cell, in the space of `embed_texts`."""

    def features(self, images: Sequence[Image]) -> list[FeatureMap]: ...
    def embed_texts(self, phrases: Sequence[str]) -> Array: ...


@runtime_checkable
class MaskedDense(Dense, Protocol):
    """A `Dense` that may look at each region of a picture by itself."""

    @property
    def needs_masks(self) -> bool: ...
    def features(
        self, images: Sequence[Image], masks: Sequence[Masks] | None = None
    ) -> list[FeatureMap]: ...


@runtime_checkable
class Embedder(Protocol):
    """Whole pictures and phrases -> (N, D) unit rows of one space."""

    def embed_images(self, images: Sequence[Image]) -> Array: ...
    def embed_texts(self, phrases: Sequence[str]) -> Array: ...


@runtime_checkable
class Detector(Protocol):
    """Words -> boxes, perhaps masks."""

    def propose(self, image: Image, phrases: Sequence[str]) -> Proposals: ...


@runtime_checkable
class Tracker(Protocol):
    """Memory in, memory out; its size does not grow with the video."""

    def start(self, image: Image, result: Result) -> Memory: ...
    def step(self, memory: Memory, image: Image) -> tuple[Memory, Result]: ...


@runtime_checkable
class DepthModel(Protocol):
    """A picture -> depth per pixel."""

    def depth(self, images: Sequence[Image]) -> list[Depth]: ...


@runtime_checkable
class PoseModel(Protocol):
    """People in boxes -> joints."""

    def poses(self, image: Image, boxes: Array) -> Poses: ...


@runtime_checkable
class Inpainter(Protocol):
    """Fill where the mask (H, W) is True; `words` say with what, for engines that can."""

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image: ...


@runtime_checkable
class Answerer(Protocol):
    """A picture and a question -> an answer in words."""

    def answer(self, image: Image, question: str) -> str: ...


PROTOCOLS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Segmenter,
        Dense,
        Embedder,
        Detector,
        Tracker,
        DepthModel,
        PoseModel,
        Inpainter,
        Answerer,
    )
}
