"""Boxes that words were given are cut, each into one mask."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.protocols import Encoding, PromptBatch, Proposals, Segmenter
from wordmask.ops import regions
from wordmask.tasks.finding.candidates import Candidates


def grounded(
    proposals: Proposals, segmenter: Segmenter, encoding: Encoding, *, batch: int
) -> Candidates:
    """One region per box: of the candidates the one that the segmenter thinks best."""
    size = encoding.size
    limits = np.array([size[1], size[0], size[1], size[0]], np.float32)
    boxes = np.clip(np.asarray(proposals.boxes, np.float32).reshape(-1, 4), 0, limits)
    real = np.flatnonzero((boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1))
    masks, quality = [Masks.empty(size)], [np.zeros(0, np.float32)]
    for start in range(0, len(real), batch):
        cuts = segmenter.cut(encoding, PromptBatch.of_boxes(boxes[real[start : start + batch]]))
        best = cuts.quality.argmax(1)
        rows = np.arange(len(best))
        masks.append(regions.masks_of_logits(cuts.logits[rows, best], size))
        quality.append(cuts.quality[rows, best])
    asked = tuple(told(box) for box in boxes[real])
    found = Candidates(
        Masks.concatenate(masks),
        asked,
        np.concatenate(quality),
        proposals.label_ids[real],
        proposals.scores[real],
        threshold=proposals.threshold,
    )
    return found[found.masks.areas > 0]


def told(box: Array) -> str:
    """A box as `Why.prompt` writes it."""
    return "box " + ",".join(f"{side:.0f}" for side in box)
