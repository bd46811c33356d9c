"""The data packs, read from disk: one `Record` per picture, its labels decoded only when asked for.

A pack is a folder with dataset.json, images/ and labels/*.png or instances.json; teachers' opinions
(pseudo_coco.json, pseudo_voc/, pseudo_stuff/) lie beside them and are read where they are.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wordmask.lab.training.vocabulary import Vocabulary

IGNORE = -1
SURE, DOUBTFUL = 0.4, 0.25
STUFF, TEACHER, VOC_TEACHER = "stuff", "teacher", "voc"
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


@dataclass(frozen=True)
class Region:
    """One thing in a picture: its mask, and its row in the vocabulary (-1: it has no name)."""

    mask: NDArray[np.bool_]
    row: int


@dataclass(frozen=True)
class Boxes:
    """Teachers' boxes of the 80 COCO classes."""

    xyxy: NDArray[np.float32]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Labels:
    """Everything known about a picture, at its own size."""

    picture: NDArray[np.uint8]
    """(H, W, 3) RGB"""
    maps: list[NDArray[np.int16]]
    """(H, W) rows of the vocabulary, -1 where nothing is said; several sources may speak of one pixel."""
    regions: list[Region]
    boxes: Boxes
    depth: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Record:
    """Where a picture of a set lies, and what its set's files say about it."""

    set: str
    stem: str
    path: Path
    annotations: tuple[dict[str, Any], ...] = ()
    boxes: tuple[tuple[float, ...], ...] = ()
    captions: tuple[str, ...] = ()
    rarity: float = field(default=1.0, compare=False)


def decode_rle(segmentation: dict[str, Any]) -> NDArray[np.bool_]:
    """COCO's compressed run lengths (LEB128-like, differences to the run before last) -> (H, W) mask."""
    h, w = segmentation["size"]
    runs: list[int] = []
    text, k = segmentation["counts"].encode(), 0
    while k < len(text):
        value, shift, more = 0, 0, True
        while more:
            byte = text[k] - 48
            value |= (byte & 31) << shift
            more, shift, k = bool(byte & 32), shift + 5, k + 1
        if byte & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(w, h).T


class Packs:
    """All sets under one folder and the vocabulary that they share."""

    def __init__(self, folder: Path, without: frozenset[str] = frozenset()) -> None:
        """`without`: words of COCO that training must not see (the open-vocabulary ablation)."""
        self.folder, self.without = folder, without
        self.info = {s: json.loads((folder / s / "dataset.json").read_text()) for s in SETS if (folder / s).is_dir()}
        self.coco: list[str] = self.info["coco"]["classes"]
        stuff = json.loads((folder / "pseudo_stuff.json").read_text())["classes"]
        listed = {s: i["classes"] for s, i in self.info.items() if i.get("classes")}
        self.vocabulary = Vocabulary({**listed, STUFF: stuff})
        self.records = [r for s in self.info for r in self._records(s)]

    @cached_property
    def luts(self) -> dict[str, NDArray[np.int16]]:
        """For each set: value of a label picture -> row, -1 for ignored ones."""
        tables = {}
        names = {s: i.get("classes", []) for s, i in self.info.items()} | {
            STUFF: json.loads((self.folder / "pseudo_stuff.json").read_text())["classes"]
        }
        for name, classes in names.items():
            table = np.full(256, IGNORE, np.int16)
            for k, c in enumerate(classes):
                table[k] = IGNORE if self.is_hidden(c) else self.vocabulary.row_of[name, c]
            tables[name] = table
        return tables

    def is_hidden(self, name: str) -> bool:
        from wordmask.lab.training.vocabulary import word

        return word(name) in self.without

    def _records(self, name: str) -> list[Record]:
        folder = self.folder / name
        annotations: dict[str, list[dict[str, Any]]] = defaultdict(list)
        if (folder / "instances.json").exists():
            coco = json.loads((folder / "instances.json").read_text())
            stems = {i["id"]: Path(i["file_name"]).stem for i in coco["images"]}
            names = {c["id"]: c["name"] for c in coco["categories"]}
            for a in coco["annotations"]:
                annotations[stems[a["image_id"]]].append({**a, "name": names[a["category_id"]]})
        boxes = _read(folder / "pseudo_coco.json").get("boxes", {})
        captions = _read(folder / "captions.json")
        return [
            Record(
                name,
                p.stem,
                p,
                tuple(annotations[p.stem]),
                tuple(map(tuple, boxes.get(p.stem, ()))),
                tuple(captions.get(p.stem, ())),
            )
            for p in sorted((folder / "images").iterdir())
        ]

    def load(self, record: Record) -> Labels:
        picture = cv2.cvtColor(_image(record.path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        boxes = self._boxes(record)
        if record.annotations:
            maps, regions = self._from_instances(record, picture.shape[:2])
        else:
            maps, regions = self._from_labels(record)
        teacher = self.folder / record.set / "pseudo_voc" / f"{record.stem}.png"
        if teacher.exists():
            found = self._trusted(_image(teacher), picture.shape[:2], boxes)
            maps, regions = maps + ([found[0]] if found[1] else []), regions + found[1]
        stuff = self.folder / record.set / "pseudo_stuff" / f"{record.stem}.png"
        if stuff.exists():
            rows = self.luts[STUFF][_image(stuff)]
            maps = [*maps, cv2.resize(rows, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(np.int16)]
        depth = self.folder / record.set / "depth" / record.path.name
        return Labels(picture, maps, regions, boxes, _image(depth, cv2.IMREAD_GRAYSCALE) if depth.exists() else None)

    def _boxes(self, record: Record) -> Boxes:
        kept = [b for b in record.boxes if not self.is_hidden(self.coco[int(b[4])])]
        table = np.array(kept, np.float32).reshape(-1, 6)
        rows = [self.vocabulary.row_of["coco", self.coco[int(b[4])]] for b in kept]
        return Boxes(table[:, :4], np.array(rows, np.int64), table[:, 5])

    def _from_instances(self, record: Record, size: tuple[int, int]) -> tuple[list[NDArray[np.int16]], list[Region]]:
        """Painted large to small, so that what lies on something stays visible; crowds are painted, never cut."""
        complete = record.set == "coco"
        rows = np.full(size, self.vocabulary.row_of["coco", "none"] if complete else IGNORE, np.int16)
        regions = []
        for a in sorted(record.annotations, key=lambda a: -a["area"]):
            mask = decode_rle(a["segmentation"])
            row = IGNORE if self.is_hidden(a["name"]) else self.vocabulary.row_of[record.set, a["name"]]
            rows[mask] = row
            if not a.get("iscrowd"):
                regions.append(Region(mask, row))
        return [rows], regions

    def _from_labels(self, record: Record) -> tuple[list[NDArray[np.int16]], list[Region]]:
        path = self.folder / record.set / "labels" / f"{record.stem}.png"
        if not path.exists():
            return [], []
        values = _image(path)
        if record.set == "bsds":
            return [], [Region(m, -1) for v in np.unique(values) if v for m in components(values == v)]
        rows = self.luts[record.set][values]
        background = self.vocabulary.row_of.get((record.set, "background"), IGNORE)
        named = [int(r) for r in np.unique(rows) if r not in (IGNORE, background)]
        return [rows], [Region(m, r) for r in named for m in components(rows == r)]

    def _trusted(
        self, values: NDArray[np.uint8], size: tuple[int, int], boxes: Boxes
    ) -> tuple[NDArray[np.int16], list[Region]]:
        """Where the VOC teacher's blob fills a sure box of the same word (IoU of boxes over 0.7): a mask to trust."""
        values = cv2.resize(values, size[::-1], interpolation=cv2.INTER_NEAREST)
        rows = np.full(size, IGNORE, np.int16)
        regions: list[Region] = []
        own = self.luts[VOC_TEACHER]
        words = [self.vocabulary.rows[r].positive.argmax() for r in boxes.rows]
        for v in np.unique(values):
            row = int(own[v]) if 0 < v < 21 else IGNORE
            if row == IGNORE:
                continue
            match = [
                k
                for k, w in enumerate(words)
                if w == self.vocabulary.rows[row].positive.argmax() and boxes.scores[k] >= SURE
            ]
            for blob in components(values == v) if match else []:
                if max(box_iou(tight_box(blob), boxes.xyxy[k]) for k in match) > 0.7:
                    rows[blob] = row
                    regions.append(Region(blob, row))
        return rows, regions


def components(mask: NDArray[np.bool_], min_area: int = 100) -> list[NDArray[np.bool_]]:
    count, ids, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return [ids == k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= min_area]


def tight_box(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """xyxy, exclusive ends; the mask must not be empty."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], np.float32)


def box_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    overlap = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(overlap / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - overlap + 1e-6))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _image(path: Path, how: int = cv2.IMREAD_UNCHANGED) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), how)
    if pixels is None:
        raise FileNotFoundError(f"{path} is not there, or is no picture")
    return np.asarray(pixels, np.uint8)
