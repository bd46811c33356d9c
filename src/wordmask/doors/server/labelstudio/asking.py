"""What an annotator shows with the smart tools, as a click or as words.

`context.result` holds all earlier regions of the control, hand-drawn ones too. So if any keypoint
says whether it is positive, only those that do are of the smart tool; of rectangles the last one
counts.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from wordmask.core.image import Size
from wordmask.core.prompts import Boxes, Points
from wordmask.doors.server.problems import RefusalError
from wordmask.errors import PromptError
from wordmask.tasks.click import Click

MOST = 64  # points, and regions that are looked at


@dataclass(frozen=True)
class Prompted:
    """What was shown in one picture: a click or words, and the label that was chosen."""

    click: Click | None
    words: tuple[str, ...]
    label: str


def read_context(context: Any, size: Size) -> Prompted:
    """The annotator's prompt, in the pixels of a picture of `size`."""
    regions = context.get("result") if isinstance(context, dict) else None
    if not isinstance(regions, list) or not all(isinstance(one, dict) for one in regions):
        raise RefusalError(422, "context.result is a list of regions", field="params.context")
    try:
        return _read(regions[-4 * MOST :], size)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        known = error if isinstance(error, PromptError) else type(error).__name__
        raise RefusalError(
            422, f"the regions in context.result cannot be read: {known}", field="params.context"
        ) from None


def _read(regions: list[dict[str, Any]], size: Size) -> Prompted:
    points = [one for one in regions if str(one.get("type")).startswith("keypoint")]
    smart = [one for one in points if "is_positive" in one]
    points = (smart or points)[-MOST:]
    boxes = [one for one in regions if str(one.get("type")).startswith("rectangle")][-1:]
    texts = [one for one in regions if one.get("type") == "textarea"][-1:]
    words = tuple(str(text) for one in texts for text in one["value"]["text"])
    label = _label([*boxes, *points])
    if not points and not boxes:
        if not words:
            raise PromptError("there is no keypoint, rectangle or text")
        return Prompted(None, words, label)
    box = Boxes(np.array([_box(boxes[0]["value"], size)])) if boxes else None
    rows = [(*_xy(one["value"], size), one.get("is_positive", True)) for one in points]
    return Prompted(Click(Points.of(rows) if rows else None, box), (), label)


def _xy(value: dict[str, Any], size: Size) -> tuple[float, float]:
    """Percent of the picture as pixels, inside it."""
    height, width = size
    x, y = float(value["x"]) / 100, float(value["y"]) / 100
    if not (isfinite(x) and isfinite(y)):
        raise PromptError("a point is no number")
    return min(max(x, 0.0), 1.0) * width, min(max(y, 0.0), 1.0) * height


def _box(value: dict[str, Any], size: Size) -> list[float]:
    far = {"x": value["x"] + value["width"], "y": value["y"] + value["height"]}
    x0, y0 = _xy(value, size)
    x1, y1 = _xy(far, size)
    return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]


def _label(regions: list[dict[str, Any]]) -> str:
    """The label of the region that was drawn last, "" where it has none."""
    for region in reversed(regions):
        value = region["value"]
        for key in ("keypointlabels", "rectanglelabels", "labels", "brushlabels"):
            if value.get(key):
                return str(value[key][0])
    return ""
