"""Regions of an index with their scores, while a search narrows them down."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Absent
from wordmask.media.index.rows import RegionRow
from wordmask.ops.pool import unit
from wordmask.tasks.relations import relate
from wordmask.tasks.search import IndexedRegions, drop_parts


@dataclass(frozen=True, eq=False)
class Scored:
    """Regions with their scores, best first."""

    rows: list[RegionRow] = field(default_factory=list)
    scores: Array = field(default_factory=lambda: np.zeros(0))
    beside: list[RegionRow | None] = field(default_factory=list)

    def take(self, chosen: Sequence[int] | Array) -> "Scored":
        numbers = np.asarray(chosen, np.int64).tolist()
        return Scored(
            [self.rows[number] for number in numbers],
            self.scores[numbers],
            [self.beside[number] for number in numbers] if self.beside else [],
        )

    @property
    def best(self) -> float:
        return float(self.scores[0]) if len(self.scores) else 0.0


def masks_of(rows: Sequence[RegionRow]) -> Masks:
    """The outlines of regions of one picture."""
    size = rows[0].height, rows[0].width
    return Masks.from_rle([{"size": list(size), "counts": row.mask} for row in rows], size)


def as_compared(rows: Sequence[RegionRow], dims: int) -> IndexedRegions:
    """The regions as ranking takes them; there may be none."""
    return IndexedRegions(
        unit(np.array([row.vector for row in rows]).reshape(len(rows), dims)),
        np.array([row.share for row in rows]),
        np.array([row.quality for row in rows]),
    )


def sort_best(rows: list[RegionRow], scores: Array) -> Scored:
    """Best first; ties by key, so that the order is always the same."""
    order = sorted(range(len(rows)), key=lambda one: (-scores[one], rows[one].key))
    return Scored([rows[one] for one in order], scores[order])


def above(scored: Scored, cut: float) -> Scored:
    """What counts as found."""
    return scored.take(np.flatnonzero(scored.scores >= cut))


def join_scored(first: Scored, second: Scored) -> Scored:
    """The regions of both, each once."""
    rows = {row.key: row for row in (*first.rows, *second.rows)}
    scores = dict(zip([row.key for row in first.rows], first.scores, strict=True))
    scores |= dict(zip([row.key for row in second.rows], second.scores, strict=True))
    return sort_best(list(rows.values()), np.array([scores[key] for key in rows]))


def drop_parts_of(scored: Scored) -> Scored:
    """Of a thing and its parts in one picture the best one stays."""
    by_picture: dict[str, list[int]] = {}
    for number, row in enumerate(scored.rows):
        by_picture.setdefault(row.picture, []).append(number)
    kept: list[int] = []
    for numbers in by_picture.values():
        masks = masks_of([scored.rows[number] for number in numbers])
        kept += [numbers[row] for row in drop_parts(masks, scored.scores[numbers]).tolist()]
    return scored.take(sorted(kept))


def relate_scored(subject: Scored, other: Scored, relation: str) -> Scored:
    """The regions that have another one in the relation; their score is the lower of the two."""
    rows: list[RegionRow] = []
    scores: list[float] = []
    partners: list[RegionRow | None] = []
    for picture in dict.fromkeys(row.picture for row in subject.rows):
        mine = [n for n, row in enumerate(subject.rows) if row.picture == picture]
        theirs = [n for n, row in enumerate(other.rows) if row.picture == picture]
        if not theirs:
            continue
        masks, others = (
            masks_of([some.rows[n] for n in numbers])
            for some, numbers in ((subject, mine), (other, theirs))
        )
        for one, held in zip(mine, relate(relation, masks, others), strict=True):
            if held.any():
                partner = theirs[int(held.argmax())]  # the best one, as they are sorted
                rows.append(subject.rows[one])
                scores.append(min(subject.scores[one], other.scores[partner]))
                partners.append(other.rows[partner])
    order = sorted(range(len(rows)), key=lambda one: (-scores[one], rows[one].key))
    return Scored(rows, np.array(scores), partners).take(order)


def keep_common(
    found: dict[str, Scored], absent: list[Absent]
) -> tuple[dict[str, Scored], list[Absent]]:
    """Only what lies in pictures in which every word is."""
    pictures = [{row.picture for row in kept.rows} for kept in found.values()]
    common = set.intersection(*pictures)
    common_rows = {
        word: kept.take([n for n, row in enumerate(kept.rows) if row.picture in common])
        for word, kept in found.items()
    }
    if not common and not absent:
        absent = [Absent(" + ".join(found), 0.0, 1.0)]
    return common_rows, absent


def first_of_each(values: Sequence[str]) -> list[int]:
    first: dict[str, int] = {}
    for number, value in enumerate(values):
        first.setdefault(value, number)
    return list(first.values())
