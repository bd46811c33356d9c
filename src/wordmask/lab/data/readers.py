"""How a sample's truth is read: label maps, COCO annotations, panoptic maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.lab.data import polygons
from wordmask.lab.data.files import check_size, colour_ids, depth_map, label_map, size_of
from wordmask.lab.data.sample import VOID, Dataset, Sample, Truth, mapped, result_of_labels


def from_labels(data: Dataset, sample: Sample) -> Truth:
    """A label map; its regions are the classes in it, or, in a set without classes, its values."""
    size = size_of(sample.picture)
    depth = _depth(data, sample, size)
    if sample.labels is None:
        return Truth(Result.nothing(size, data.classes), depth=depth)
    raw = label_map(sample.labels)
    check_size(sample.labels, raw.shape, size)
    if not data.classes:
        regions = np.where(np.isin(raw, [value for value, label in data.values.items() if label == VOID]), VOID, raw)
        return Truth(result_of_labels(regions, (), None), depth=depth)
    labels = mapped(raw, data.values, sample.labels)
    return Truth(result_of_labels(labels, data.classes, data.background), labels, depth=depth)


def from_rows(data: Dataset, sample: Sample) -> Truth:
    """COCO annotations. The label map shows the smaller region where two overlap; what no region covers is
    background in a set that has one, else not scored."""
    size = size_of(sample.picture)
    single, group = ([row for row in sample.rows if bool(row.get("iscrowd")) is crowd] for crowd in (False, True))
    result, areas = _regions(data, single, size, sample.name)
    crowd, _ = _regions(data, group, size, sample.name)
    labels = np.full(size, VOID if data.background is None else data.background, np.int32)
    for part in (crowd, result):
        for index in np.argsort(-part.masks.areas, kind="stable").tolist():
            part.masks.paint(labels, index, part.label_ids[index])
    return Truth(result, labels, crowd, areas, _depth(data, sample, size), exhaustive=True)


def from_panoptic(data: Dataset, sample: Sample) -> Truth:
    """A picture of segment ids and a list that says what each is."""
    if sample.labels is None:
        raise FormatError(f"{sample.name} has no panoptic map")
    ids = colour_ids(sample.labels)
    check_size(sample.labels, ids.shape, size_of(sample.picture))
    classes = {int(row["id"]): data.values[int(row["category_id"])] for row in sample.rows}
    labels = mapped(ids, classes | {0: VOID}, sample.labels)
    masks, values = Masks.from_label_map(np.where(ids == 0, VOID, ids))
    names = np.array([classes[value] for value in values.tolist()], np.int32)
    crowds = {int(row["id"]) for row in sample.rows if row.get("iscrowd")}
    group = np.array([value in crowds for value in values.tolist()], bool)
    result, crowd = (Result.of(masks[rows], data.classes, label_ids=names[rows]) for rows in (~group, group))
    return Truth(result, labels, crowd)


def from_objects(data: Dataset, sample: Sample) -> Truth:
    """A video frame's label map in which every value is one object, named by its `track_ids`."""
    size = size_of(sample.picture)
    if sample.labels is None:
        return Truth(Result.nothing(size, data.classes))
    raw = label_map(sample.labels)
    check_size(sample.labels, raw.shape, size)
    labels = np.where((raw == 0) | (raw == 255), VOID, raw)
    masks, values = Masks.from_label_map(labels)
    labels_ids = np.full(len(values), data.classes.index("object"))
    found = np.where(raw == 255, VOID, (raw > 0).astype(np.int32))
    return Truth(Result.of(masks, data.classes, label_ids=labels_ids, track_ids=values), found)


def _regions(data: Dataset, rows: Sequence[Mapping[str, Any]], size: Size, name: str) -> tuple[Result, Array]:
    """The rows as a result, and their areas in the same order."""
    if not rows:
        return Result.nothing(size, data.classes), np.zeros(0)
    parts = [_mask(row, size, name) for row in rows]
    masks = Masks.concatenate(parts)
    label_ids = np.array([data.values[int(row["category_id"])] for row in rows], np.int32)
    # Result.of sorts; the row's number travels along as track id so that the areas can follow.
    result = Result.of(masks, data.classes, label_ids=label_ids, track_ids=np.arange(len(rows)))
    areas = np.array([float(row.get("area", area)) for row, area in zip(rows, masks.areas, strict=True)])
    order = result.track_ids if result.track_ids is not None else np.zeros(0, np.int64)
    return result.replace(track_ids=None), areas[order]


def _mask(row: Mapping[str, Any], size: Size, name: str) -> Masks:
    code = row.get("segmentation")
    if isinstance(code, dict):
        return Masks.from_rle([code], size)
    if not isinstance(code, list):
        raise FormatError(f"{name}: annotation {row.get('id')} has no segmentation, neither polygons nor run lengths")
    return Masks.from_dense(polygons.fill(code, size))


def _depth(data: Dataset, sample: Sample, size: Size) -> Array | None:
    if sample.depth is None:
        return None
    values = depth_map(sample.depth, data.per_metre)
    check_size(sample.depth, values.shape, size)
    return values


def pictures(folder: Path) -> dict[str, Path]:
    """Every picture under a folder by its path without the suffix."""
    kinds = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
    found = (path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(found)}
