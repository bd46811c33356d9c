"""What a question names, found in the picture: each word once, and then what is said of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.prompts import Text
from wordmask.core.protocols import DepthModel
from wordmask.core.result import Absent, Result
from wordmask.errors import CapabilityError
from wordmask.ops.colour_terms import name_colours
from wordmask.ops.regions import pieces
from wordmask.tasks.asking.nouns import Thing
from wordmask.tasks.finding.view import View
from wordmask.tasks.relations import RELATIONS, relate
from wordmask.tasks.segment import SegmentOptions, segment_view

CLEAR = 0.05  # a difference, as a share of the whole range, from which one is more than the other
WHOLE_RANGE = (5, 95)  # percentiles of the depths of a picture


APART = (
    0.05  # of a region's area: pieces that do not touch and are as large are things of their own
)


@dataclass(frozen=True, eq=False)
class Sighted:
    """The regions of a thing, the best first; or what it lacks."""

    rows: Result
    missing: Thing | None = None  # what it should stand in a relation to, and is not there
    nearly: Result | None = None  # regions of the word that are not as was said


class Sightings:
    """A picture, and the regions of all words that one question has."""

    def __init__(self, view: View, words: tuple[str, ...], options: SegmentOptions) -> None:
        self.view = view
        self.all = split_apart(segment_view(view, Text(words), options))

    def find(self, thing: Thing) -> Sighted:
        """The regions that are as the phrase says."""
        every = rows = self.all.select(thing.word)
        if thing.colour:
            rows = rows[[thing.colour in self.colours(rows, row) for row in range(len(rows))]]
        if thing.place:
            rows = rows[self._in_place(rows, thing.place)]
        if thing.other is not None and len(rows):
            other = self.find(thing.other)
            if not len(other.rows):
                return Sighted(rows[:0], other.missing or thing.other)
            rows = rows[self.relate(thing.relation, rows.masks, other.rows.masks).any(1)]
        if thing.extreme and len(rows):
            rows = rows[[int(self.measure(thing.extreme, rows.masks).argmax())]]
        return Sighted(rows, nearly=None if len(rows) else every)

    def absent(self, word: str) -> Absent:
        """How near the word came to being found."""
        found = [absent for absent in self.all.absent if absent.phrase == word]
        return found[0] if found else Absent(word, 0.0, 0.0)

    def colours(self, rows: Result, row: int) -> tuple[str, ...]:
        pixels = self.view.image.pixels
        return tuple(one.term for one in name_colours(pixels, rows.masks.one(row)))

    # ---- what can be compared

    def relate(self, relation: str, masks: Masks, other: Masks) -> Array:
        """(N, M) bool: which regions stand in the relation to which others."""
        if relation in RELATIONS:
            return relate(relation, masks, other)
        first, second = (self.measure("nearer", part) for part in (masks, other))
        ahead = first[:, None] - second[None]
        held: Array = ahead > CLEAR if relation == "in front of" else ahead < -CLEAR
        return held

    def measure(self, more: str, masks: Masks) -> Array:
        """(N,) of every region how much it is so: larger is more; in shares of the whole range."""
        height, width = masks.size
        boxes = masks.boxes.astype(np.float64)
        if more in ("nearer", "farther"):
            depths = np.array([self._depth_of(masks.one(row)) for row in range(len(masks))])
            return -depths if more == "nearer" else depths
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        values: dict[str, Array] = {
            "bigger": np.log(np.maximum(masks.areas, 1)),
            "right": middle[:, 0] / width,
            "bottom": middle[:, 1] / height,
            "taller": (boxes[:, 3] - boxes[:, 1]) / height,
            "wider": (boxes[:, 2] - boxes[:, 0]) / width,
        }
        opposites = {"smaller": "bigger", "left": "right", "top": "bottom"}
        return -values[opposites[more]] if more in opposites else values[more]

    def _depth_of(self, mask: Array) -> float:
        """The median depth under a mask: 0 near, 1 far."""
        return float(np.median(self._depths[mask]))

    @cached_property
    def _depths(self) -> Array:
        """(H, W) larger is farther, 0 to 1 from near to far."""
        models = self.view.models
        if not models.has(DepthModel):
            raise CapabilityError(f"{models.spec} has no DepthModel; add one, as in mini")
        model = models.get(DepthModel)
        found = model.depth(self.view.encoding_of(model))
        values = -found.values if found.inverse else found.values
        near, far = np.percentile(values, WHOLE_RANGE)
        scaled: Array = (values - near) / max(float(far - near), 1e-9)
        return scaled

    def _in_place(self, rows: Result, place: str) -> Array:
        """(N,) bool: whether the middle of each is in that part of the picture."""
        height, width = rows.size
        boxes = rows.masks.boxes
        x = (boxes[:, 0] + boxes[:, 2]) / 2 / width
        y = (boxes[:, 1] + boxes[:, 3]) / 2 / height
        tests = {
            "left": x < 0.5,
            "right": x > 0.5,
            "top": y < 0.5,
            "bottom": y > 0.5,
            "centre": (abs(x - 0.5) < 1 / 6) & (abs(y - 0.5) < 1 / 4),
        }
        inside: Array = tests[place]
        return inside


def split_apart(result: Result) -> Result:
    """Each region in its large pieces, which keep its score; crumbs beside several are left out."""
    parts, rows = [], []
    for row in range(len(result)):
        mask = result.masks.one(row)
        large = pieces(mask, min_area=max(1, round(APART * int(result.masks.areas[row]))))
        if len(large) < 2:
            parts.append(result.masks[[row]])
        else:
            parts.append(Masks.from_dense(np.stack(large)))
        rows += [row] * len(parts[-1])
    if len(rows) == len(result):
        return result
    return Result.of(
        Masks.concatenate(parts),
        result.vocabulary,
        scores=result.scores[rows],
        label_ids=result.label_ids[rows],
        made_by=result.made_by,
        absent=result.absent,
    )
