"""Saved results: drawn over their pictures, or turned into another format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wordmask.core.options import check
from wordmask.core.poses import CONFIDENT
from wordmask.core.result import Result
from wordmask.errors import FormatError, ImageError, Mend, OptionError
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import (
    FILE_SUFFIXES,
    OutputOptions,
    Outputs,
    Products,
    WorkItem,
    typed_file,
)
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.drawing.render import RenderOptions
from wordmask.media.drawing.skeleton import draw_skeletons
from wordmask.media.formats import FormatOptions, Named
from wordmask.media.reading.read import read
from wordmask.media.reading.sources import Found
from wordmask.media.writing import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Kind = Literal["overlay", "labels", "cutout", "legend"]


@dataclass(frozen=True)
class DrawOptions(OutputOptions):
    """What is drawn, and where it goes."""

    images: Path | None = None
    """Folder of the pictures; default: where the results say."""
    kind: Kind = "overlay"
    """What to draw of each result."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ConvertOptions:
    """From which format into which."""

    to: str | None = None
    """The format to write; default: told by the suffix."""
    source_format: str | None = None
    """The format to read; default: told by name and content."""
    overwrite: bool = False
    """Also replace files that this command did not make, if you did not name them yourself."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Saved:
    """What came of one file of results."""

    pictures: int
    regions: int
    files: tuple[Path, ...] = ()


def draw(
    sources: Sequence[str], options: DrawOptions, look: RenderOptions
) -> Iterator[Event[Saved]]:
    """Draw every saved result over its picture."""
    recipe = {"kind": options.kind, "images": options.images, "look": look}
    found = list(find_results(sources))
    file = typed_file(options, (".png",), found)
    typed = () if file is None else (file,)
    products = Products("draw", recipe, (), label=".drawn", stem=stem_of_result, typed=typed)
    outputs = Outputs(found, products, options)

    def work(item: WorkItem) -> Saved:
        saved = formats.load_named(item.found.source)
        if file is not None and len(saved) != 1:
            raise OptionError(
                f"{file} is one file, for {len(saved)} pictures; give a folder",
                mend=Mend("output_dir", "FOLDER"),
            )
        files = []
        for one, target in zip(saved, _targets(item, saved, products.label), strict=True):
            result = one.result
            if options.kind not in ("labels", "legend"):  # which show no pixel of the picture
                picture = _find_picture(one.name, item, options.images)
                outputs.note_input(picture)
                result = result.with_image(read(picture))
            path = file or target.with_name(f"{target.name}.{options.kind}.png")
            drawn = _render(options.kind, result, look)
            if options.kind == "overlay" and one.poses is not None:
                drawn = draw_skeletons(drawn, one.poses, CONFIDENT)
            files.append(render.write(drawn, path))
        return _count(saved, files)

    return run(outputs.items, work, outputs)


def convert(
    sources: Sequence[str], target: Path, options: ConvertOptions, details: FormatOptions
) -> Iterator[Event[Saved]]:
    """Turn results into another format: into one file where the format can, else into a folder.

    Into a folder each file is converted for itself. For one file all are read first, and a last
    event tells of the file.
    """
    found = list(find_results(sources, options.source_format))
    is_file = target.suffix and not target.is_dir()
    if is_file or (options.to and formats.format_of(target, options.to).many):
        return _gather(found, target, options, details)
    if not options.to:
        formats.save_named([], target)  # which raises that a folder tells no format
    return _convert_each(found, target, options, details)


def find_results(sources: Sequence[str], source_format: str | None = None) -> Iterator[Found]:
    """The files that the sources name: files, folders of them, globs, or @list.txt."""
    for text in sources:
        path = Path(text)
        if not text:
            raise FormatError("a path is empty; the current folder is written as .")
        if text.startswith("@") and not path.exists():
            yield from find_results(_read_list(text[1:]), source_format)
        elif has_magic(text) and not path.exists():  # a file may be called "cat[1].json"
            yield from _find_matches(text)
        elif path.is_dir():
            for file in formats.files_in(path, source_format):
                yield _as_found(file)
        else:
            yield _as_found(path)


def stem_of_result(name: str) -> str:
    """What is left of a result's file name without the suffixes of its format.

    >>> stem_of_result("cat.wordmask.json"), stem_of_result("cat.coco.json")
    ('cat', 'cat')
    """
    suffixes = [suffix for one in formats.FORMATS if one.read for suffix in one.suffixes]
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return Path(name).stem


def _as_found(path: Path) -> Found:
    return Found(path, str(path), path, Path(path.name))


def _find_matches(pattern: str) -> Iterator[Found]:
    matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207  Path.glob cannot start at /
    if not matches:
        raise FormatError(
            f"no file matches {pattern}; is the pattern right, seen from {Path.cwd()}?"
        )
    for match in matches:
        yield _as_found(Path(match))


def _read_list(name: str) -> list[str]:
    try:
        lines = Path(name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"the list @{name} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


# ---- drawing


def _targets(item: WorkItem, saved: Sequence[Named], label: str) -> list[Path]:
    """What the names of each picture's outputs start with; of one picture, the file's own name."""
    if len(saved) == 1:
        return [item.target]
    stems: list[str] = []
    for index, one in enumerate(saved):
        name = Path(one.name.replace("\\", "/").replace("\0", "")).stem
        stem = first = name.strip(".") or f"picture-{index}"
        number = 2
        while stem in stems:  # pictures of one name, from several folders
            stem, number = f"{first}-{number}", number + 1
        stems.append(stem)
    return [item.target.with_name(stem + label) for stem in stems]


def _find_picture(name: str, item: WorkItem, images: Path | None) -> Path:
    """The picture that a result speaks of: in `images`, where its name says, or beside it."""
    beside = Path(item.found.source).parent / Path(name).name
    places = [Path(name), beside] if images is None else [images / Path(name).name]
    for place in places:
        if name and place.is_file():
            return place
    raise ImageError(
        f"the picture {name or '(no name)'} of {item.name} is not there",
        mend=Mend("images", "FOLDER"),
    )


def _render(kind: Kind, result: Result, look: RenderOptions) -> "Picture":
    if kind == "overlay":
        return render.overlay(result.image, result, look)
    if kind == "labels":
        return render.label_map(result)
    if kind == "legend":
        return render.legend(result)
    if result.image is None:
        raise ImageError("a cut-out needs the picture")
    return render.cutout(result.image, result)


# ---- converting


def _convert_each(
    found: Sequence[Found], target: Path, options: ConvertOptions, details: FormatOptions
) -> Iterator[Event[Saved]]:
    recipe = {"options": options, "details": details}
    products = Products("convert", recipe, (), stem=stem_of_result)
    outputs = Outputs(found, products, OutputOptions(target, options.overwrite))

    def work(item: WorkItem) -> Saved:
        saved = formats.load_named(item.found.source, options.source_format, details)
        return _count(saved, formats.save_named(saved, target, options.to, details))

    return run(outputs.items, work, outputs)


def _gather(
    found: Sequence[Found], target: Path, options: ConvertOptions, details: FormatOptions
) -> Iterator[Event[Saved]]:
    _check_suffix(target, formats.format_of(target, options.to))
    gathered: list[Named] = []
    failed = 0

    def work(item: WorkItem) -> Saved:
        saved = formats.load_named(item.found.source, options.source_format, details)
        gathered.extend(saved)
        return _count(saved, ())

    for event in run([WorkItem(one, target) for one in found], work):
        failed += event.kind == "failed"
        yield event
    if not gathered and failed:
        return
    # Only the files beside the target have names that nobody typed: classes.txt, NAME.masks.json.
    products = Products("convert", {}, (), typed=(target,))
    outputs = Outputs((), products, OutputOptions(target.parent, options.overwrite))
    with outputs.making(WorkItem(Found(None, str(target)), target)):
        files = formats.save_named(gathered, target, options.to, details)
    total = len(found)
    yield Event("made", str(target), total, total, 0.0, Saved(0, 0, tuple(files)))


def _check_suffix(target: Path, chosen: formats.Format) -> None:
    """Raise where the name says another kind of file than the format is."""
    suffix = target.suffix.lower()
    able = {Path(one).suffix for one in chosen.suffixes}
    if ".png" in able:
        able |= set(PICTURE_SUFFIXES)
    if suffix in FILE_SUFFIXES and suffix not in able:
        example = f"{target.stem}{chosen.suffixes[0]}"
        raise OptionError(f"{target} is no name of a {chosen.name} file; write to {example}")


def _count(saved: Sequence[Named], files: Sequence[Path]) -> Saved:
    return Saved(len(saved), sum(len(one.result) for one in saved), tuple(files))
