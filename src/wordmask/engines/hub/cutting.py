"""The `Segmenter` that every engine with a SAM network has: prompts of any shapes -> `Cuts`."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.core.protocols import Cuts, PromptBatch
from wordmask.engines.hub.pixels import to_numpy
from wordmask.engines.hub.prompt_groups import Group, groups
from wordmask.engines.hub.runtime import Runtime
from wordmask.errors import PromptError

# Logit of a candidate that the network did not give: an empty mask, of quality 0
NO_CANDIDATE = -32.0
PROMPTS, GPU_PROMPTS = {"cpu": 16}, 128  # most at a time; more is slower on a CPU

# Prompts of one shape -> logits (P, C, h, w) over the picture and quality (P, C)
Decode = Callable[[Group], tuple[Tensor, Tensor]]


def prompts_at_a_time(place: Runtime, nbytes: int) -> int:
    """How many prompts of `nbytes` of activations (in fp32) are decoded together."""
    return place.rows(nbytes, PROMPTS.get(place.device.type, GPU_PROMPTS))


def cut_in_groups(decode: Decode, prompts: PromptBatch, at_a_time: int) -> Cuts:
    """Each prompt as if it were alone, at most `at_a_time` of them together."""
    if not len(prompts):
        raise PromptError("there are no prompts to cut by; give at least one point, box or mask")
    parts = list(groups(prompts))
    candidates = 3 if any(part.ambiguous for part in parts) else 1
    logits: Array | None = None
    quality = np.zeros((len(prompts), candidates), np.float32)
    for group in (part[span] for part in parts for span in _spans(part, at_a_time)):
        with torch.no_grad():
            masks, scores = (to_numpy(tensor) for tensor in decode(group))
        if logits is None:
            shape = (len(prompts), candidates, *masks.shape[-2:])
            logits = np.full(shape, NO_CANDIDATE, np.float32)
        count = masks.shape[1]
        logits[group.rows, :count], quality[group.rows, :count] = masks, scores
    if logits is None:
        raise PromptError("no prompt could be decoded")
    return Cuts(logits, quality.clip(0, 1))


def _spans(group: Group, count: int) -> list[slice]:
    return [slice(start, start + count) for start in range(0, len(group), count)]
