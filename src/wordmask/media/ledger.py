"""What a long run has done already: a file of records, so that a killed run goes on.

One JSON object a line, added at the end and never changed. A line that a kill or a full disk cut
short, or that a power loss zeroed, counts as not there; what it told is done again.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from wordmask.errors import FormatError, Mend, OptionError, OutputError
from wordmask.files import sweep
from wordmask.media.reading.sources import Found, identity
from wordmask.version import __version__

LEDGER = ".wordmask-batch.jsonl"
Record = dict[str, Any]


class Ledger:
    """A file of records, safe to add to from several threads and processes.

    With a `recipe` the file belongs to one run: its first line is the recipe, and a file of another
    recipe is refused. `key` names the field that tells records apart: the last one of a key counts.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "records.jsonl"
    ...     Ledger(path, {"words": ["cat"]}).add({"index": 0, "found": 2})
    ...     Ledger(path, {"words": ["cat"]}).done
    {0: {'index': 0, 'found': 2}}
    """

    def __init__(
        self, path: Path, recipe: Mapping[str, Any] | None = None, *, key: str = "index"
    ) -> None:
        self.path = path
        self.records: list[Record] = []  # in the order in which they were added
        self.done: dict[Any, Record] = {}
        self._key = key
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = list(_rows(path))
        except OSError as error:
            raise _output_error(path, error) from None
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
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                # A line that was cut short spoils itself only.
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    data = b"\n" + data
                if os.write(handle, data) != len(data):
                    raise OSError("the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise _output_error(self.path, error) from error


class Batch:
    """What has been made, from what, and how.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     _ = (folder / "cat.jpg").write_bytes(b"a picture")
    ...     batch = Batch(folder / LEDGER, {"words": ["cat"]})
    ...     before = batch.done(folder / "cat.jpg", folder / "cat")
    ...     with batch.making(folder / "cat.jpg", folder / "cat") as outputs:
    ...         _ = (folder / "cat.json").write_text("{}")
    ...         outputs.append(folder / "cat.json")
    ...     before, batch.done(folder / "cat.jpg", folder / "cat")
    (False, True)
    """

    def __init__(self, ledger: Path | str, options: Mapping[str, Any]) -> None:
        self.recipe = digest_of(options)
        self.ledger = Ledger(Path(ledger), key="source")
        self.folder = self.ledger.path.parent
        sweep(self.folder)

    def done(self, source: Path, target: Path) -> bool:
        """Whether `source`, as it is, has been made into `target` by this recipe, and is whole."""
        row = self.ledger.done.get(identity(source))
        if row is None or not _is_whole(row):
            return False
        if row["recipe"] != self.recipe or row["target"] != self._relative(target):
            return False
        outputs = [(self.folder / name, before) for name, before in row["outputs"].items()]
        return is_same(source, row["stamp"]) and all(is_same(*output) for output in outputs)

    @contextmanager
    def making(self, source: Path, target: Path) -> Iterator[list[Path]]:
        """A list to put the outputs into; only when the block ends well they are done."""
        before = stamp(source)  # of what is read now: if it changes meanwhile, it is made again
        outputs: list[Path] = []
        yield outputs
        self.ledger.add(
            {
                "source": identity(source),
                "stamp": before,
                "recipe": self.recipe,
                "target": self._relative(target),
                "outputs": {self._relative(path): stamp(path) for path in outputs},
            }
        )

    def _relative(self, path: Path) -> str:
        """From the ledger's folder, so that the folder can be moved."""
        return os.path.relpath(path, self.folder)


def _is_whole(row: Record) -> bool:
    fields = {"stamp": dict, "recipe": str, "target": str, "outputs": dict}
    return all(isinstance(row.get(name), kind) for name, kind in fields.items())


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


def targets(found: Sequence[Found], out: Path | None = None) -> list[Path]:
    """For each source the path its outputs start with, suffix left off: in `out`, or beside the picture.

    Below `out` the folders are kept, and no two sources share a target: where cat.jpg has taken "cat",
    cat.png gets "cat.png".

    >>> names = ["a/cat.jpg", "a/cat.png", "b/cat.jpg"]
    >>> [str(path) for path in targets([Found(n, n, Path(n), Path(n)) for n in names], Path("out"))]
    ['out/a/cat', 'out/a/cat.png', 'out/b/cat']
    """
    taken: set[str] = set()
    chosen = []
    for each in found:
        whole = _place_of(each, out)
        names = [
            whole.with_suffix(""),
            whole,
            *(whole.with_name(f"{whole.name}-{n}") for n in range(2, len(found) + 2)),
        ]
        target = next(name for name in names if _key(name) not in taken)
        taken.add(_key(target))
        chosen.append(target)
    return chosen


def _key(path: Path) -> str:
    """The same for all spellings of a path; some file systems tell no case apart."""
    return identity(path).casefold()


def _place_of(found: Found, out: Path | None) -> Path:
    """Where the source itself would stand."""
    if found.path is None:
        name = Path(urlsplit(found.name).path).name or "picture"
        return (out or Path()) / name.replace(" ", "-")
    return found.path if out is None else out / (found.under or found.path.name)
