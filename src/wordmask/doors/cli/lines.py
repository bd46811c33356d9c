"""What a person reads of a result: one line."""

from collections.abc import Sequence
from math import floor
from pathlib import Path

import numpy as np

from wordmask.core.result import Absent, Result

NEARLY = 0.75  # the share of the needed score from which a missed word's own score is shown


def result_line(name: str, result: Result, *, verbose: bool = False) -> str:
    """`kitchen.jpg   cup .91  cup .84     not here: cat (below .13)`"""
    line = f"{name}   {region_list(result) or 'nothing found'}"
    learned = [word for word in result.absent if not word.unknown]
    unknown = [word.phrase for word in result.absent if word.unknown]
    if learned:
        line += f"     not here: {absent_list(learned, verbose=verbose)}"
    if unknown:
        line += f"     never learned: {', '.join(unknown)} (ask a larger engine)"
    return line


def region_list(result: Result, most: int = 12) -> str:
    """`cup .91  cup .84`; "" where nothing is."""
    rows = [
        f"{name or 'region'} {short(score)}"
        for name, score in zip(result.names, result.scores.tolist(), strict=True)
    ]
    more = f"  and {len(rows) - most} more" if len(rows) > most else ""
    return "  ".join(rows[:most]) + more


def absent_list(absent: Sequence[Absent], *, verbose: bool = False, most: int = 8) -> str:
    """Words that were not found, the best first; one that nearly was is shown with its score.

    >>> words = [Absent("dog", 0.31, 0.38), Absent("cat", 0.004, 0.38), Absent("sky", 0.012, 0.38)]
    >>> absent_list(words)
    'dog .31, needs .38; sky, cat (all below .02)'
    >>> absent_list(words[1:2])
    'cat (below .01)'
    >>> absent_list(words[:2], verbose=True)
    'dog (best .31, would need .38), cat (best <.01, would need .38)'
    """
    words = sorted(absent, key=lambda word: -word.best)
    if verbose:
        return ", ".join(
            f"{word.phrase} (best {short(word.best)}, would need {short(word.needed)})"
            for word in words
        )
    near = [word for word in words if word.best >= NEARLY * word.needed]
    far = [word for word in words if word.best < NEARLY * word.needed]
    parts = [f"{word.phrase} {short(word.best)}, needs {short(word.needed)}" for word in near]
    if far:
        names = ", ".join(word.phrase for word in far[:most])
        more = f" and {len(far) - most} more" if len(far) > most else ""
        bound = short((floor(far[0].best * 100) + 1) / 100)
        every = "all below" if len(far) > 1 else "below"
        parts.append(f"{names}{more} ({every} {bound})")
    return "; ".join(parts)


def edit_line(name: str, verb: str, result: Result) -> str:
    """`room.jpg   remove: 2 cat, 3.1% of the picture     not here: dog`"""
    names = [name or "region" for name in result.names]
    counts = ", ".join(f"{names.count(word)} {word}" for word in dict.fromkeys(names))
    share = np.count_nonzero(result.masks.union()) / (result.size[0] * result.size[1])
    line = f"{name}   {verb}: {counts}, {share:.1%} of the picture"
    if result.absent:
        line += f"     not here: {', '.join(word.phrase for word in result.absent)}"
    return line


def file_line(files: Sequence[Path]) -> str:
    """The line below, which tells the files; "" where none was written."""
    return "\n  -> " + "  ".join(str(path) for path in files) if files else ""


def short(score: float) -> str:
    """`.91`; what is little but not nothing is `<.01`.

    >>> short(0.914), short(0.004), short(0.0), short(1.0)
    ('.91', '<.01', '.00', '1.00')
    """
    return "<.01" if 0 < score < 0.005 else f"{score:.2f}".removeprefix("0")
