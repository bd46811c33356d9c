"""Joints of people as files keep them: COCO's keypoints, and rows of own JSON."""

from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.poses import BONES, CONFIDENT, JOINTS, Poses
from wordmask.errors import FormatError
from wordmask.media.formats.parsing import numbers, plain

# COCO's marks: 0 not labelled, 1 labelled though hidden, 2 visible.
VISIBLE = 2
CONFIDENCES = {0: 0.0, 1: 0.5, VISIBLE: 1.0}
SCORES = "joint_scores"  # our own key beside COCO's: the confidences


def category() -> dict[str, Any]:
    """What a category of COCO says of its joints; bones count from 1."""
    bones = [[JOINTS.index(one) + 1, JOINTS.index(other) + 1] for one, other in BONES]
    return {"keypoints": [name.replace(" ", "_") for name in JOINTS], "skeleton": bones}


def to_coco(poses: Poses, row: int) -> dict[str, Any]:
    """The keys of one annotation: joints that are there are visible, all others 0, 0, 0."""
    there = poses.is_there(CONFIDENT)[row]
    flat: list[float] = []
    for (x, y, _), known in zip(poses.joints[row].tolist(), there.tolist(), strict=True):
        flat += [round(x, 2), round(y, 2), VISIBLE] if known else [0, 0, 0]
    scores = [plain(value) for value in poses.joints[row, :, 2]]
    return {"keypoints": flat, "num_keypoints": int(there.sum()), SCORES: scores}


def from_coco(entry: dict[str, Any], where: str) -> Array | None:
    """(17, 3) x, y, confidence of an annotation; None where it has no joints, or other ones.

    Without confidences a visible joint has 1 and a hidden one 0.5.
    """
    flat = entry.get("keypoints")
    if not isinstance(flat, list) or len(flat) != 3 * len(JOINTS):
        return None
    joints = np.array(numbers(flat, f"{where}: keypoints"), np.float32).reshape(-1, 3)
    marks = set(joints[:, 2].tolist())
    if marks - set(CONFIDENCES):
        raise FormatError(f"{where}: the marks of keypoints are 0, 1 or 2, got {sorted(marks)}")
    confidence = np.array([CONFIDENCES[int(mark)] for mark in joints[:, 2]], np.float32)
    if SCORES in entry:
        known = np.array(numbers(entry[SCORES], f"{where}: {SCORES}"), np.float32)
        if known.shape == confidence.shape:
            confidence = np.where(joints[:, 2] > 0, known, 0)
    joints[:, 2] = _check(confidence, where)
    return joints if joints[:, 2].any() else None


def to_rows(poses: Poses, row: int) -> list[list[float]]:
    """[x, y, confidence] for each joint, for own JSON."""
    return [[round(x, 2), round(y, 2), plain(c)] for x, y, c in poses.joints[row].tolist()]


def from_rows(rows: Any, where: str) -> Array | None:
    """The same read back; None where there are none."""
    if rows is None:
        return None
    if not isinstance(rows, list) or len(rows) != len(JOINTS):
        raise FormatError(f"{where}: joints are a list of {len(JOINTS)} rows [x, y, confidence]")
    values = [numbers(row, f"{where}: joints") for row in rows]
    if any(len(row) != 3 for row in values):
        raise FormatError(f"{where}: a joint is [x, y, confidence]")
    joints = np.array(values, np.float32)
    joints[:, 2] = _check(joints[:, 2], where)
    return joints


def _check(confidence: Array, where: str) -> Array:
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise FormatError(f"{where}: the confidence of a joint lies in [0, 1]")
    return confidence
