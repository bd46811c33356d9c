"""The results of a video, one line of own JSON a frame, written as they are made.

A line that a kill cut short counts as not there, and so does what follows it. Every line says which
run made it, so that a run only goes on with its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wordmask import files
from wordmask.core.result import Result
from wordmask.errors import FormatError, OutputError
from wordmask.media.formats import own
from wordmask.media.formats.parsing import dump_json, parse_json
from wordmask.media.formats.records import FormatOptions, Named

SUFFIX = ".tracks.jsonl"


@dataclass(frozen=True, eq=False)
class FrameLine:
    """One frame's result."""

    frame: int  # from 0
    time_s: float
    result: Result
    name: str = ""  # the frame's
    run: str = ""  # digest of what decides the results
    # (object, frames since it was there, doubts, whether it is sure) of all that are followed
    standings: tuple[tuple[int, int, int, bool], ...] = ()
    needed: float = 0.0  # the score that words were held to


def append_line(path: Path, line: FrameLine) -> None:
    """Write a line at the end of the file; when this returns, it is on the disk."""
    value = own.encode(Named(line.name, line.result), FormatOptions())
    value |= {"frame": line.frame, "time_s": round(line.time_s, 6), "run": line.run}
    value |= {"standings": [list(one) for one in line.standings], "needed": line.needed}
    try:
        files.append_line(path, dump_json(value).encode(errors="surrogateescape"))
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror or error})") from error


def read_lines(path: Path, options: FormatOptions | None = None) -> Iterator[FrameLine]:
    """The lines of the file, one by one, as far as they are whole and in order."""
    with path.open("rb") as file:
        for number, text in enumerate(file):
            line = _parse(text, f"{path.name}, line {number + 1}", options or FormatOptions())
            if line is None or line.frame != number:
                return
            yield line


def cut_after(path: Path, count: int) -> None:
    """Remove everything behind the first `count` lines."""
    length = 0
    with path.open("rb") as file:
        for _ in range(count):
            length += len(file.readline())
    os.truncate(path, length)


def _parse(text: bytes, where: str, options: FormatOptions) -> FrameLine | None:
    if not text.endswith(b"\n"):
        return None
    try:
        value = parse_json(text, where, options)
        named = own.decode(value, where, options)
        frame, time_s, run = value["frame"], float(value["time_s"]), str(value["run"])
        standings = tuple((int(a), int(b), int(c), bool(d)) for a, b, c, d in value["standings"])
        needed = float(value["needed"])
    except (FormatError, KeyError, TypeError, ValueError):
        return None
    return FrameLine(frame, time_s, named.result, named.name, run, standings, needed)
