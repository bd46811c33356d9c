"""From the classes of a data set to the phrases that are asked for, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError, did_you_mean

# Names that data sets run together; suffixes that say "the rest of its kind".
_SPELLED = {
    "bedclothes": "bed clothes",
    "diningtable": "dining table",
    "playingfield": "playing field",
    "pottedplant": "potted plant",
    "tvmonitor": "tv monitor",
    "waterdrops": "water drops",
}
_SUFFIXES = ("-other", "-stuff")


@dataclass(frozen=True)
class ClassPhrases:
    """Phrases to ask for, each belonging to a class.

    Several phrases of one class are synonyms: the best one counts.
    """

    phrases: tuple[str, ...]
    owners: tuple[int, ...]  # class of each phrase

    def to_classes(self, labels: Array) -> Array:
        """Phrase numbers -> class numbers, of any shape; -1 stays -1."""
        table = np.array([*self.owners, -1], np.int32)
        return table[labels]


def spell_out(name: str) -> str:
    """A class name as a person would write it.

    >>> spell_out("building-other"), spell_out("pottedplant"), spell_out("wall-brick")
    ('building', 'potted plant', 'wall brick')
    """
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return " ".join(_SPELLED.get(name, name).replace("-", " ").replace("_", " ").split())


def phrases_of(
    classes: Sequence[str],
    background: int | None,
    *,
    only: Sequence[str] = (),
    background_words: Sequence[str] = (),
    synonyms: Mapping[str, Sequence[str]] | None = None,
) -> ClassPhrases:
    """The phrases of the classes, or of `only` those, then the words for the background."""
    known = {*classes, *map(spell_out, classes)}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise OptionError(
            f"{unknown[0]!r} is not a class of this data set.{did_you_mean(unknown[0], classes)}"
        )
    rows: dict[str, int] = {}
    for index, name in enumerate(classes):
        spelled = spell_out(name)
        if index == background or (only and name not in only and spelled not in only):
            continue
        for phrase in (spelled, *(synonyms or {}).get(name, ())):
            # Where two classes come out alike ("table", "table-other"), the later keeps its name.
            rows.setdefault(phrase if phrase not in rows else name, index)
    if background is not None:
        for phrase in background_words:
            rows.setdefault(phrase, background)
    if not rows:
        raise OptionError("the data set has no class to ask for")
    return ClassPhrases(tuple(rows), tuple(rows.values()))
