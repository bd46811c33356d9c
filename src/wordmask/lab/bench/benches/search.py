"""Search: does a region find those of its class in other pictures, and does their word?"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Dense
from wordmask.lab.bench.answers import WordBench, class_phrases, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import WordOptions
from wordmask.lab.metrics import ranking
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.ops.pool import mean_inside
from wordmask.ops.pool import unit as unit_rows

LEAST = 0.002  # of the picture: smaller regions are not searched for
COUNTS = (1, 5, 10)


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

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        found = {name: weighted_mean(weight, values) for name, values in self.columns.items()}
        known = [value for value in self._by_word(weight).values() if not np.isnan(value)]
        return found | {"word_map": float(np.mean(known)) if known else float("nan")}

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


class SearchBench(WordBench[WordOptions]):
    name = "search"
    headline = "map"
    about = "regions by likeness and by word: recall@k, mAP"
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
        with clock.stage("score"):
            return {
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
