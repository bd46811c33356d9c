"""From a data set's classes to the phrases that are asked for, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError, did_you_mean

# Names that data sets run together; suffixes that say "the rest of its kind".
_SPELLED = {
    "pottedplant": "potted plant", "diningtable": "dining table", "tvmonitor": "tv monitor",
    "playingfield": "playing field", "waterdrops": "water drops", "bedclothes": "bed clothes",
}  # fmt: skip
_SUFFIXES = ("-other", "-stuff")


@dataclass(frozen=True)
class Words:
    """Phrases to ask for; each belongs to a class. Several phrases of one class are synonyms: the best one counts."""

    phrases: tuple[str, ...]
    owners: tuple[int, ...]  # class of each phrase

    def to_classes(self, labels: Array) -> Array:
        """(H, W) phrase numbers -> class numbers; -1 stays -1."""
        table = np.array([*self.owners, -1], np.int32)
        return table[labels]


def plain(name: str) -> str:
    """A class name as a person would write it.

    >>> plain("building-other"), plain("pottedplant"), plain("wall-brick")
    ('building', 'potted plant', 'wall brick')
    """
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return " ".join(_SPELLED.get(name, name).replace("-", " ").replace("_", " ").split())


def words_of(
    classes: Sequence[str],
    background: int | None,
    *,
    only: Sequence[str] = (),
    background_words: Sequence[str] = (),
    synonyms: Mapping[str, Sequence[str]] | None = None,
) -> Words:
    """The phrases of the classes (or of `only` those), then the words that stand for the background."""
    unknown = [name for name in only if name not in classes and name not in map(plain, classes)]
    if unknown:
        raise OptionError(
            f"{unknown[0]!r} is not a class of this data set.{did_you_mean(unknown[0], classes)}"
        )
    rows: dict[str, int] = {}
    for index, name in enumerate(classes):
        if index != background and (not only or name in only or plain(name) in only):
            for phrase in (plain(name), *(synonyms or {}).get(name, ())):
                # Two classes may come out alike ("table", "table-other"): the later keeps its own spelling.
                rows.setdefault(phrase if phrase not in rows else name, index)
    if background is not None:
        for phrase in background_words:
            rows.setdefault(phrase, background)
    if not rows:
        raise OptionError("the data set has no class to ask for")
    return Words(tuple(rows), tuple(rows.values()))
