"""What a picture of a pack says, teachers included, in the rows of training's vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.lab.data.packs import SURE, Packs, Record
from wordmask.lab.data.sample import Dataset, Truth
from wordmask.lab.training.vocabulary import BACKGROUND, NONE, Vocabulary, word
from wordmask.ops import boxes as box_ops
from wordmask.ops.regions import pieces_as_masks

IGNORE = -1
STUFF, VOC, COCO = "stuff", "voc", "coco"
COMPLETE = {COCO}  # sets whose uncovered pixels show none of the set's words
MIN_AREA = 100  # pixels of a region
AGREES = 0.7  # IoU of a VOC teacher's blob and a sure box, above which the blob is taken for a mask


@dataclass(frozen=True, eq=False)
class TeacherBoxes:
    """Teachers' boxes of one picture, one entry of each column per box."""

    xyxy: Array  # (N, 4) float32, pixels
    rows: Array  # (N,) int64 row of the vocabulary
    scores: Array  # (N,) float32


class LabelledMasks(NamedTuple):
    """Masks of one picture, and what each is called."""

    masks: Masks
    rows: Array  # (N,) int64 row of the vocabulary, IGNORE = it has no name

    @classmethod
    def join(cls, parts: Sequence["LabelledMasks"]) -> "LabelledMasks":
        masks = Masks.concatenate([part.masks for part in parts])
        return cls(masks, np.concatenate([part.rows for part in parts]))

    @classmethod
    def alike(cls, masks: Masks, row: int) -> "LabelledMasks":
        """All of one row."""
        return cls(masks, np.full(len(masks), row, np.int64))


@dataclass(frozen=True, eq=False)
class Labels:
    """Everything known about a picture, at its own size."""

    picture: Array  # (H, W, 3) uint8 RGB
    maps: list[Array]  # (H, W) int16 rows, IGNORE = not said; one map for each source
    regions: LabelledMasks
    boxes: TeacherBoxes
    depth: Array | None  # (H, W) uint8, larger is farther, 0 = unknown


class LabelReader:
    """Reads records; knows the vocabulary of all packs."""

    def __init__(self, packs: Packs, without: Sequence[str] = ()) -> None:
        """`without`: words that training must not see, neither as truths nor as teachers' boxes."""
        if COCO not in packs.sets:
            raise FormatError(
                "the pack coco is missing: teachers number their boxes by its classes"
            )
        self.packs, self.without = packs, frozenset(without)
        names = {name: data.classes for name, data in packs.sets.items() if data.classes}
        self.vocabulary = Vocabulary({**names, STUFF: packs.stuff})
        self._rows = {name: self._class_rows(name, words) for name, words in names.items()}
        self._stuff_rows = np.full(256, IGNORE, np.int16)
        self._stuff_rows[: len(packs.stuff)] = self._class_rows(STUFF, packs.stuff)[:-1]
        positive, _ = self.vocabulary.tables()
        self._word_of_row = positive.argmax(1)

    def read(self, record: Record) -> Labels:
        """All that is known about the record's picture."""
        data = self.packs.sets[record.set]
        picture = data.image(record.sample).pixels
        size = picture.shape[:2]
        truth = data.truth(record.sample)
        boxes = self._boxes(record)
        maps = [] if truth.labels is None else [self._rows[record.set][truth.labels]]
        regions = self._regions(record.set, data, truth)
        blobs = record.teacher_map("pseudo_voc")
        if blobs is not None:
            trusted = self._trusted_blobs(_resize(blobs, size), boxes)
            regions = LabelledMasks.join([regions, trusted])
            if len(trusted.rows):
                maps.append(_paint(trusted))
        stuff = record.teacher_map("pseudo_stuff")
        if stuff is not None:
            maps.append(_resize(self._stuff_rows[stuff], size))
        return Labels(picture, maps, regions, boxes, record.depth())

    def _class_rows(self, name: str, classes: Sequence[str]) -> Array:
        """(C + 1,) int16 rows by class; the last one is for pixels that no class covers."""
        rows = [
            IGNORE if word(one) in self.without else self.vocabulary.row_of[name, one]
            for one in classes
        ]
        uncovered = self.vocabulary.row_of[name, NONE] if name in COMPLETE else IGNORE
        return np.array([*rows, uncovered], np.int16)

    def _boxes(self, record: Record) -> TeacherBoxes:
        rows = [int(self._rows[COCO][box.category]) for box in record.boxes]
        seen = [row != IGNORE for row in rows]
        table = np.array(record.boxes, np.float32).reshape(-1, 6)[seen]
        return TeacherBoxes(table[:, :4], np.array(rows, np.int64)[seen], table[:, 5])

    def _regions(self, name: str, data: Dataset, truth: Truth) -> LabelledMasks:
        """The truth's regions: things as they are, classes of a label map piece by piece."""
        result = truth.result
        if truth.exhaustive:
            rows = self._rows[name][result.label_ids].astype(np.int64)
            return LabelledMasks(result.masks, rows)
        found = [LabelledMasks.alike(Masks.empty(result.size), IGNORE)]
        for index, label in enumerate(result.label_ids.tolist()):
            row = int(self._rows[name][label]) if data.classes else IGNORE
            if data.classes and (row == IGNORE or data.classes[label] == BACKGROUND):
                continue
            inside = pieces_as_masks(result.masks.crops[index], min_area=MIN_AREA)
            pieces = inside.move(result.size, result.masks.corners[index])
            found.append(LabelledMasks.alike(pieces, row))
        return LabelledMasks.join(found)

    def _trusted_blobs(self, values: Array, boxes: TeacherBoxes) -> LabelledMasks:
        """The VOC teacher's blobs that fill a sure box of the same word; `values` is its map."""
        found = [LabelledMasks.alike(Masks.empty((values.shape[0], values.shape[1])), IGNORE)]
        for value in np.unique(values).tolist():
            row = int(self._rows[VOC][value]) if 0 < value < len(self._rows[VOC]) - 1 else IGNORE
            same = self._word_of_row[boxes.rows] == self._word_of_row[row]
            sure = boxes.xyxy[same & (boxes.scores >= SURE)]
            if row == IGNORE or not len(sure):
                continue
            pieces = pieces_as_masks(values == value, min_area=MIN_AREA)
            agree = (box_ops.iou(pieces.boxes, sure) > AGREES).any(1)
            found.append(LabelledMasks.alike(pieces[agree], row))
        return LabelledMasks.join(found)


def _paint(regions: LabelledMasks) -> Array:
    canvas = np.full(regions.masks.size, IGNORE, np.int16)
    for index, row in enumerate(regions.rows.tolist()):
        regions.masks.paint(canvas, index, row)
    return canvas


def _resize(values: Array, size: Size) -> Array:
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_NEAREST))
