"""Data of a storage copied into the cache: file by file, each whole or not at all.

A picture is copied once, any other file anew whenever the storage has another version of it.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path, PurePosixPath
from posixpath import normpath

from wordmask.errors import FormatError, InputError, OutputError
from wordmask.files import PART, atomic, cache_home, hold_lock, make_folder, sweep, write_text
from wordmask.lab.data.files import MAX_JSON
from wordmask.lab.data.readers import PICTURES
from wordmask.lab.data.storages import Storage, open_address
from wordmask.media.reading.limits import Limits, human


@dataclass(frozen=True, eq=False)
class StoredData:
    """A file or a folder on a storage, and the copy of what is around it."""

    address: str
    storage: Storage
    base: str
    """The folder on the storage that is the copy's root."""
    name: str
    """The file or folder below it."""
    home: Path
    """Where the copy is; removing it makes it anew."""

    @classmethod
    def at(cls, address: str, *, is_folder: bool = False) -> "StoredData":
        """What an address means; nothing is read yet."""
        place = open_address(address)
        path = PurePosixPath(place.path)
        # Pictures may lie in a folder beside that of the annotations, but in no other bucket.
        levels = 2 if place.archive or len(path.parent.parts) > 1 else 1
        base = path.parents[min(levels, len(path.parents)) - 1] if path.parents else path
        scheme, _, rest = address.partition("://")
        host = "" if place.archive else rest.partition("/")[0]
        key = f"{scheme} {host} {base} {place.archive}"
        home = cache_home() / "data" / sha256(key.encode()).hexdigest()[:16]
        found = cls(address, place.storage, str(base), str(path.relative_to(base)), home)
        if is_folder:
            make_copy_folder(found.local)
        return found

    @property
    def local(self) -> Path:
        """The copy of the file or folder."""
        return self._target(self.name)

    def copy(self) -> Path:
        """The file, or the folder with all that is in it, on this machine."""
        with self._alone():
            write_text(self.home / "address.txt", self.address + "\n")
            for left in (self.home / "files").rglob(f".*{PART}*"):  # by a process that was killed
                sweep(left.parent)
            names = self.storage.names_below(join(self.base, self.name))
            if names is not None:
                self._copy_all(names)
                return self.local
            try:
                return self._copy(self.name)
            except FileNotFoundError as error:
                raise InputError(f"{self.address} cannot be read: {error}") from None

    def copy_pictures(self, names: Sequence[str], folders: Sequence[str]) -> None:
        """Each picture, from a folder that holds it, by its path or else by its bare name.

        Folders are seen from the annotations; what lies in none of them is left to who reads it.
        """
        for name in names:
            check_inside(name, self.address)
        here = self.name if self.local.is_dir() else str(PurePosixPath(self.name).parent)
        places = [join(here, folder) for folder in folders]
        ways = [(place, bare) for bare in (False, True) for place in places if ".." not in place]

        def copy_first(name: str) -> None:
            nonlocal ways
            for place, bare in ways:
                with suppress(FileNotFoundError):
                    self._copy(join(place, PurePosixPath(name).name if bare else name))
                    # The next one is likely there, too: one question instead of many. But never by
                    # its bare name first, which may be another's. A new list, as another thread
                    # may be going through this one.
                    ways = sorted(ways, key=lambda way: (way[1], way[0] != place))
                    return

        with self._alone():
            self._each(copy_first, names)

    def _alone(self) -> AbstractContextManager[None]:
        make_copy_folder(self.home)
        return hold_lock(self.home / "lock")

    def _copy_all(self, names: Iterable[str]) -> None:
        below = [join(self.name, check_inside(name, self.address)) for name in names]
        self._each(self._copy, below)
        kept = {self._target(name) for name in below}
        for path in self.local.rglob("*"):  # what is gone there is gone here
            if path.is_file() and path not in kept:
                path.unlink()

    def _each(self, work: Callable[[str], object], names: Sequence[str]) -> None:
        with ThreadPoolExecutor(self.storage.at_once) as pool:
            for _ in pool.map(work, names):
                pass

    def _target(self, name: str) -> Path:
        return self.home / "files" / name

    def _copy(self, name: str) -> Path:
        """One file, unless its copy is as good; FileNotFoundError if it is not there."""
        path, target = join(self.base, name), self._target(name)
        if target.suffix.lower() in PICTURES:
            if not target.is_file():
                self._write(path, target, Limits().max_bytes)
            return target
        note, version = self.home / "versions" / name, self.storage.version(path)
        known = note.read_text("utf-8") if note.is_file() else None
        if version is None or version != known or not target.is_file():
            self._write(path, target, MAX_JSON)
            write_text(note, version or "")
        return target

    def _write(self, path: str, target: Path, most: int) -> None:
        chunks = self.storage.chunks(path, most)
        first, count = next(chunks, b""), 0  # outside: nothing is begun for what is not there
        with atomic(target) as part, part.open("wb") as file:
            for chunk in chain([first], chunks):
                count += len(chunk)
                if count > most:
                    raise FormatError(f"{path} has over {human(most, 'B')}; that is refused")
                file.write(chunk)


def make_copy_folder(folder: Path) -> None:
    """A folder in the cache; what is wrong with it is said with what decides where it lies."""
    try:
        make_folder(folder)
    except OutputError as error:
        raise OutputError(
            f"{error.message} Data of a storage is copied below WORDMASK_HOME"
        ) from None


def join(folder: str, name: str) -> str:
    """
    >>> join("set/annotations", "../images"), join(".", "a.png")
    ('set/images', 'a.png')
    """
    return normpath(str(PurePosixPath(folder) / name))


def check_inside(name: str, address: str) -> str:
    """The name, if it leads nowhere but below the folder that it is seen from."""
    odd = set("\\\0:" if sys.platform == "win32" else "\\\0")
    if {"..", ""} & set(name.split("/")) or odd & set(name):
        raise FormatError(f"{address} names {name!r}; only what lies below its folder is read")
    return name
