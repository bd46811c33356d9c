"""How well a label for every pixel fits: confusion counts and boundaries.

A label map is (H, W) of integers, an index into the classes. In the truth VOID is not scored;
in an answer it means "nothing said", which is wrong wherever the truth says something.
"""

from math import hypot

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import MaskError, OptionError

VOID = -1
BOUNDARY = 0.02  # of the diagonal (Cheng et al. 2021, Boundary IoU)


def confusion(truth: Array, predicted: Array, classes: int) -> Array:
    """(C, C + 1) int64 pixels: row = truth, column = answer, the last column is "nothing said".

    >>> confusion(np.array([[0, 1, -1]]), np.array([[0, -1, 1]]), 2).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    _check(truth, predicted, classes)
    scored = truth >= 0
    columns = np.where(predicted[scored] >= 0, predicted[scored], classes).astype(np.int64)
    cells = truth[scored].astype(np.int64) * (classes + 1) + columns
    return np.bincount(cells, minlength=classes * (classes + 1)).reshape(classes, classes + 1)


def totals(counts: Array) -> Array:
    """(C, 3) int64 of a confusion: pixels right, in the truth, in the answer."""
    return np.stack([np.diagonal(counts), counts.sum(1), counts[:, :-1].sum(0)], 1)


def class_iou(sums: Array) -> Array:
    """(C,) IoU of each class from (C, 3) totals; nan where neither truth nor answer has it."""
    right, truth, answer = (sums[:, k].astype(np.float64) for k in range(3))
    return _ratio(right, truth + answer - right)


def class_accuracy(sums: Array) -> Array:
    """(C,) share of each class's pixels that are right; nan where the truth has none."""
    return _ratio(sums[:, 0].astype(np.float64), sums[:, 1].astype(np.float64))


def figures(sums: Array) -> dict[str, float]:
    """mIoU, pixel accuracy, mean accuracy and frequency-weighted IoU of (C, 3) totals.

    Classes in neither truth nor answer are left out of the means, as in mmsegmentation; NaN if
    nothing was scored.
    """
    iou, accuracy, pixels = class_iou(sums), class_accuracy(sums), float(sums[:, 1].sum())
    return {
        "miou": mean(iou),
        "pixel_accuracy": float(sums[:, 0].sum() / pixels) if pixels else np.nan,
        "mean_accuracy": mean(accuracy),
        "fw_iou": float(np.nansum(sums[:, 1] * iou) / pixels) if pixels else np.nan,
    }


def band(mask: Array, width: int) -> Array:
    """(H, W) bool: pixels of a mask within `width` of its edge; the border counts as an edge."""
    padded = np.pad(mask.astype(np.uint8), 1)
    inside = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1]
    edge: Array = mask & ~inside.astype(bool)
    return edge


def boundary_totals(
    truth: Array, predicted: Array, classes: int, *, ratio: float = BOUNDARY
) -> Array:
    """(C, 2) int64: intersection and union of the boundary bands of each class, without void."""
    _check(truth, predicted, classes)
    width = max(1, round(ratio * hypot(*truth.shape)))
    scored = truth >= 0
    found = np.zeros((classes, 2), np.int64)
    for label in np.union1d(truth[scored], predicted[scored & (predicted >= 0)]).tolist():
        # Void is cut out of both: its edge is an edge of both, and an answer there changes nothing.
        mine, theirs = band(truth == label, width), band((predicted == label) & scored, width)
        found[label] = np.count_nonzero(mine & theirs), np.count_nonzero(mine | theirs)
    return found


def boundary_iou(sums: Array) -> float:
    """Mean over the classes of (C, 2) boundary totals."""
    return mean(_ratio(sums[:, 0].astype(np.float64), sums[:, 1].astype(np.float64)))


def mean(values: Array) -> float:
    """Mean of what is not nan; nan if all are."""
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def _ratio(part: Array, whole: Array) -> Array:
    ratio: Array = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _check(truth: Array, predicted: Array, classes: int) -> None:
    if truth.shape != predicted.shape or truth.ndim != 2:
        raise MaskError(
            f"truth {truth.shape} and answer {predicted.shape} must both be (H, W) of one picture"
        )
    for name, labels in (("truth", truth), ("answer", predicted)):
        if labels.dtype.kind not in "iu":
            raise MaskError(f"the {name}'s labels are integers, got {labels.dtype}")
        if labels.size and int(labels.max()) >= classes:
            raise OptionError(
                f"the {name} has label {int(labels.max())}, there are {classes} classes; "
                "is 255 the ignore value?"
            )
