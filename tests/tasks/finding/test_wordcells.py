"""Probabilities kept as products are those that the formulas give on whole arrays."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.classes import ClassEvidence, ClassMaps, ClassNames, ContextEvidence
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap, Rivals
from wordmask.ops import pool
from wordmask.ops.odds import softmax_in_place
from wordmask.tasks.finding import wordcells
from wordmask.tasks.finding.classes import class_planes, class_support
from wordmask.tasks.finding.sharpen import sharpen
from wordmask.tasks.finding.wordcells import (
    ABSENT_SHARE,
    PEAK_CELLS,
    ExtraLogits,
    WeighedWords,
    WordCells,
    weigh_words,
)
from wordmask.tasks.finding.wordmaps import WordMaps

DIMS = 5


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def random_maps(seed: int, *more: str) -> WordMaps:
    """Words of one to three spellings; learned, judged by classes, or unknown, as it comes."""
    rng = np.random.default_rng(seed)
    grid, words = (int(rng.integers(1, 9)), int(rng.integers(1, 12))), int(rng.integers(1, 12))
    counts = rng.integers(1, 4 if "spellings" in more else 2, words)
    vectors, texts = (unit(rng.normal(size=(*n, DIMS))) for n in (grid, (int(counts.sum()),)))
    features = FeatureMap(vectors, (grid[0] * 4, grid[1] * 4), float(rng.choice([3, 9, 70])))
    if "none" in more:
        features = replace(features, none=rng.normal(2, 2, grid).astype(np.float32))
    if "rivals" in more:
        rivals = unit(rng.normal(size=(4, DIMS)))
        features = replace(features, rivals=Rivals(rivals, rivals, np.arange(4)))
    if "classes" in more:
        local = rng.dirichlet(np.full(6, 0.3), grid).transpose(2, 0, 1).astype(np.float32)
        maps = ClassMaps((local,), local.mean((1, 2)), np.zeros(12, np.float32))
        names = ClassNames(texts[::3] + 0.1, texts[1::3], rng.random((len(texts[1::3]), 6)) < 0.4)
        classes = ClassEvidence(names, Once(lambda: maps), 0.5, 1.0, 1.0, 0.0, 0.4, -3.0, 2.0)
        features = replace(features, classes=classes)
    if "context" in more:
        direction = rng.normal(0, 3, DIMS + 1).astype(np.float32)
        context = ContextEvidence(Once(lambda: direction), 0.5, 1.0, -2.0, 1.0, 0.5, 0.0)
        features = replace(features, context=context)
    presence = float(rng.choice([0.3, 0.7])) if "presence" in more else 0.0
    starts = np.cumsum(counts) - counts
    return WordMaps(replace(features, presence=presence), texts, starts)


def probabilities_as_written(maps: WordMaps) -> np.ndarray:
    """(C + 1, cells): every step on the whole matrix, every word kept to the end."""
    features, judges = maps.features, maps._judges
    vectors = features.vectors.reshape(-1, DIMS)
    spelled = features.scale * (maps.texts @ vectors.T)
    ends = [*maps.starts.tolist(), len(maps.texts)]
    logits = np.stack([spelled[a:b].max(0) for a, b in pairwise(ends)])
    none = np.full((1, len(vectors)), -np.inf, np.float32)
    if features.none is not None:
        none = features.none.reshape(1, -1)
    if features.rivals is not None:
        rivals = features.scale * (features.rivals.against(maps.texts) @ vectors.T)
        none = np.logaddexp.reduce(np.concatenate([rivals, none]))[None]
    planes = np.concatenate([logits, none]).astype(np.float32)
    gains = maps._context_gains
    if judges is not None:
        planes[judges.by_class.rows] = -np.inf
        rows, support = class_support(features.classes, judges.supported.members, maps._grid)
        planes[judges.supported.rows[rows]] += support.reshape(len(rows), len(vectors))
    planes[:-1] += np.minimum(gains, 0)[:, None]
    if not np.isfinite(planes).any():
        planes[:] = 0
    else:
        softmax_in_place(planes)
    raise_as_written(planes, gains)
    if features.presence > 0:
        suppress_as_written(planes, maps._needed_peaks)
    if judges is not None:
        rows, own = class_planes(features.classes, judges.by_class.members, maps._grid)
        words = judges.by_class.rows[rows]
        own = sharpen(own.reshape(len(rows), len(vectors)), maps._looks(words))
        planes *= 1 - own.sum(0)
        planes[judges.by_class.rows] = 0
        planes[words] = own
    return planes


def peaks_of(planes):
    return np.sort(planes, 1)[:, -PEAK_CELLS:].mean(1)


def raise_as_written(planes, gains):
    rows = np.flatnonzero(gains > 0)
    factors = np.exp(gains[rows] * (1 - peaks_of(planes[rows])))[:, None]
    planes /= 1 + ((factors - 1) * planes[rows]).sum(0)
    planes[rows] *= factors


def suppress_as_written(planes, needed):
    absent = peaks_of(planes[:-1]) < needed
    planes[-1] += (1 - ABSENT_SHARE) * planes[:-1][absent].sum(0)
    planes[:-1][absent] *= ABSENT_SHARE


KINDS = ("none", "rivals", "classes", "context", "presence", "spellings")


@given(st.integers(0, 2**32 - 1), st.sets(st.sampled_from(KINDS)))
def test_products_are_what_the_formulas_say(seed, kinds):
    maps = random_maps(seed, *kinds)
    plain = probabilities_as_written(maps)
    assert maps.probabilities.reshape(plain.shape) == pytest.approx(plain, abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.sets(st.sampled_from(KINDS)))
def test_the_words_that_are_looked_at_again_are_all_that_can_win(seed, kinds):
    maps = random_maps(seed, *kinds)
    plain = probabilities_as_written(maps)
    ids, planes = maps.winners(maps._grid)
    rest = np.delete(plain, ids, 0)
    highest = plain[ids].max(0)
    assert (rest <= highest + 1e-5).all()
    for row, plane in zip(ids[:-1], planes, strict=False):
        assert (plane.ravel() >= plain.max(0) - 1e-5).any(), row
    assert planes.reshape(len(ids), -1) == pytest.approx(plain[ids], abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.sets(st.sampled_from(KINDS)))
def test_each_word_has_its_best_cell_and_what_wins_there(seed, kinds):
    maps = random_maps(seed, *kinds)
    plain = probabilities_as_written(maps)
    own, winning = maps.best_cells(np.arange(len(maps)))
    assert own == pytest.approx(plain[:-1].max(1), abs=1e-5)
    near = plain[:-1] >= plain[:-1].max(1, keepdims=True) - 1e-5
    for word, height in enumerate(winning):
        assert np.isclose(plain.max(0)[near[word]], height, atol=1e-5).any()


def test_means_under_masks_are_those_of_the_planes():
    maps = random_maps(3, *KINDS)
    masks = Masks.from_dense(np.random.default_rng(0).random((4, *maps.size)) < 0.3)
    plain = pool.mean_inside(masks, np.moveaxis(maps.probabilities, 0, -1))
    assert maps.under(masks) == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize("values", [1, 50, 10**6])
def test_blocks_of_any_size_give_the_same(values, monkeypatch):
    whole = random_maps(5, *KINDS).probabilities
    monkeypatch.setattr(wordcells, "BLOCK_VALUES", values)
    assert random_maps(5, *KINDS).probabilities == pytest.approx(whole, abs=1e-6)


def cells_of(logits: np.ndarray, none: float) -> WordCells:
    """Of (W, N) logits."""
    words, cells = logits.shape
    ids, losses = np.arange(words), np.zeros(words, np.float32)
    asked = WeighedWords(words, ids, logits.astype(np.float32), ids, losses)
    nothing = ExtraLogits(np.zeros(0, np.int64), np.zeros((0, cells), np.float32))
    level = np.full(cells, none, np.float32)
    return weigh_words(np.eye(cells, dtype=np.float32), asked, level, nothing)


def total(cells: WordCells, words: int) -> np.ndarray:
    return cells.planes(np.arange(words)).sum(0) + cells.none


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([-np.inf, -90, 0, 90]))
def test_probabilities_sum_to_one_whatever_is_done(words, seed, none):
    rng = np.random.default_rng(seed)
    cells = cells_of(rng.normal(0, 4, (words, 7)), none)
    assert total(cells, words) == pytest.approx(1, abs=1e-5)
    assert (cells.none > 1e-20).all() == (none >= 0)
    cells.raise_likely(rng.uniform(-1, 1, words).astype(np.float32))
    assert total(cells, words) == pytest.approx(1, abs=1e-5)
    cells.suppress_absent(np.full(words, 0.5, np.float32))
    assert total(cells, words) == pytest.approx(1, abs=1e-5)


def test_a_word_that_is_sure_somewhere_gains_nothing():
    sure, unsure = np.log([[0.999999, 0.2], [1e-6, 0.8]]), np.log([[0.3, 0.2], [0.7, 0.8]])
    for logits, gained in ((sure, False), (unsure, True)):
        cells = cells_of(logits.repeat(PEAK_CELLS, 1), -np.inf)
        before = cells.planes(np.array([0]))
        cells.raise_likely(np.array([1, 0], np.float32))
        assert (cells.planes(np.array([0]))[0, -1] > before[0, -1] + 1e-3) == gained
