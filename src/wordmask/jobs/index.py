"""Pictures in, an index of their regions out: each picture once, whatever its name.

The walk goes on where an earlier one stopped. A file is known by its path, size and time, or else
by its content: what was only moved or copied is not looked at again, what has changed is, and what
is gone from the folders that were named leaves the index.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wordmask.core.models import Models
from wordmask.core.protocols import Dense
from wordmask.errors import ImageError, InputError, OutputError
from wordmask.files import identity
from wordmask.jobs.digest import plain
from wordmask.jobs.index_rows import make_rows
from wordmask.jobs.looking import LocalLooker, Looker
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import WorkItem
from wordmask.jobs.setup import Setup, find_pictures
from wordmask.media.index.lock import write_lock
from wordmask.media.index.rows import PICTURES, REGIONS, KnownFile, PictureRow, RegionRow
from wordmask.media.index.store import IndexFacts, RegionStore
from wordmask.media.index.words import save_words
from wordmask.media.ledger import Record, digest_of, stamp
from wordmask.tasks.describe import DescribeOptions, Description, describe_view

HELD, HELD_S = 32, 10.0  # pictures, or seconds, that wait to be written together
What = Literal["new", "changed", "moved", "copy", "touched"]


@dataclass(frozen=True)
class Indexed:
    """What came of one picture."""

    name: str
    what: What
    regions: int


@dataclass
class IndexTally:
    """What a walk came to."""

    counts: Counter[str] = field(default_factory=Counter)  # of what, and of gone and unchanged
    pictures: int = 0  # in the index now
    regions: int = 0
    bytes: int = 0  # on disk

    def line(self) -> str:
        """
        >>> IndexTally(Counter(new=2, gone=1), 12, 340, 5_000_000).line()
        '12 pictures, 340 regions, 5.0 MB (2 new, 1 gone)'
        """
        words = ("new", "changed", "moved", "copy", "touched", "unchanged", "gone")
        parts = [f"{self.counts[word]} {word}" for word in words if self.counts[word]]
        told = f" ({', '.join(parts)})" if parts else ""
        return (
            f"{self.pictures:,} pictures, {self.regions:,} regions, "
            f"{self.bytes / 1e6:,.1f} MB{told}"
        )


class IndexJob:
    """One walk over pictures into one index."""

    def __init__(
        self, folder: Path, options: DescribeOptions, setup: Setup, models: Models | None = None
    ) -> None:
        """`models` are engines that have been loaded already."""
        self.folder, self.options, self.setup = folder, options, setup
        self.tally = IndexTally()
        self.store = RegionStore(folder)
        self._models = models or setup.load(Dense)
        self.write_every = HELD  # pictures
        self.looker: Looker = LocalLooker(self._models, options, setup)
        self._stamps: dict[str, Record] = {}  # of files that were looked at ahead
        self._known: dict[str, KnownFile] = {}
        self._by_content: dict[str, str] = {}  # sha256 -> the path that its regions name
        self._seen: set[str] = set()
        self._regions: list[RegionRow] = []  # not written yet
        self._pictures: dict[str, PictureRow] = {}  # by path
        self._moves: dict[str, tuple[str, str]] = {}  # sha256 -> path and album
        self._left: set[str] = set()  # paths whose file has moved away
        self._written = time.monotonic()

    def run(self, sources: Any) -> Iterator[Event[Indexed]]:
        """Index the pictures that the sources name, as the events are taken."""
        found = find_pictures(sources)
        items = [WorkItem(one, one.path or Path(one.name)) for one in found]
        with write_lock(self.folder):
            if self.store.exists:
                self.store.check(self._models.made_by, self._recipe)
                self._known = self.store.files()
                self._by_content = {file.picture: path for path, file in self._known.items()}
            try:
                self.looker.begin(items, self._is_wanted)
                for event in run(items, self._work, self):
                    yield event
                    if isinstance(
                        event.error, OutputError
                    ):  # the next picture would fare no better
                        raise event.error
            finally:
                self._write()
            if self.store.exists:
                self._forget(_folders(sources))
                self.store.tidy()
                self._count()

    # ---- what the loop asks

    def is_done(self, item: WorkItem) -> bool:
        self._seen.add(item.source)
        unchanged = self._is_unchanged(item)
        self.tally.counts["unchanged"] += unchanged
        return unchanged

    def making(self, item: WorkItem) -> AbstractContextManager[None]:
        return nullcontext()

    def _is_unchanged(self, item: WorkItem) -> bool:
        known = self._known.get(item.source)
        if known is None or item.path is None:
            return False
        try:
            status = item.path.stat()
        except OSError:
            return False
        return (known.bytes, known.mtime) == (status.st_size, status.st_mtime_ns)

    def _is_wanted(self, item: WorkItem) -> bool:
        """Whether the picture will have to be looked at."""
        if item.found.error is not None or item.path is None or self._is_unchanged(item):
            return False
        if not _is_unicode(item.source):
            return False
        try:
            self._stamps[item.source] = stamp(item.path)
        except OSError:
            return False
        return self._stamps[item.source]["sha256"] not in self._by_content

    # ---- one picture

    def _work(self, item: WorkItem) -> Indexed:
        if item.found.error is not None:
            raise item.found.error
        if item.path is None:
            raise InputError(f"{item.name} is no file; an index is of files that it can show again")
        if not _is_unicode(item.source):
            raise InputError(
                f"{item.source!r} holds bytes that are no Unicode, which an index cannot keep; "
                "rename it"
            )
        try:
            before = self._stamps.pop(item.source, None) or stamp(item.path)
        except OSError as error:
            raise ImageError(f"{item.name} cannot be read: {error.strerror or error}") from None
        answer = self._take_known(item, before) or self._describe(item, before)
        self.tally.counts[answer.what] += 1
        if len(self._pictures) >= self.write_every or time.monotonic() - self._written > HELD_S:
            self._write()
        return answer

    def _take_known(self, item: WorkItem, before: Record) -> Indexed | None:
        """A picture whose content is in the index already gets a row, and nothing else."""
        path = self._by_content.get(before["sha256"])
        if path is None:
            return None
        held = self._pictures.get(path)
        rows = self.store.pictures_at([path]) if held is None else [held]
        row = next((row for row in rows if row.picture == before["sha256"]), None)
        if row is None:  # what was at that path has changed in the meantime
            return None
        what: What = "touched" if path == item.source else "copy"
        if what == "copy" and not Path(path).exists():
            what = "moved"
            self._left.add(path)
            self._moves[row.picture] = (item.source, Path(item.source).parent.name)
            self._by_content[row.picture] = item.source
        self._pictures[item.source] = row._replace(
            path=item.source,
            album=Path(item.source).parent.name,
            bytes=before["bytes"],
            mtime=before["mtime"],
        )
        return Indexed(item.name, what, row.regions)

    def _describe(self, item: WorkItem, before: Record) -> Indexed:
        made = self.looker.look(item) if self.store.exists else self._look_first(item)
        picture, regions = make_rows(Path(item.source), before, made)
        self._regions += regions
        self._pictures[item.source] = picture
        self._by_content[picture.picture] = item.source
        what: What = "changed" if item.source in self._known else "new"
        return Indexed(item.name, what, len(regions))

    def _look_first(self, item: WorkItem) -> Description:
        """The first picture is looked at here, as it tells what the tables are like."""
        local = LocalLooker(self._models, self.options, self.setup)
        view = local.view(item)
        made = describe_view(view, self.options)
        save_words(self.folder, view.features, self.options.names)
        facts = IndexFacts(self._models.made_by, len(made.whole), made.scale, self._recipe)
        self.store.create(facts)
        return made

    @property
    def _recipe(self) -> dict[str, Any]:
        """What decides which regions there are and what their vectors are."""
        engine = self.setup.engine
        return {
            "regions": "of words" if self.options.words else "everything and words",
            "words": list(self.options.words),
            "vocabulary": digest_of({"names": self.options.names})[:16],
            "points_per_side": self.options.points_per_side,
            "min_share": self.options.min_share,
            "input_side": engine.input_side,
            "dense_mode": plain(engine.dense_mode),
        }

    # ---- what is written

    def _write(self) -> None:
        self.store.upsert(self._regions, list(self._pictures.values()))
        for row in self._pictures.values():
            self._known[row.path] = KnownFile(row.picture, row.bytes, row.mtime, row.regions)
        self._regions, self._pictures = [], {}
        self._written = time.monotonic()

    def _forget(self, folders: list[str]) -> None:
        """Take out what is gone, and give the regions of what was moved their new path."""
        gone = self._left | {
            path
            for path in self._known.keys() - self._seen
            if any(path.startswith(folder) for folder in folders) and not os.path.lexists(path)
        }
        for path in gone:
            self._known.pop(path, None)
        self.tally.counts["gone"] += len(gone - self._left)
        kept = {file.picture: path for path, file in self._known.items()}
        counts = self.tally.counts
        has_moved = gone or counts["changed"] or counts["moved"]
        named = self.store.paths_of_regions() if has_moved else {}
        for picture, path in named.items():
            holder = self._known.get(path)  # the file may hold another picture now
            if picture in kept and (holder is None or holder.picture != picture):
                self._moves[picture] = (kept[picture], Path(kept[picture]).parent.name)
        self.store.move({key: value for key, value in self._moves.items() if key in kept})
        self.store.delete(PICTURES, "path", gone)
        wanted = {file.picture: file.regions for file in self._known.values()}
        if self.store.count(REGIONS) != sum(wanted.values()):  # what changed, or was gone
            orphans = set(self.store.column(REGIONS, "picture")) - wanted.keys()
            self.store.delete(REGIONS, "picture", orphans)

    def _count(self) -> None:
        self.tally.pictures = self.store.count(PICTURES)
        self.tally.regions = self.store.count(REGIONS)
        files = (path for path in self.folder.rglob("*") if path.is_file())
        self.tally.bytes = sum(path.stat().st_size for path in files)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folders(sources: Any) -> list[str]:
    """The folders that were named, each with a slash at its end."""
    named = [sources] if isinstance(sources, str | Path) else sources
    folders = [one for one in named if isinstance(one, str | Path) and Path(one).is_dir()]
    return [os.path.join(identity(one), "") for one in folders]  # noqa: PTH118  # keeps the slash
