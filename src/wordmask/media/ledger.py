"""A long run over many files that can be killed at any moment and run again.

One ledger, a line for each finished input: what it was (size, time, sha256), by which recipe it was made (options
and version), which outputs came of it. The line is written after the outputs stand under their final names. So
an output without a line is made again, a line without its outputs too, and "the file exists" never means "done".
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

from wordmask.errors import OutputError
from wordmask.files import sweep
from wordmask.media.reading.sources import Found, identity
from wordmask.version import __version__

LEDGER = ".wordmask-batch.jsonl"


class Batch:
    """What has been made, from what, and how. Lines of the ledger that cannot be read count as not there.

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
        self.ledger = Path(ledger)
        self.recipe = recipe(options)
        self._lock = Lock()
        self._rows: dict[str, dict[str, Any]] = {}
        try:
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
            sweep(self.ledger.parent)
            for row in _rows(self.ledger):
                self._rows[row["source"]] = row
        except OSError as error:
            raise OutputError(
                f"{self.ledger} cannot be used ({error.strerror}); is the folder yours?"
            ) from error

    def done(self, source: Path, target: Path) -> bool:
        """Whether `source`, as it is now, has been made into `target` by this recipe, and all outputs are whole."""
        row = self._rows.get(identity(source))
        if row is None or row["recipe"] != self.recipe or row["target"] != self._relative(target):
            return False
        outputs = [(self.ledger.parent / name, stamp) for name, stamp in row["outputs"].items()]
        return _same(source, row["stamp"]) and all(_same(path, stamp) for path, stamp in outputs)

    def outputs(self, source: Path) -> tuple[Path, ...]:
        """What the ledger says was last made of `source`."""
        row = self._rows.get(identity(source), {"outputs": {}})
        return tuple(self.ledger.parent / name for name in row["outputs"])

    @contextmanager
    def making(self, source: Path, target: Path) -> Iterator[list[Path]]:
        """A list to put the outputs into; when the block ends well they are done, when it fails nothing is."""
        before = _stamp(source)  # of what is read now: if it changes meanwhile, it is made again
        outputs: list[Path] = []
        yield outputs
        key = identity(source)
        row: dict[str, Any] = {
            "source": key,
            "stamp": before,
            "recipe": self.recipe,
            "target": self._relative(target),
            "outputs": {self._relative(path): _stamp(path) for path in outputs},
        }
        with self._lock:
            self._append(row)
            self._rows[key] = row

    def _append(self, row: Mapping[str, Any]) -> None:
        # A line break on both sides: a line that a full disk cut short spoils itself only.
        line = b"\n" + json.dumps(row).encode() + b"\n"
        try:
            handle = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                if os.write(handle, line) != len(line):
                    raise OSError("the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise OutputError(
                f"{self.ledger} could not be written: {error.strerror or error}"
            ) from error

    def _relative(self, path: Path) -> str:
        """From the ledger's folder, so that the folder can be moved."""
        return os.path.relpath(path, self.ledger.parent)


def recipe(options: Mapping[str, Any]) -> str:
    """sha256 of everything that decides the outputs, in any order, and of our version."""
    text = json.dumps(
        {"options": dict(options), "version": __version__}, sort_keys=True, default=repr
    )
    return sha256(text.encode()).hexdigest()


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


def _rows(ledger: Path) -> Iterator[dict[str, Any]]:
    if not ledger.exists():
        return
    fields = {"source": str, "stamp": dict, "recipe": str, "target": str, "outputs": dict}
    for line in ledger.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # blank, cut short by a kill, or zeroed by a power loss
        if isinstance(row, dict) and all(
            isinstance(row.get(name), kind) for name, kind in fields.items()
        ):
            yield row


def _stamp(path: Path) -> dict[str, Any]:
    """Size, time and content; the first two are enough to believe that nothing has changed."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        return {
            "bytes": status.st_size,
            "mtime": status.st_mtime_ns,
            "sha256": file_digest(file, "sha256").hexdigest(),
        }


def _same(path: Path, stamp: Any) -> bool:
    try:
        status = path.stat()
        if status.st_size != stamp["bytes"]:
            return False
        return bool(
            status.st_mtime_ns == stamp["mtime"] or _stamp(path)["sha256"] == stamp["sha256"]
        )
    except (OSError, KeyError, TypeError):
        return False
