"""What will go wrong with a list of words, said before anything is run."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense

NEAR = 0.85  # cosine from which an engine hardly tells two words apart
MANY_WORDS = 10  # a phrase of more words says more than a region can show
BACKGROUND = (
    "background",
    "wall",
    "floor",
    "sky",
    "ground",
    "grass",
    "building",
    "other",
    "road",
    "tree",
    "ceiling",
)


class WordWarning(NamedTuple):
    """One finding: what kind, about which words, and what to do."""

    kind: str
    words: tuple[str, ...]
    advice: str


def lint(text: Text, models: Models | None = None, *, near: float = NEAR) -> list[WordWarning]:
    """Findings, worst first; an empty list is a good list. `models` compare the words' meanings."""
    phrases = text.phrases
    found = [*_same_words(phrases), *_long_phrases(phrases), *_phrases_in_phrases(phrases)]
    if models is not None and models.has(Dense) and len(phrases) > 1:
        found += _near_synonyms(phrases, models, near)
    if len(phrases) > 1 and not _names_background(phrases):
        advice = (
            "nothing here names what lies behind things; add words for it to the vocabulary, "
            'such as "wall", "sky", "floor"'
        )
        found.append(WordWarning("no background", (), advice))
    return found


def _same_words(phrases: Sequence[str]) -> list[WordWarning]:
    """The same word in two spellings: case, hyphens, a plural s."""
    advice = "these are one word in two spellings; keep one"
    return [
        WordWarning("collision", pair, advice)
        for pair in combinations(phrases, 2)
        if _simplify(pair[0]) == _simplify(pair[1])
    ]


def _simplify(phrase: str) -> str:
    """Lower-case letters and digits, without a plural s."""
    letters = "".join(letter for letter in phrase.lower() if letter.isalnum())
    is_plural = len(letters) > 3 and letters.endswith("s") and not letters.endswith("ss")
    return letters[:-1] if is_plural else letters


def _long_phrases(phrases: Sequence[str]) -> list[WordWarning]:
    found = []
    for phrase in phrases:
        count = len(phrase.split())
        if count > MANY_WORDS:
            advice = f"{count} words; name the thing itself"
            found.append(WordWarning("long phrase", (phrase,), advice))
    return found


def _phrases_in_phrases(phrases: Sequence[str]) -> list[WordWarning]:
    """A whole phrase inside another one: "dog" beside "hot dog"."""
    found = []
    for inner in phrases:
        for outer in phrases:
            if inner != outer and f" {inner.lower()} " in f" {outer.lower()} ":
                advice = "the shorter will also answer for the longer"
                found.append(WordWarning("one inside the other", (inner, outer), advice))
    return found


def _near_synonyms(phrases: Sequence[str], models: Models, near: float) -> list[WordWarning]:
    """Pairs that mean almost the same to the engine, nearest first."""
    vectors = models.get(Dense).embed_texts(phrases)
    cosines = vectors @ vectors.T
    firsts, seconds = np.nonzero(np.triu(cosines >= near, 1))
    found = []
    for place in np.argsort(-cosines[firsts, seconds], kind="stable"):
        row, column = int(firsts[place]), int(seconds[place])
        first, second = phrases[row], phrases[column]
        if _simplify(first) == _simplify(second):
            continue  # said already
        cosine = cosines[row, column]
        advice = f"{models.spec} hardly tells them apart (cosine {cosine:.2f}); keep one"
        found.append(WordWarning("near-synonyms", (first, second), advice))
    return found


def _names_background(phrases: Sequence[str]) -> bool:
    return any(word in phrase.lower() for phrase in phrases for word in BACKGROUND)
