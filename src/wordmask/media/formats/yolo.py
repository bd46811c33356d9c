"""YOLO-seg: a text file for each picture, a line for each region.

A line is `class x y x y ...`, in shares of the picture's width and height. A region is one ring:
holes and pieces are joined by slits of no width. The words are in `classes.txt` beside it.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from wordmask.core.result import UNNAMED
from wordmask.errors import FormatError, OutputError
from wordmask.files import write_text
from wordmask.media.formats.outlines import fill, one_ring, pieces, ring_of
from wordmask.media.formats.parsing import read_text
from wordmask.media.formats.pictures import picture_size
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def write(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    """The regions at `path`, the words in `classes.txt` beside it."""
    (item,) = items
    words = list(item.result.vocabulary)
    if (item.result.label_ids == UNNAMED).any():
        words.append(NO_NAME)
    beside = write_words(path.parent / "classes.txt", words)
    lines = [_line(item, row, options) for row in range(len(item.result))]
    return [write_text(path, "".join(lines)), beside]


def read(path: Path, options: FormatOptions) -> list[Named]:
    """The regions of one file; size and words are in files around it or in the options."""
    picture = _find_picture(path)
    size = options.size
    if size is None and picture is not None:
        size = picture_size(picture)
    if size is None:
        raise FormatError(
            f"{path.name} does not tell its picture's size; "
            "put the picture beside it or give the size"
        )
    known = WordIds(options.names or _find_words(path, options)).words
    regions = RegionList(size, path.name, options)
    text = read_text(path, options).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            _read_line(line, f"{path.name}, line {number}", regions, known)
    words = tuple(word for word in known if word != NO_NAME)
    return [regions.build(path.stem if picture is None else picture.name, words)]


def write_words(path: Path, words: Sequence[str]) -> Path:
    """A list of words, one a line; one that is there already must be the same."""
    text = "".join(re.sub(r"[\r\n]", " ", word) + "\n" for word in words)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise OutputError(f"{path} lists other words than this result; write into another folder")
    return write_text(path, text)


def read_words(path: Path, options: FormatOptions) -> list[str]:
    """The words of such a list."""
    lines = read_text(path, options).decode("utf-8", "replace").split("\n")
    return [line for line in lines if line.strip()]


def _line(item: Named, row: int, options: FormatOptions) -> str:
    result = item.result
    found = pieces(result.masks, row, tolerance=options.tolerance)
    rings = [ring for piece in found for ring in piece]
    if not rings:
        return ""
    label = int(result.label_ids[row])
    shares = one_ring(rings) / np.array(result.size[::-1])
    number = label if label != UNNAMED else len(result.vocabulary)
    return f"{number} {' '.join(f'{share:.7g}' for share in shares.ravel())}\n"


def _read_line(line: str, where: str, regions: RegionList, words: Sequence[str]) -> None:
    try:
        first, *shares = line.split()
        number, values = int(first), np.array(shares, np.float64)
    except ValueError:
        raise FormatError(f"{where} is not a class and numbers: {line[:60]!r}") from None
    if len(values) in (4, 5):
        raise FormatError(f"{where} is a box, not an outline; this is a file for detection")
    if not 0 <= number < len(words):
        raise FormatError(
            f"{where} has class {number}, but there are {len(words)} words; give options.names"
        )
    score = 1.0
    if len(values) % 2:  # a confidence at the end
        values, score = values[:-1], float(np.clip(values[-1], 0, 1))
    ring = ring_of(values, where) * np.array(regions.size[::-1])
    label = UNNAMED if words[number] == NO_NAME else number
    regions.add(partial(fill, [ring], regions.size), RegionFacts(label, score))


def _find_picture(path: Path) -> Path | None:
    """The picture of the same name, beside the file or in `images/` beside its folder."""
    for folder in (path.parent, path.parent.parent / "images"):
        for suffix in PICTURES:
            for candidate in (folder / (path.stem + suffix), folder / (path.stem + suffix.upper())):
                if candidate.is_file():
                    return candidate
    return None


def _find_words(path: Path, options: FormatOptions) -> list[str]:
    """From classes.txt or data.yaml, beside the file or one folder up."""
    for folder in (path.parent, path.parent.parent):
        if (folder / "classes.txt").is_file():
            return read_words(folder / "classes.txt", options)
        if (folder / "data.yaml").is_file():
            return _yaml_names(read_text(folder / "data.yaml", options).decode("utf-8", "replace"))
    raise FormatError(
        f"{path.name} has numbers only and there is no classes.txt beside it; give options.names"
    )


def _yaml_names(text: str) -> list[str]:
    """The `names` of a data.yaml, in the three ways they are written: [a, b], `0: a` and `- a`."""
    short = re.search(r"^names:\s*\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if short:
        return [word.strip().strip("'\"") for word in short[1].split(",") if word.strip()]
    block = re.search(r"^names:[ \t]*\n((?:[ \t]*(?:-|\d+:)[ \t]*.*\n?)+)", text, re.MULTILINE)
    lines = block[1].splitlines() if block else []
    return [re.sub(r"^\s*(?:-|\d+:)\s*", "", line).strip().strip("'\"") for line in lines]
