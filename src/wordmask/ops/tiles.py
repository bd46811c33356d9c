"""Large pictures in overlapping tiles, and the results of the tiles as one result without seams."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result, Why
from wordmask.errors import InputError, OptionError
from wordmask.ops import regions

Part = tuple[
    Sequence[int], Result
]  # a tile's box x0 y0 x1 y1 in the picture, and what was found in it
Link = tuple[int, int]


def tiles(size: Size, side: int, overlap: int, origin: tuple[int, int] = (0, 0)) -> Array:
    """(T, 4) int64 boxes x0 y0 x1 y1 of tiles that cover a picture, row by row; neighbours share `overlap` pixels.

    Tiles have `side` x `side` pixels where the picture is that large; the last of a row is pushed back inside and
    shares more. `origin` (x, y) starts the grid so far left of and above the picture; what is outside is cut off.

    >>> tiles((5, 10), side=6, overlap=2).tolist()
    [[0, 0, 6, 5], [4, 0, 10, 5]]
    """
    if not 0 < overlap < side:
        raise OptionError(f"tiles need 0 < overlap < side, got side {side} and overlap {overlap}")
    rows, columns = (
        _spans(length, side, overlap, first)
        for length, first in zip(size, origin[::-1], strict=True)
    )
    return np.array([(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns], np.int64)


def stitch(parts: Sequence[Part], size: Size, *, iou: float = 0.5) -> Result:
    """The results of overlapping tiles as one result of the picture of `size`.

    Two regions of one name, from two tiles, are one thing where an 8-connected piece of the one and a piece of the
    other, both cut to what the tiles share, have at least this IoU. Joined regions (union-find) become one mask:
    score and embedding are means by area, the other columns are those of the largest part.
    """
    if not parts:
        raise InputError("there is no tile to stitch")
    _check(parts, size)
    offsets = np.cumsum([0, *(len(result) for _, result in parts)])
    parent = np.arange(offsets[-1])
    for (one, first), (two, second) in combinations(list(enumerate(parts)), 2):
        for i, j in _links(first, second, iou):
            _join(parent, int(offsets[one]) + i, int(offsets[two]) + j)
    roots = np.array([_root(parent, row) for row in range(len(parent))], np.int64)
    masks = Masks.concatenate([result.masks.move(size, box[:2]) for box, result in parts])
    return _joined(
        [result for _, result in parts],
        masks,
        [np.flatnonzero(roots == root) for root in np.unique(roots)],
    )


def _spans(length: int, side: int, overlap: int, first: int) -> list[tuple[int, int]]:
    """Start and end of the tiles along one side."""
    step = side - overlap
    if first < 0 or first >= step:
        raise OptionError(
            f"the grid of tiles begins 0 to {step - 1} pixels before the picture, got {first}"
        )
    if length <= side - first:
        return [(0, length)]
    starts = np.arange(-first, length - overlap, step).tolist()
    if first:
        return [(max(0, start), min(length, start + side)) for start in starts]
    return [(start, start + side) for start in (min(start, length - side) for start in starts)]


def _check(parts: Sequence[Part], size: Size) -> None:
    vocabulary = parts[0][1].vocabulary
    for box, result in parts:
        x0, y0, x1, y1 = (int(side) for side in box)
        if not (0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]) or result.size != (
            y1 - y0,
            x1 - x0,
        ):
            raise InputError(
                f"a tile at {(x0, y0, x1, y1)} with a result of {result.size} does not fit into {size}"
            )
        if result.vocabulary != vocabulary:
            raise InputError(
                f"tiles were asked for different words: {vocabulary} and {result.vocabulary}"
            )


# ---- what belongs together


def _links(first: Part, second: Part, iou: float) -> Iterator[Link]:
    """Rows (i, j) of two tiles that are one thing."""
    shared = _shared(first[0], second[0])
    if shared is None:
        return
    ours, our_rows = _pieces(first, shared)
    theirs, their_rows = _pieces(second, shared)
    overlap = ours.iou(theirs)
    overlap *= first[1].label_ids[our_rows][:, None] == second[1].label_ids[their_rows][None]
    for i, j in zip(*np.nonzero((overlap >= iou) & (overlap > 0)), strict=True):
        yield int(our_rows[i]), int(their_rows[j])


def _shared(one: Sequence[int], two: Sequence[int]) -> tuple[int, int, int, int] | None:
    x0, y0 = max(one[0], two[0]), max(one[1], two[1])
    x1, y1 = min(one[2], two[2]), min(one[3], two[3])
    return (int(x0), int(y0), int(x1), int(y1)) if x0 < x1 and y0 < y1 else None


def _pieces(part: Part, shared: tuple[int, int, int, int]) -> tuple[Masks, Array]:
    """Connected pieces of a tile's regions inside the shared box, and the row that each belongs to.

    Pieces, not whole regions: a U whose arms one tile sees as two things has two pieces in the other as well.
    """
    (left, top, *_), result = part
    x0, y0, x1, y1 = shared
    inside = result.masks.crop((x0 - left, y0 - top, x1 - left, y1 - top))
    found = [
        (row, regions.pieces_as_masks(inside.one(row)))
        for row in np.flatnonzero(inside.areas).tolist()
    ]
    pieces = Masks.concatenate([Masks.empty(inside.size), *(masks for _, masks in found)])
    return pieces, np.array([row for row, masks in found for _ in range(len(masks))], np.int64)


def _root(parent: Array, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row


def _join(parent: Array, one: int, two: int) -> None:
    low, high = sorted((_root(parent, one), _root(parent, two)))
    parent[high] = low


# ---- joined


def _joined(results: Sequence[Result], masks: Masks, groups: list[Array]) -> Result:
    scores = np.concatenate([result.scores for result in results]).astype(np.float64)
    labels = np.concatenate([result.label_ids for result in results])
    weights = np.maximum(masks.areas, 1).astype(np.float64)
    largest = [group[weights[group].argmax()] for group in groups]
    return Result.of(
        Masks.from_crops(masks.size, *_unions(masks, groups)),
        results[0].vocabulary,
        scores=[np.average(scores[group], weights=weights[group]) for group in groups],
        label_ids=labels[largest],
        embeddings=_mean_embeddings(results, weights, groups),
        why=_largest_why(results, largest),
        made_by=tuple(dict.fromkeys(name for result in results for name in result.made_by)),
        absent=_absent(results, labels),
    )


def _unions(masks: Masks, groups: list[Array]) -> tuple[Array, list[Array]]:
    """Corners and crops of the groups' unions; only the box of each group is ever painted."""
    corners, crops = np.zeros((len(groups), 2), np.int32), []
    for row, group in enumerate(groups):
        full = masks.boxes[group][masks.areas[group] > 0]
        if not len(full):
            crops.append(np.zeros((0, 0), bool))
            continue
        (x0, y0), (x1, y1) = full[:, :2].min(0).tolist(), full[:, 2:].max(0).tolist()
        corners[row] = x0, y0
        crops.append(masks[group].move((y1 - y0, x1 - x0), (-x0, -y0)).union())
    return corners, crops


def _mean_embeddings(
    results: Sequence[Result], weights: Array, groups: list[Array]
) -> Array | None:
    rows = [result.embeddings for result in results if len(result)]
    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return None
    joined = np.concatenate(known)
    means = np.array([weights[group] @ joined[group] for group in groups])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))


def _largest_why(results: Sequence[Result], largest: Sequence[int]) -> tuple[Why, ...] | None:
    if not any(result.why for result in results):
        return None
    rows = [why for result in results for why in (result.why or [Why()] * len(result))]
    return tuple(rows[row] for row in largest)


def _absent(results: Sequence[Result], labels: Array) -> tuple[Absent, ...]:
    """Words that no tile has, with the best score that any tile gave them."""
    there = {results[0].vocabulary[label] for label in labels.tolist() if label >= 0}
    best: dict[str, Absent] = {}
    for word in (word for result in results for word in result.absent if word.phrase not in there):
        if word.phrase not in best or word.best > best[word.phrase].best:
            best[word.phrase] = word
    return tuple(best[phrase] for phrase in results[0].vocabulary if phrase in best)
