"""Things like this one: masks in one picture -> the regions of another that look like them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.prompts import Example
from wordmask.core.result import Result, Why
from wordmask.ops import merge, pool
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View


@dataclass(frozen=True)
class LikeOptions:
    """How alike a region must be."""

    min_likeness: Annotated[float, Interval(ge=-1, le=1)] = 0.85
    """Cosine of the mean features from which a region counts as like the example."""
    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 32
    """Points of the grid that finds candidate regions, along the longer side."""

    def __post_init__(self) -> None:
        check(self)


def like(
    image: Image, example: Example, models: Models, options: LikeOptions | None = None
) -> Result:
    """Regions of `image` whose features are near those of the example's masks, most alike first.

    In the example's own picture the example itself is the answer.
    """
    return like_view(View(image, models, Trace()), example, options or LikeOptions())


def like_view(view: View, example: Example, options: LikeOptions) -> Result:
    """`like` on a picture that may have been encoded already."""
    models = view.models
    if view.image.digest == example.of.digest:
        return Result.of(example.masks, made_by=models.made_by)
    candidates = everything_result(view, EverythingOptions(points_per_side=options.points_per_side))
    examples = _vectors(View(example.of, models, Trace()), example.masks)
    likeness = (_vectors(view, candidates.masks) @ examples.T).max(1, initial=-1.0)
    rows = np.flatnonzero(likeness >= options.min_likeness)
    rows = rows[np.argsort(-likeness[rows], kind="stable")]
    # Of a thing and its parts, which all look alike, the best one stays.
    rows = rows[merge.nms(candidates.masks[rows], likeness[rows], iou=0.8, containment=0.9)]
    scores = np.clip(likeness[rows], 0, 1)
    whys = tuple(Why("example", quality=float(score)) for score in scores)
    return Result.of(candidates.masks[rows], scores=scores, why=whys, made_by=models.made_by)


def _vectors(view: View, masks: Masks) -> Array:
    """(N, D) unit rows: the mean feature under each mask."""
    return pool.unit(pool.mean_inside(masks, view.features.vectors))
