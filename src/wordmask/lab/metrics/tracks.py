"""Many objects through a video: IDF1 (Ristani et al. 2016) and HOTA (Luiten et al. 2021).

A frame is a row of true ids, a row of answered ids and the similarity (IoU) of each pair. Ids are
any integers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.ops import match

ALPHAS = np.arange(0.05, 0.99, 0.05)


class TrackFrame(NamedTuple):
    """One frame of a video."""

    truth: Array  # (G,) ids
    found: Array  # (D,) ids
    similarity: Array  # (G, D) in [0, 1]


def idf1(frames: Sequence[TrackFrame], *, least: float = 0.5) -> float:
    """Share of regions with the right identity under the best one-to-one pairing of tracks."""
    truths, founds = _ids(frames)
    together = np.zeros((len(truths), len(founds)))
    for frame in frames:
        cells = np.ix_(np.searchsorted(truths, frame.truth), np.searchsorted(founds, frame.found))
        together[cells] += frame.similarity >= least
    total = sum(len(frame.truth) + len(frame.found) for frame in frames)
    rows, columns = match.assign(-together)
    return float(2 * together[rows, columns].sum() / total) if total else float("nan")


def hota(frames: Sequence[TrackFrame]) -> dict[str, float]:
    """HOTA, and its halves detection (DetA) and association (AssA): means over the thresholds."""
    truths, founds = _ids(frames)
    frames = [
        TrackFrame(np.searchsorted(truths, f.truth), np.searchsorted(founds, f.found), f.similarity)
        for f in frames
    ]
    truth_counts = _counts([frame.truth for frame in frames], len(truths))
    found_counts = _counts([frame.found for frame in frames], len(founds))
    alignment = _alignment(frames, truth_counts, found_counts)
    matches = np.zeros((len(ALPHAS), len(truths), len(founds)))
    for frame in frames:
        rows, columns = _pair(frame, alignment)
        similar = frame.similarity[rows, columns][None] >= ALPHAS[:, None] - np.finfo(float).eps
        # An id stands at most once in a frame, so no cell is added to twice.
        matches[:, frame.truth[rows], frame.found[columns]] += similar
    right = matches.sum((1, 2))
    total = truth_counts.sum() + found_counts.sum()
    if not total:
        return {"hota": np.nan, "det_a": np.nan, "ass_a": np.nan}
    detection = right / (total - right)
    each = matches / np.maximum(truth_counts[:, None] + found_counts[None] - matches, 1)
    association = (matches * each).sum((1, 2)) / np.maximum(right, 1)
    means = np.sqrt(detection * association).mean(), detection.mean(), association.mean()
    return dict(zip(("hota", "det_a", "ass_a"), (float(value) for value in means), strict=True))


def _alignment(frames: Sequence[TrackFrame], truth_counts: Array, found_counts: Array) -> Array:
    """(T, F) how well each pair of tracks fits over the whole video; their pairing rests on it."""
    potential = np.zeros((len(truth_counts), len(found_counts)))
    for frame in frames:
        sim = frame.similarity
        sums = sim.sum(0)[None] + sim.sum(1)[:, None] - sim
        share = np.divide(sim, sums, out=np.zeros(sim.shape), where=sums > np.finfo(float).eps)
        potential[np.ix_(frame.truth, frame.found)] += share
    joint = truth_counts[:, None] + found_counts[None] - potential
    return np.divide(potential, joint, out=np.zeros(potential.shape), where=joint > 0)


def _pair(frame: TrackFrame, alignment: Array) -> tuple[Array, Array]:
    return match.assign(-(alignment[np.ix_(frame.truth, frame.found)] * frame.similarity))


def _ids(frames: Sequence[TrackFrame]) -> tuple[Array, Array]:
    def all_of(rows: list[Array]) -> Array:
        return np.unique(np.concatenate([np.zeros(0, np.int64), *rows]))

    return all_of([frame.truth for frame in frames]), all_of([frame.found for frame in frames])


def _counts(rows: list[Array], size: int) -> Array:
    return np.bincount(np.concatenate([np.zeros(0, np.int64), *rows]), minlength=size)
