"""A folder whose pictures are labelled by hand: what is kept beside them, and for whom.

    holiday/beach.jpg
    holiday/wordmask-labels/beach.jpg.json      own JSON, and: revision, done
    holiday/wordmask-labels/.words.json         the list of words

Every file counts its revisions. Who saves says which one they have seen; if there is a newer one,
nothing is written, so that two people never overwrite each other unseen.
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED
from wordmask.errors import FormatError, InputError
from wordmask.files import sweep, write_bytes, write_json
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named, own
from wordmask.media.formats.parsing import read_json
from wordmask.media.reading import sources

LABELS = "wordmask-labels"
WORDS = ".words.json"
SAME = 0.8  # IoU from which an imported region is one that is there already
# What all is exported as: one file, or an archive of files.
SUFFIXES = {"coco": ".json", "labelstudio": ".json", "yolo": ".zip", "labelme": ".zip"}


class PictureLabels(NamedTuple):
    """What is known of one picture."""

    revision: int = 0  # 0: never saved
    done: bool = False
    value: dict[str, Any] | None = None  # own JSON


class SaveOutcome(NamedTuple):
    """What came of saving; where somebody else was first, nothing was written."""

    revision: int  # that stands now
    accepted: bool


class PictureState(NamedTuple):
    """A line of the folder's list."""

    name: str
    regions: int  # how many
    done: bool
    revision: int


class LabelFolder:
    """Pictures by name, as they lie below the folder; no other name leads to a file."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder")
        self.folder, self.labels = folder, folder / LABELS
        self._lock = Lock()
        self._states: dict[str, tuple[tuple[int, int], PictureState]] = {}
        self._paths = {
            found.under.as_posix(): found.path
            for found in sources.find(str(folder))
            if found.path is not None and found.under is not None
        }
        if not self._paths:
            raise InputError(f"{folder} holds no pictures")
        if self.labels.is_dir():
            sweep(self.labels)

    def list_pictures(self) -> list[PictureState]:
        """Those whose files are still there."""
        return [self._state(name) for name, path in list(self._paths.items()) if path.is_file()]

    def path(self, name: str) -> Path:
        if name not in self._paths:
            raise InputError(f"the folder has no picture {name[:80]!r}")
        return self._paths[name]

    def add_picture(self, name: str, data: bytes) -> None:
        """A new file in the folder; one that is there stays."""
        is_plain = Path(name.replace("\\", "/")).name == name and not name.startswith(".")
        if not is_plain or Path(name).suffix.lower() not in sources.SUFFIXES:
            raise InputError(f"{name[:80]!r} is no name for a picture file")
        target = self.folder / name
        with self._lock:
            if target.exists():
                raise InputError(f"the folder has a file {name[:80]!r} already")
            self._paths[name] = write_bytes(target, data)

    def read(self, name: str) -> PictureLabels:
        self.path(name)
        value = self._read(self._file(name))
        if value is None:
            return PictureLabels()
        revision, done = value.pop("revision"), bool(value.pop("done", False))
        return PictureLabels(revision, done, value)

    def write(self, name: str, seen: int, done: bool, value: dict[str, Any]) -> SaveOutcome:
        """Save, if revision `seen` is still the newest."""
        self.path(name)
        own.decode(value, name, FormatOptions())  # what cannot be read again is not written
        return self._write(self._file(name), seen, value | {"image": name, "done": done})

    def read_words(self) -> tuple[int, list[str]]:
        value = self._read(self.labels / WORDS) or {"revision": 0, "words": []}
        return value["revision"], value["words"]

    def write_words(self, seen: int, words: Sequence[str]) -> SaveOutcome:
        return self._write(self.labels / WORDS, seen, {"words": list(words)})

    def results(self, *, upper_wins: bool = False) -> Iterator[Named]:
        """The labelled pictures; with `upper_wins` without overlaps."""
        vocabulary = self.read_words()[1]
        for name in self._paths:
            value = self.read(name).value
            if value is not None:
                value = _cut_lower(value) if upper_wins else value
                # The whole list of words, so that numbers mean the same in every picture's file.
                words = [*vocabulary, *(w for w in value["vocabulary"] if w not in vocabulary)]
                yield own.decode(value | {"vocabulary": words}, name, FormatOptions())

    def export(self, form: str, out: Path, *, upper_wins: bool = False) -> Path:
        """All labels in one file; with `upper_wins` each pixel is the upper region's."""
        items = _share_words(list(self.results(upper_wins=upper_wins)))
        if not items:
            raise InputError("nothing is labelled yet")
        if SUFFIXES[form] == ".json":
            formats.save_named(items, out, form)
            return out
        with TemporaryDirectory() as folder:
            formats.save_named(_flat(items), Path(folder), form)
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(Path(folder).iterdir()):
                    archive.write(path, path.name)
        return out

    def add(self, items: Sequence[Named]) -> tuple[int, int]:
        """Regions from elsewhere, after those that are there: (how many, of how many pictures)."""
        pairs = [(name, item) for item in items if (name := self._find(item.name)) is not None]
        if not pairs:
            names = ", ".join(item.name for item in items[:3])
            raise InputError(f"none of these pictures is in the folder: {names}")
        counts = [self._add(name, item) for name, item in pairs]
        return sum(counts), sum(count > 0 for count in counts)

    def _add(self, name: str, item: Named) -> int:
        known = self.read(name)
        value = own.encode(item, FormatOptions())
        if known.value is not None:
            here = own.decode(known.value, name, FormatOptions()).result
            if here.size != item.result.size:
                raise FormatError(
                    f"{name} has {here.size} pixels, its labels {item.result.size} (height, width)"
                )
            is_new = np.flatnonzero((here.masks.iou(item.result.masks) <= SAME).all(0))
            new = [value["regions"][row] for row in is_new.tolist()]
            regions = known.value["regions"] + new
            words = dict.fromkeys([*known.value["vocabulary"], *value["vocabulary"]])
            value = known.value | {"regions": regions, "vocabulary": list(words)}
            if not new:
                return 0
        count = len(value["regions"]) - len((known.value or {"regions": []})["regions"])
        if count and not self.write(name, known.revision, known.done, value).accepted:
            raise InputError(f"{name} was changed meanwhile; import once more")
        return count

    def _find(self, name: str) -> str | None:
        """The picture that a file means: by its whole name, its last part, or without suffix."""
        if name in self._paths:
            return name
        last = Path(name.replace("\\", "/"))
        same_name = [known for known in self._paths if Path(known).name == last.name]
        same_stem = [known for known in self._paths if Path(known).stem == last.stem]
        for found in (same_name, same_stem):
            if len(found) == 1:
                return found[0]
        return None

    def _file(self, name: str) -> Path:
        return self.labels / f"{name}.json"

    def _state(self, name: str) -> PictureState:
        try:
            about = self._file(name).stat()
        except OSError:
            return PictureState(name, 0, False, 0)
        stamp = (about.st_mtime_ns, about.st_size)
        known = self._states.get(name)
        if known is None or known[0] != stamp:
            labels = self.read(name)
            count = len((labels.value or {}).get("regions", []))
            known = stamp, PictureState(name, count, labels.done, labels.revision)
            self._states[name] = known
        return known[1]

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        value = read_json(path, FormatOptions())
        if not isinstance(value, dict) or not isinstance(value.get("revision"), int):
            raise InputError(f"{LABELS}/{path.name} was not made here; move it away, or import it")
        return value

    def _write(self, path: Path, seen: int, value: dict[str, Any]) -> SaveOutcome:
        with self._lock, _hold(self.labels):
            known = (self._read(path) or {"revision": 0})["revision"]
            if known != seen:
                return SaveOutcome(known, False)
            write_json(path, value | {"revision": known + 1})
            return SaveOutcome(known + 1, True)


def read_labels(name: str, data: bytes) -> list[Named]:
    """Labels in any format that is read: a file, or a .zip of files, as a person hands it over.

    Boxes of COCO come as masks of these boxes.
    """
    options = FormatOptions(boxes=True)
    with TemporaryDirectory() as text:
        folder = Path(text)
        if not name.lower().endswith(".zip"):
            path = folder / (Path(name).name or "labels.json")
            path.write_bytes(data)
            return formats.load_named(path, options=options)
        source = folder / "labels.zip"
        source.write_bytes(data)
        _unpack(source, folder / "files")
        return formats.load_named(folder / "files", options=options)


MOST_FILES, MOST_BYTES, MOST_RATIO = 100_000, 500_000_000, 200


def _unpack(source: Path, folder: Path) -> None:
    """The files of an archive by their last names only, within limits; nothing leads outside."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            total = sum(one.file_size for one in entries)
            most = min(MOST_BYTES, MOST_RATIO * source.stat().st_size)
            if len(entries) > MOST_FILES or total > most:
                raise FormatError("the archive holds too much to be labels")
            for entry in entries:
                name = Path(entry.filename.replace("\\", "/")).name
                if name and not name.startswith("."):
                    (folder / name).write_bytes(archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        raise FormatError(f"the archive cannot be read: {error}") from None


def _share_words(items: list[Named]) -> list[Named]:
    """All with the same list of words, so that files of one export agree on the numbers."""
    words = tuple(dict.fromkeys(word for item in items for word in item.result.vocabulary))
    place = {word: index for index, word in enumerate(words)}
    shared = []
    for item in items:
        ids = [place.get(name, UNNAMED) for name in item.result.names]
        shared.append(item._replace(result=item.result.replace(vocabulary=words, label_ids=ids)))
    return shared


def _cut_lower(value: dict[str, Any]) -> dict[str, Any]:
    """Own JSON in which each pixel is the first region's that has it; covered regions go.

    A `Result` is sorted by score: what lies above is only known before it is made.
    """
    regions = value["regions"]
    height, width = value["size"]
    masks = Masks.from_rle([region["mask"] for region in regions], (height, width))
    owners = np.full((height, width), -1, np.int32)
    for row in range(len(masks) - 1, -1, -1):
        masks.paint(owners, row, row)
    crops = [
        owners[y0:y1, x0:x1] == row for row, (x0, y0, x1, y1) in enumerate(masks.boxes.tolist())
    ]
    cut = Masks.from_crops((height, width), masks.corners, crops)
    left = zip(regions, cut.to_rle(), cut.areas.tolist(), strict=True)
    return value | {"regions": [region | {"mask": code} for region, code, area in left if area]}


def _flat(items: list[Named]) -> list[Named]:
    """Names as they stand in one folder: "day 1/a.jpg" as "day 1_a.jpg"."""
    return [item._replace(name=item.name.replace("/", "_")) for item in items]


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Keep other processes that serve the same folder waiting."""
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        with suppress(ImportError):  # not on Windows: there one server to a folder
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
