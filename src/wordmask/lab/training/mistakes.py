"""Prompts that go on from the cutter's own answers: a click where it is wrong, its mask as earlier.

So it learns what an earlier mask is worth. Masks with made-up mistakes had taught it to trust the
mask more than the clicks that correct it.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from wordmask.model.mini.constants import FINE, NEGATIVE, NOTHING, POSITIVE
from wordmask.model.mini.decoder import PromptMaps

CORRECTED = 0.45  # share of prompts that are corrected
MOST_TURNS = 3  # corrections of one prompt
SHOWN = 0.75  # share of corrected prompts that are shown the mask so far
CORNERS = 2  # places of the box in front of those of the clicks
Answer = Callable[[PromptMaps, "Prompts"], list[Tensor]]


class Prompts(NamedTuple):
    """C prompts, each for one mask."""

    xy: Tensor
    """(C, P, 2)"""
    kinds: Tensor
    """(C, P)"""
    before: Tensor
    """(C, 1, h, w) logits of earlier masks at stride 8"""


def correct_some(answer: Answer, maps: PromptMaps, prompts: Prompts, masks: Tensor) -> Prompts:
    """Some of the prompts after one to three corrections; the others as they are.

    `answer` runs the decoder; `maps` has a row for each prompt; `masks` (C, 2h, 2w) are true
    shares at stride 4.
    """
    count = len(prompts.xy)
    turns = torch.randint(1, MOST_TURNS + 1, (count,)) * (torch.rand(count) < CORRECTED)
    shown = (torch.rand(count) < SHOWN).to(masks)[:, None, None, None]
    xy, kinds, before = (one.clone() for one in prompts)
    for turn in range(MOST_TURNS):
        rows = (turns > turn).nonzero()[:, 0].to(masks.device)
        if not len(rows):
            break
        own = Prompts(xy[rows], kinds[rows], before[rows])
        with torch.no_grad():
            logits, quality = answer(PromptMaps(*(one[rows] for one in maps)), own)
        best = logits[torch.arange(len(rows)), quality.argmax(1)]
        for row, mask in zip(rows.tolist(), best.cpu().numpy(), strict=True):
            x, y, kind = worst_mistake(mask > 0, masks[row].cpu().numpy() > 0.5)
            place = _free_place(kinds[row])
            xy[row, place], kinds[row, place] = xy.new_tensor([x, y]), kind
        before[rows] = F.avg_pool2d(best[:, None], 2) * shown[rows]
    return Prompts(xy, kinds, before)


def worst_mistake(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> tuple[float, float, int]:
    """x and y in input pixels, and kind of click: deepest in what is missing or too much."""
    clicks = []
    for error, kind in ((wanted & ~found, POSITIVE), (found & ~wanted, NEGATIVE)):
        padded = np.pad(error, 1).astype(np.uint8)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        clicks.append((float(depth[y, x]), (x + 0.5) * FINE, (y + 0.5) * FINE, kind))
    _, x, y, kind = max(clicks, key=lambda click: click[0])
    return float(x), float(y), kind


def _free_place(kinds: Tensor) -> int:
    """The first place for a click that holds none; the last one if all do."""
    free = (kinds[CORNERS:] == NOTHING).nonzero()[:, 0]
    return CORNERS + int(free[0]) if len(free) else len(kinds) - 1
