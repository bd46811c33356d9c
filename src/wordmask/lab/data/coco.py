"""Public data sets whose annotations are COCO's JSON: instances, LVIS, panoptic."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wordmask.errors import FormatError
from wordmask.lab.data import class_names as names
from wordmask.lab.data.files import read_json
from wordmask.lab.data.readers import from_instances, from_panoptic
from wordmask.lab.data.sample import Dataset, Sample, check_names
from wordmask.media.formats.coco_records import (
    CocoSet,
    parse_categories,
    parse_instances,
    parse_segments,
)
from wordmask.media.formats.parsing import take


def read_instances(path: Path) -> CocoSet:
    """The records of an annotation file."""
    return parse_instances(read_json(path), str(path))


def category_values(
    categories: Mapping[int, str], classes: Sequence[str], where: Path
) -> dict[int, int]:
    """Category id -> index into the classes, by name."""
    places = {name: index for index, name in enumerate(classes)}
    unknown = [name for name in categories.values() if name not in places]
    if unknown:
        raise FormatError(f"{where} has the category {unknown[0]!r}, which the classes do not list")
    return {id: places[name] for id, name in categories.items()}


def instances(root: Path, *, background: bool = False) -> Dataset:
    """COCO 2017 validation; with `background` as 81 classes for every pixel (COCO-Object)."""
    path = root / "annotations/instances_val2017.json"
    annotations = read_instances(path)
    classes = ("background", *names.COCO) if background else names.COCO
    samples = []
    for picture, regions in annotations.by_picture():
        file = root / "val2017" / picture.name
        if file.is_file():
            samples.append(Sample(file.stem, file, regions=regions))
    return Dataset(
        name="coco-object" if background else "coco-instances",
        classes=classes,
        samples=check_names(samples, path),
        reader=from_instances,
        background=0 if background else None,
        values=category_values(annotations.categories, classes, path),
        source="COCO 2017 validation (Lin et al. 2014)",
    )


def lvis(root: Path) -> Dataset:
    """LVIS v1 validation: judged only on the classes that were checked in each picture."""
    path = root / "annotations/lvis_v1_val.json"
    annotations = read_instances(path)
    order = sorted(annotations.categories)
    values = {id: index for index, id in enumerate(order)}
    samples = []
    for picture, regions in annotations.by_picture():
        place = f"{path}, image {picture.id}"
        address = take(picture.entry, "coco_url", str, place)
        file = root.joinpath(*address.split("/")[-2:])  # .../val2017/000000000139.jpg
        if not file.is_file():
            continue
        present = {values[region.category] for region in regions}
        absent = {values[id] for id in take(picture.entry, "neg_category_ids", list, place)}
        partly = take(picture.entry, "not_exhaustive_category_ids", list, place)
        samples.append(
            Sample(
                file.stem,
                file,
                regions=regions,
                judged=frozenset(present | absent),
                open_classes=frozenset(values[id] for id in partly),
            )
        )
    return Dataset(
        name="lvis",
        classes=tuple(annotations.categories[id].replace("_", " ") for id in order),
        samples=check_names(samples, path),
        reader=from_instances,
        values=values,
        source="LVIS v1 validation (Gupta et al. 2019)",
    )


def panoptic(root: Path) -> Dataset:
    """COCO panoptic 2017 validation: 80 things and 53 kinds of stuff."""
    path = root / "annotations/panoptic_val2017.json"
    annotations = read_json(path)
    rows = take(annotations, "annotations", list, str(path))
    categories = parse_categories(annotations, str(path))
    classes = tuple(categories.values())
    samples = []
    for row in rows:
        map_name = take(row, "file_name", str, str(path))
        name = Path(map_name).stem
        file = root / "val2017" / f"{name}.jpg"
        if file.is_file():
            segments = parse_segments(row, f"{path}, {map_name}")
            labels = root / "annotations/panoptic_val2017" / map_name
            samples.append(Sample(name, file, labels, segments=segments))
    return Dataset(
        name="coco-panoptic",
        classes=classes,
        samples=check_names(samples, path),
        reader=from_panoptic,
        values=category_values(categories, classes, path),
        source="COCO panoptic 2017 validation (Kirillov et al. 2019)",
    )
