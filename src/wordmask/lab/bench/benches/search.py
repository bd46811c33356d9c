"""Search: does a region find those of its class in other pictures, and does their word?"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Dense, Rivals
from wordmask.lab.bench.answers import WordBench, class_phrases, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import WordOptions
from wordmask.lab.metrics import ranking
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.ops.pool import mean_inside
from wordmask.ops.pool import unit as unit_rows
from wordmask.tasks.everyday import EVERYDAY_WORDS
from wordmask.tasks.search import (
    WORDS,
    IndexedRegions,
    everyday_rivals,
    rivals_of,
    score_words,
)

LEAST = 0.002  # of the picture: smaller regions are not searched for
COUNTS = (1, 5, 10)
QUALITY = (
    0.8  # what the outlines of the truth count as, where an index has the segmenter's estimate
)


class SearchTable(Table):
    """Each region's hits, ranked once; weights then pick which queries count."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.pictures = len(values)
        self.label = np.array([label for value in values for label in value["label"]], np.int64)
        self.picture = np.repeat(np.arange(len(values)), [len(value["label"]) for value in values])
        vectors = _concatenate([unpack(value["vectors"], len(value["label"])) for value in values])
        hits = ranking.relevance(ranking.similarities(vectors), self.label, self.picture)
        self.columns = {
            f"recall@{k}": np.array([ranking.recall_at(row, k) for row in hits]) for k in COUNTS
        }
        self.columns["map"] = np.array([ranking.average_precision(row) for row in hits])
        self.orders = _word_orders([value["words"] for value in values])
        self.said = [WordsSaid.of(value) for value in values]

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        found = {name: weighted_mean(weight, values) for name, values in self.columns.items()}
        known = [value for value in self._by_word(weight).values() if not np.isnan(value)]
        found |= {"word_map": float(np.mean(known)) if known else float("nan")}
        return found | _said_figures(self.said, weights)

    def _by_word(self, weight: Array) -> dict[int, float]:
        """Average precision of each class's word over all regions of the set."""
        return {
            label: ranking.average_precision(self.label[order] == label, weight[order])
            for label, order in self.orders.items()
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        by_word = self._by_word(np.ones(len(self.label)))
        for label in np.unique(self.label).tolist():
            weight = (self.label == label).astype(np.float64)
            row = {name: weighted_mean(weight, values) for name, values in self.columns.items()}
            found[self.classes[label]] = row | {
                "word_ap": by_word.get(label, float("nan")),
                "regions": weight.sum(),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        weights = [(self.picture == picture).astype(np.float64) for picture in range(self.pictures)]
        return [{"map": weighted_mean(w, self.columns["map"]), "regions": w.sum()} for w in weights]


class WordsSaid(NamedTuple):
    """What `find` would say of one picture at its own threshold, as counts."""

    right: int  # regions found by the word that they are
    found: int  # regions found by any word
    there: int  # regions
    absent: int  # words said to be not here
    truly_absent: int  # of these
    missing: int  # words that are not here

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "WordsSaid":
        labels, scores = value["label"], value["scores"]
        found = {int(word): np.array(row) >= WORDS.cut for word, row in scores.items()}
        absent = {word for word, rows in found.items() if not rows.any()}
        missing = found.keys() - set(labels)
        return cls(
            sum(bool(found[label][row]) for row, label in enumerate(labels)),
            sum(int(rows.sum()) for rows in found.values()),
            len(labels),
            len(absent),
            len(absent & missing),
            len(missing),
        )


def _said_figures(said: Sequence[WordsSaid], weights: Array) -> dict[str, float]:
    """F1 of regions found by words, and how far "not here" can be believed."""
    columns = np.array(said, np.float64).reshape(-1, len(WordsSaid._fields))
    right, found, there, absent, truly, missing = (weights @ columns).tolist()
    return {
        "word_f1": _share(2 * right, found + there),
        "not_here_precision": _share(truly, absent),
        "not_here_recall": _share(truly, missing),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


class SearchBench(WordBench[WordOptions]):
    name = "search"
    headline = "map"
    about = 'regions by likeness and by word: recall@k, mAP, F1 as `find` cuts, "not here"'
    answer = "the regions of the truth, each with the mean of its dense features"
    options = WordOptions
    table = SearchTable

    def check(self, kit: Kit[WordOptions]) -> None:
        super().check(kit)
        kit.models.get(Dense)

    def score_picture(
        self, kit: Kit[WordOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        _, image, truth = picture
        phrases = class_phrases(kit)
        owners = np.array(phrases.owners)
        large = truth.result.masks.areas >= LEAST * image.size[0] * image.size[1]
        wanted = truth.result[large & np.isin(truth.result.label_ids, owners)]
        with clock.stage("predict"):
            seen = view(kit, image)
            vectors = unit_rows(mean_inside(wanted.masks, seen.features.vectors))
            words = seen.models.get(Dense).embed_texts(phrases.phrases)
        shares = wanted.masks.areas / (image.size[0] * image.size[1])
        regions = IndexedRegions(vectors, shares, np.full(len(vectors), QUALITY))
        rivals = seen.features.rivals or everyday_rivals(
            seen.models.get(Dense).embed_texts(EVERYDAY_WORDS)
        )
        with clock.stage("score"):
            return {
                "scores": _scores(regions, words, owners, rivals, seen.features.scale),
                "label": wanted.label_ids.tolist(),
                "vectors": pack(vectors),
                "words": _likeness(vectors, words, owners),
            }


def pack(vectors: Array) -> str:
    """(N, D) as base64 of float16."""
    return base64.b64encode(vectors.astype("<f2").tobytes()).decode("ascii")


def unpack(text: str, count: int) -> Array:
    rows = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)
    return rows.reshape(count, -1) if count else np.zeros((0, 0))


def _likeness(vectors: Array, words: Array, owners: Array) -> dict[str, list[float]]:
    """For each class its best phrase's similarity to every region.

    Rounded, so that the order is the same on every machine.
    """
    table = np.round(vectors @ words.T, 6)
    return {
        str(label): table[:, owners == label].max(1).tolist()
        for label in np.unique(owners).tolist()
    }


def _scores(
    regions: IndexedRegions, words: Array, owners: Array, rivals: Rivals, scale: float
) -> dict[str, list[float]]:
    """For each class the score that `find` gives every region."""
    found = {}
    for label in np.unique(owners).tolist():
        texts = words[owners == label]
        scores = score_words(regions, texts, rivals_of(rivals, texts), scale)
        found[str(label)] = np.round(scores, 4).tolist()
    return found


def _word_orders(rows: Sequence[Mapping[str, list[float]]]) -> dict[int, Array]:
    """For each class the regions of the set in the order in which its word finds them."""
    found = {}
    for label in sorted({int(label) for row in rows for label in row}):
        scores = np.array([value for row in rows for value in row[str(label)]])
        found[label] = np.argsort(-scores, kind="stable")
    return found


def _concatenate(parts: Sequence[Array]) -> Array:
    filled = [part for part in parts if len(part)]
    return np.concatenate(filled) if filled else np.zeros((0, 1))
