"""What a tracker learns of cells: how to describe them, and a regression on all frames so far."""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.engines.mini.seen import EncoderMaps, MiniSeen
from wordmask.ops import pool

DIMS = 64  # of the descriptions that are compared: 98 % of what varies
NECK = 0.7  # weight of what all heads read beside what words are compared with
DECAY = 0.95  # of earlier frames in the regression, a frame
DAMPING = 1e-3


def describe_cells(seen: MiniSeen) -> Array:
    """(N, C) float32 unit rows, row by row of the grid."""
    vectors, neck = (one.reshape(len(one), -1).T for one in (seen.maps.vectors, seen.maps.neck))
    joined = np.concatenate([vectors, NECK * pool.unit(neck)], 1)
    return np.asarray(joined / np.float32((1 + NECK**2) ** 0.5), np.float32)


def mean_vector(maps: EncoderMaps, weights: Array) -> Array:
    """(256,) unit vector: the mean over the cells, with these weights (N,)."""
    mean = maps.vectors.reshape(len(maps.vectors), -1) @ weights
    return np.asarray(pool.unit(mean[None])[0])


def basis_of(features: Array) -> Array:
    """(C, DIMS): the directions in which the cells of one frame (N, C) vary most."""
    _, directions = np.linalg.eigh(features.T @ features)
    return np.ascontiguousarray(directions[:, ::-1][:, :DIMS], np.float32)


@dataclass(frozen=True, eq=False)
class Ridge:
    """Ridge regression of "object" on cells, kept as sums: its size does not grow."""

    products: Array  # (D + 1, D + 1)
    targets: Array  # (D + 1,)

    @classmethod
    def empty(cls, dims: int) -> "Ridge":
        return cls(np.zeros((dims + 1, dims + 1)), np.zeros(dims + 1))

    @property
    def nbytes(self) -> int:
        return int(self.products.nbytes + self.targets.nbytes)

    def add(self, features: Array, inside: Array) -> "Ridge":
        """With a frame's cells; object and background count the same, earlier frames less."""
        rows = _with_ones(features)
        is_object = inside > 0.5
        weights = np.where(
            is_object, 0.5 / max(1, is_object.sum()), 0.5 / max(1, (~is_object).sum())
        )
        weighted = rows * weights[:, None]
        return Ridge(
            DECAY * self.products + rows.T @ weighted,
            DECAY * self.targets + weighted.T @ (2 * inside - 1),
        )

    def predict(self, features: Array) -> Array:
        """(N,) in [0, 1]."""
        damped = self.products + DAMPING * np.eye(len(self.products))
        answer = _with_ones(features) @ np.linalg.solve(damped, self.targets)
        return np.asarray(np.clip(0.5 + 0.5 * answer, 0, 1), np.float32)


def _with_ones(features: Array) -> Array:
    return np.concatenate([features, np.ones((len(features), 1), np.float32)], 1)
