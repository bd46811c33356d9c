"""Regions that hold several people, taken apart by their joints."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.poses import Poses
from wordmask.core.protocols import GroupPoseModel
from wordmask.core.result import Result
from wordmask.ops import boxes as ops_boxes
from wordmask.tasks.finding.view import View
from wordmask.tasks.posing.cutting import cut_boxes

LEAST_JOINTS = 5  # that must be there, or a person does not count
INSIDE = 0.7  # share of them that must lie in the region
AROUND = 0.18  # of the joints' box: how far the body reaches beyond its joints
ONE = 0.6  # IoU of two cuts, or of two boxes, from which they are of one person
LEAST_QUALITY = 0.4  # the segmenter's estimate for each cut


def split_groups(view: View, people: Result, threshold: float) -> Result:
    """Each region in which a pose model sees several people becomes one for each of them.

    Without an engine that can tell, the regions stay as they are.
    """
    if not view.models.has(GroupPoseModel):
        return people
    model = view.models.get(GroupPoseModel)
    seen = view.encoding_of(model)
    parts, rows = [Masks.empty(people.size)], []
    for row in range(len(people)):
        poses = model.all_poses(seen, people.masks.boxes[row])
        boxes = _boxes_inside(poses, people.masks, row, threshold)
        masks = _cut_apart(view, boxes) if len(boxes) > 1 else None
        parts.append(people.masks[[row]] if masks is None else masks)
        rows += [row] * len(parts[-1])
    if len(rows) == len(people):
        return people
    return _with_masks(people, Masks.concatenate(parts), np.array(rows))


def _boxes_inside(poses: Poses, masks: Masks, row: int, threshold: float) -> Array:
    """(N, 4) around the people whose joints lie in the region, each once."""
    mask = masks.one(row)
    found: list[Array] = []
    scores: list[float] = []
    for joints, there in zip(poses.joints, poses.is_there(threshold), strict=True):
        known = joints[there]
        if len(known) >= LEAST_JOINTS and _share_inside(known[:, :2], mask) >= INSIDE:
            low, high = known[:, :2].min(0), known[:, :2].max(0)
            margin = AROUND * float((high - low).max())
            found.append(np.concatenate([low - margin, high + margin]))
            scores.append(float(known[:, 2].sum()))
    boxes = np.array(found, np.float32).reshape(-1, 4)
    region = masks.boxes[row].astype(np.float32)
    boxes = np.concatenate(
        [np.maximum(boxes[:, :2], region[:2]), np.minimum(boxes[:, 2:], region[2:])], 1
    )
    return boxes[ops_boxes.nms(boxes, np.array(scores), ONE)]


def _share_inside(points: Array, mask: Array) -> float:
    height, width = mask.shape
    columns = np.clip(points[:, 0].astype(np.int64), 0, width - 1)
    rows = np.clip(points[:, 1].astype(np.int64), 0, height - 1)
    return float(mask[rows, columns].mean())


def _cut_apart(view: View, boxes: Array) -> Masks | None:
    """A mask in each box; None where one is poor, or two are the same."""
    cuts = cut_boxes(view, boxes)
    alike = cuts.masks.iou(cuts.masks)
    np.fill_diagonal(alike, 0)
    is_fine = (cuts.quality >= LEAST_QUALITY).all() and (cuts.masks.areas > 0).all()
    return cuts.masks if is_fine and alike.max() < ONE else None


def _with_masks(people: Result, masks: Masks, rows: Array) -> Result:
    """The result with other masks, each with the columns of the region that it came from."""
    whys = None if people.why is None else tuple(people.why[row] for row in rows)
    return Result.of(
        masks,
        people.vocabulary,
        scores=people.scores[rows],
        label_ids=people.label_ids[rows],
        why=whys,
        made_by=people.made_by,
        absent=people.absent,
    )
