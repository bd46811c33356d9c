"""Annotations in COCO's JSON: instances, LVIS, panoptic."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError
from wordmask.lab.data import class_names as names
from wordmask.lab.data.files import read_json
from wordmask.lab.data.readers import from_panoptic, from_rows
from wordmask.lab.data.sample import Dataset, Sample, check_names

Rows = tuple[Mapping[str, Any], ...]


def by_picture(annotations: Any, where: Path) -> Iterator[tuple[Mapping[str, Any], Rows]]:
    """Each entry of `images` with its annotations."""
    if not isinstance(annotations, dict) or not {"images", "annotations", "categories"} <= annotations.keys():
        raise FormatError(f"{where} must have the keys images, annotations and categories, as COCO has them")
    rows: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for row in annotations["annotations"]:
        rows[row["image_id"]].append(row)
    for image in annotations["images"]:
        yield image, tuple(rows[image["id"]])


def category_values(annotations: Mapping[str, Any], classes: Sequence[str], where: Path) -> dict[int, int]:
    """Category id -> index into the classes, by name."""
    places = {name: index for index, name in enumerate(classes)}
    unknown = [row["name"] for row in annotations["categories"] if row["name"] not in places]
    if unknown:
        raise FormatError(f"{where} has the category {unknown[0]!r}, which the classes do not list")
    return {int(row["id"]): places[row["name"]] for row in annotations["categories"]}


def instances(root: Path, *, background: bool = False) -> Dataset:
    """COCO 2017 validation; with `background` as 81 classes for every pixel (COCO-Object)."""
    path = root / "annotations/instances_val2017.json"
    annotations = read_json(path)
    classes = ("background", *names.COCO) if background else names.COCO
    samples = [
        Sample(Path(image["file_name"]).stem, root / "val2017" / image["file_name"], rows=rows)
        for image, rows in by_picture(annotations, path)
        if (root / "val2017" / image["file_name"]).is_file()
    ]
    return Dataset(
        name="coco-object" if background else "coco-instances",
        classes=classes,
        samples=check_names(samples, path),
        reader=from_rows,
        background=0 if background else None,
        values=category_values(annotations, classes, path),
        source="COCO 2017 validation (Lin et al. 2014)",
    )


def lvis(root: Path) -> Dataset:
    """LVIS v1 validation: judged only on the classes that were checked in each picture."""
    path = root / "annotations/lvis_v1_val.json"
    annotations = read_json(path)
    classes = tuple(
        str(row["name"]).replace("_", " ") for row in sorted(annotations["categories"], key=lambda row: row["id"])
    )
    order = [row["id"] for row in sorted(annotations["categories"], key=lambda row: row["id"])]
    values = {int(number): index for index, number in enumerate(order)}
    samples = []
    for image, rows in by_picture(annotations, path):
        picture = root.joinpath(*str(image["coco_url"]).split("/")[-2:])  # .../val2017/000000000139.jpg
        if picture.is_file():
            present = {values[row["category_id"]] for row in rows}
            absent = {values[number] for number in image["neg_category_ids"]}
            partly = frozenset(values[number] for number in image["not_exhaustive_category_ids"])
            samples.append(
                Sample(picture.stem, picture, rows=rows, judged=frozenset(present | absent), open_classes=partly)
            )
    source = "LVIS v1 validation (Gupta et al. 2019)"
    return Dataset("lvis", classes, check_names(samples, path), from_rows, values=values, source=source)


def panoptic(root: Path) -> Dataset:
    """COCO panoptic 2017 validation: 80 things and 53 stuffs."""
    path = root / "annotations/panoptic_val2017.json"
    annotations = read_json(path)
    classes = tuple(str(row["name"]) for row in annotations["categories"])
    samples = [
        Sample(
            Path(row["file_name"]).stem,
            root / "val2017" / f"{Path(row['file_name']).stem}.jpg",
            root / "annotations/panoptic_val2017" / row["file_name"],
            rows=tuple(row["segments_info"]),
        )
        for row in annotations["annotations"]
        if (root / "val2017" / f"{Path(row['file_name']).stem}.jpg").is_file()
    ]
    return Dataset(
        name="coco-panoptic",
        classes=classes,
        samples=check_names(samples, path),
        reader=from_panoptic,
        values=category_values(annotations, classes, path),
        source="COCO panoptic 2017 validation (Kirillov et al. 2019)",
    )
