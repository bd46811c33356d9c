"""How a sample's truth is read: label maps, COCO annotations, panoptic maps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Result, best_first
from wordmask.errors import FormatError
from wordmask.lab.data import polygons
from wordmask.lab.data.files import check_size, colour_ids, depth_map, label_map
from wordmask.lab.data.sample import (
    VOID,
    Dataset,
    Sample,
    Truth,
    classes_of_values,
    result_of_labels,
)
from wordmask.media.formats.coco_records import CocoRegion, read_mask
from wordmask.media.formats.pictures import picture_size

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


def from_labels(data: Dataset, sample: Sample) -> Truth:
    """A label map. Its regions are its classes; in a set without classes, its values."""
    size = picture_size(sample.picture)
    depth = _depth(data, sample, size)
    if sample.labels is None:
        return Truth(Result.nothing(size, data.classes), depth=depth)
    raw = label_map(sample.labels)
    check_size(sample.labels, raw.shape, size)
    if not data.classes:
        void = [value for value, label in data.values.items() if label == VOID]
        regions = np.where(np.isin(raw, void), VOID, raw)
        return Truth(result_of_labels(regions, (), None), depth=depth)
    labels = classes_of_values(raw, data.values, sample.labels)
    return Truth(result_of_labels(labels, data.classes, data.background), labels, depth=depth)


def from_instances(data: Dataset, sample: Sample) -> Truth:
    """COCO annotations.

    The label map shows the smaller region where two overlap. What no region covers is background in
    a set that has one, and not scored in any other.
    """
    size = picture_size(sample.picture)
    single = [region for region in sample.regions if not region.crowd]
    group = [region for region in sample.regions if region.crowd]
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
    check_size(sample.labels, ids.shape, picture_size(sample.picture))
    classes = {segment.id: data.values[segment.category] for segment in sample.segments}
    labels = classes_of_values(ids, classes | {0: VOID}, sample.labels)
    masks, values = Masks.from_label_map(np.where(ids == 0, VOID, ids))
    label_ids = np.array([classes[value] for value in values.tolist()], np.int32)
    crowds = [segment.id for segment in sample.segments if segment.crowd]
    group = np.isin(values, crowds)
    result = Result.of(masks[~group], data.classes, label_ids=label_ids[~group])
    crowd = Result.of(masks[group], data.classes, label_ids=label_ids[group])
    return Truth(result, labels, crowd)


def from_objects(data: Dataset, sample: Sample) -> Truth:
    """A video frame's label map in which every value is one object, named by its `track_ids`."""
    size = picture_size(sample.picture)
    if sample.labels is None:
        return Truth(Result.nothing(size, data.classes))
    raw = label_map(sample.labels)
    check_size(sample.labels, raw.shape, size)
    masks, values = Masks.from_label_map(np.where((raw == 0) | (raw == 255), VOID, raw))
    label_ids = np.full(len(values), data.classes.index("object"))
    labels = np.where(raw == 255, VOID, (raw > 0).astype(np.int32))
    return Truth(Result.of(masks, data.classes, label_ids=label_ids, track_ids=values), labels)


def _regions(
    data: Dataset, regions: Sequence[CocoRegion], size: Size, name: str
) -> tuple[Result, Array]:
    """The regions as a result, and their areas in the same order."""
    if not regions:
        return Result.nothing(size, data.classes), np.zeros(0)
    parts = [
        read_mask(region.entry, size, f"{name}, annotation {region.id}", polygons.fill)
        for region in regions
    ]
    masks = Masks.concatenate(parts)
    label_ids = np.array([data.values[region.category] for region in regions], np.int32)
    areas = [
        float(counted) if region.area is None else region.area
        for region, counted in zip(regions, masks.areas, strict=True)
    ]
    order = best_first(masks, np.ones(len(masks)))
    return Result.of(masks, data.classes, label_ids=label_ids), np.array(areas)[order]


def _depth(data: Dataset, sample: Sample, size: Size) -> Array | None:
    if sample.depth is None:
        return None
    values = depth_map(sample.depth, data.per_metre)
    check_size(sample.depth, values.shape, size)
    return values


def pictures(folder: Path) -> dict[str, Path]:
    """Every picture under a folder by its path without the suffix."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(found)}
