"""An engine without weights that knows colours and simple shapes, for tests, docs and plug-ins.

On drawn pictures it answers honestly and the same on every machine: "red disc" is found where a red
disc is drawn, a click grows the region of similar colour, and "cat" is absent. Its vectors have one
axis per colour and per shape, so similarities can be worked out by hand: a red disc is
(red + disc) / sqrt 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import cv2
import numpy as np

from wordmask.core.depth import Depth
from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import (
    Cuts,
    FeatureMap,
    Memory,
    PaintSettings,
    PromptBatch,
    Proposals,
    Seen,
    TrackStep,
    own_seen,
)
from wordmask.engines.fake import tracks
from wordmask.engines.options import EngineOptions
from wordmask.ops import resample

COLOURS = (
    "red", "orange", "yellow", "green", "cyan", "blue",
    "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip
SHAPES = ("disc", "square", "bar", "triangle")
# Colours of the hue wheel, and the degrees at which one ends; the last one is the first again.
_WHEEL = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "red")
_WHEEL_ENDS = (16, 45, 70, 165, 195, 260, 310, 345)
_SAME = {
    "gray": "grey", "violet": "purple", "turquoise": "cyan", "magenta": "pink",
    "circle": "disc", "ball": "disc", "dot": "disc", "box": "square", "stripe": "bar",
    "rectangle": "bar",
}  # fmt: skip
_SILENT = {
    "a", "an", "the", "of", "photo", "picture", "image", "thing", "object", "shape", "region",
    "colour", "color",
}  # fmt: skip
_AXES = {name: axis for axis, name in enumerate((*COLOURS, *SHAPES))}
_STRANGE = 16  # axes for words that it does not know: no region lies on them
DIM = len(_AXES) + _STRANGE

SIDE = 256  # cells along the picture's longer side
SCALE = 40.0
# With one of two wanted traits a similarity is 0.5, with the only wanted trait 0.71: "none of these
# words" lies between them.
NONE = 0.6
_TIGHT, _LOOSE = 6, 28  # differences of a channel that a click grows over: a part, the whole
_MIN_CELLS = 12  # smaller pieces have no shape


def load(name: str, options: EngineOptions) -> "Fake":
    """The factory: `input_side` sets how many cells the longer side has."""
    return Fake(name, min(options.input_side or SIDE, 1024))


@dataclass(frozen=True, eq=False)
class FakeSeen:
    """A picture on the engine's grid: its pixels and what each cell is."""

    size: Size
    pixels: Array  # (h, w, 3) uint8
    vectors: Array  # (h, w, D) float32 unit rows
    pieces: Array  # (h, w) int32, one number for each connected region of one colour

    @property
    def nbytes(self) -> int:
        return int(self.pixels.nbytes + self.vectors.nbytes + self.pieces.nbytes)

    @property
    def colours(self) -> Array:
        """(h, w), index into COLOURS."""
        return np.asarray(self.vectors[..., : len(COLOURS)].argmax(-1))


@dataclass(frozen=True)
class Fake:
    """Segmenter, Dense, Embedder, Detector, Tracker, DepthModel and Inpainter in one."""

    name: str = "fake"
    side: int = SIDE
    paint_side: int | None = None
    paint_pixels: int | None = None
    follows_words: bool = True  # they change nothing, but every kind of edit can be tried

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    # ---- Segmenter

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Three candidates for each prompt: the part of even colour, the whole region, the region
        around it."""
        own = own_seen(seen, FakeSeen, self.name)
        height, width = own.pieces.shape
        masks = np.zeros((len(prompts), 3, height, width), bool)
        for row in range(len(prompts)):
            masks[row] = _candidates(own, prompts[row : row + 1])
        flat = masks.reshape(-1, height, width)
        quality = np.array([_quality(own, mask) for mask in flat], np.float32).reshape(-1, 3)
        vectors = _mean_vectors(own, flat)
        # On a flat drawing all three may be equal: then the whole is best, the part second.
        quality -= np.array([0.04, 0.0, 0.08], np.float32)
        logits = np.where(masks, 8, -8).astype(np.float32)
        return Cuts(logits, quality.clip(0, 1), vectors.reshape(len(prompts), 3, DIM))

    # ---- Dense, Embedder

    def features(self, seen: Seen) -> FeatureMap:
        own = own_seen(seen, FakeSeen, self.name)
        none = np.full(own.pieces.shape, NONE * SCALE, np.float32)
        return FeatureMap(own.vectors, own.size, SCALE, none, threshold=0.5)

    def embed(self, seen: Seen) -> Array:
        """(D,): the mean of the cells, so that a picture is near the words of what fills it."""
        own = own_seen(seen, FakeSeen, self.name)
        return _unit(own.vectors.reshape(-1, DIM).mean(0)).astype(np.float32)

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(N, D) unit rows; a phrase with a word that it does not know is near no region."""
        return np.array([_embed_phrase(phrase) for phrase in phrases], np.float32).reshape(-1, DIM)

    # ---- Detector, DepthModel

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Every connected region that has all the traits a phrase names."""
        own = own_seen(seen, FakeSeen, self.name)
        masks, _ = Masks.from_label_map(own.pieces)
        masks = masks.resize(own.size)
        alike = _piece_vectors(own) @ self.embed_texts(phrases).T
        big = masks.areas >= max(16, 0.0005 * own.size[0] * own.size[1])
        rows, labels = np.nonzero((alike > NONE) & big[:, None])
        return Proposals(
            masks.boxes[rows].astype(np.float32),
            np.minimum(alike[rows, labels] + 0.2, 0.99).astype(np.float32),
            labels.astype(np.int32),
            masks[rows],
        )

    def depth(self, seen: Seen) -> Depth:
        """A floor seen from above: what is lower in the picture is nearer."""
        height, width = seen.size
        rows = np.linspace(0.1, 1, height, dtype=np.float32)[:, None]
        return Depth(np.repeat(rows, width, 1), usual_shift=0.0)

    # ---- Tracker

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """The object's colours, its size and its place."""
        own = own_seen(seen, FakeSeen, self.name)
        return tracks.remember(own.colours, mask, memory)

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """For each object the region of its colours that has its size, near where it was."""
        own = own_seen(seen, FakeSeen, self.name)
        return [tracks.step(memory, own.colours) for memory in memories]

    # ---- Inpainter

    def with_settings(self, settings: PaintSettings) -> "Fake":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """The mean colour around the hole; `words` and `seed` change nothing here."""
        ring = cv2.dilate(hole.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~hole
        pixels = image.pixels.copy()
        if ring.any():
            pixels[hole] = pixels[ring].mean(0).round().astype(np.uint8)
        return Image(pixels, image.name)

    def _encode(self, image: Image) -> FakeSeen:
        pixels = _on_grid(image.pixels, self.side)
        colours = name_colours(pixels)
        pieces = _pieces(colours)
        return FakeSeen(image.size, pixels, _vectors(colours, pieces), pieces)


def name_colours(pixels: Array) -> Array:
    """(H, W) uint8, index into COLOURS, of (H, W, 3) RGB."""
    hue, saturation, value = np.moveaxis(
        cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2HSV_FULL), -1, 0
    )
    degrees = hue.astype(np.float32) * (360 / 256)
    wheel = np.array([COLOURS.index(name) for name in _WHEEL])
    names: Array = wheel[np.digitize(degrees, _WHEEL_ENDS)].astype(np.uint8)
    names[(degrees >= 10) & (degrees < 45) & (value < 170)] = COLOURS.index("brown")
    names[((degrees >= 320) | (degrees < 16)) & (saturation < 130) & (value > 200)] = COLOURS.index(
        "pink"
    )
    names[saturation < 40] = COLOURS.index("grey")
    names[(saturation < 40) & (value > 200)] = COLOURS.index("white")
    names[value < 50] = COLOURS.index("black")
    return names


def _on_grid(pixels: Array, side: int) -> Array:
    """Each cell takes the pixel under its centre: an average would mix the colours at edges."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, side / max(height, width))
    h, w = max(1, round(height * shrink)), max(1, round(width * shrink))
    rows, columns = (
        (2 * np.arange(n) + 1) * whole // (2 * n) for n, whole in ((h, height), (w, width))
    )
    return np.ascontiguousarray(pixels[np.ix_(rows, columns)])


def _pieces(colours: Array) -> Array:
    """(h, w) int32: connected regions of one colour, numbered from 0."""
    pieces, count = np.zeros(colours.shape, np.int32), 0
    for colour in np.unique(colours):
        found, ids = cv2.connectedComponents((colours == colour).astype(np.uint8), connectivity=8)
        pieces[ids > 0] = ids[ids > 0] + count - 1
        count += found - 1
    return pieces


def _vectors(colours: Array, pieces: Array) -> Array:
    """(h, w, D): for each cell its colour's axis, and its piece's shape's axis where it has one."""
    masks, _ = Masks.from_label_map(pieces)
    firsts = np.unique(pieces, return_index=True)[1]
    table = np.zeros((len(masks), DIM), np.float32)
    for row, place in enumerate(firsts):
        table[row, _AXES[COLOURS[colours.flat[place]]]] = 1
        shape = _shape(masks, row)
        if shape:
            table[row, _AXES[shape]] = 1
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cells: Array = table[pieces]
    return cells


def _shape(masks: Masks, row: int) -> str:
    """The shape by how much of its box a region fills: a disc pi / 4, a triangle half."""
    x0, y0, x1, y1 = masks.boxes[row].tolist()
    width, height, area = x1 - x0, y1 - y0, int(masks.areas[row])
    if area < _MIN_CELLS or (width, height) == masks.size[::-1]:
        return ""
    aspect, fill = max(width, height) / min(width, height), area / (width * height)
    if aspect >= 2:
        return "bar" if fill > 0.85 else ""
    if aspect < 1.25 and fill > 0.94:
        return "square"
    if aspect < 1.25 and 0.67 < fill < 0.9:
        return "disc"
    return "triangle" if 0.42 < fill < 0.62 else ""


def _embed_phrase(phrase: str) -> Array:
    row = np.zeros(DIM, np.float32)
    for word in phrase.lower().split():
        if word in _SILENT:
            continue
        stem = word if word in _AXES else word.removesuffix("s")
        known = _SAME.get(stem, stem)
        if known not in _AXES:
            return _strange(phrase)
        row[_AXES[known]] = 1
    return _unit(row) if row.any() else _strange(phrase)


def _strange(phrase: str) -> Array:
    """A unit vector of its own for a phrase, on the axes that no region has."""
    seed = int.from_bytes(sha256(phrase.encode()).digest()[:8], "little")
    row = np.zeros(DIM, np.float32)
    row[len(_AXES) :] = np.random.default_rng(seed).standard_normal(_STRANGE)
    return _unit(row)


def _unit(row: Array) -> Array:
    unit: Array = row / max(float(np.linalg.norm(row)), 1e-9)
    return unit


# ---- from prompts to masks, on the grid


def _candidates(seen: FakeSeen, prompt: PromptBatch) -> Array:
    """(3, h, w) bool: part, whole, wider."""
    xy, keep, box = prompt.xy[0], prompt.keep[0], prompt.boxes[0]
    if not np.isnan(box).any():
        three = _in_box(seen, box)
        if (keep == 1).any():
            three &= _grow(seen, xy, keep)[[1, 1, 2]]
        return three
    if (keep == 1).any():
        return _grow(seen, xy, keep)
    if prompt.logits is not None:
        height, width = seen.pieces.shape
        earlier = (
            resample.bilinear(np.ascontiguousarray(prompt.logits[0], np.float32), (height, width))
            > 0
        )
        return np.stack([earlier] * 3)
    return np.zeros((3, *seen.pieces.shape), bool)


def _grow(seen: FakeSeen, xy: Array, keep: Array) -> Array:
    """What grows from the wanted points; of what an unwanted point grows too, the nearer part."""
    part, whole = (_floods(seen, xy[keep == 1], spread) for spread in (_TIGHT, _LOOSE))
    wider = _with_surroundings(seen, whole)
    if (keep == 0).any():
        unwanted = _floods(seen, xy[keep == 0], _LOOSE)
        nearer = _distance(seen, xy[keep == 1]) < _distance(seen, xy[keep == 0])
        part, whole, wider = (mask & (~unwanted | nearer) for mask in (part, whole, wider))
    return np.stack([part, whole, wider])


def _floods(seen: FakeSeen, xy: Array, spread: int) -> Array:
    """Connected cells whose colour is within `spread` of a point's, for any of the points."""
    height, width = seen.pieces.shape
    filled = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | (1 << 8) | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE
    for column, row in _cells(seen, xy):
        if not filled[row + 1, column + 1]:
            around = (spread,) * 3
            cv2.floodFill(seen.pixels.copy(), filled, (column, row), 0, around, around, flags)
    return filled[1:-1, 1:-1].astype(bool)


def _cells(seen: FakeSeen, xy: Array) -> list[tuple[int, int]]:
    """(column, row) of the cells that points lie in; points outside go to the nearest one."""
    height, width = seen.pieces.shape
    cells = np.floor(xy * (width / seen.size[1], height / seen.size[0])).astype(int)
    return [(int(column), int(row)) for column, row in cells.clip((0, 0), (width - 1, height - 1))]


def _distance(seen: FakeSeen, xy: Array) -> Array:
    """(h, w): squared distance of each cell to the nearest of the points."""
    rows, columns = np.indices(seen.pieces.shape)
    apart = [(columns - column) ** 2 + (rows - row) ** 2 for column, row in _cells(seen, xy)]
    nearest: Array = np.min(apart, 0)
    return nearest


def _with_surroundings(seen: FakeSeen, mask: Array) -> Array:
    """The mask and the region that surrounds most of it, unless that is the background."""
    ring = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~mask
    if not ring.any():
        return mask
    around = seen.pieces == np.bincount(seen.pieces[ring]).argmax()
    border = np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
    return mask if border.mean() > 0.25 else mask | around


def _in_box(seen: FakeSeen, box: Array) -> Array:
    """The largest piece in a box that differs from what lies around, all such pieces, the box."""
    (x0, y0), (x1, y1) = _cells(
        seen, np.array([box[:2], np.nextafter(box[2:], -np.inf)], np.float32)
    )
    inside = np.zeros(seen.pieces.shape, bool)
    inside[min(y0, y1) : max(y0, y1) + 1, min(x0, x1) : max(x0, x1) + 1] = True
    ring = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~inside
    ground = np.median(seen.pixels[ring if ring.any() else inside], 0)
    thing = inside & (np.abs(seen.pixels - ground).max(-1) > _LOOSE)
    if not thing.any():
        return np.stack([inside] * 3)
    largest = thing & (seen.pieces == np.bincount(seen.pieces[thing]).argmax())
    return np.stack([largest, thing, inside])


def _quality(seen: FakeSeen, mask: Array) -> float:
    """0.5 without a visible edge, towards 1 where colours change sharply along it; 0 if empty."""
    if not mask.any():
        return 0.0
    small = mask.astype(np.uint8)
    inner = mask & (cv2.erode(small, np.ones((3, 3), np.uint8), borderValue=1) == 0)
    outer = ~mask & (cv2.dilate(small, np.ones((3, 3), np.uint8)) == 1)
    if not outer.any():
        return 0.5
    step = np.abs(seen.pixels[inner].mean(0) - seen.pixels[outer].mean(0)).max()
    return 0.5 + 0.48 * min(1.0, float(step) / 64)


def _piece_vectors(seen: FakeSeen) -> Array:
    """(pieces, D)"""
    return np.asarray(seen.vectors.reshape(-1, DIM)[np.unique(seen.pieces, True)[1]])


def _mean_vectors(seen: FakeSeen, masks: Array) -> Array:
    """(N, D) unit rows, 0 of an empty mask; all cells of a piece have one vector."""
    rows = _piece_vectors(seen)
    totals = [np.bincount(seen.pieces[mask], minlength=len(rows)) @ rows for mask in masks]
    return np.array([_unit(total) for total in totals], np.float32).reshape(-1, DIM)
