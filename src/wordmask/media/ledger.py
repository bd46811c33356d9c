"""What long runs have done already: files of records, so that a killed run goes on.

One JSON object a line, added at the end and never changed. A line that a kill or a full disk cut
short, or that a power loss zeroed, counts as not there; what it told is done again.

A run over a data set keeps one `Ledger`. What is written beside pictures or into a folder of theirs
is in that folder's `FolderLedger`, whichever command wrote it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Lock
from typing import Any

from wordmask.errors import FormatError, Mend, OptionError, OutputError
from wordmask.files import append_line, identity, sweep
from wordmask.version import __version__

LEDGER = ".wordmask.jsonl"
Record = dict[str, Any]


class Ledger:
    """A file of records, safe to add to from several threads and processes.

    With a `recipe` the file belongs to one run: its first line is the recipe, and a file of another
    recipe is refused. So is a new file where one of the run's `outputs` is there already: it is not
    this run's. `key` names the field that tells records apart: the last one of a key counts.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "records.jsonl"
    ...     Ledger(path, {"words": ["cat"]}).add({"index": 0, "found": 2})
    ...     Ledger(path, {"words": ["cat"]}).done
    {0: {'index': 0, 'found': 2}}
    """

    def __init__(
        self,
        path: Path,
        recipe: Mapping[str, Any] | None = None,
        *,
        outputs: Sequence[str] = (),
        key: str = "index",
    ) -> None:
        self.path = path
        self.records: list[Record] = []  # in the order in which they were added
        self.done: dict[Any, Record] = {}
        self._key = key
        self._lock = Lock()
        try:
            rows = list(_rows(path))
        except OSError as error:
            raise _output_error(path, error) from None
        if not rows:
            self._check_outputs(outputs)
        if recipe is not None:
            rows = self._check_recipe(rows, json.loads(json.dumps(recipe)))
        for row in rows:
            self._keep(row)

    def add(self, record: Record) -> None:
        """Write the record; when this returns, it is on the disk."""
        with self._lock:
            self._append(record)
            self._keep(record)

    def in_order(self) -> list[Record]:
        """The last record of every key, sorted by key."""
        return [self.done[key] for key in sorted(self.done)]

    def _keep(self, record: Record) -> None:
        if self._key in record:
            self.records.append(record)
            self.done[record[self._key]] = record

    def _check_outputs(self, names: Sequence[str]) -> None:
        there = [name for name in names if os.path.lexists(self.path.parent / name)]
        if there:
            raise OptionError(
                f"{self.path.parent / there[0]} is there already, but no {self.path.name} beside "
                "it that says which run made it; remove it, or write elsewhere",
                mend=Mend("output_dir", "FOLDER"),
            )

    def _check_recipe(self, rows: list[Record], wanted: Record) -> list[Record]:
        """The records behind the recipe, which is written where the file is new."""
        if not rows:
            self._append({"recipe": wanted})
            return rows
        if "recipe" not in rows[0]:
            raise FormatError(
                f"{self.path} has lost its first line, which says what its records are of; "
                "remove it to start afresh"
            )
        got = rows[0]["recipe"]
        if got != wanted:
            old = got if isinstance(got, dict) else {}
            changed = sorted(key for key in {*old, *wanted} if old.get(key) != wanted.get(key))
            raise OptionError(
                f"{self.path} belongs to another run, which differs in "
                f"{', '.join(changed) or 'everything'}; remove it, or write elsewhere",
                mend=Mend("output_dir", "FOLDER"),
            )
        return rows[1:]

    def _append(self, row: Mapping[str, Any]) -> None:
        data = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        try:
            append_line(self.path, data)
        except OSError as error:
            raise _output_error(self.path, error) from error


class FolderLedger:
    """What has been written into a folder: by which command, from what, and how.

    A row is added when the files are whole but before they get their names. So a file can be told
    from one that a person put there after any kill, and a file that stands there is never by itself
    a sign that something is done. Paths are kept from the folder, so that it can be moved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(identity(folder))
        self._ledger = Ledger(self.folder / LEDGER, key="made")
        self._rows: dict[str, list[Record]] = {}  # by output
        for row in self._ledger.records:
            self._index(row)
        try:
            sweep(self.folder)
        except OSError as error:
            raise _output_error(self.folder, error) from error

    def row(self, command: str, target: Path) -> Record | None:
        """The last row that `command` added for `target`."""
        row = self._ledger.done.get(self._key(command, target))
        return row if row is not None and _is_whole(row) else None

    def is_made(self, path: Path, command: str, source: str) -> bool:
        """Whether what stands at `path` is what `command` once wrote there, from this source."""
        name = self._relative(path)
        rows = self._rows.get(name, [])
        mine = [row for row in rows if row["command"] == command and comes_from(row, source)]
        if not mine:
            return False
        content = stamp(path)["sha256"]
        return any(row["outputs"][name].get("sha256") == content for row in mine)

    def add(self, target: Path, row: Mapping[str, Any], files: Mapping[Path, Path]) -> None:
        """Note that `files`, path to be -> temporary file, are about to get their names.

        `row` says the command, the source, its stamp and the recipe's digest.
        """
        outputs = {self._relative(path): stamp(part) for path, part in files.items()}
        made = {"made": self._key(row["command"], target), **row, "outputs": outputs}
        self._ledger.add(made)
        self._index(made)

    def outputs(self, row: Record) -> dict[Path, Record]:
        """The files of a row with their stamps."""
        return {self.folder / name: before for name, before in row["outputs"].items()}

    def _index(self, row: Record) -> None:
        for name in row["outputs"] if _is_whole(row) else ():
            self._rows.setdefault(name, []).append(row)

    @staticmethod
    def _key(command: str, target: Path) -> str:
        return f"{command}: {target.name}"

    def _relative(self, path: Path) -> str:
        return os.path.relpath(identity(path), self.folder)


def comes_from(row: Record, source: str) -> bool:
    """Whether the row is of this source: a file's identity, or the name of what is no file.

    A file that was moved or copied is known by its content.
    """
    return row["source"] == source or is_same(Path(source), row.get("stamp"))


def files_made_in(folder: Path) -> dict[Path, Record]:
    """Each file that the folder's ledger tells of, with its stamp when it was last made."""
    found: dict[Path, Record] = {}
    try:
        rows = list(_rows(folder / LEDGER))
    except OSError:
        return found
    for row in rows:
        if _is_whole(row):
            found |= {folder / name: before for name, before in row["outputs"].items()}
    return found


def _is_whole(row: Record) -> bool:
    kinds = {"command": str, "source": str, "recipe": str, "outputs": dict}
    if not all(isinstance(row.get(name), kind) for name, kind in kinds.items()):
        return False
    stamps = [*row["outputs"].values(), row.get("read", {})]
    return all(isinstance(before, dict) for before in stamps)


def read_records(path: Path) -> list[Record]:
    """All whole records of a finished or broken run, by index."""
    if not path.is_file():
        raise FormatError(f"{path} is not there; is it the folder of a run?")
    rows = {row["index"]: row for row in _rows(path) if "index" in row}
    return [rows[index] for index in sorted(rows)]


def digest_of(recipe: Mapping[str, Any]) -> str:
    """sha256 of everything that decides the outputs, in any order, and of our version."""
    value = {"options": dict(recipe), "version": __version__}
    return sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def stamp(path: Path) -> Record:
    """Size, time and content of a file; the first two are enough to believe that it is the same."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        return {
            "bytes": status.st_size,
            "mtime": status.st_mtime_ns,
            "sha256": file_digest(file, "sha256").hexdigest(),
        }


def is_same(path: Path, before: Any) -> bool:
    """Whether the file still is what it was when `before` was stamped."""
    try:
        status = path.stat()
        if status.st_size != before["bytes"]:
            return False
        if status.st_mtime_ns == before["mtime"]:
            return True
        return bool(stamp(path)["sha256"] == before["sha256"])
    except (OSError, KeyError, TypeError):
        return False


def _rows(path: Path) -> Iterator[Record]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # blank, cut short by a kill, or zeroed by a power loss
        if isinstance(row, dict):
            yield row


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} could not be written: {error.strerror or error}; is it yours?")
