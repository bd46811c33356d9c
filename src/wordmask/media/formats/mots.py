"""MOTS: a text file of one video, a line for each object in each frame, and no two overlap.

    FRAME ID CLASS HEIGHT WIDTH CODE

ID is 1000 x CLASS + the object's number, CLASS the word's from 1, CODE COCO's compressed one.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError
from wordmask.files import write_text
from wordmask.media.formats.parsing import read_text, size_of
from wordmask.media.formats.records import (
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)
from wordmask.ops import merge

MOST = 1000  # objects of one class


def write(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    """The pictures as the frames of one video. Of overlapping regions the best has the pixels."""
    del options
    words = WordIds(word for item in items for word in item.result.vocabulary)
    lines = [
        line for frame, item in enumerate(items) for line in _lines(item.result, frame, words, path)
    ]
    return [write_text(path, "".join(lines))]


def _lines(result: Result, frame: int, words: WordIds, path: Path) -> list[str]:
    masks = merge.disjoint(result.masks, result.scores, min_area=0, min_share=0.0)
    height, width = result.size
    lines = []
    for row, code in enumerate(masks.to_rle()):
        number = row + 1 if result.track_ids is None else int(result.track_ids[row])
        if not 0 <= number < MOST:
            raise FormatError(f"{path.name}: MOTS numbers objects from 0 to 999, got {number}")
        label = int(result.label_ids[row])
        kind = 0 if label == UNNAMED else words.word(result.vocabulary[label]) + 1
        if masks.areas[row]:
            id = MOST * kind + number
            lines.append(f"{frame} {id} {kind} {height} {width} {code['counts']}\n")
    return lines


def read(path: Path, options: FormatOptions) -> list[Named]:
    """One result for every frame that has an object, called by the frame's number.

    The words are the options' names, or "class 1", "class 2" ...
    """
    frames: dict[int, RegionList] = {}
    words = WordIds(options.names)
    text = read_text(path, options).decode("ascii", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path.name}, line {number}"
        frame, id, kind, size, code = _parse(line, place, options)
        name = options.names[kind - 1] if 0 < kind <= len(options.names) else f"class {kind}"
        label = UNNAMED if kind == 0 else words.word(name)
        if frame not in frames:
            frames[frame] = RegionList(size, f"{path.name}, frame {frame}", options)
        facts = RegionFacts(label, track=id % MOST)
        frames[frame].add(partial(Masks.from_rle, [code]), facts)
    if not frames:
        raise FormatError(f"{path.name} has no line of an object")
    return [regions.build(f"{frame:06d}", words.words) for frame, regions in sorted(frames.items())]


def _parse(line: str, place: str, options: FormatOptions) -> tuple[int, int, int, Any, Any]:
    parts = line.split()
    if len(parts) != 6 or not all(part.isdigit() and len(part) < 10 for part in parts[:5]):
        raise FormatError(
            f"{place} is not FRAME ID CLASS HEIGHT WIDTH CODE with five whole numbers first"
        )
    frame, id, kind, height, width = map(int, parts[:5])
    size = size_of([height, width], place, options)
    return frame, id, kind, size, {"size": list(size), "counts": parts[5]}
