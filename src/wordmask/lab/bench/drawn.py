"""The worst and the best pictures of a run, each as a strip: picture, truth, answer, difference."""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.media.drawing.palette import colours
from wordmask.media.writing import write_picture

SIDE = 320  # pixels of one panel's longer side
RIGHT, WRONG, MISSED, VOID = (40, 160, 70), (210, 50, 40), (240, 160, 30), (120, 120, 120)


class StripChoice(NamedTuple):
    """Which pictures of a run are drawn."""

    show: int  # so many of the worst and of the best
    every: bool = False


def draw_strips(
    rows: Sequence[Mapping[str, Any]],
    choice: StripChoice,
    strip: Callable[[int], Sequence[Array]],
    folder: Path,
) -> list[dict[str, Any]]:
    """Draw the chosen rows, sorted by their first figure; which file shows which, worst first.

    `strip` gives the panels of a row, (H, W, 3) uint8, all of one size.
    """
    figure = first_figure(rows)
    scored = [k for k, row in enumerate(rows) if row.get(figure) is not None]
    order = sorted(scored, key=lambda k: (rows[k][figure], rows[k]["name"]))
    groups = {"worst": order[: choice.show]}
    groups["best"] = order[-choice.show :][::-1] if choice.show else []
    if choice.every:
        groups["all"] = scored
    files: dict[int, str] = {}
    found: list[dict[str, Any]] = []
    for group, members in groups.items():
        for index in members:
            name = rows[index]["name"]
            if index not in files:
                path = folder / f"{file_name(name)}.jpg"
                files[index] = write_picture(path, side_by_side(strip(index))).name
            file = f"{folder.name}/{files[index]}"
            found.append({"group": group, "name": name, "file": file, figure: rows[index][figure]})
    return found


def first_figure(rows: Sequence[Mapping[str, Any]]) -> str:
    """The figure by which pictures are sorted; "" where there is none."""
    figures = [name for name in rows[0] if name != "name"] if rows else []
    return figures[0] if figures else ""


def side_by_side(panels: Sequence[Array]) -> Array:
    """(h, w, 3) uint8: the panels from left to right, made small, with a white gap between them."""
    height, width = panels[0].shape[:2]
    shrink = min(1.0, SIDE / max(height, width))
    size_wh = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    gap = np.full((size_wh[1], 4, 3), 255, np.uint8)
    parts: list[Array] = []
    for panel in panels:
        parts += [cv2.resize(panel, size_wh, interpolation=cv2.INTER_AREA), gap]
    return np.concatenate(parts[:-1], 1)


# ---- panels


def label_panels(
    image: Image, real: Array, answer: Array, *, classes: Sequence[str], void: Array | None = None
) -> list[Array]:
    """Truth, answer and difference of two label maps (H, W), -1 = nothing."""
    highest = int(max(real.max(), answer.max()))
    table = colour_table(max(len(classes), highest + 1, 1), classes)
    grey = (image.pixels.mean(2, keepdims=True) * 0.35).astype(np.uint8)
    painted = [np.where(labels[..., None] >= 0, table[labels], grey) for labels in (real, answer)]
    return [*painted, difference(real, answer, void)]


def difference(real: Array, answer: Array, void: Array | None) -> Array:
    """(H, W, 3): right green, wrong red, missed orange, not scored grey, nothing in both black."""
    out = np.zeros((*real.shape, 3), np.uint8)
    out[(real == answer) & (real >= 0)] = RIGHT
    out[(real != answer) & (answer >= 0)] = WRONG
    out[(real >= 0) & (answer < 0)] = MISSED
    if void is not None:
        out[void] = VOID
    return out


def heat(values: Array, most: float) -> Array:
    """(H, W) values from 0 to `most` as (H, W, 3) colours from dark to bright."""
    scaled = np.clip(values / max(most, 1e-6) * 255, 0, 255).astype(np.uint8)
    coloured: Array = cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return np.ascontiguousarray(coloured)


def colour_table(count: int, classes: Sequence[str]) -> Array:
    """(count + 1, 3) uint8 colour of each label; the last row is the label -1, nothing."""
    names = [*classes, *(f"object {k}" for k in range(count - len(classes)))]
    known = np.asarray(colours(names), np.uint8).reshape(-1, 3)
    return np.concatenate([known, np.zeros((1, 3), np.uint8)])


def file_name(name: str) -> str:
    """A file name for a picture's name, never the same for two."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].strip(".")
    return short if short == name else f"{short}_{sha256(name.encode()).hexdigest()[:8]}"
