"""A folder described by its `dataset.json`: the packs, and anyone's own pictures with label maps.

    {
      "name": "chairs",
      "classes": ["wall", "chair"],        or {"47": "chair"}: value in the files -> name;
                                           what is not listed is "other"
      "ignore": 255,                       a value, a list of values, or null
      "synonyms": {"chair": ["armchair"]}, further phrases for a class; the best one counts
      "background": null,                  index of the class that means "none of the others"
      "pictures": "images/**/*",           (default)
      "labels": "labels/{stem}.png",       (default) {stem} is the picture's path under its fixed
                                           folder, without suffix; .npy works too
      "depth": "depth/{stem}.png", "depth_per_metre": 25.5,
      "instances": "instances.json"        instead of label maps: COCO annotations
    }

All keys but `classes` may be left out. A picture without its label map is left out too, unless none
has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError
from wordmask.lab.data.coco import category_values, read_instances
from wordmask.lab.data.files import read_json
from wordmask.lab.data.readers import from_instances, from_labels, from_objects, pictures
from wordmask.lab.data.sample import VOID, Dataset, Sample, check_names

CARD = "dataset.json"
OTHER = "other"
PER_METRE = 25.5  # the depth of the NYU pack: 8 bits for 10 m


def read_folder(root: Path) -> Dataset:
    """The data set that a folder's `dataset.json` describes."""
    folder = _Folder.open(root)
    instances = folder.instances()
    if instances.is_file():
        return _instances(folder, instances)
    return _label_maps(folder)


@dataclass(frozen=True)
class _Folder:
    """A folder, its card, and its pictures by stem (see `labels` above)."""

    root: Path
    card: Mapping[str, Any]
    pictures: Mapping[str, Path]

    @classmethod
    def open(cls, root: Path) -> "_Folder":
        card = read_json(root / CARD)
        if not isinstance(card, dict) or not {"classes", "labels"} & card.keys():
            raise FormatError(
                f"{root / CARD} must be an object with the key classes; see docs/benchmarks.md"
            )
        if not isinstance(card.get("classes", []), list | dict):
            raise FormatError(
                f"{root / CARD}: classes is a list of names or an object value -> name"
            )
        return cls(root, card, _find_pictures(root, str(card.get("pictures", "images/**/*"))))

    def instances(self) -> Path:
        """Where COCO annotations would be. The packs keep a number under this key."""
        name = str(self.card.get("instances", ""))
        return self.root / (name if name.endswith(".json") else "instances.json")

    def file(self, kind: str, stem: str) -> Path | None:
        """The label map or depth map of a picture; None if it has none."""
        pattern = str(self.card.get(kind, ""))
        if "{stem}" not in pattern:  # the packs say here what the labels are, not where
            pattern = f"{kind}/{{stem}}.png"
        path = self.root / pattern.replace("{stem}", stem)
        return path if path.is_file() else None

    def dataset(
        self, classes: tuple[str, ...], samples: tuple[Sample, ...], **columns: Any
    ) -> Dataset:
        """The data set with what the card says of all kinds of sets."""
        background = columns.setdefault("background", self.card.get("background"))
        if background is not None and not 0 <= int(background) < len(classes):
            raise FormatError(
                f"{self.root / CARD}: background {background} is not the index "
                f"of one of {len(classes)} classes"
            )
        note = str(self.card.get("note", "")).strip()
        synonyms = dict(self.card.get("synonyms", {}))
        return Dataset(
            name=str(self.card.get("name") or self.root.name),
            classes=classes,
            samples=samples,
            source=str(self.card.get("source", "")),
            notes=(note,) if note else (),
            synonyms={str(name): tuple(map(str, words)) for name, words in synonyms.items()},
            per_metre=float(self.card.get("depth_per_metre", PER_METRE)),
            **columns,
        )


def _find_pictures(root: Path, pattern: str) -> dict[str, Path]:
    fixed = [part for part in Path(pattern).parts[:-1] if not set(part) & set("*?[")]
    if ".." in fixed or Path(pattern).is_absolute():
        raise FormatError(f"{root / CARD}: pictures must lie inside the folder, got {pattern!r}")
    matching = {path for path in root.glob(pattern) if path.is_file()}
    found = pictures(root.joinpath(*fixed))
    return {stem: path for stem, path in found.items() if path in matching}


def _instances(folder: _Folder, path: Path) -> Dataset:
    """A set with COCO annotations; entries whose picture is not here are left out."""
    classes = tuple(str(name) for name in folder.card.get("classes", []))
    stems = {picture.name: stem for stem, picture in folder.pictures.items()}
    annotations = read_instances(path)
    samples = []
    for picture, regions in annotations.by_picture():
        stem = stems.get(Path(picture.name).name)
        if stem is not None:
            file, depth = folder.pictures[stem], folder.file("depth", stem)
            samples.append(Sample(stem, file, depth=depth, regions=regions))
    values = category_values(annotations.categories, classes, path)
    ready = check_names(samples, folder.root)
    return folder.dataset(classes, ready, reader=from_instances, values=values)


def _label_maps(folder: _Folder) -> Dataset:
    samples = [
        Sample(
            stem,
            path,
            labels=folder.file("labels", stem),
            depth=folder.file("depth", stem),
            sequence=stem.rpartition("/")[0],
        )
        for stem, path in folder.pictures.items()
    ]
    with_labels = [sample for sample in samples if sample.labels]
    names = folder.card.get("classes", [])
    if isinstance(names, dict):
        return _single_values(folder, names, with_labels or samples)
    classes = tuple(str(name) for name in names)
    if classes == ("background", "object") and any(sample.sequence for sample in samples):
        ready = check_names(with_labels, folder.root)
        return folder.dataset(classes, ready, reader=from_objects)
    values = {index: index for index in range(len(classes))}
    values |= dict.fromkeys(_ignore_values(folder.card), VOID)
    ready = check_names(with_labels or samples, folder.root)
    return folder.dataset(classes, ready, reader=from_labels, values=values)


def _single_values(folder: _Folder, names: Mapping[str, Any], samples: list[Sample]) -> Dataset:
    """A set of which some values have names; every other value is "other", its background."""
    classes = (OTHER, *map(str, names.values()))
    values = _OtherwiseZero({int(key): index for index, key in enumerate(names, 1)})
    values.update(dict.fromkeys(_ignore_values(folder.card), VOID))
    ready = check_names(samples, folder.root)
    return folder.dataset(classes, ready, reader=from_labels, values=values, background=0)


class _OtherwiseZero(dict[int, int]):
    """Classes by value, in which every value that is not listed is class 0."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int)

    def __missing__(self, value: int) -> int:
        return 0


def _ignore_values(card: Mapping[str, Any]) -> list[int]:
    value = card.get("ignore")
    if value is None:
        return []
    return [int(item) for item in (value if isinstance(value, list) else [value])]
