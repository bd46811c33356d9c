"""How well an engine knows own words: the label of every pixel of the test pictures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense
from wordmask.errors import FormatError
from wordmask.files import write_text
from wordmask.lab.metrics import semantic
from wordmask.lab.training.calibrate import JudgedPicture
from wordmask.lab.training.own_split import OwnSplit
from wordmask.tasks.dense import DenseOptions, label, label_pixels
from wordmask.tasks.finding.wordmaps import WordMaps

MOST_JUDGED = 60  # pictures


@dataclass(frozen=True, eq=False)
class WordFigures:
    """What came of it."""

    pictures: int
    words: dict[str, float]
    """IoU of each word that is in the truth; its background, or none, does not count."""
    pixel_accuracy: float
    """Of all scored pixels, those of none of the words included."""

    @property
    def miou(self) -> float:
        return float(np.mean(list(self.words.values()))) if self.words else float("nan")


def judge_words(models: Models, split: OwnSplit) -> WordFigures:
    """Ask for all the words at once in each test picture."""
    none = len(split.words)
    counts = np.zeros((none + 1, none + 2), np.int64)
    pictures = 0
    for image, words, labels in pictures_to_judge(split, test=True):
        found, _ = label(image, Text(words), models, DenseOptions())
        counts += semantic.confusion(labels, np.where(found < 0, none, found), none + 1)
        pictures += 1
    sums = semantic.totals(counts)
    iou = semantic.class_iou(sums)
    shown = np.flatnonzero(sums[:none, 1] > 0).tolist()
    words_iou = {split.words[row]: float(iou[row]) for row in shown}
    return WordFigures(pictures, words_iou, semantic.figures(sums)["pixel_accuracy"])


def choose_presence(models: Models, split: OwnSplit) -> float:
    """Whether words that do not seem to be in a picture are held down, as they were, or never (0).

    What names the pixels of the pictures that were set aside better. The rule was chosen on
    pictures with few of the words; where many of them are in a picture it takes right ones away.
    """
    dense = models.get(Dense)
    texts, starts = dense.embed_texts(split.words), np.arange(len(split.words))
    none, counts = len(split.words), dict[float, Array]()
    for image, _, labels in pictures_to_judge(split, test=False):
        (seen,) = dense.encode([image])
        features = dense.features(seen)
        for presence in dict.fromkeys((features.presence, 0.0)):
            maps = WordMaps(replace(features, presence=presence), texts, starts)
            found = label_pixels(image, maps, DenseOptions())
            answer = np.where(found < 0, none, found)
            counts[presence] = counts.get(presence, 0) + semantic.confusion(
                labels, answer, none + 1
            )
    if not counts:
        raise FormatError("no picture was set aside to fit scores on")
    shares = {one: semantic.figures(semantic.totals(sums))["miou"] for one, sums in counts.items()}
    return max(shares, key=lambda one: shares[one])


def write_presence(presence: float, folder: Path) -> None:
    """Into the settings of an exported `mini`."""
    path = folder / "mini.json"
    settings = json.loads(path.read_text("utf-8")) | {"presence": presence}
    write_text(path, json.dumps(settings, indent=1) + "\n")


def pictures_to_judge(split: OwnSplit, *, test: bool) -> Iterator[JudgedPicture]:
    """Pictures of the test set, or those that scores are fitted on."""
    data = split.test if test else split.fit
    for sample in data.samples[:MOST_JUDGED]:
        labels: Array = split.labels(data, data.truth(sample))
        yield JudgedPicture(data.image(sample), split.words, labels)


def compare_lines(before: WordFigures, after: WordFigures) -> Iterator[str]:
    """Both, side by side: the mean, then each word, the largest gain first."""
    yield f"{'':24} before   after   ({after.pictures} test pictures)"
    for name in ("miou", "pixel_accuracy"):
        first, second = (
            (one.miou, one.pixel_accuracy)[name == "pixel_accuracy"] for one in (before, after)
        )
        yield f"{name.replace('_', ' '):24} {first:.3f}    {second:.3f}"
    gains = {word: after.words[word] - before.words[word] for word in after.words}
    for word in sorted(gains, key=lambda one: -gains[one]):
        yield f"  {word:22} {before.words[word]:.3f}    {after.words[word]:.3f}"
