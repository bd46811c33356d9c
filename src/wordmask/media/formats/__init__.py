"""Results as files. What each format keeps and what it loses is in docs/formats.md."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wordmask.core.result import Result
from wordmask.errors import FormatError, did_you_mean
from wordmask.media.formats import own
from wordmask.media.formats.parsing import parse_json
from wordmask.media.formats.records import FormatOptions, Named
from wordmask.media.formats.table import BY_NAME, FORMATS, Format, sniff

__all__ = [
    "FORMATS",
    "Format",
    "FormatOptions",
    "Named",
    "files_in",
    "format_of",
    "from_json",
    "load",
    "load_named",
    "save",
    "save_named",
    "to_json",
]

BESIDE = (".masks.json", ".recipe.json", "classes.txt", "labels.txt")  # files that belong to others


def save(
    result: Result,
    path: Path | str,
    format: str | None = None,
    options: FormatOptions | None = None,
) -> list[Path]:
    """Write one result in the format that is named, or that the suffix says. The files written."""
    path = Path(path)
    chosen = format_of(path, format)
    name = _stem(path, chosen)
    if result.image is not None and result.image.name:
        name = result.image.name
    return chosen.write([Named(name, result)], path, options or FormatOptions())


def save_named(
    items: Sequence[Named],
    path: Path | str,
    format: str | None = None,
    options: FormatOptions | None = None,
) -> list[Path]:
    """Write many results: into one file, or into the folder `path` if the format cannot."""
    path, options = Path(path), options or FormatOptions()
    if format is None and not path.suffix:
        raise FormatError(
            f"{path} is a folder, which tells no format; name one: {', '.join(BY_NAME)}"
        )
    chosen = format_of(path, format)
    if chosen.many or (len(items) == 1 and path.suffix):
        return chosen.write(items, path, options)
    if path.suffix:
        raise FormatError(
            f"a {chosen.name} file holds one picture, got {len(items)}; "
            "give a folder and the format's name"
        )
    written = []
    for item, file in _files_for(items, path, chosen):
        written += chosen.write([item], file, options)
    return written


def load(
    path: Path | str, format: str | None = None, options: FormatOptions | None = None
) -> list[Result]:
    """The results in a file or folder, one for each picture."""
    return [item.result for item in load_named(path, format, options)]


def load_named(
    path: Path | str, format: str | None = None, options: FormatOptions | None = None
) -> list[Named]:
    """The same with the pictures' names and ids. The content of a JSON file tells its format."""
    path, options = Path(path), options or FormatOptions()
    files = files_in(path, format) if path.is_dir() else [path]
    return [item for file in files for item in _read(file, format, options)]


def to_json(result: Result, name: str = "", options: FormatOptions | None = None) -> dict[str, Any]:
    """The result as own JSON's object, ready for `json.dumps`."""
    return own.encode(Named(name, result), options or FormatOptions())


def from_json(value: Any, options: FormatOptions | None = None) -> Result:
    """A result from own JSON: text, bytes, or the object they hold."""
    options = options or FormatOptions()
    if isinstance(value, str | bytes):
        value = parse_json(value.encode() if isinstance(value, str) else value, "the JSON", options)
    return own.decode(value, "the JSON", options).result


def format_of(path: Path | str, format: str | None = None) -> Format:
    """The format that is named, or that the longest matching suffix tells."""
    if format is not None:
        if format not in BY_NAME:
            raise FormatError(f"no format is called {format!r}.{did_you_mean(format, BY_NAME)}")
        return BY_NAME[format]
    name = Path(path).name.lower()
    suffixes = {suffix: one for one in FORMATS for suffix in one.suffixes}
    matching = [suffix for suffix in suffixes if name.endswith(suffix)]
    if not matching:
        got = "".join(Path(name).suffixes[-2:]) or name
        raise FormatError(
            f"{Path(path).name}: no format has this suffix; "
            f"name one of {', '.join(BY_NAME)}.{did_you_mean(got, suffixes)}"
        )
    return suffixes[max(matching, key=len)]


def _read(path: Path, format: str | None, options: FormatOptions) -> list[Named]:
    chosen = None
    if format is None and path.name.lower().endswith(".json"):
        chosen = sniff(path, options)
    chosen = chosen or format_of(path, format)
    if chosen.read is None:
        raise FormatError(
            f"{path.name}: {chosen.name} is a picture to look at, regions cannot be read from it"
        )
    if not path.exists() and not chosen.folders:
        raise FormatError(f"there is no file {path}")
    return chosen.read(path, options)


def files_in(folder: Path, format: str | None) -> Iterator[Path]:
    """The files of a folder that are in one of the formats, or in the one named, by name.

    A format that keeps a set in a folder gives the folder itself.
    """
    if format is not None and format_of(folder, format).folders:
        yield folder
        return
    readable = [one for one in FORMATS if one.read and format in (None, one.name)]
    suffixes = tuple(suffix for one in readable for suffix in one.suffixes)
    found = False
    for file in sorted(folder.iterdir()):
        is_hidden, is_part = file.name.startswith("."), file.name.endswith(BESIDE)
        if file.name.lower().endswith(suffixes) and not is_hidden and not is_part:
            found = True
            yield file
    if not found:
        raise FormatError(f"{folder} holds no file of {format or 'any format that is read'}")


def _files_for(
    items: Sequence[Named], folder: Path, chosen: Format
) -> Iterator[tuple[Named, Path]]:
    """A file for every picture. Names are used as names only: none leads out of the folder."""
    seen: dict[str, str] = {}
    for index, item in enumerate(items):
        name = item.name.replace("\\", "/").replace("\0", "")
        stem = Path(name).stem.strip(".") or f"picture-{index}"
        if stem in seen:
            raise FormatError(
                f"{seen[stem]} and {item.name} would both be written to {stem}{chosen.suffixes[0]}"
            )
        seen[stem] = item.name
        yield item, folder / f"{stem}{chosen.suffixes[0]}"


def _stem(path: Path, chosen: Format) -> str:
    """The file's name without the format's suffix."""
    for suffix in sorted(chosen.suffixes, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem
