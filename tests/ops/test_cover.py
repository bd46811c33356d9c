"""Regions grow, or new ones come, until every pixel has its label."""

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.ops.cover import cover


def score(masks: Masks, label_ids: np.ndarray) -> np.ndarray:
    return 0.1 + 0.01 * label_ids


def result_of(*boxes: tuple[int, int, int, int], labels: list[int], scores=None) -> Result:
    masks = np.zeros((len(boxes), 10, 20), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    scores = scores or [0.9 - 0.1 * k for k in range(len(boxes))]
    return Result.of(
        Masks.from_dense(masks), ("cat", "sky", "road"), scores=scores, label_ids=labels
    )


def test_a_region_grows_over_the_rest_of_its_label_and_a_new_label_becomes_a_region():
    labels = np.zeros((10, 20), np.int32)
    labels[:, 10:] = 2
    covered = cover(result_of((2, 2, 6, 6), labels=[0]), labels, score)
    assert covered.names == ("cat", "road")
    assert covered.scores.tolist() == pytest.approx([0.9, 0.12])
    assert (covered.label_map() == labels).all()


def test_the_rest_goes_to_the_nearest_region_of_its_label():
    found = result_of((0, 0, 4, 10), (16, 0, 20, 10), labels=[0, 0])
    covered = cover(found, np.zeros((10, 20), np.int32), score)
    assert covered.masks.areas.tolist() == [100, 100]
    assert covered.masks.one(0)[:, :10].all()


def test_what_a_region_covers_stays_its_own_whatever_the_labels_say():
    found = result_of((2, 2, 6, 6), (4, 4, 8, 8), labels=[0, 1])
    covered = cover(found, np.full((10, 20), 2, np.int32), score)
    assert covered.masks.areas.tolist() == [16, 12, 200 - 28]
    assert covered.names == ("cat", "sky", "road")


def test_pixels_without_a_label_stay_uncovered():
    found = result_of((2, 2, 6, 6), labels=[0])
    covered = cover(found, np.full((10, 20), -1, np.int32), score)
    assert covered.masks.areas.tolist() == [16]


def test_without_regions_every_label_becomes_one():
    labels = np.repeat(np.array([[1, 2]], np.int32), 10, 1).repeat(10, 0)
    covered = cover(result_of(labels=[]), labels, score)
    assert covered.names == ("road", "sky")
    assert (covered.label_map() == labels).all()


@pytest.mark.parametrize("seed", range(20))
def test_every_pixel_is_covered_once(seed):
    rng = np.random.default_rng(seed)
    boxes = [
        (x, y, x + rng.integers(1, 9), y + rng.integers(1, 6))
        for x, y in rng.integers(0, 8, (4, 2))
    ]
    found = result_of(*boxes, labels=rng.integers(0, 3, 4).tolist())
    labels = rng.integers(0, 3, (10, 20)).astype(np.int32)
    covered = cover(found, labels, score)
    assert covered.masks.areas.sum() == 200
    assert covered.masks.union().all()
    before = found.label_map()
    assert (covered.label_map() == np.where(before < 0, labels, before)).all()
