"""Head, torso, arms and legs of people whose joints are known."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.result import Result, best_first
from wordmask.ops.limbs import PART_JOINTS, PARTS, label_parts


def find_parts(people: Result, poses: Poses, threshold: float) -> tuple[Result, Array]:
    """The parts of all people, and (M,) whose each is: the row in `people`.

    A part's score is the mean confidence of its joints that are there.
    """
    parts, labels, owners, scores = [Masks.empty(people.size)], [], [], []
    there = poses.is_there(threshold)
    for row in range(len(people)):
        found, kinds = _parts_of(people.masks, row, poses.joints[row, :, :2], there[row])
        parts.append(found)
        labels += kinds.tolist()
        owners += [row] * len(kinds)
        confidence = np.where(there[row], poses.joints[row, :, 2], np.nan)
        scores += [_sureness(PARTS[kind], confidence) for kind in kinds.tolist()]
    masks = Masks.concatenate(parts)
    columns = {"scores": scores, "label_ids": np.array(labels, np.int32)}
    if people.track_ids is not None:
        columns["track_ids"] = people.track_ids[np.array(owners, np.int64)]
    result = Result.of(masks, PARTS, made_by=people.made_by, **columns)
    return result, np.array(owners, np.int64)[best_first(masks, np.array(scores))]


def _parts_of(masks: Masks, row: int, xy: Array, there: Array) -> tuple[Masks, Array]:
    """One person's parts, and which of `PARTS` each is."""
    crop, corner = masks.crops[row], masks.corners[row]
    labels = label_parts(crop, xy - corner, there)
    found, kinds = Masks.from_label_map(labels.astype(np.int32))
    return found.move(masks.size, corner), kinds


def _sureness(part: str, confidence: Array) -> float:
    values = confidence[[JOINTS.index(name) for name in PART_JOINTS[part]]]
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0
