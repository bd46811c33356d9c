"""Parts of a body: each pixel of a person's mask goes to the nearest bone.

Left and right are the person's own. Joints are COCO's 17, in its order.
"""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.poses import JOINTS

HEAD, TORSO = 0, 1
PARTS = ("head", "torso", "left arm", "right arm", "left leg", "right leg")
FACE = ("nose", "left eye", "right eye", "left ear", "right ear")
LIMBS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}
# Joints whose confidence tells how sure a part is.
PART_JOINTS = {
    "head": FACE,
    "torso": ("left shoulder", "right shoulder", "left hip", "right hip"),
    **{
        f"{side} {limb}": tuple(f"{side} {joint}" for joint in joints)
        for limb, joints in LIMBS.items()
        for side in ("left", "right")
    },
}
# Shares of the body's size: half of a limb's breadth, and how much of it is still torso.
BREADTH = {"arm": 0.13, "leg": 0.14}
START = {"arm": 0.15, "leg": 0.2}
CHIN = 0.55  # of the way from the face to the shoulders
LONG = 1.4  # a torso whose hips are not seen, in breadths of the shoulders


class Bone(NamedTuple):
    """A thick line from `start` to `end` (x, y)."""

    start: Array
    end: Array
    thickness: float


def label_parts(mask: Array, joints: Array, there: Array) -> Array:
    """(h, w) int8: index into `PARTS` for each pixel of the mask (h, w) bool, -1 outside it.

    Pieces of the mask in which no joint lies have no part where others have one.

    `joints` (17, 2) x, y in the mask's pixels, of which `there` (17,) bool are known. Where none
    that tells a part is known, everything is -1.
    """
    labels = np.full(mask.shape, -1, np.int8)
    ys, xs = np.nonzero(_pieces_with_joints(mask, joints[there]))
    points = np.stack([xs, ys], 1).astype(np.float32) + 0.5
    known = {name: joints[k].astype(np.float32) for k, name in enumerate(JOINTS) if there[k]}
    distances = _distances(points, known, _body_size(known, len(points)))
    if distances and len(points):
        parts = np.array(list(distances), np.int8)
        labels[ys, xs] = parts[np.stack(list(distances.values())).argmin(0)]
    return labels


def _pieces_with_joints(mask: Array, joints: Array) -> Array:
    """The 8-connected pieces of a mask in which a joint lies; all of it where none does."""
    _, ids = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    inside = np.all((joints >= 0) & (joints < mask.shape[::-1]), axis=-1)
    columns, rows = joints[inside].astype(np.int64).T
    wanted = np.setdiff1d(ids[rows, columns], 0)
    return np.isin(ids, wanted) if len(wanted) else mask


def _distances(points: Array, known: dict[str, Array], size: float) -> dict[int, Array]:
    """Part -> (P,) pixels to it, 0 or less inside, of the parts whose joints are known."""
    found: dict[int, Array] = {}
    face = [known[name] for name in FACE if name in known]
    torso = _torso(known)
    if face:
        middle = np.mean(face, 0)
        found[HEAD] = _lengths(points - middle) - _head_radius(middle, known, size)
    if torso is not None:
        found[TORSO] = _to_shape(points, torso)
    for limb in LIMBS:
        for side in ("left", "right"):
            bones = _bones(known, side, limb, size)
            if bones:
                near = np.stack([_to_bone(points, bone) for bone in bones]).min(0)
                found[PARTS.index(f"{side} {limb}")] = near
    return found


def _body_size(known: dict[str, Array], area: int) -> float:
    """About the length of the torso, in pixels."""
    shoulders, hips = _middle(known, "shoulder"), _middle(known, "hip")
    width = float(np.sqrt(area))
    least = 0.3 * width  # seen from above or below it looks short
    if shoulders is None or hips is None:
        return 0.5 * width
    return max(least, float(np.hypot(*(shoulders - hips))))


def _middle(known: dict[str, Array], joint: str) -> Array | None:
    """Between a left and a right joint; the one of them that is known; None without."""
    both = [known[f"{side} {joint}"] for side in ("left", "right") if f"{side} {joint}" in known]
    return np.asarray(np.mean(both, 0)) if both else None


def _head_radius(middle: Array, known: dict[str, Array], size: float) -> float:
    """From the middle of the face to about the chin."""
    shoulders = _middle(known, "shoulder")
    if shoulders is None:
        return 0.3 * size
    return CHIN * float(np.hypot(*(shoulders - middle)))


def _torso(known: dict[str, Array]) -> Array | None:
    """(K, 2) corners: shoulders and hips; hips that are not seen are set below the shoulders."""
    names = ("left shoulder", "right shoulder", "right hip", "left hip")
    corners = [known[name] for name in names if name in known]
    if "left shoulder" in known and "right shoulder" in known and len(corners) == 2:
        left, right = corners
        down = LONG * np.array([left[1] - right[1], right[0] - left[0]], np.float32)
        face = [known[name] for name in FACE if name in known]
        above = np.mean(face, 0) - (left + right) / 2 if face else np.array([0, -1], np.float32)
        if float(down @ above) > 0:
            down = -down
        corners += [right + down, left + down]
    return np.stack(corners) if len(corners) >= 2 else None


def _bones(known: dict[str, Array], side: str, limb: str, size: float) -> list[Bone]:
    """Of one arm or leg; a joint in between that is not known is passed over."""
    points = [known[f"{side} {joint}"] for joint in LIMBS[limb] if f"{side} {joint}" in known]
    if len(points) >= 2 and f"{side} {LIMBS[limb][0]}" in known:
        points[0] = points[0] + START[limb] * (points[1] - points[0])
    thickness = BREADTH[limb] * size
    return [Bone(a, b, thickness) for a, b in pairwise(points)]


def _to_bone(points: Array, bone: Bone) -> Array:
    along = bone.end - bone.start
    share = (points - bone.start) @ along / max(float(along @ along), 1e-6)
    nearest = bone.start + np.clip(share, 0, 1)[:, None] * along
    return _lengths(points - nearest) - bone.thickness


def _to_shape(points: Array, corners: Array) -> Array:
    """(P,) pixels to the hull of some corners, 0 inside."""
    hull = cv2.convexHull(corners.astype(np.float32))[:, 0]
    if len(hull) < 3:
        return _to_bone(points, Bone(hull[0], hull[-1], 0.0))
    following = np.roll(hull, -1, 0)
    edges = [_to_bone(points, Bone(a, b, 0.0)) for a, b in zip(hull, following, strict=True)]
    sides = [_side(points, a, b) for a, b in zip(hull, following, strict=True)]
    inside = (np.stack(sides) >= 0).all(0) | (np.stack(sides) <= 0).all(0)
    return np.where(inside, 0, np.stack(edges).min(0))


def _side(points: Array, start: Array, end: Array) -> Array:
    """(P,) positive on one side of a line, negative on the other."""
    along, beside = end - start, points - start
    return np.asarray(along[0] * beside[:, 1] - along[1] * beside[:, 0])


def _lengths(rows: Array) -> Array:
    return np.asarray(np.hypot(rows[:, 0], rows[:, 1]))
