"""Connected pieces of the dense answer, each with the word that wins it and a place to prompt."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.ops import regions, resample
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.wordmaps import WordMaps

GRID = 256  # long side of the grid on which pieces are found
PEAK_SHARE = 0.9  # a piece is prompted where its word has this share of its highest probability


@dataclass(frozen=True, eq=False)
class Pieces:
    """N pieces on a working grid that covers the picture edge to edge."""

    masks: Masks  # on the grid
    label_ids: Array  # (N,) word ids
    rows: Array  # (N,) the plane of each piece's word
    planes: Array  # (K, h, w) probabilities of the words that win somewhere, the last one "none"
    size: Size  # the picture's

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, rows: Array) -> "Pieces":
        """A subset by bools, in their order."""
        return replace(
            self, masks=self.masks[rows], label_ids=self.label_ids[rows], rows=self.rows[rows]
        )

    @property
    def to_picture(self) -> Array:
        """(2,) factors from grid x, y to picture x, y."""
        height, width = self.masks.size
        factors: Array = np.array([self.size[1] / width, self.size[0] / height], np.float32)
        return factors

    @property
    def boxes(self) -> Array:
        """(N, 4) float32 boxes in the picture."""
        scaled: Array = (self.masks.boxes * np.tile(self.to_picture, 2)).astype(np.float32)
        return scaled

    @property
    def areas(self) -> Array:
        """(N,) pixels of the picture."""
        areas: Array = self.masks.areas * np.prod(self.to_picture)
        return areas

    @property
    def peaks(self) -> Array:
        """(N,) the highest probability that each piece's word has in it."""
        pairs = zip(self.masks.crops, self._crops_of_planes(), strict=True)
        return np.array([plane[crop].max() for crop, plane in pairs], np.float32)

    def _crops_of_planes(self) -> list[Array]:
        """The probability of each piece's word over the crop of its mask."""
        boxes = zip(self.rows, self.masks.boxes.tolist(), strict=True)
        return [self.planes[row, y0:y1, x0:x1] for row, (x0, y0, x1, y1) in boxes]

    def points(self) -> Array:
        """(N, 2) float32 picture points: the deepest point where each piece is most probable."""
        found = []
        columns = (self.masks.crops, self._crops_of_planes(), self.peaks, self.masks.corners)
        for crop, plane, peak, corner in zip(*columns, strict=True):
            probable = crop & (plane >= PEAK_SHARE * peak)
            found.append(corner + regions.deepest_point(probable))
        points: Array = np.array(found, np.float32).reshape(-1, 2) * self.to_picture
        return points

    def priors(self, rows: Array) -> Array:
        """(n, h, w) float32 log-odds of each piece's word, to prompt with as an earlier mask."""
        odds = np.clip(self.planes[self.rows[rows]], 1e-3, 1 - 1e-3)
        logits: Array = np.log(odds / (1 - odds)).astype(np.float32)
        return logits

    def probability_over(self, row: int, box: Array) -> Array:
        """(h, w) float32: how probable a piece's word is at the pixels of a box of the picture."""
        return resample.over_box(self.planes[self.rows[row]], box, self.size)

    def at_full_size(self, rows: Array) -> Masks:
        """These pieces in the picture: where their word leads the others, interpolated smoothly."""
        masks = [self._at_full_size(int(row)) for row in rows]
        return Masks.concatenate([Masks.empty(self.size), *masks])

    def _at_full_size(self, row: int) -> Masks:
        best, highest, second = self._two_best
        plane = self.rows[row]
        lead = self.planes[plane] - np.where(best == plane, second, highest)
        near = cv2.dilate(self.masks.one(row).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        lead = np.where(near, lead, -1.0).astype(np.float32)
        return regions.masks_of_logits(lead[None], self.size)

    @cached_property
    def _two_best(self) -> tuple[Array, Array, Array]:
        """(h, w) which plane is highest, how high it is, and how high the next one."""
        best = self.planes.argmax(0)
        if len(self.planes) == 1:
            return best, self.planes[0], np.zeros_like(self.planes[0])
        second, highest = np.partition(self.planes, -2, axis=0)[-2:]
        return best, highest, second


def dense_candidates(pieces: Pieces, rows: Array) -> Candidates:
    """These pieces as they are, without a segmenter."""
    quality = np.full(len(rows), np.nan, np.float32)
    prompts = ("dense",) * len(rows)
    return Candidates(pieces.at_full_size(rows), prompts, quality, pieces.label_ids[rows])


def find_pieces(maps: WordMaps, *, threshold: float, min_region_size: int) -> Pieces:
    """Pieces of at least so many picture pixels, where a word wins with this probability."""
    height, width = maps.size
    shrink = min(1.0, GRID / max(height, width))
    grid = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    word_ids, planes = maps.winners(grid)
    best = planes.argmax(0)
    probable = planes.max(0) >= threshold
    min_area = max(1, round(min_region_size * grid[0] * grid[1] / (height * width)))
    parts = [Masks.empty(grid)]
    rows: list[int] = []
    for row in range(len(word_ids) - 1):  # without "none"
        found = regions.pieces_as_masks((best == row) & probable, min_area=min_area)
        parts.append(found)
        rows += [row] * len(found)
    index = np.array(rows, np.int64)
    return Pieces(Masks.concatenate(parts), word_ids[index], index, planes, maps.size)
