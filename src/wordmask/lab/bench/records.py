"""What became of each picture, one line of JSON after another, so that a killed run goes on where it stopped.

The first line is the recipe: a file of another recipe is never continued. A line is whole or it is not there: what a
kill cut off is removed before the next line is written.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from wordmask.errors import FormatError, OptionError, OutputError

Record = dict[str, Any]


class Ledger:
    """An append-only file of records, each with an `index`; safe to add to from several threads."""

    def __init__(self, path: Path, recipe: Mapping[str, Any]) -> None:
        self.path = path
        self.done: dict[int, Record] = {}
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._resume(json.loads(json.dumps(recipe)))
            self._file = path.open("ab")
            if not path.stat().st_size:
                self._write({"recipe": recipe})
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None

    def add(self, record: Record) -> None:
        with self._lock:
            self._write(record)
            self.done[record["index"]] = record

    def ordered(self) -> list[Record]:
        return [self.done[index] for index in sorted(self.done)]

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, value: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror or error}") from None

    def _resume(self, recipe: Mapping[str, Any]) -> None:
        if not self.path.is_file():
            return
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self.path, len(whole))
        lines = whole.splitlines()
        if not lines:
            return
        try:
            first, *rest = [json.loads(line) for line in lines]
        except ValueError as error:
            raise FormatError(
                f"{self.path} is broken in the middle ({error}); remove it to start afresh"
            ) from None
        _check_recipe(self.path, first.get("recipe"), recipe)
        self.done = {record["index"]: record for record in rest}


def read_records(path: Path) -> list[Record]:
    """All whole records of a finished or broken run, by index."""
    if not path.is_file():
        raise FormatError(f"{path} is not there; is it the folder of a benchmark run?")
    data = path.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].splitlines()[1:]
    return sorted((json.loads(line) for line in lines), key=lambda record: int(record["index"]))


def _check_recipe(path: Path, got: object, wanted: Mapping[str, Any]) -> None:
    if got == wanted:
        return
    old = got if isinstance(got, dict) else {}
    changed = sorted(key for key in {*old, *wanted} if old.get(key) != wanted.get(key))
    raise OptionError(
        f"{path} belongs to another run (it differs in {', '.join(changed) or 'everything'}); "
        "give another --output-dir, or remove it"
    )
