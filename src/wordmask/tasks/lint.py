"""What will go wrong with a list of words, told before anything is run."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense

NEAR = 0.85  # cosine from which two words are hardly told apart
MANY_WORDS = 10  # a phrase of more words says more than a region can show
STUFF = (
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


class Warning(NamedTuple):
    """One finding: what kind, about which words, and what to do."""

    kind: str
    words: tuple[str, ...]
    advice: str


def lint(text: Text, models: Models | None = None, *, near: float = NEAR) -> list[Warning]:
    """Findings, worst first; an empty list is a good list. With `models` the words' meanings are compared too."""
    phrases = text.phrases
    found = [*_collisions(phrases), *_long(phrases), *_contained(phrases)]
    if models is not None and models.has(Dense) and len(phrases) > 1:
        found += _near(phrases, models, near)
    if len(phrases) > 1 and not any(word in phrase.lower() for phrase in phrases for word in STUFF):
        advice = 'nothing here names what lies behind things; add --vocabulary with words such as "wall", "sky", "floor"'
        found.append(Warning("no background", (), advice))
    return found


def _collisions(phrases: Sequence[str]) -> list[Warning]:
    """The same word in another spelling: case, hyphens, a plural s."""
    pairs = [pair for pair in combinations(phrases, 2) if _bare(pair[0]) == _bare(pair[1])]
    return [
        Warning("collision", pair, "these are one word in two spellings; keep one")
        for pair in pairs
    ]


def _bare(phrase: str) -> str:
    letters = "".join(letter for letter in phrase.lower() if letter.isalnum())
    return (
        letters[:-1]
        if len(letters) > 3 and letters.endswith("s") and not letters.endswith("ss")
        else letters
    )


def _long(phrases: Sequence[str]) -> list[Warning]:
    return [
        Warning("long phrase", (phrase,), f"{len(phrase.split())} words; name the thing itself")
        for phrase in phrases
        if len(phrase.split()) > MANY_WORDS
    ]


def _contained(phrases: Sequence[str]) -> list[Warning]:
    """ "dog" beside "hot dog": a whole phrase inside another one."""
    pairs = [
        (a, b) for a in phrases for b in phrases if a != b and f" {a.lower()} " in f" {b.lower()} "
    ]
    return [
        Warning("one inside the other", pair, "the shorter will also answer for the longer")
        for pair in pairs
    ]


def _near(phrases: Sequence[str], models: Models, near: float) -> list[Warning]:
    vectors = models.get(Dense).embed_texts(phrases)
    alike = vectors @ vectors.T
    rows, columns = np.nonzero(np.triu(alike >= near, 1))
    order = np.argsort(-alike[rows, columns], kind="stable")
    return [
        Warning(
            "near-synonyms",
            (phrases[row], phrases[column]),
            f"{models.spec} hardly tells them apart (cosine {alike[row, column]:.2f}); keep one",
        )
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
        if _bare(phrases[row]) != _bare(phrases[column])
    ]
