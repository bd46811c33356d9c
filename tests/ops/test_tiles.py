"""A perfect engine sees each thing of a tile and no more: stitched, its answer is the picture's."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from budget import examples
from wordmask.core.masks import Masks
from wordmask.errors import OptionError
from wordmask.ops.tiles import TileRegions, group, lay_tiles, mosaic


def things(mask) -> list[np.ndarray]:
    count, ids = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [ids == number for number in range(1, count)]


class PerfectEngine:
    """What is found in each tile of a mask: its connected things, cut to what is trusted."""

    def __init__(self, mask, side, overlap, labels=None) -> None:
        self.size = mask.shape
        self.tiles = lay_tiles(self.size, side, overlap)
        self._masks = []
        self.found = []
        for tile in self.tiles:
            self._look(mask, tile, labels)

    def _look(self, mask, tile, labels) -> None:
        seen = np.zeros_like(mask)
        x0, y0, x1, y1 = tile.box
        seen[y0:y1, x0:x1] = mask[y0:y1, x0:x1]
        kept = np.zeros_like(mask)
        x0, y0, x1, y1 = tile.trusted
        kept[y0:y1, x0:x1] = True
        parts = [part for part in (thing & kept for thing in things(seen)) if part.any()]
        masks = Masks.from_dense(np.array(parts)) if parts else Masks.empty(self.size)
        self._masks.append(masks)
        names = [0 if labels is None else int(labels[part][0]) for part in parts]
        scores = np.full(len(parts), 0.5, np.float32)
        self.found.append(TileRegions(masks.boxes, np.array(names, np.int32), scores, masks.areas))

    def crops(self, tile, rows):
        return [self._masks[tile].crops[row] for row in rows]

    def stitch(self, *, nested=False) -> list[np.ndarray]:
        """The regions of the whole picture; each share is looked at: none may overlap another."""
        regions = group(self.tiles, self.found, self.crops, nested=nested)
        whole = np.zeros((len(regions), *self.size), int)
        ended = set()
        for _, shares in mosaic(self.tiles, self.found, regions, self.crops):
            for share in shares:
                (x, y), (height, width) = share.corner, share.crop.shape
                whole[share.region, y : y + height, x : x + width] += share.crop
                assert share.region not in ended
                ended |= {share.region} if share.is_last else set()
        assert ended == set(range(len(regions)))
        assert whole.max(initial=0) <= 1
        return [region > 0 for region in whole]


@examples(60)
@given(arrays(bool, (23, 31)), st.integers(8, 14), st.integers(2, 4))
def test_a_mosaic_of_tiles_is_the_picture(mask, side, overlap):
    expected = sorted(thing.tobytes() for thing in things(mask))
    found = PerfectEngine(mask, side, overlap).stitch()
    assert sorted(region.tobytes() for region in found) == expected


@pytest.mark.parametrize("nested", [False, True])
def test_a_line_through_many_tiles_is_one_thing(nested):
    mask = np.zeros((40, 100), bool)
    mask[18:23] = True
    mask[:, 50] = True
    (found,) = PerfectEngine(mask, 16, 6).stitch(nested=nested)
    assert (found == mask).all()


def test_things_of_two_words_stay_apart():
    mask = np.zeros((10, 30), bool)
    mask[4:6] = True
    labels = np.zeros((10, 30), int)
    engine = PerfectEngine(mask, 20, 8, labels)
    one, two = engine.found[:2]
    engine.found[1] = TileRegions(two.boxes, one.label_ids + 1, two.scores, two.areas)
    regions = group(engine.tiles, engine.found, engine.crops, nested=False)
    assert len(regions) == 2


@given(st.integers(1, 90), st.integers(1, 90), st.integers(4, 40), st.floats(0, 0.5))
def test_cores_cover_the_picture_once_and_lie_in_what_is_trusted(height, width, side, share):
    tiles = lay_tiles((height, width), side, int(side * share))
    covered = np.zeros((height, width), int)
    for tile in tiles:
        x0, y0, x1, y1 = tile.core
        covered[y0:y1, x0:x1] += 1
        for outer, inner in ((tile.box, tile.trusted), (tile.trusted, tile.core)):
            assert outer[0] <= inner[0]
            assert outer[1] <= inner[1]
            assert outer[2] >= inner[2]
            assert outer[3] >= inner[3]
    assert (covered == 1).all()


def test_an_overlap_of_more_than_half_a_side_is_refused():
    with pytest.raises(OptionError, match="at most half"):
        lay_tiles((10, 10), 8, 5)
