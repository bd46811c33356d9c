"""Connected regions of one mask: its box, pieces, specks, deepest points; and masks made of logits.

A mask is (H, W) bool. Points are (x, y) at pixel centres: column 3 is x = 3.5.
"""

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks, tight_box
from wordmask.errors import MaskError
from wordmask.ops.resample import Taps

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, exclusive ends
BAND_PIXELS = 1 << 18  # how much of a mask is upsampled at once: fits the processor's cache


def box_around(mask: Array, margin: int = 0) -> Box:
    """The box of a mask that is not empty, `margin` pixels larger, inside the picture."""
    x0, y0, x1, y1 = tight_box(mask)
    height, width = mask.shape
    return (
        max(0, x0 - margin), max(0, y0 - margin), min(width, x1 + margin), min(height, y1 + margin),
    )  # fmt: skip


def pieces(mask: Array, *, min_area: int = 1) -> list[Array]:
    """8-connected pieces as (H, W) bool, largest first (ties: the one met first, row by row)."""
    ids, _, areas = _components(mask)
    return [ids == 1 + k for k in _largest_first(areas, min_area)]


def pieces_as_masks(mask: Array, *, min_area: int = 1) -> Masks:
    """The same pieces as tight crops: many pieces of a large mask cost no more than the mask."""
    ids, boxes, areas = _components(mask)
    order = _largest_first(areas, min_area)
    crops = []
    for k in order:
        x0, y0, x1, y1 = boxes[k].tolist()
        crops.append(ids[y0:y1, x0:x1] == 1 + k)
    return Masks(_size(mask), boxes[order, :2], tuple(crops))


def drop_specks(mask: Array, *, min_area: int) -> Array:
    """Without the 8-connected pieces of fewer than `min_area` pixels."""
    ids, _, areas = _components(mask)
    kept: Array = np.r_[False, areas >= min_area][ids]
    return kept


# ---- how near, how alike


def distance_from(mask: Array) -> Array:
    """(H, W) float32: pixels to the mask, 0 on it; the farthest float where it is empty."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5))


def overlaps(masks: Array, targets: Array) -> Array:
    """IoU of (..., H, W) bool over the last two axes, broadcast; 0 where both are empty."""
    shared = (masks & targets).sum((-2, -1))
    either = (masks | targets).sum((-2, -1))
    ious: Array = np.divide(shared, either, out=np.zeros(shared.shape), where=either > 0)
    return ious


# ---- points deep inside


def depth(mask: Array) -> Array:
    """(H, W) float32 pixels to the nearest one outside; beyond the picture's border is outside."""
    bordered = np.pad(mask, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(bordered, cv2.DIST_L2, 5)[1:-1, 1:-1])


def deepest_point(mask: Array) -> tuple[float, float]:
    """The point farthest from the mask's edge: always inside, which a centroid is not."""
    if not mask.any():
        raise MaskError("an empty mask has no deepest point")
    y, x = np.unravel_index(int(depth(mask).argmax()), mask.shape)
    return float(x) + 0.5, float(y) + 0.5


def deep_points(mask: Array, *, count: int, share: float = 0.6, neck: float = 0.75) -> Array:
    """(K, 2) float32: up to `count` separate peaks of depth, deepest first, for things that touch.

    A peak counts where it is at least `share` as deep as the deepest, and where the straight way
    to every peak before it leads through a neck: a place less deep than `neck` x the shallower of
    the two. So a bar, which is as deep all along, has one peak.
    """
    depths = depth(mask)
    left = depths.copy()
    least = share * float(left.max(initial=0.0))
    points: list[tuple[float, float]] = []
    while len(points) < count and left.max(initial=0.0) > 0 and left.max() >= least:
        y, x = (int(side) for side in np.unravel_index(int(left.argmax()), left.shape))
        if all(_has_neck(depths, (x + 0.5, y + 0.5), before, neck) for before in points):
            points.append((x + 0.5, y + 0.5))
        # 1.5 radii: the flank of the same peak is not a second thing.
        cv2.circle(left, (x, y), int(np.ceil(1.5 * left[y, x])), 0.0, thickness=-1)
    return np.array(points, np.float32).reshape(-1, 2)


def _has_neck(
    depths: Array, one: tuple[float, float], other: tuple[float, float], neck: float
) -> bool:
    """Whether the straight way between two points gets shallow."""
    steps = int(np.ceil(np.hypot(one[0] - other[0], one[1] - other[1]))) + 1
    xs, ys = (np.linspace(one[k], other[k], steps).astype(np.intp) for k in (0, 1))
    way = depths[ys, xs]
    return bool(way.min() < neck * min(way[0], way[-1]))


# ---- logits of a network


def stability(logits: Array, *, threshold: float = 0.0, shift: float = 1.0) -> Array:
    """(N,) IoU of the masks of (N, h, w) logits at a threshold `shift` higher and `shift` lower.

    Near 1 where the edge is sharp; 0 for a mask that is empty at both.
    """
    axes = (-2, -1)
    # The mask at the higher threshold lies in the other one, so it is their intersection.
    high = (logits > threshold + shift).sum(axes)
    low = (logits > threshold - shift).sum(axes)
    share: Array = np.divide(high, low, out=np.zeros(np.shape(low)), where=low > 0)
    return share


def mend_logits(logits: Array, *, area: int, edge: float = 0.1) -> Array:
    """(h, w) logits of one mask, without its holes and specks of up to `area` cells.

    What changes sides gets the logit `edge`, or its negative. The largest piece is never a speck.
    Pieces that touch at a corner are one, of the background too; a hole may lie at the border.
    """
    mended = np.array(logits, np.float32)
    if not (mended > 0).any():
        return mended
    ids, _, areas = _components(mended <= 0)
    mended[np.r_[False, areas <= area][ids]] = edge
    ids, _, areas = _components(mended > 0)
    specks = areas <= area
    specks[_largest_first(areas, 0)[:1]] = False
    mended[np.r_[False, specks][ids]] = -edge
    return mended


def keep_touching(logits: Array, seeds: Array) -> Array:
    """(h, w) logits of one mask, of whose pieces only those that hold one of the `seeds` (h, w) are
    left: the others change their sign. As it is where no piece holds any.
    """
    ids, _, areas = _components(logits > 0)
    held = np.zeros(len(areas) + 1, bool)
    held[ids[seeds]] = True
    if held[1:].all() or not held[1:].any():
        return logits
    held[0] = True  # what is outside stays as it is
    kept: Array = np.where(held[ids], logits, -logits)
    return kept


def masks_of_logits(logits: Array, size: Size, *, threshold: float = 0.0) -> Masks:
    """Masks of a picture of `size` where (N, h, w) logits that cover it exceed `threshold`.

    Bilinear (see ops/resample). Only the part of the picture that a mask can reach is upsampled,
    band by band, straight into its crop: memory does not grow with N x H x W.
    """
    if logits.ndim != 3 or 0 in logits.shape[1:]:
        raise MaskError(f"logits are (N, h, w), got {logits.shape}")
    rows = Taps.between(logits.shape[1], size[0])
    columns = Taps.between(logits.shape[2], size[1])
    pairs = [_upsample(plane, rows, columns, threshold) for plane in logits]
    return Masks.from_crops(size, [corner for corner, _ in pairs], [crop for _, crop in pairs])


def _upsample(
    plane: Array, rows: Taps, columns: Taps, threshold: float
) -> tuple[tuple[int, int], Array]:
    """Corner (x, y) and crop of one mask."""
    x0, y0, x1, y1 = tight_box(plane > threshold)
    if x0 == x1:
        return (0, 0), np.zeros((0, 0), bool)
    # Between two values below the threshold nothing exceeds it, so the rest of the picture is
    # empty.
    top, bottom = rows.touched_by(y0, y1 - 1)
    left, right = columns.touched_by(x0, x1 - 1)
    crop = np.zeros((max(0, bottom - top), max(0, right - left)), bool)
    if not crop.size:  # a smaller picture can step over it
        return (0, 0), crop
    # Infinite logits would make NaN of what lies beside them.
    finite = np.clip(plane.T.astype(np.float32), -1e6, 1e6)
    wide = np.ascontiguousarray(columns.part(left, right).apply(finite).T)
    step = max(1, BAND_PIXELS // (right - left))
    for start in range(top, bottom, step):
        stop = min(start + step, bottom)
        band = crop[start - top : stop - top]
        np.greater(rows.part(start, stop).apply(wide), threshold, out=band)
    return (left, top), crop


def _components(mask: Array) -> tuple[Array, Array, Array]:
    """(H, W) ids from 1, and for each id its box (x0 y0 x1 y1) and area."""
    _, ids, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    corners, sides = stats[1:, :2], stats[1:, 2:4]
    return ids, np.concatenate([corners, corners + sides], 1), stats[1:, cv2.CC_STAT_AREA]


def _largest_first(areas: Array, min_area: int) -> Array:
    order = np.argsort(-areas, kind="stable")
    return order[areas[order] >= min_area]


def _size(mask: Array) -> Size:
    return mask.shape[0], mask.shape[1]
