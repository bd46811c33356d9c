"""Every region of a picture, without a prompt."""

import numpy as np

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.result import Result, Why
from wordmask.tasks.finding.grid import EverythingOptions
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

__all__ = ["EverythingOptions", "everything", "everything_result"]


def everything(
    image: Image,
    models: Models,
    options: EverythingOptions | None = None,
    trace: Trace | None = None,
) -> Result:
    """Unnamed regions of `image`, best first; the score is the segmenter's estimate of the IoU."""
    view = View(image, models, trace if trace is not None else Trace())
    view.trace.how = "everything"
    return everything_result(view, options or EverythingOptions())


def everything_result(view: View, options: EverythingOptions) -> Result:
    """`everything` on a picture that may have been encoded already."""
    found = view.regions(options)
    pairs = zip(found.prompts, found.quality.tolist(), strict=True)
    whys = tuple(Why(prompt, quality=quality) for prompt, quality in pairs)
    return Result.of(
        found.masks, scores=np.clip(found.quality, 0, 1), why=whys, made_by=view.models.made_by
    )
