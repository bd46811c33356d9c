"""An index looked after: checked, mended, measured, tidied up."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wordmask.errors import FormatError
from wordmask.media.index.lock import write_lock
from wordmask.media.index.rows import PICTURES, REGIONS
from wordmask.media.index.store import RegionStore
from wordmask.media.index.tree import make_tree
from wordmask.media.index.versions import step_back


@dataclass(frozen=True)
class IndexReport:
    """What is wrong with an index, or what was mended."""

    folder: Path
    pictures: int
    regions: int
    broken: tuple[str, ...] = ()  # tables whose newest version cannot be read
    incomplete: tuple[str, ...] = ()  # files whose regions are not all there
    orphans: tuple[str, ...] = ()  # sha256 of pictures that no file has
    missing: int = 0  # files that are not there; the next walk over their folder takes them out
    mended: bool = False

    @property
    def is_sound(self) -> bool:
        return not (self.broken or self.incomplete or self.orphans)

    def text(self) -> str:
        lines = [f"{self.folder}: {self.pictures:,} pictures, {self.regions:,} regions"]
        if self.broken:
            back = "went back to the last good version" if self.mended else "cannot be read"
            lines.append(f"  tables: {', '.join(self.broken)} {back}")
        if self.incomplete:
            lines.append(f"  {len(self.incomplete)} files whose regions are not all there")
        if self.orphans:
            lines.append(f"  regions of {len(self.orphans)} pictures that no file has")
        if self.missing:
            lines.append(f"  {self.missing} files are not there; index their folder again")
        if self.is_sound:
            lines.append("  sound")
        elif self.mended:
            lines.append("  mended; index the pictures again for what was taken out")
        else:
            lines.append("  mend it with repair, then index the pictures again")
        return "\n".join(lines)


@dataclass(frozen=True)
class IndexStats:
    """What is in an index."""

    folder: Path
    engine: tuple[str, ...]
    pictures: int
    regions: int
    bytes: int
    albums: int
    names: tuple[tuple[str, int], ...]  # the commonest, with how many regions
    tree: str

    def text(self) -> str:
        each = self.bytes / max(self.regions, 1)
        names = ", ".join(f"{name} {count}" for name, count in self.names)
        return (
            f"{self.folder}: {self.pictures:,} pictures in {self.albums} folders, "
            f"{self.regions:,} regions\n"
            f"  made by {' + '.join(self.engine)}\n"
            f"  {self.bytes / 1e6:,.1f} MB, {each:,.0f} bytes a region\n"
            f"  search: {self.tree}\n"
            f"  most often: {names or 'nothing'}"
        )


def check(folder: Path) -> IndexReport:
    """What is wrong; nothing is changed."""
    store = _open(folder)
    broken = tuple(name for name in (REGIONS, PICTURES) if not _is_readable(store, name))
    if broken:
        return IndexReport(folder, 0, 0, broken=broken)
    files = store.files()
    there = Counter(store.column(REGIONS, "picture"))
    wanted = {file.picture: file.regions for file in files.values()}
    return IndexReport(
        folder,
        len(files),
        sum(there.values()),
        incomplete=tuple(p for p, file in files.items() if there[file.picture] != file.regions),
        orphans=tuple(sorted(there.keys() - wanted.keys())),
        missing=sum(not os.path.lexists(path) for path in files),
    )


def repair(folder: Path) -> IndexReport:
    """Go back to the last good version of what is broken; take out what is not whole."""
    _open(folder)
    with write_lock(folder):
        broken = check(folder).broken
        for name in broken:
            while not _is_readable(RegionStore(folder), name):
                step_back(folder, name)
        found = check(folder)
        store = RegionStore(folder)
        files = store.files()
        halves = {files[path].picture for path in found.incomplete}
        store.delete(PICTURES, "path", found.incomplete)
        store.delete(REGIONS, "picture", halves | set(found.orphans))
    return IndexReport(
        folder,
        store.count(PICTURES),
        store.count(REGIONS),
        broken=broken,
        incomplete=found.incomplete,
        orphans=found.orphans,
        mended=True,
    )


def stats(folder: Path) -> IndexStats:
    store = _open(folder)
    files = store.files()
    names = Counter(store.column(REGIONS, "name"))
    return IndexStats(
        folder,
        store.facts.engine,
        len(files),
        sum(names.values()),
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        len({Path(path).parent for path in files}),
        tuple(names.most_common(12)),
        store.describe_search(),
    )


def optimize(folder: Path) -> str:
    """Join small pieces, remove old versions, make the search tree where the index is large."""
    store = _open(folder)
    with write_lock(folder):
        made = make_tree(store.table(REGIONS))
        store.tidy(fragments=2)
    return f"{folder}: {'made the search tree' if made else 'tidied up'}; {store.describe_search()}"


def _open(folder: Path) -> RegionStore:
    store = RegionStore(folder)
    if not store.exists:
        raise FormatError(f"{folder} is no index; `wordmask index` makes one")
    return store


def _is_readable(store: RegionStore, name: str) -> bool:
    """Whether every row of the newest version can be read."""
    try:
        store.column(name, "picture")
        store.column(name, "vector")
    except FormatError:
        return False
    return True
