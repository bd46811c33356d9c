"""Where the files of a job go, which are there already, and what they may replace.

The rule that keeps people's files: under a name that the user did not type, a file is replaced only
if the same command made it from the same source, which the folder's ledger tells, or if the user
allows it by `overwrite`. A file that the job reads is never replaced.
"""

import filecmp
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from wordmask.core.options import check
from wordmask.errors import Mend, OptionError, OutputError
from wordmask.files import identity, together
from wordmask.jobs.digest import plain
from wordmask.media.ledger import FolderLedger, Record, comes_from, digest_of, is_same, stamp
from wordmask.media.reading.sources import Found

Name = TypeVar("Name", bound=str)  # of a format

# A name that ends like this is meant for a file: no folder is made of it.
FILE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".svg", ".pdf", ".json",
    ".jsonl", ".geojson", ".gpkg", ".shp", ".kml", ".txt", ".csv", ".xml", ".html", ".zip", ".ply",
    ".glb", ".gltf", ".stl", ".obj", ".usdz", ".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v",
    ".npy", ".npz", ".htm", ".heic", ".avif",
)  # fmt: skip


@dataclass(frozen=True)
class OutputOptions:
    """Where files go."""

    output_dir: Path | None = None
    """Where to write; default: beside the picture."""
    overwrite: bool = False
    """Also replace files that this command did not make."""

    def __post_init__(self) -> None:
        check(self)


def typed_file(
    options: OutputOptions, suffixes: Collection[str], found: Sequence[Found]
) -> Path | None:
    """The one file that the output names, told by its suffix; None for a folder."""
    path = options.output_dir
    if path is None or path.is_dir():
        return None
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        check_folder(path, suffixes)
        return None
    if len(found) > 1:
        raise OptionError(
            f"{path} is one file, for {len(found)} pictures; give a folder",
            mend=Mend("output_dir", "FOLDER"),
        )
    return path


def check_folder(path: Path, suffixes: Collection[str] = ()) -> None:
    """Raise where `path` cannot be a folder, or sounds like a file; these end in `suffixes`."""
    if path.is_dir():
        return
    if path.suffix.lower() in FILE_SUFFIXES:
        able = f", which end in {', '.join(suffixes)}," if suffixes else ""
        raise OptionError(
            f"{path} is no file that is written here{able} and no folder that is there",
            mend=Mend("output_dir", "FOLDER"),
        )
    if path.exists():
        raise OutputError(
            f"{path} is a file, so it cannot be the folder", mend=Mend("output_dir", "FOLDER")
        )


def format_of_file(
    file: Path, able: Sequence[Name], wanted: Sequence[Name], default: Sequence[Name]
) -> Name:
    """The format of a file that the user named; by its suffix it is `able` to hold some.

    `wanted` formats that are the `default` were not asked for.
    """
    if tuple(wanted) in ((), tuple(default)):
        return able[0]
    if len(wanted) > 1:
        raise OptionError(
            f"{file} is one file, for {len(wanted)} formats ({', '.join(wanted)}); give a folder",
            mend=Mend("output_dir", "FOLDER"),
        )
    if wanted[0] not in able:
        raise OptionError(
            f"{file} may hold {' or '.join(able)}; got {wanted[0]}", mend=Mend("format", able[0])
        )
    return wanted[0]


def stem_of_picture(name: str) -> str:
    """
    >>> stem_of_picture("cat.old.jpg")
    'cat.old'
    """
    return Path(name).stem


@dataclass(frozen=True)
class Products:
    """What a job makes of each source."""

    command: str  # as it is called: "edit remove"
    recipe: Mapping[str, Any]  # everything that decides the outputs
    suffixes: tuple[str, ...]  # of the files that are known to come of each source
    label: str = ""  # what names carry between the source's own and the suffix: ".removed"
    inputs: tuple[str, ...] = ()  # files that are read beside the sources
    typed: tuple[Path, ...] = ()  # outputs whose names the user typed: these replace anything
    stem: Callable[[str], str] = stem_of_picture  # of a source's name


@dataclass(frozen=True, eq=False)
class WorkItem:
    """One thing to work on, and the path that the names of its outputs start with."""

    found: Found
    target: Path

    @property
    def name(self) -> str:
        return self.found.name

    @property
    def path(self) -> Path | None:
        return self.found.path

    @property
    def source(self) -> str:
        """What a ledger knows the item by."""
        return self.name if self.path is None else identity(self.path)

    def file(self, suffix: str) -> Path:
        """The output with this suffix."""
        return self.target.with_name(self.target.name + suffix)


class Outputs:
    """The outputs of one job."""

    def __init__(self, found: Sequence[Found], products: Products, options: OutputOptions) -> None:
        self._products = products
        folder = options.output_dir
        if folder is not None and folder in products.typed:
            folder = folder.parent
        elif folder is not None:
            check_folder(folder)
        self._options = OutputOptions(folder, options.overwrite)
        self._recipe = digest_of(plain(products.recipe))
        self._typed = {Path(identity(path)) for path in products.typed}
        self._read: dict[str, Record | None] = {}  # what the item is read from beside its source
        self._makers: dict[str, str] = {}  # file -> the item of this job that it was made of
        self._ledgers: dict[Path, FolderLedger] = {}
        self._inputs = {identity(path) for path in products.inputs if path}
        self._inputs |= {identity(one.path) for one in found if one.path is not None}
        for path in products.typed:
            self._keep_inputs(path, path)
        self.items = self._place(found)

    def note_input(self, path: Path) -> None:
        """Note that the item that is being made is read from this file too.

        It is not replaced, and where it changes, the item is made again.
        """
        self._inputs.add(identity(path))
        self._read[identity(path)] = _stamp(path)

    def is_done(self, item: WorkItem) -> bool:
        """Whether a job of many items has made this one before, and nothing has changed since.

        One item alone is simply made again.
        """
        row = self._ledger(item.target).row(self._products.command, item.target)
        if len(self.items) < 2 or item.path is None or row is None:
            return False
        if row["recipe"] != self._recipe or not is_same(item.path, row.get("stamp")):
            return False
        outputs = self._ledger(item.target).outputs(row)
        files = outputs | {Path(name): before for name, before in row.get("read", {}).items()}
        return bool(outputs) and all(is_same(path, before) for path, before in files.items())

    def check(self, item: WorkItem, suffixes: Sequence[str]) -> None:
        """Raise where one of the item's files would take the place of one that must stay."""
        for suffix in suffixes:
            self._check(item, item.file(suffix))

    @contextmanager
    def making(self, item: WorkItem) -> Iterator[None]:
        """The files that are written in the block get their names when it ends, or none does."""
        self.check(item, self._products.suffixes)  # an error before the work, not after it
        before = _stamp(item.path)  # if the source changes while it is read, it is made again
        self._read = {}
        with together(item.target.parent) as files:
            yield
            unnamed = {path: part for path, part in files.parts.items() if path not in self._typed}
            for path, part in unnamed.items():
                self._check(item, path, part)
            if unnamed:
                row = {
                    "command": self._products.command,
                    "source": item.source,
                    "stamp": before,
                    "read": self._read,
                    "recipe": self._recipe,
                }
                self._ledger(item.target).add(item.target, row, unnamed)
            self._makers |= {str(path): item.name for path in unnamed}
            files.place()

    def _check(self, item: WorkItem, path: Path, part: Path | None = None) -> None:
        """Raise if the file that stands at `path` must stay; `part` is what would replace it."""
        shown = item.target.with_name(path.name) if _is_beside(path, item.target) else path
        self._keep_inputs(path, shown)
        if not os.path.lexists(path) or path.is_dir():
            return
        if part is not None and _have_same_bytes(path, part):
            return
        maker = self._makers.get(identity(path))
        if maker is not None:
            raise OptionError(f"{maker} and {item.name} would both be written to {shown}")
        if not self._options.overwrite and not self._is_own(item, path):
            raise OptionError(
                f"{shown} is there already, and {self._products.command} did not make it from "
                f"{item.name}; rename it ({free_path(path).name} is free) or let it be replaced",
                mend=Mend("overwrite"),
            )

    def _keep_inputs(self, path: Path, shown: Path) -> None:
        """Raise if the job reads the file at `path`."""
        if identity(path) in self._inputs:
            raise OptionError(
                f"{shown} is read here and would be overwritten",
                mend=Mend("output_dir", "FOLDER"),
            )

    def _is_own(self, item: WorkItem, path: Path) -> bool:
        """Whether this command made the file at `path` from this item, now or earlier."""
        try:
            return self._ledger(item.target).is_made(path, self._products.command, item.source)
        except OSError:  # it cannot be read, so nothing says that it is ours
            return False

    def _ledger(self, target: Path) -> FolderLedger:
        folder = target.parent
        if folder not in self._ledgers:
            self._ledgers[folder] = FolderLedger(folder)
        return self._ledgers[folder]

    def _place(self, found: Sequence[Found]) -> tuple[WorkItem, ...]:
        """A target for each source: in `output_dir`, or beside it.

        Below `output_dir` the folders are kept. No two sources share a target, in this job or with
        an earlier one: where cat.jpg has taken "cat", cat.png gets "cat.png".
        """
        taken: set[str] = set()
        items = []
        for one in found:
            for path in self._names(one):
                item = WorkItem(one, path.with_name(path.name + self._products.label))
                key = identity(item.target).casefold()  # some file systems tell no case apart
                if key not in taken and not self._is_others(item):
                    break
            taken.add(key)
            items.append(item)
        return tuple(items)

    def _names(self, found: Found) -> Iterator[Path]:
        """What the target may be called, best first."""
        folder = self._options.output_dir
        if found.path is None:
            name = Path(urlsplit(found.name).path).name or "picture"
            whole = (folder or Path()) / name.replace(" ", "-")
        elif folder is None:
            whole = found.path
        else:
            whole = folder / (found.under or found.path.name)
        yield whole.with_name(self._products.stem(whole.name))
        yield whole
        number = 2
        while True:
            yield whole.with_name(f"{whole.name}-{number}")
            number += 1

    def _is_others(self, item: WorkItem) -> bool:
        """Whether this command has used the target for another source."""
        try:
            row = self._ledger(item.target).row(self._products.command, item.target)
        except OutputError:  # the item will fail by it when its turn comes
            return False
        return row is not None and not comes_from(row, item.source)


def free_path(path: Path) -> Path:
    """A name beside `path` that no file has: cat.png -> cat-2.png."""
    number = 2
    while True:
        other = path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not os.path.lexists(other):
            return other
        number += 1


def _is_beside(path: Path, target: Path) -> bool:
    return identity(path.parent) == identity(target.parent)


def _have_same_bytes(path: Path, part: Path) -> bool:
    try:
        return filecmp.cmp(path, part, shallow=False)
    except OSError:
        return False


def _stamp(path: Path | None) -> Record | None:
    """None for what is no file, or cannot be read: the work will tell."""
    try:
        return None if path is None else stamp(path)
    except (OSError, ValueError):
        return None
