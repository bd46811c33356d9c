"""From what a network says of depth to distances: in metres where something is known in metres."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

from wordmask.core.depth import Camera, Depth
from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.errors import Mend, PromptError
from wordmask.ops.depth_fit import DepthFit, fit_depth, fit_scale

# Known depths nearer together than this (the farthest over the nearest) tell a scale but no shift.
APART = 1.15
BEHIND = 0.02  # pixels may be fitted behind the camera, up to this share; they are thrown away
NEAREST = 0.03  # a share of the usual depth: what is fitted nearer is as good as behind
WINDOW = 5  # pixels around a point, whose median counts
# How far the farthest things are beside the nearest, where nobody has measured the usual shift.
GUESSED_RANGE = {True: 10.0, False: 4.0}  # for 1 / Z, for Z

ScaleSource = Literal["network", "known", "nothing"]


class KnownDepth(NamedTuple):
    """A depth in metres: of a point in the picture, or of a whole region."""

    metres: float
    x: float = 0.0
    y: float = 0.0
    mask: Array | None = None  # (H, W) bool: its median counts, not the point's


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances from the camera's plane, and where their unit comes from."""

    z: Array  # (H, W) float32; NaN where nothing sensible came out
    source: ScaleSource
    # Whether the far is as far from the near as it should be, or only by a guess.
    shape_is_guessed: bool
    error: float | None = None  # relative, of a thing's distance; None: nobody has measured it
    known: int = 0  # depths that were given
    agree: int = 0  # of which so many fit together

    @property
    def metric(self) -> bool:
        return self.source != "nothing"


def measure_distances(depth: Depth, camera: Camera, known: Sequence[KnownDepth] = ()) -> Distances:
    """Z of every pixel: metres from a metric network or from what is known, else up to scale.

    Without metres the picture's median depth is 1.
    """
    _check_known(depth, known)
    samples = np.array([_value_at(depth.values, one) for one in known])
    metres = np.array([one.metres for one in known])
    fit = None
    if len(known) >= 2 and not depth.metric and _are_apart(metres):
        fit = fit_depth(samples, metres, inverse=depth.inverse)
    if fit is not None:
        z = _turn_over(depth.values * fit.scale + fit.shift, depth.inverse)
        if np.isnan(z).mean() <= BEHIND:
            return _distances_of_fit(z, fit, depth)
    guess = guess_distances(depth, camera)
    if not known:
        source: ScaleSource = "network" if depth.metric else "nothing"
        return Distances(guess, source, not depth.metric, depth.usual_error)
    return _distances_of_scale(guess, known, depth)


def guess_distances(depth: Depth, camera: Camera) -> Array:
    """(H, W) Z by the network alone: metres, or with a median of 1."""
    if depth.metric:
        factor = 1.0
        # Those metres were computed with the network's own guess of the focal length.
        if depth.focal_px is not None and camera.source != "network":
            factor = camera.focal[0] / depth.focal_px
        return _turn_over(depth.values, depth.inverse, floor=0.0) * np.float32(factor)
    shift = depth.usual_shift
    if shift is None:
        low, high = np.quantile(depth.values, (0.01, 0.99))
        shift = max(float(high - low) / (GUESSED_RANGE[depth.inverse] - 1), 1e-6) - float(low)
    z = _turn_over(depth.values + shift, depth.inverse)
    fine = z[np.isfinite(z)]
    return z / np.float32(np.median(fine)) if fine.size else z


def _distances_of_fit(z: Array, fit: DepthFit, depth: Depth) -> Distances:
    count, agree = len(fit.agree), int(fit.agree.sum())
    errors = [error for error in (depth.usual_error,) if error is not None]
    # Two depths fit any line: only more of them can speak for it.
    if agree > 2:
        errors = [max(fit.error, 0.001)]
    return Distances(z, "known", False, max(errors, default=None), count, agree)


def _distances_of_scale(guess: Array, known: Sequence[KnownDepth], depth: Depth) -> Distances:
    """The guess at another scale."""
    at = np.array([_value_at(guess, one) for one in known])
    metres = np.array([one.metres for one in known])
    if not np.isfinite(at).all():
        raise PromptError(
            "a known depth lies where the network has no sensible answer; measure another place",
            mend=Mend("depth_at", "X,Y,METRES"),
        )
    factor, spread = fit_scale(at, metres)
    agree = int((np.abs(metres / at / factor - 1) <= max(2 * spread, 0.05)).sum())
    errors = [error for error in (depth.usual_error,) if error is not None]
    if len(known) > 2:
        errors.append(spread)
    error = max(errors, default=None)
    return Distances(
        guess * np.float32(factor), "known", not depth.metric, error, len(known), agree
    )


def known_from_sizes(
    masks: Masks, sizes: Sequence[float], names: Sequence[str], camera: Camera
) -> list[KnownDepth]:
    """Depths of things whose longest side is known in metres.

    A side that runs along the picture is as many pixels long as focal length * side / depth. Things
    that touch the picture's edge may go on beyond it, so that they tell nothing.
    """
    known = []
    for row, (metres, name) in enumerate(zip(sizes, names, strict=True)):
        mask = masks.one(row)
        if touches_edge(mask):
            raise PromptError(
                f"{name} is cut off by the picture's edge, so its size of {metres:g} m says "
                "nothing; measure another thing, or how far away one is",
                mend=Mend("depth_at", "X,Y,METRES"),
            )
        pixels = longest_side(mask)
        known.append(KnownDepth(camera.focal[0] * metres / pixels, mask=mask))
    return known


def longest_side(mask: Array) -> float:
    """The longer side in pixels of the smallest rectangle, at any angle, around a mask."""
    rows, columns = np.nonzero(mask)
    # A pixel is a square, not a point: its four corners.
    corners = [np.stack([columns + x, rows + y], 1) for x in (0, 1) for y in (0, 1)]
    _, sides, _ = cv2.minAreaRect(np.concatenate(corners).astype(np.float32))
    return float(max(sides))


def touches_edge(mask: Array) -> bool:
    """Whether a mask (H, W) reaches the edge of its picture."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def _turn_over(values: Array, inverse: bool, floor: float | None = None) -> Array:
    """Z from Z or 1 / Z; NaN where it would lie behind the camera, or as good as in it."""
    ahead = values[values > 0]
    if floor is None:
        floor = NEAREST * float(np.median(ahead)) if ahead.size else np.inf
    fine = values > floor
    safe = np.where(fine, values, 1)
    return np.where(fine, 1 / safe if inverse else safe, np.nan).astype(np.float32)


def _value_at(values: Array, known: KnownDepth) -> float:
    """The median of the region, or of the pixels around the point."""
    reach = WINDOW // 2
    rows = slice(max(int(known.y) - reach, 0), int(known.y) + reach + 1)
    columns = slice(max(int(known.x) - reach, 0), int(known.x) + reach + 1)
    part = values[rows, columns] if known.mask is None else values[known.mask]
    fine = part[np.isfinite(part)]
    return float(np.median(fine)) if fine.size else float("nan")


def _are_apart(metres: Array) -> bool:
    return bool(metres.max() / metres.min() >= APART)


def _check_known(depth: Depth, known: Sequence[KnownDepth]) -> None:
    height, width = depth.values.shape
    for one in known:
        if not (np.isfinite(one.metres) and one.metres > 0):
            raise PromptError(
                f"a known depth or size is above 0 m, got {one.metres:g}",
                mend=Mend("depth_at", "X,Y,METRES"),
            )
        if one.mask is None and not (0 <= one.x < width and 0 <= one.y < height):
            raise PromptError(
                f"the point {one.x:g},{one.y:g} lies outside the picture, which is "
                f"{width} x {height}",
                mend=Mend("depth_at", "X,Y,METRES"),
            )
        if one.mask is not None and not one.mask.any():
            raise PromptError("a thing of known size has an empty mask; name another one")
