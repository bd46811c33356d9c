"""The training packs: data sets in folders, with captions and other models' opinions beside them.

Each pack is a folder that `read_folder` reads, under one folder with `pseudo_stuff.json`. In a pack
may lie captions.json, and of other models, the teachers: boxes of COCO's classes
(pseudo_coco.json), maps of VOC's classes (pseudo_voc/) and of stuff (pseudo_stuff/). They are for
training, and never the truth.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import InputError
from wordmask.lab.data.files import label_map, read_json
from wordmask.lab.data.folder import read_folder
from wordmask.lab.data.sample import Dataset, Sample
from wordmask.lab.data.storages import DataAddress, is_address

SETS = (
    "voc",
    "coco",
    "coco_person",
    "nyu",
    "camvid",
    "ccp",
    "bsds",
    "flickr8k",
    "carparts",
    "facade",
    "coco_airport",
    "suim",
    "unlabelled",
    "davis",
)
SURE = 0.4  # score from which a teacher's box is taken for right


class TeacherBox(NamedTuple):
    """A teacher's box, in pixels of the picture."""

    x0: float
    y0: float
    x1: float
    y1: float
    category: int  # index into COCO's 80 classes
    score: float


@dataclass(frozen=True)
class Record:
    """One picture of a pack: its own labels, and where the rest lies."""

    set: str
    folder: Path
    sample: Sample
    boxes: tuple[TeacherBox, ...] = ()
    captions: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        return self.sample.name

    def teacher_map(self, teacher: str) -> Array | None:
        """(h, w) uint8 of `pseudo_voc` or `pseudo_stuff`, smaller than the picture."""
        return _map(self.folder / teacher / f"{self.stem}.png")

    def depth(self) -> Array | None:
        """(H, W) uint8, larger is farther, 0 unknown; None where there is no depth."""
        return _map(self.folder / "depth" / self.sample.picture.name)


@dataclass(frozen=True, eq=False)
class Packs:
    """All packs under one folder."""

    sets: dict[str, Dataset]
    stuff: tuple[str, ...]  # what the values of `pseudo_stuff` maps mean
    records: tuple[Record, ...]


def read_packs(place: DataAddress) -> Packs:
    """The packs that are there, in the order of `SETS`."""
    if is_address(place):
        raise InputError(f"packs are read from this machine only, got {place}; copy them here")
    folder = Path(place)
    sets = {name: read_folder(folder / name) for name in SETS if (folder / name).is_dir()}
    stuff = tuple(read_json(folder / "pseudo_stuff.json")["classes"])
    records = [record for name, data in sets.items() for record in _records(folder / name, data)]
    return Packs(sets, stuff, tuple(records))


def _records(folder: Path, data: Dataset) -> list[Record]:
    boxes = _read(folder / "pseudo_coco.json").get("boxes", {})
    captions = _read(folder / "captions.json")
    records = []
    for sample in data.samples:
        rows = boxes.get(sample.name, ())
        found = tuple(
            TeacherBox(x0, y0, x1, y1, int(category), score)
            for x0, y0, x1, y1, category, score in rows
        )
        told = tuple(captions.get(sample.name, ()))
        records.append(Record(folder.name, folder, sample, found, told))
    return records


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = read_json(path) if path.exists() else {}
    return value


def _map(path: Path) -> Array | None:
    return label_map(path).astype(np.uint8) if path.exists() else None
