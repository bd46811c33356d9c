"""Regions by likeness: does a region find those of its class in the other pictures, and does the word find them?"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Dense
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import view
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import ranking
from wordmask.ops.pool import mean_inside
from wordmask.ops.pool import unit as unit_rows

LEAST = 0.002  # of the picture: smaller regions are not searched for
COUNTS = (1, 5, 10)


class SearchTable:
    """Each region's hits, ranked once; weights then pick which queries count."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.pictures = len(values)
        self.label = np.array([label for value in values for label in value["label"]], np.int64)
        self.picture = np.repeat(np.arange(len(values)), [len(value["label"]) for value in values])
        vectors = _stacked([unpack(value["vectors"], len(value["label"])) for value in values])
        hits = ranking.relevance(ranking.similarities(vectors), self.label, self.picture)
        self.columns = {
            f"recall@{k}": np.array([ranking.recall_at(row, k) for row in hits]) for k in COUNTS
        }
        self.columns["map"] = np.array([ranking.average_precision(row) for row in hits])
        self.ranked = _ranked([_word_row(value) for value in values])

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        found = {name: mean_over(weight, values) for name, values in self.columns.items()}
        known = [value for value in self._by_word(weight).values() if not np.isnan(value)]
        return found | {"word_map": float(np.mean(known)) if known else float("nan")}

    def _by_word(self, weight: Array) -> dict[int, float]:
        """Average precision of each class's word over all regions of the set."""
        return {
            label: ranking.average_precision(self.label[order] == label, weight[order])
            for label, order in self.ranked.items()
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        by_word = self._by_word(np.ones(len(self.label)))
        for label in np.unique(self.label).tolist():
            weight = (self.label == label).astype(np.float64)
            row = {name: mean_over(weight, values) for name, values in self.columns.items()}
            found[self.classes[label]] = row | {
                "word_ap": by_word.get(label, float("nan")),
                "regions": weight.sum(),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        weights = [(self.picture == picture).astype(np.float64) for picture in range(self.pictures)]
        return [{"map": mean_over(w, self.columns["map"]), "regions": w.sum()} for w in weights]

    def curves(self) -> dict[str, Any]:
        return {}


class Search:
    name = "search"
    headline = "map"
    about = "regions by likeness and by word: recall@k, mAP"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        kit.models.get(Dense)
        if not kit.data.classes:
            raise FormatError(
                f"{kit.data.name} has regions without names, so likeness cannot be judged"
            )

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        owners = np.array(kit.words.owners)
        large = truth.result.masks.areas >= LEAST * image.size[0] * image.size[1]
        wanted = truth.result[large & np.isin(truth.result.label_ids, owners)]
        with clock.stage("predict"):
            seen = view(kit, image)
            vectors = unit_rows(mean_inside(wanted.masks, seen.features.vectors))
            words = seen.models.get(Dense).embed_texts(kit.words.phrases)
        with clock.stage("score"):
            return {
                "label": wanted.label_ids.tolist(),
                "vectors": pack(vectors),
                "words": _likeness(vectors, words, owners),
            }

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> SearchTable:
        return SearchTable(facts, values)


def pack(vectors: Array) -> str:
    """(N, D) as base64 of float16."""
    return base64.b64encode(vectors.astype("<f2").tobytes()).decode("ascii")


def unpack(text: str, count: int) -> Array:
    rows = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)
    return rows.reshape(count, -1) if count else np.zeros((0, 0))


def _likeness(vectors: Array, words: Array, owners: Array) -> dict[str, list[float]]:
    """For each class its best phrase's similarity to every region, rounded so that the order is the same everywhere."""
    table = np.round(vectors @ words.T, 6)
    return {
        str(label): table[:, owners == label].max(1).tolist()
        for label in np.unique(owners).tolist()
    }


def _word_row(value: Mapping[str, Any]) -> dict[int, list[float]]:
    return {int(label): row for label, row in value["words"].items()}


def _ranked(rows: Sequence[Mapping[int, list[float]]]) -> dict[int, Array]:
    """The regions of the set in the order in which each class's word finds them."""
    found = {}
    for label in sorted({label for row in rows for label in row}):
        scores = np.array([value for row in rows for value in row[label]])
        found[label] = np.argsort(-scores, kind="stable")
    return found


def _stacked(parts: Sequence[Array]) -> Array:
    filled = [part for part in parts if len(part)]
    return np.concatenate(filled) if filled else np.zeros((0, 1))
