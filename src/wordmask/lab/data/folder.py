"""A folder described by its `dataset.json`: the packs, and anyone's own pictures with label maps.

    {
      "name": "chairs",
      "classes": ["wall", "chair"],        or {"47": "chair"}: value in the files -> name; what is not listed is "other"
      "ignore": 255,                       a value, a list of values, or null
      "synonyms": {"chair": ["armchair"]}, further phrases for a class; the best one counts
      "background": null,                  index of the class that means "none of the others"
      "pictures": "images/**/*",           (default)
      "labels": "labels/{stem}.png",       (default) {stem} is the picture's path under its fixed folder; .npy works too
      "depth": "depth/{stem}.png", "depth_per_metre": 25.5,
      "instances": "instances.json"        instead of label maps: COCO annotations
    }

All keys but `classes` may be left out. A picture without its label map is left out too, unless none has one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError
from wordmask.lab.data.coco import by_picture, category_values
from wordmask.lab.data.files import read_json
from wordmask.lab.data.readers import from_labels, from_objects, from_rows, pictures
from wordmask.lab.data.sample import VOID, Dataset, Sample, check_names

CARD = "dataset.json"
OTHER = "other"
PER_METRE = 25.5  # the depth of the NYU pack: 8 bits for 10 m


def read_folder(root: Path) -> Dataset:
    """The data set that a folder's `dataset.json` describes."""
    card = read_json(root / CARD)
    if not isinstance(card, dict) or not {"classes", "labels"} & card.keys():
        raise FormatError(f"{root / CARD} must be an object with the key classes; see docs/benchmarks.md")
    if not isinstance(card.get("classes", []), list | dict):
        raise FormatError(f"{root / CARD}: classes is a list of names or an object value -> name")
    found = _found(root, card)
    named = str(card.get("instances", ""))
    rows = root / (named if named.endswith(".json") else "instances.json")  # the packs say here how many there are
    return _instances(root, card, rows, found) if rows.is_file() else _labelled(root, card, found)


def _instances(root: Path, card: Mapping[str, Any], path: Path, found: Mapping[str, Path]) -> Dataset:
    classes = tuple(str(name) for name in card["classes"])
    annotations = read_json(path)
    by_name = {picture.name: (stem, picture) for stem, picture in found.items()}
    samples = []
    for image, rows in by_picture(annotations, path):
        name = Path(str(image["file_name"])).name
        if name in by_name:
            stem, picture = by_name[name]
            samples.append(Sample(stem, picture, rows=rows, depth=_beside(root, card, "depth", stem)))
    values = category_values(annotations, classes, path)
    return _dataset(root, card, classes, check_names(samples, root), reader=from_rows, values=values)


def _labelled(root: Path, card: Mapping[str, Any], found: Mapping[str, Path]) -> Dataset:
    samples = [
        Sample(
            stem, path, _beside(root, card, "labels", stem), _beside(root, card, "depth", stem), sequence=_parent(stem)
        )
        for stem, path in found.items()
    ]
    labelled = [sample for sample in samples if sample.labels]
    listed = card.get("classes", [])
    classes = (OTHER, *map(str, listed.values())) if isinstance(listed, dict) else tuple(str(name) for name in listed)
    if classes == ("background", "object") and any(sample.sequence for sample in samples):
        return _dataset(root, card, classes, check_names(labelled, root), reader=from_objects)
    keys = [int(key) for key in listed] if isinstance(listed, dict) else list(range(len(classes)))
    shift = int(isinstance(listed, dict))
    values: dict[int, int] = {key: index + shift for index, key in enumerate(keys)}
    if shift:
        values = _Rest(values)
    values.update(dict.fromkeys(_ignored(card), VOID))
    background = 0 if shift else card.get("background")
    ready = check_names(labelled or samples, root)
    return _dataset(root, {**card, "background": background}, classes, ready, reader=from_labels, values=values)


class _Rest(dict[int, int]):
    """Values of a single-object data set: what is not listed is class 0, "other"."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int)

    def __missing__(self, value: int) -> int:
        return 0


def _dataset(
    root: Path, card: Mapping[str, Any], classes: tuple[str, ...], samples: tuple[Sample, ...], **columns: Any
) -> Dataset:
    background = card.get("background")
    if background is not None and not 0 <= int(background) < len(classes):
        raise FormatError(f"{root / CARD}: background {background} is not the index of one of {len(classes)} classes")
    note = str(card.get("note", "")).strip()
    return Dataset(
        name=str(card.get("name") or root.name),
        classes=classes,
        samples=samples,
        background=background,
        source=str(card.get("source", "")),
        notes=(note,) if note else (),
        synonyms={str(name): tuple(map(str, words)) for name, words in dict(card.get("synonyms", {})).items()},
        per_metre=float(card.get("depth_per_metre", PER_METRE)),
        **columns,
    )


def _found(root: Path, card: Mapping[str, Any]) -> dict[str, Path]:
    """Pictures by stem: the path under the pattern's fixed folder, without suffix."""
    pattern = str(card.get("pictures", "images/**/*"))
    fixed = [part for part in Path(pattern).parts[:-1] if not set(part) & set("*?[")]
    if ".." in fixed or Path(pattern).is_absolute():
        raise FormatError(f"{root / CARD}: pictures must lie inside the folder, got {pattern!r}")
    folder = root.joinpath(*fixed)
    wanted = {path for path in root.glob(pattern) if path.is_file()}
    return {stem: path for stem, path in pictures(folder).items() if path in wanted}


def _beside(root: Path, card: Mapping[str, Any], kind: str, stem: str) -> Path | None:
    """The file of a kind that belongs to a picture."""
    pattern = str(card.get(kind, ""))
    if "{stem}" not in pattern:  # the packs say here what the labels are, not where
        pattern = f"{kind}/{{stem}}.png"
    path = root / pattern.replace("{stem}", stem)
    return path if path.is_file() else None


def _parent(stem: str) -> str:
    return stem.rpartition("/")[0]


def _ignored(card: Mapping[str, Any]) -> list[int]:
    value = card.get("ignore")
    return [] if value is None else [int(item) for item in (value if isinstance(value, list) else [value])]
