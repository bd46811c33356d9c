"""What a user can ask with: words, points, boxes, example masks."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, frozen
from wordmask.core.masks import Masks
from wordmask.errors import PromptError

MAX_PHRASE = 256  # characters
CONTROL = re.compile(r"[\x00-\x1f]")


def spellings(phrase: str) -> tuple[str, ...]:
    """The words of one class.

    >>> spellings("sofa|couch")
    ('sofa', 'couch')
    """
    return tuple(phrase.split("|"))


@dataclass(frozen=True)
class Text:
    """Words or phrases, each one class. Outer blanks go, repeats are an error.

    One class may have several words, "sofa|couch": the best one counts, the first one is its name.

    >>> Text((" cat ", "sofa|couch")).phrases
    ('cat', 'sofa|couch')
    >>> Text((" cat ", "sofa|couch")).names
    ('cat', 'sofa')
    """

    phrases: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.phrases, str):
            raise PromptError(
                f"phrases must be a list of words, got a string; write ({self.phrases!r},)"
            )
        phrases = tuple(_clean(phrase) for phrase in self.phrases)
        if not phrases:
            raise PromptError("the word list is empty; name at least one thing to look for")
        words = [word for phrase in phrases for word in spellings(phrase)]
        if len(set(words)) < len(words):
            again = sorted({word for word in words if words.count(word) > 1})
            raise PromptError(f"words are given twice: {', '.join(again)}")
        object.__setattr__(self, "phrases", phrases)

    @classmethod
    def of(cls, words: "Words") -> "Text":
        """From one word, a list of words, or a `Text`.

        >>> Text.of("cat") == Text.of(["cat"]) == Text(("cat",))
        True
        """
        if isinstance(words, Text):
            return words
        if isinstance(words, str):
            return cls((words,))
        if not isinstance(words, Sequence):
            raise PromptError(
                f"words are a string or a list of strings, got {type(words).__name__}"
            )
        return cls(tuple(words))

    @property
    def names(self) -> tuple[str, ...]:
        """What each class is called: its first word."""
        return tuple(spellings(phrase)[0] for phrase in self.phrases)


Words = str | Sequence[str] | Text


@dataclass(frozen=True, eq=False)
class Points:
    """Clicks: `xy` (P, 2) float32; `keep` (P,) bool, False = not this."""

    xy: Array
    keep: Array

    def __post_init__(self) -> None:
        xy = _numbers(self.xy, 2, "points (x, y)")
        keep = np.asarray(self.keep, bool).reshape(-1)
        if len(keep) != len(xy):
            raise PromptError(f"{len(xy)} points but {len(keep)} keep flags")
        object.__setattr__(self, "xy", frozen(xy))
        object.__setattr__(self, "keep", frozen(keep))

    @classmethod
    def of(cls, points: Sequence[Sequence[float]]) -> "Points":
        """From rows of (x, y) or (x, y, keep).

        >>> Points.of([(3, 4), (5, 6, False)]).keep.tolist()
        [True, False]
        """
        for row in points:
            if len(row) not in (2, 3):
                raise PromptError(f"a point is (x, y) or (x, y, keep), got {tuple(row)!r}")
        keep = [len(row) == 2 or bool(row[2]) for row in points]
        return cls(np.array([row[:2] for row in points]), np.array(keep, bool))


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes to cut inside: `xyxy` (B, 4) float32 with x0 < x1 and y0 < y1."""

    xyxy: Array

    def __post_init__(self) -> None:
        xyxy = _numbers(self.xyxy, 4, "boxes (x0, y0, x1, y1)")
        bad = (xyxy[:, 0] >= xyxy[:, 2]) | (xyxy[:, 1] >= xyxy[:, 3])
        if bad.any():
            raise PromptError(
                f"box {xyxy[bad][0].tolist()} is empty; "
                "give x0, y0, x1, y1 with x0 < x1 and y0 < y1"
            )
        object.__setattr__(self, "xyxy", frozen(xyxy))


@dataclass(frozen=True, eq=False)
class Example:
    """ "Things like this": masks in a picture, perhaps another one than the picture asked about."""

    masks: Masks
    of: Image

    def __post_init__(self) -> None:
        if self.masks.size != self.of.size:
            raise PromptError(
                f"the example's masks are {self.masks.size}, its picture is {self.of.size}"
            )
        if not len(self.masks):
            raise PromptError("the example has no mask")


Prompt = Text | Points | Boxes | Example


def parse(text: str) -> Prompt:
    """A prompt from one string: JSON, or words with commas between them.

    >>> parse("cat, hot dog")
    Text(phrases=('cat', 'hot dog'))
    >>> parse('{"points": [[10, 20], [5, 5, 0]]}').xy.tolist()
    [[10.0, 20.0], [5.0, 5.0]]
    """
    if not text.lstrip().startswith(("{", "[")):
        return Text(tuple(word for word in text.split(",") if word.strip()))
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PromptError(f"the prompt is not JSON: {error}") from None
    return from_json(value)


def from_json(value: Any) -> Prompt:
    """A prompt from `["word", ...]` or an object with one of the keys words, points, boxes."""
    if isinstance(value, list):
        value = {"words": value}
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _PARSERS:
        raise PromptError(
            f"a prompt has exactly one of the keys {', '.join(_PARSERS)}, got {str(value)[:80]}"
        )
    key, rows = next(iter(value.items()))
    if not isinstance(rows, list):
        raise PromptError(f"{key} must be a list, got {type(rows).__name__}")
    try:
        prompt: Prompt = _PARSERS[key](rows)
        return prompt
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, PromptError) else PromptError(f"{key}: {error}") from None


_PARSERS: dict[str, Any] = {
    "words": lambda rows: Text(tuple(rows)),
    "points": Points.of,
    "boxes": Boxes,
}


def _clean(phrase: object) -> str:
    if not isinstance(phrase, str) or not phrase.strip():
        raise PromptError(f"a word must be a non-empty string, got {phrase!r}")
    if len(phrase) > MAX_PHRASE:
        raise PromptError(
            f"a phrase has at most {MAX_PHRASE} characters, got {len(phrase)}: {phrase[:40]!r}..."
        )
    if CONTROL.search(phrase.strip()):
        raise PromptError(f"a phrase has no control characters, got {phrase[:40]!r}")
    words = [" ".join(word.split()) for word in phrase.split("|")]
    if not all(words):
        raise PromptError(f"between the | of {phrase!r} there must be words, as in sofa|couch")
    return "|".join(words)


def _numbers(values: object, columns: int, what: str) -> Array:
    """(N, columns) finite float32, at least one row."""
    try:
        array = np.array(values, np.float32)
    except (TypeError, ValueError):
        raise PromptError(
            f"{what} must be rows of {columns} numbers, got {str(values)[:80]}"
        ) from None
    if array.ndim != 2 or array.shape[1] != columns or not len(array):
        raise PromptError(f"{what} must be (N, {columns}) with at least one row, got {array.shape}")
    if not np.isfinite(array).all():
        raise PromptError(f"{what} must be finite numbers, got {array.tolist()}")
    return array
