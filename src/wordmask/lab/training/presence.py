"""Which of training's words a picture shows, which it does not, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.lab.data.packs import SURE, Packs, Record
from wordmask.lab.data.sample import Truth
from wordmask.lab.training.labels import COCO
from wordmask.lab.training.vocabulary import BACKGROUND, Vocabulary, word

LEAST_SHARE, LEAST_PIXELS = 0.0012, 60  # of a picture that a word must have to be seen as a whole
ONLY_PERSONS = ("coco_person",)  # sets that leave most of what they show unlabelled
STUFF_SEEN, STUFF_ABSENT = 0.04, 0.004  # shares of a teacher's map
# How much an opinion counts beside a truth: teachers miss more than they invent.
STUFF_WEIGHTS = (0.3, 0.5)  # absent, present
BOX_WEIGHTS = (0.4, 0.7)


@dataclass(frozen=True, eq=False)
class WordPresence:
    """One entry for each of V words."""

    present: Array  # (V,) bool
    weight: Array  # (V,) float32, 0 = not known


def label_presence(record: Record, packs: Packs, vocabulary: Vocabulary) -> WordPresence:
    """What teachers say, and over it what the set itself says."""
    found = WordPresence(
        np.zeros(len(vocabulary.words), bool), np.zeros(len(vocabulary.words), np.float32)
    )
    _say_stuff(found, record, packs.stuff, vocabulary)
    if record.boxes:
        _say_boxes(found, record, packs.sets[COCO].classes, vocabulary)
    data = packs.sets[record.set]
    if data.classes:
        areas, size = _areas(data.truth(record.sample), len(data.classes))
        least = max(LEAST_PIXELS, LEAST_SHARE * size)
        names = [name for name in data.classes if name != BACKGROUND]
        seen = {name: areas[data.classes.index(name)] for name in names}
        absent = [] if record.set in ONLY_PERSONS else [n for n in names if seen[n] == 0]
        rows = vocabulary.index
        _say(found, (rows[word(name)] for name in names), False, 0)
        _say(found, (rows[word(name)] for name in absent), False, 1)
        _say(found, (rows[word(name)] for name in names if seen[name] >= least), True, 1)
    return found


def _say_stuff(
    found: WordPresence, record: Record, stuff: Sequence[str], vocabulary: Vocabulary
) -> None:
    """By the share of the teacher's map."""
    values = record.teacher_map("pseudo_stuff")
    if values is None:
        return
    shares = np.bincount(values.ravel(), minlength=256) / values.size
    rows = [vocabulary.index[word(name)] for name in stuff]
    absent = [row for k, row in enumerate(rows) if shares[k] < STUFF_ABSENT]
    present = [row for k, row in enumerate(rows) if shares[k] >= STUFF_SEEN]
    _say(found, absent, False, STUFF_WEIGHTS[0])
    _say(found, present, True, STUFF_WEIGHTS[1])


def _say_boxes(
    found: WordPresence, record: Record, classes: Sequence[str], vocabulary: Vocabulary
) -> None:
    """By the score of the teachers' best box of each word."""
    best = np.zeros(len(classes))
    for box in record.boxes:
        best[box.category] = max(best[box.category], box.score)
    rows = [vocabulary.index[word(name)] for name in classes]
    _say(found, rows, False, 0)
    _say(found, (row for k, row in enumerate(rows) if best[k] == 0), False, BOX_WEIGHTS[0])
    _say(found, (row for k, row in enumerate(rows) if best[k] >= SURE), True, BOX_WEIGHTS[1])


def _say(found: WordPresence, rows: Iterable[int], present: bool, weight: float) -> None:
    for row in rows:
        found.present[row], found.weight[row] = present, weight


def _areas(truth: Truth, classes: int) -> tuple[Array, int]:
    """Pixels of each class, and of the picture."""
    if truth.labels is not None:
        known = truth.labels[truth.labels >= 0]
        return np.bincount(known, minlength=classes), truth.labels.size
    areas = np.zeros(classes)
    np.add.at(areas, truth.result.label_ids, truth.result.masks.areas)
    height, width = truth.result.size
    return areas, height * width
