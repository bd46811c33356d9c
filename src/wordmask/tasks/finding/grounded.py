"""Boxes that belong to words -> one mask for each box."""

import numpy as np

from wordmask.core.masks import Masks
from wordmask.core.protocols import PromptBatch, Proposals, Seen, Segmenter
from wordmask.ops import regions
from wordmask.tasks.finding.candidates import Candidates, describe_box


def cut_boxes(proposals: Proposals, segmenter: Segmenter, seen: Seen, *, batch: int) -> Candidates:
    """One region for each box: of the segmenter's masks the one that it thinks best.

    Boxes are cropped to the picture, and those smaller than a pixel are left out.
    """
    height, width = seen.size
    limits = np.array([width, height, width, height], np.float32)
    boxes = np.clip(np.asarray(proposals.boxes, np.float32).reshape(-1, 4), 0, limits)
    rows = np.flatnonzero((boxes[:, 2:] - boxes[:, :2] >= 1).all(1))
    boxes = boxes[rows]
    masks, quality = [Masks.empty(seen.size)], [np.zeros(0, np.float32)]
    for start in range(0, len(boxes), batch):
        cuts = segmenter.cut(seen, PromptBatch.of_boxes(boxes[start : start + batch]))
        best = cuts.quality.argmax(1)
        prompts = np.arange(len(best))
        masks.append(regions.masks_of_logits(cuts.logits[prompts, best], seen.size))
        quality.append(cuts.quality[prompts, best])
    found = Candidates(
        Masks.concatenate(masks),
        tuple(describe_box(box) for box in boxes),
        np.concatenate(quality),
        proposals.label_ids[rows],
        proposals.scores[rows],
        threshold=proposals.threshold,
    )
    return found[found.masks.areas > 0]
