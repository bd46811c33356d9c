"""What an index keeps of a picture."""

import cv2
import numpy as np
import pytest

from wordmask import engines
from wordmask.core.image import Image
from wordmask.tasks.describe import NAMES, DescribeOptions, describe_view, whole_vector
from wordmask.tasks.everyday import EVERYDAY_WORDS
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View


@pytest.fixture(scope="module")
def view() -> View:
    pixels = np.full((96, 128, 3), 255, np.uint8)
    cv2.circle(pixels, (35, 48), 14, (220, 20, 20), -1)
    cv2.rectangle(pixels, (90, 40), (97, 47), (20, 20, 220), -1)  # between the points of the grid
    return View(Image(pixels), engines.load("fake"), Trace())


def areas(view: View, **options) -> list[int]:
    made = describe_view(view, DescribeOptions(**options))
    return sorted(made.result.masks.areas.tolist())


def test_words_find_what_a_coarse_grid_misses(view):
    with_words = areas(view, points_per_side=2, vocabulary=("red", "blue"))
    without = areas(view, points_per_side=2, vocabulary=("cat",))
    assert 64 in with_words
    assert 64 not in without


def test_no_region_stands_twice(view):
    made = describe_view(view, DescribeOptions(points_per_side=8, vocabulary=("red", "blue")))
    overlaps = made.result.masks.iou(made.result.masks)
    assert (overlaps[~np.eye(len(overlaps), dtype=bool)] < 0.85).all()


def test_each_region_has_a_unit_vector_and_its_best_names(view):
    made = describe_view(
        view, DescribeOptions(points_per_side=8, vocabulary=("red", "blue", "cat"))
    )
    assert np.linalg.norm(made.result.embeddings, axis=1) == pytest.approx(1)
    assert {"red", "blue"} <= {names[0] for names in made.names}
    assert all(list(row) == sorted(row, reverse=True) for row in made.name_scores)
    assert all(len(names) == min(NAMES, 3) for names in made.names)
    assert np.linalg.norm(made.whole) == pytest.approx(1)


def test_only_regions_of_words(view):
    assert areas(view, words=("blue",)) == [64]
    assert areas(view, words=("cat",)) == []


def test_small_regions_are_left_out(view):
    assert 64 not in areas(view, min_share=0.01, points_per_side=8, vocabulary=("red", "blue"))


def test_without_an_embedder_the_mean_of_the_cells_is_the_picture(view):
    cells = view.features.vectors.mean((0, 1))
    assert whole_vector(view) @ cells / np.linalg.norm(cells) > 0.9


def test_everyday_words_are_words():
    assert len(EVERYDAY_WORDS) == len(set(EVERYDAY_WORDS)) > 300
    assert all(word == word.strip() and word for word in EVERYDAY_WORDS)
