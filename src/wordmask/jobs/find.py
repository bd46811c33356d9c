"""Words or an example in, regions of an index out, best first, and the words that are nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.prompts import Text, spellings
from wordmask.core.protocols import Dense, Rivals
from wordmask.core.result import Absent, Result
from wordmask.errors import FormatError, PromptError
from wordmask.jobs.index_rows import whole_region
from wordmask.jobs.scored import (
    Scored,
    above,
    as_compared,
    drop_parts_of,
    first_of_each,
    join_scored,
    keep_common,
    masks_of,
    relate_scored,
    sort_best,
)
from wordmask.jobs.setup import Setup
from wordmask.media.index.rows import PICTURES, REGIONS, RegionRow
from wordmask.media.index.store import RegionStore
from wordmask.media.index.where import any_of, check_where
from wordmask.media.index.words import load_words
from wordmask.ops.pool import unit
from wordmask.tasks.describe import vectors_inside, whole_vector
from wordmask.tasks.everyday import EVERYDAY_WORDS
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.relations import Phrase, parse_phrase
from wordmask.tasks.search import (
    LIKENESS,
    WORDS,
    SearchOptions,
    everyday_rivals,
    group_shots,
    rivals_of,
    score_likeness,
    score_words,
)

CANDIDATES = 300  # nearest by cosine, which are then compared with their rivals
WHOLE = 0.75  # cosine from which a whole picture is like another


@dataclass(frozen=True)
class SearchQuery:
    """What is looked for."""

    words: tuple[str, ...] = ()  # phrases; "cup next to laptop" is one
    unwanted: tuple[str, ...] = ()  # what it must not be
    near: str = ""  # what must be next to it
    where: str = ""  # a condition on columns
    values: tuple[Any, ...] = ()  # for its question marks


@dataclass(frozen=True, eq=False)
class Hit:
    """One region that was found."""

    row: RegionRow
    word: str  # what was looked for
    score: float
    beside: RegionRow | None = None  # what it was to be beside
    copies: tuple[str, ...] = ()  # files that show the same, which are not listed


@dataclass(frozen=True, eq=False)
class SearchAnswer:
    """All that was found, best first for each word, and what is nowhere."""

    hits: tuple[Hit, ...]
    absent: tuple[Absent, ...] = ()

    def results(self) -> dict[Path, Result]:
        """What was found as a result for each picture, in the order in which they were found."""
        words = tuple(dict.fromkeys(hit.word for hit in self.hits))
        hits: dict[Path, list[Hit]] = {}
        for hit in self.hits:
            hits.setdefault(Path(hit.row.path), []).append(hit)
        return {
            path: Result.of(
                masks_of([hit.row for hit in found]),
                words,
                scores=[hit.score for hit in found],
                label_ids=[words.index(hit.word) for hit in found],
            )
            for path, found in hits.items()
        }


class IndexSearch:
    """An index that is searched; opened once for many questions."""

    def __init__(self, folder: Path, setup: Setup, models: Models | None = None) -> None:
        """`models` are engines that have been loaded already."""
        self.store = RegionStore(folder)
        if not self.store.exists:
            raise FormatError(f"{folder} is no index; `wordmask index` makes one")
        self.setup, self._given = setup, models
        self._words = load_words(folder)

    @cached_property
    def _models(self) -> Models:
        models = self._given or self.setup.load(Dense)
        self.store.check(models.made_by)
        return models

    # ---- by words

    def find(self, query: SearchQuery, options: SearchOptions) -> SearchAnswer:
        """The regions that each of the words names."""
        text = Text(query.words)
        where = self._condition(query, REGIONS)
        cut = options.cut(WORDS)
        found: dict[str, Scored] = {}
        absent = []
        for word in text.phrases:
            scored = self._find_phrase(_phrase(word, query.near), query.unwanted, where, cut)
            kept = drop_parts_of(above(scored, cut))
            found[word] = kept
            if not len(kept.rows):
                absent.append(Absent(word, round(scored.best, 4), cut, self._is_unknown(word)))
        if options.together:
            rare = min(found.values(), key=lambda kept: len({row.picture for row in kept.rows}))
            for word, kept in found.items():
                if kept is not rare and not parse_phrase(word).relation and rare.rows:
                    more = self._score_within(word, query.unwanted, rare, where)
                    found[word] = drop_parts_of(above(join_scored(kept, more), cut))
            found, absent = keep_common(found, absent)
        hits = [hit for word, kept in found.items() for hit in self._list(word, kept, options)]
        return SearchAnswer(tuple(hits), tuple(absent))

    def _find_phrase(
        self, phrase: Phrase, unwanted: Sequence[str], where: str | None, cut: float
    ) -> Scored:
        subject = self._score_word(phrase.subject, unwanted, where)
        if not phrase.relation:
            return subject
        other = self._score_word(phrase.other, (), None)
        # The nearest regions of a common word may lie in other pictures than those of a rare one.
        subject = join_scored(subject, self._score_within(phrase.subject, unwanted, other, where))
        other = join_scored(other, self._score_within(phrase.other, (), subject, None))
        return relate_scored(above(subject, cut), above(other, cut), phrase.relation)

    def _is_unknown(self, word: str) -> bool:
        """Whether the engine never learned one of the words of a phrase."""
        phrase = parse_phrase(word)
        dense = self._models.get(Dense)
        words = [one for one in (phrase.subject, phrase.other) if one]
        return any(
            self._words.is_unknown(dense.embed_texts(spellings(one)))
            and not set(spellings(one)) & set(self._words.named)
            for one in words
        )

    def _score_within(
        self, word: str, unwanted: Sequence[str], others: Scored, where: str | None
    ) -> Scored:
        """The word in the pictures of other regions that count as found."""
        pictures = sorted({row.picture for row in above(others, WORDS.cut).rows})
        if not pictures:
            return Scored()
        inside = any_of("picture", pictures)
        return self._score_word(word, unwanted, f"({where}) AND {inside}" if where else inside)

    def _score_word(self, word: str, unwanted: Sequence[str], where: str | None) -> Scored:
        dense = self._models.get(Dense)
        texts = dense.embed_texts(spellings(word))
        if self._words.is_unknown(texts):
            return self._score_names(word, where)
        against = dense.embed_texts(list(unwanted)) if unwanted else None
        rivals = rivals_of(self._competing, texts, against)
        rows = self._nearest(texts, where)
        scores = score_words(
            as_compared(rows, texts.shape[1]), texts, rivals, self.store.facts.scale
        )
        return sort_best(rows, scores)

    def _score_names(self, word: str, where: str | None) -> Scored:
        """For a word that the vectors never learned: regions with the name, which other parts of
        the engine may have given them."""
        rows = self.store.regions_of_names(spellings(word), CANDIDATES, where)
        return sort_best(rows, np.array([_name_score(row, spellings(word)) for row in rows]))

    @cached_property
    def _competing(self) -> Rivals:
        """What a region may be instead: the engine's own rivals, or everyday words."""
        if self._words.rivals is not None:
            return self._words.rivals
        return everyday_rivals(self._models.get(Dense).embed_texts(EVERYDAY_WORDS))

    # ---- by example

    def find_like(
        self, image: Image, shown: Masks | None, query: SearchQuery, options: SearchOptions
    ) -> SearchAnswer:
        """Regions like those that are shown in a picture; without any, pictures like it."""
        where = self._condition(query, PICTURES if shown is None else REGIONS)
        view = View(image, self._models, Trace(how="find"))
        word = f"like {Path(image.name).name or 'the picture'}"
        if shown is None:
            scored, cut = self._score_pictures(whole_vector(view), where), WHOLE
        elif len(shown):
            scored = self._score_example(vectors_inside(view, shown), query, where)
            cut = LIKENESS.cut
        else:
            raise PromptError(f"nothing is shown in {image.name or 'the picture'}")
        cut = cut if options.min_confidence == "auto" else float(options.min_confidence)
        kept = drop_parts_of(above(scored, cut))
        absent = () if len(kept.rows) else (Absent(word, round(scored.best, 4), cut),)
        return SearchAnswer(tuple(self._list(word, kept, options)), absent)

    def _score_example(self, vectors: Array, query: SearchQuery, where: str | None) -> Scored:
        rows = self._nearest(vectors, where)
        found = as_compared(rows, vectors.shape[1])
        scores = score_likeness(found, vectors)
        for word in query.unwanted:
            texts = self._models.get(Dense).embed_texts(spellings(word))
            rivals = rivals_of(self._competing, texts)
            scores = scores * (1 - score_words(found, texts, rivals, self.store.facts.scale))
        return sort_best(rows, scores)

    def _score_pictures(self, vector: Array, where: str | None) -> Scored:
        found = self.store.nearest_pictures(vector, CANDIDATES, where)
        vectors = np.array([row.vector for row in found]).reshape(len(found), len(vector))
        rows = [whole_region(row) for row in found]
        return sort_best(rows, np.clip(unit(vectors) @ vector, 0, 1))

    # ---- what they share

    def _condition(self, query: SearchQuery, table: str) -> str | None:
        """The condition on columns, if there is one, checked."""
        if not query.where:
            return None
        where = check_where(query.where, query.values)
        self.store.check_condition(table, where)
        return where

    def _nearest(self, vectors: Array, where: str | None) -> list[RegionRow]:
        """The candidates of every vector, each region once."""
        found: dict[str, RegionRow] = {}
        for vector in vectors:
            found |= {row.key: row for row in self.store.nearest(vector, CANDIDATES, where)}
        return list(found.values())

    def _list(self, word: str, scored: Scored, options: SearchOptions) -> list[Hit]:
        """The best hits; near-duplicates are left out, but named with what they are copies of."""
        if options.group:
            scored = scored.take(first_of_each([row.picture for row in scored.rows]))
        scored = scored.take(range(min(len(scored.rows), 4 * options.top)))
        beside = scored.beside or [None] * len(scored.rows)
        hits = [
            Hit(row, word, round(float(score), 4), other)
            for row, score, other in zip(scored.rows, scored.scores, beside, strict=True)
        ]
        if not options.copies:
            hits = self._join_copies(hits)
        return hits[: options.top]

    def _join_copies(self, hits: list[Hit]) -> list[Hit]:
        wanted = sorted({hit.row.picture for hit in hits})
        files = self.store.pictures(any_of("picture", wanted)) if wanted else []
        whole = {row.picture: row.vector for row in files}
        hits = [hit for hit in hits if hit.row.picture in whole]  # else it is being deleted
        if not hits:
            return []
        vectors = unit(np.array([whole[hit.row.picture] for hit in hits]))
        boxes = np.array([_share_box(hit.row) for hit in hits])
        leaders = group_shots(vectors, boxes)
        paths: dict[int, list[str]] = {}
        for number, leader in enumerate(leaders):
            own = hits[number].row
            names = [row.path for row in files if row.picture == own.picture]
            paths.setdefault(leader, []).extend(names)
        return [
            replace(hits[leader], copies=_others(names, hits[leader].row.path))
            for leader, names in paths.items()
        ]


def _phrase(word: str, near: str) -> Phrase:
    return Phrase(word, "next to", near) if near else parse_phrase(word)


def _name_score(row: RegionRow, words: Sequence[str]) -> float:
    """The score with which the region was given one of the names."""
    scores = zip(row.names, row.name_scores, strict=True)
    return max((score for name, score in scores if name in words), default=0.0)


def _share_box(row: RegionRow) -> tuple[float, ...]:
    return row.x0 / row.width, row.y0 / row.height, row.x1 / row.width, row.y1 / row.height


def _others(paths: Sequence[str], shown: str) -> tuple[str, ...]:
    return tuple(path for path in dict.fromkeys(paths) if path != shown)
