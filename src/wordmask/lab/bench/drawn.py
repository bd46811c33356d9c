"""The worst and the best pictures of a run, each as a strip: picture, truth, answer, difference."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.protocols import DepthModel
from wordmask.lab.bench.benches.clicks import Cutter, objects
from wordmask.lab.bench.benches.predict import label_map, regions, view
from wordmask.lab.bench.plan import Kit
from wordmask.lab.data import Sample, Truth
from wordmask.lab.metrics.clicks import next_click
from wordmask.lab.metrics.depth import align

SIDE = 320  # pixels of one part's longer side
_RIGHT, _WRONG, _MISSED, _VOID = (40, 160, 70), (210, 50, 40), (240, 160, 30), (120, 120, 120)
_MAPS = ("semantic", "calibration", "search", "recognise")


def draw(
    kit: Kit,
    task: str,
    units: Sequence[tuple[Sample, ...]],
    rows: Sequence[dict[str, Any]],
    folder: Path,
) -> list[dict[str, Any]]:
    """Draw what `show` and `save_vis` ask for; what was drawn, worst first. Videos are not drawn."""
    from wordmask.media.writing import write_picture

    figure = next((name for name in rows[0] if name != "name"), "") if rows else ""
    known = [k for k, row in enumerate(rows) if row[figure] is not None] if task != "video" else []
    order = sorted(known, key=lambda k: (rows[k][figure], rows[k]["name"]))
    show = kit.options.show
    groups = {"worst": order[:show], "best": order[-show:][::-1] if show else []}
    if kit.options.save_vis:
        groups["all"] = known
    found: list[dict[str, Any]] = []
    made: dict[int, str] = {}
    for group, picked in groups.items():
        for index in picked:
            if index not in made:
                name = rows[index]["name"]
                made[index] = write_picture(
                    folder / f"{_safe(name)}.jpg", strip(kit, task, units[index][0])
                ).name
            row = {
                "group": group,
                "name": rows[index]["name"],
                "file": f"visualizations/{made[index]}",
            }
            found.append(row | {figure: rows[index][figure]})
    return found


def strip(kit: Kit, task: str, sample: Sample) -> Array:
    """(h, w, 3) uint8: picture, truth, answer, difference, side by side."""
    image, truth = kit.data.image(sample), kit.data.truth(sample)
    parts = _depths(kit, image, truth) if task == "depth" else _labels(kit, task, image, truth)
    shrink = min(1.0, SIDE / max(image.size))
    size = (max(1, round(image.size[1] * shrink)), max(1, round(image.size[0] * shrink)))
    small = [
        cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (image.pixels, *parts)
    ]
    gap = np.full((size[1], 4, 3), 255, np.uint8)
    return np.concatenate([piece for part in small for piece in (part, gap)][:-1], 1)


def _labels(kit: Kit, task: str, image: Image, truth: Truth) -> list[Array]:
    real = truth.labels if truth.labels is not None else truth.result.label_map()
    if task in _MAPS:
        answer = label_map(kit, image)
    elif task == "clicks":
        real, answer = _clicked(kit, image, truth)
    else:
        confidence = 0.0 if task == "instance" else kit.options.min_confidence
        answer = regions(kit, view(kit, image), min_confidence=confidence).label_map()
        real = truth.result.label_map() if truth.exhaustive else real
    if kit.options.words:  # what nobody asked for was not missed
        real = np.where(np.isin(real, kit.words.owners), real, -1)
    table = _table(
        max(len(kit.data.classes), int(max(real.max(), answer.max())) + 1, 1), kit.data.classes
    )
    grey = (image.pixels.mean(2, keepdims=True) * 0.35).astype(np.uint8)
    painted = [np.where(labels[..., None] >= 0, table[labels], grey) for labels in (real, answer)]
    return [*painted, difference(real, answer, None if truth.exhaustive else truth.void)]


def difference(real: Array, answer: Array, void: Array | None) -> Array:
    """(H, W, 3): right green, wrong red, missed orange, not scored grey, nothing on both sides black."""
    out = np.zeros((*real.shape, 3), np.uint8)
    out[(real == answer) & (real >= 0)] = _RIGHT
    out[(real != answer) & (answer >= 0)] = _WRONG
    out[(real >= 0) & (answer < 0)] = _MISSED
    if void is not None:
        out[void] = _VOID
    return out


def _clicked(kit: Kit, image: Image, truth: Truth) -> tuple[Array, Array]:
    """Objects by number: the truth, and what one click on each gives."""
    masks, _ = objects(truth)
    order = np.argsort(-masks.areas, kind="stable")[: kit.options.objects or None].tolist()
    real, answer = (np.full(image.size, -1, np.int32) for _ in range(2))
    seen = view(kit, image)
    for number, row in enumerate(order):
        mask = masks.one(row)
        click = next_click(mask, np.zeros_like(mask))
        if click is not None:
            real[mask] = number
            answer[Cutter(seen)([click])] = number
    return real, answer


def _depths(kit: Kit, image: Image, truth: Truth) -> list[Array]:
    (found,) = kit.models.get(DepthModel).depth([image])
    if truth.depth is None:
        return [_heat(found.values, float(found.values.max()))]
    fitted = (
        found.values if found.metric else align(found.values, truth.depth, inverse=found.inverse)
    )
    far = float(truth.depth.max())
    error = np.where(truth.depth > 0, np.abs(fitted - truth.depth), 0)
    return [_heat(truth.depth, far), _heat(fitted, far), _heat(error, far / 4)]


def _heat(values: Array, most: float) -> Array:
    scaled = np.clip(values / max(most, 1e-6) * 255, 0, 255).astype(np.uint8)
    coloured: Array = cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return np.ascontiguousarray(coloured)


def _table(count: int, classes: Sequence[str]) -> Array:
    """(count + 1, 3) uint8 colour of each label; the last row is "nothing"."""
    from wordmask.media.drawing.palette import colours

    names = [*classes, *(f"object {k}" for k in range(count - len(classes)))]
    return np.concatenate(
        [np.asarray(colours(names), np.uint8).reshape(-1, 3), np.zeros((1, 3), np.uint8)]
    )


def _safe(name: str) -> str:
    """A file name for a picture's name, never the same for two."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].strip(".")
    return short if short == name else f"{short}_{sha256(name.encode()).hexdigest()[:8]}"
