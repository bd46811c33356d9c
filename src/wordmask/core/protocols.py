"""What an engine can do. It has one or more of these protocols; tasks know nothing else of it.

An engine encodes a picture once, and whatever it is asked about that picture takes the `Seen` that
came of it. Every value that comes out belongs to the caller: an engine keeps no picture and no
encoding, so one engine serves many threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from wordmask.core.classes import ClassEvidence, ContextEvidence
from wordmask.core.depth import Depth
from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Last
from wordmask.core.poses import Poses
from wordmask.errors import ImageError, PromptError


@runtime_checkable
class Seen(Protocol):
    """One picture as an engine encoded it: a value that any number of threads may use."""

    @property
    def size(self) -> Size:
        """The picture's."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory that it holds now. What is made only when it is first needed adds to it."""
        ...


@dataclass(frozen=True, eq=False)
class PromptBatch:
    """P independent prompts for one picture, in its coordinates.

    A prompt has up to K points, perhaps a box, perhaps an earlier mask. `keep` is 1 for "this",
    0 for "not this", -1 for a place that holds no point. A row of NaN in `boxes` is no box.
    """

    xy: Array  # (P, K, 2) float32
    keep: Array  # (P, K) int8
    boxes: Array  # (P, 4) float32
    # (P, h, w) float32, mask logits of an earlier cut at any resolution, edge to edge
    logits: Array | None = None

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
        """ONE prompt: several points (K, 2), perhaps a box (4,), an earlier mask (h, w)."""
        boxes = np.full((1, 4), np.nan, np.float32)
        if box is not None:
            boxes = np.asarray(box, np.float32).reshape(1, 4)
        earlier = None if logits is None else logits[None]
        points = np.asarray(xy, np.float32).reshape(1, -1, 2)
        return cls(points, np.asarray(keep, np.int8).reshape(1, -1), boxes, earlier)


class CutThresholds(NamedTuple):
    """From where a cut counts when a picture is searched for everything, by an engine's makers."""

    quality: float
    stability: float  # IoU of the mask at two thresholds a little apart


@dataclass(frozen=True, eq=False)
class Cuts:
    """What came of P prompts: C candidates each, at low resolution, edge to edge."""

    logits: Array  # (P, C, h, w) float32, > 0 is inside
    quality: Array  # (P, C) float32, estimated IoU in [0, 1]
    # (P, C, D) unit rows in the space of `embed_texts`, from an engine that also names
    vectors: Array | None = None
    thresholds: CutThresholds | None = None  # None: not known


@dataclass(frozen=True, eq=False)
class Rivals:
    """Common words that compete with the query: a cell that is one of them is not a query word.

    A rival is left out where a query word is close to it in meaning, or to one of its related words
    ("person": jeans, hair): where their cosine reaches `alike`.
    """

    vectors: Array  # (R, D) unit rows
    kin: Array  # (K, D) unit rows, the related words; every rival is among its own
    kin_of: Array  # (K,) int, row of the rival
    alike: float = 0.6
    # Pictures of a folder are asked for the same words, and a long list costs.
    _kept: Last[Array, Array] = field(default_factory=Last, repr=False)

    def against(self, words: Array) -> Array:
        """(r, D): the rivals that compete with the query words (C, D), which never change."""
        return self._kept.get(words, self._against)

    def _against(self, words: Array) -> Array:
        kept: Array = self.vectors[self.rows_against(words)]
        return kept

    def rows_against(self, words: Array) -> Array:
        """(r,) the rows of the rivals that compete with these words."""
        near = (self.kin @ words.T).max(1) >= self.alike
        return np.setdiff1d(np.arange(len(self.vectors)), self.kin_of[near])


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """A unit vector for every cell of a grid that covers the picture edge to edge."""

    vectors: Array  # (h, w, D) float32
    size: Size  # the picture's
    scale: float = 40.0  # softmax(scale * vectors @ words.T) is a distribution over the words
    none: Array | None = None  # (h, w) float32 logit of "none of these words", if the engine has it
    # (a, b, c): a region's score is
    # sigmoid(a * logit(mean probability) + b + c * log(its share of the picture))
    calibration: tuple[float, float, float] = (1.0, 0.0, 0.0)
    threshold: float | None = None  # calibrated score from which a word is present; None: not known
    rivals: Rivals | None = None  # what a cell may be instead of a query word
    presence: float = 0.0  # a word is present if its most probable cells reach this on average
    classes: ClassEvidence | None = None  # for words that the vectors never learned
    context: ContextEvidence | None = None  # for words that they did learn

    @property
    def nbytes(self) -> int:
        none = 0 if self.none is None else self.none.nbytes
        classes = 0 if self.classes is None else self.classes.nbytes
        return int(self.vectors.nbytes + none + classes)


@dataclass(frozen=True, eq=False)
class Proposals:
    """Boxes that a detector finds for words, perhaps with masks. Rows in any order."""

    boxes: Array  # (N, 4) float32 xyxy
    scores: Array  # (N,) float32 in [0, 1]
    label_ids: Array  # (N,) int32 into the phrases
    masks: Masks | None = None
    threshold: float | None = None  # score from which its makers count a box; None: not known


@dataclass(frozen=True, eq=False)
class MaskProposals:
    """Masks of everything in a picture, unnamed. Rows in any order; they may overlap."""

    masks: Masks
    quality: Array  # (N,) float32, estimated IoU in [0, 1]


@dataclass(frozen=True, eq=False)
class Memory:
    """What a tracker remembers of ONE object: a value, whose size has a bound.

    Every object has its own, so a late one, a correction or a forgotten one leaves the others as
    they are, to the byte.
    """

    state: Any  # the engine's own
    frame: int = 0  # steps since it was first remembered
    nbytes: int = 0  # of the state


@dataclass(frozen=True, eq=False)
class TrackStep:
    """One object in the next frame."""

    memory: Memory
    # (h, w) float32 edge to edge over the frame, > 0 is inside; None: it is not in this frame
    logits: Array | None
    score: float  # in [0, 1]: that the object is in this frame and the mask is right


class Wording(NamedTuple):
    """What an engine says to a question."""

    text: str
    score: float  # in [0, 1]: the probability that it gives its own words


# ---- what an engine can do


@runtime_checkable
class Engine(Protocol):
    """Every engine has a name."""

    @property
    def name(self) -> str:
        """Which weights answer: "mini@sha256:1f3c5d7e9a0b". It goes into `Result.made_by`."""
        ...


@runtime_checkable
class Encoder(Engine, Protocol):
    """Pictures -> what the engine makes of them."""

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        """One value for each picture, whatever their sizes."""
        ...


@runtime_checkable
class Segmenter(Encoder, Protocol):
    """Points, boxes, masks -> masks."""

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts: ...


@runtime_checkable
class MaskProposer(Encoder, Protocol):
    """A picture -> the masks of everything in it, all at once."""

    def propose_all(self, seen: Seen) -> MaskProposals: ...


@runtime_checkable
class Dense(Encoder, Protocol):
    """A picture -> one unit vector per cell, in the space of `embed_texts`."""

    def features(self, seen: Seen) -> FeatureMap: ...
    def embed_texts(self, phrases: Sequence[str]) -> Array: ...


@runtime_checkable
class MaskedDense(Dense, Protocol):
    """A `Dense` that may look at each region of a picture by itself."""

    @property
    def needs_masks(self) -> bool: ...
    def features(self, seen: Seen, masks: Masks | None = None) -> FeatureMap: ...


@runtime_checkable
class Embedder(Encoder, Protocol):
    """A whole picture -> (D,), phrases -> (N, D): unit vectors of one space."""

    def embed(self, seen: Seen) -> Array: ...
    def embed_texts(self, phrases: Sequence[str]) -> Array: ...


@runtime_checkable
class Detector(Encoder, Protocol):
    """Words -> boxes, perhaps masks."""

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals: ...


@runtime_checkable
class Tracker(Encoder, Protocol):
    """Objects from frame to frame: memory in, memory out.

    What is given stays as it is, so an earlier memory can be gone on from again.
    """

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """The object that is `mask` (H, W) bool in this frame, which is not empty.

        With `memory`, of an object followed up to this frame, the mask corrects it.
        """
        ...

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """Each object in the next frame. They share its encoding and do not see each other."""
        ...


@runtime_checkable
class DepthModel(Encoder, Protocol):
    """A picture -> depth per pixel."""

    def depth(self, seen: Seen) -> Depth: ...


@runtime_checkable
class PoseModel(Encoder, Protocol):
    """People in boxes -> joints."""

    def poses(self, seen: Seen, boxes: Array) -> Poses:
        """The joints of the person in the middle of each box (N, 4) xyxy, row by row."""
        ...


@runtime_checkable
class GroupPoseModel(PoseModel, Protocol):
    """A `PoseModel` that also tells how many people are in a box."""

    def all_poses(self, seen: Seen, box: Array) -> Poses:
        """Everybody in one box (4,), the most probable first."""
        ...


@dataclass(frozen=True)
class PaintSettings:
    """How a painter that can be tuned goes to work; see `Inpainter.with_settings`."""

    steps: int = 30
    guidance: float = 7.5  # how closely the words are followed
    strength: float = 1.0  # below 1 it starts from what is in the picture: restyling
    negative: str = ""  # words for what must not appear


@runtime_checkable
class Inpainter(Engine, Protocol):
    """Fill a hole in a picture."""

    @property
    def paint_side(self) -> int | None:
        """Longer side in pixels that crops are scaled to, up or down; None: any."""
        ...

    @property
    def paint_pixels(self) -> int | None:
        """Crops of more pixels are scaled down to about so many; None: never."""
        ...

    @property
    def follows_words(self) -> bool:
        """Whether `fill` paints what its `words` say."""
        ...

    def with_settings(self, settings: PaintSettings) -> "Inpainter":
        """The same painter with other settings; itself where it has none."""
        ...

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """The picture with other pixels where the hole (H, W) is True, and only there."""
        ...


@runtime_checkable
class Answerer(Encoder, Protocol):
    """A question about a picture -> an answer in words."""

    def answer(self, seen: Seen, question: str) -> Wording: ...


Kind = TypeVar("Kind")


def own_seen(seen: Seen, kind: type[Kind], engine: str) -> Kind:
    """`seen` as the engine's own class, or an error that says which engine must encode."""
    if not isinstance(seen, kind):
        raise ImageError(
            f"{engine} was given a {type(seen).__name__}, which another engine encoded; "
            "encode the picture with the engine that is asked about it"
        )
    return seen


PROTOCOLS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Segmenter,
        MaskProposer,
        Dense,
        Embedder,
        Detector,
        Tracker,
        DepthModel,
        PoseModel,
        GroupPoseModel,
        Inpainter,
        Answerer,
    )
}
