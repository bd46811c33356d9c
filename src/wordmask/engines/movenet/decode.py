"""From MoveNet's four answers to joints, as the end of its own graph does it.

A cell of the 48 x 48 grid is a middle of a person, or a joint, with some probability. Near the
middle of the picture a middle counts more, so the person whom the picture shows wins over those at
its border. The joints are looked for near where that middle says they are.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.poses import JOINTS
from wordmask.ops.odds import sigmoid

STRIDE = 4  # pixels of a cell
NEAR = 1.8  # cells added to a distance before it divides
# Of the picture's side: two looks at a joint that lie farther apart are of two places.
APART = 0.06
LEAST, ROOM = 0.15, 3  # probability of a middle, and cells around it without a higher one
# Joints in the order in which a mirror shows them.
SIDES = {"left": "right", "right": "left"}
MIRRORED = [
    JOINTS.index(" ".join(SIDES.get(word, word) for word in name.split())) for name in JOINTS
]


class Heads(NamedTuple):
    """The answers for one picture, on a grid of h x w cells; pairs are (y, x) in cells."""

    joints: Array  # (h, w, J) logit of each joint
    middles: Array  # (h, w, 1) logit of "the middle of a person"
    reach: Array  # (h, w, 2 J) from a middle to its joints
    offsets: Array  # (h, w, 2 J) from a joint's cell to the joint


def decode(heads: Heads) -> Array:
    """(J, 3) x, y in the network's pixels and confidence, of the person in the middle."""
    height, width = heads.middles.shape[:2]
    middles = sigmoid(heads.middles[..., 0]) / _distances(_cells(heads), (height / 2, width / 2))
    return _joints_at(heads, np.unravel_index(int(middles.argmax()), middles.shape))


def decode_all(heads: Heads) -> Array:
    """(N, J, 3) of everybody whose middle stands out, the most probable first."""
    middles = sigmoid(heads.middles[..., 0]).astype(np.float32)
    near = np.ones((2 * ROOM + 1, 2 * ROOM + 1), np.uint8)
    peaks = np.argwhere((middles == cv2.dilate(middles, near)) & (middles > LEAST))
    order = np.argsort([-middles[y, x] for y, x in peaks], kind="stable")
    found = [_joints_at(heads, tuple(peaks[k])) for k in order]
    return np.stack(found) if found else np.zeros((0, heads.joints.shape[2], 3), np.float32)


def _joints_at(heads: Heads, middle: Any) -> Array:
    """(J, 3) of the person whose middle is at a cell (y, x)."""
    height, width, count = heads.joints.shape
    expected = np.array(middle, np.float32) + heads.reach[middle].reshape(count, 2)
    likely, cells = sigmoid(heads.joints), _cells(heads)
    rows = [likely[..., k] / _distances(cells, expected[k]) for k in range(count)]
    found = np.stack([np.unravel_index(int(row.argmax()), row.shape) for row in rows])
    ys, xs, joint = found[:, 0], found[:, 1], np.arange(count)
    offsets = heads.offsets.reshape(height, width, count, 2)[ys, xs, joint]
    yx = STRIDE * (found + offsets)
    return np.concatenate([yx[:, ::-1], likely[ys, xs, joint, None]], 1).astype(np.float32)


def _cells(heads: Heads) -> Array:
    height, width = heads.joints.shape[:2]
    return np.moveaxis(np.mgrid[:height, :width], 0, -1).astype(np.float32)


def join_looks(straight: Array, mirrored: Array, side: float) -> Array:
    """(J, 3) from the joints of a picture and of its mirror image, both in their own pixels.

    Where both looks find a joint at one place it is their mean, weighted by their confidence; else
    the surer look counts.
    """
    back = mirrored[MIRRORED]
    back[:, 0] = side - back[:, 0]
    looks = np.stack([straight, back])
    sure = looks[..., 2:]
    mean = (looks * sure).sum(0) / np.maximum(sure.sum(0), 1e-6)
    surer = np.where(sure[0] >= sure[1], straight, back)
    apart = np.hypot(*(straight - back)[:, :2].T) > APART * side
    return np.where(apart[:, None], surer, mean).astype(np.float32)


def _distances(cells: Array, place: Array | tuple[float, float]) -> Array:
    """(h, w) cells from a place (y, x), and a little more."""
    gaps: Array = np.sqrt(((cells - np.asarray(place, np.float32)) ** 2).sum(-1)) + NEAR
    return gaps
