"""Pictures in, regions out: by words, by a click, or everything."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wordmask.core.image import Image
from wordmask.core.prompts import Text
from wordmask.core.protocols import Segmenter
from wordmask.core.result import Result
from wordmask.errors import ImageError, Mend, OptionError
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import (
    OutputOptions,
    Outputs,
    Products,
    WorkItem,
    format_of_file,
    typed_file,
)
from wordmask.jobs.setup import LimitOptions, PictureAnswer, Setup, find_pictures
from wordmask.media import formats
from wordmask.media.formats.table import BY_NAME
from wordmask.media.reading.read import read_found
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.everything import everything as everything_task
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.segment import segment as segment_task

OVERLAY = ".overlay.png"  # not .png, which could be the picture
MAP_FORMATS = ("gpkg", "geojson", "masks", "json")  # of rasters that are cut into tiles


@dataclass(frozen=True)
class InputOptions(LimitOptions):
    """Which pictures are read."""

    web: bool = False
    """Fetch https addresses among the sources."""


@dataclass(frozen=True)
class ResultOptions(OutputOptions):
    """What is written of each result, and where."""

    format: tuple[str, ...] = ("json", "overlay")
    """What to write: json, overlay, coco, yolo, masks, labels, cutout ... (docs/formats.md); many
    may be given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = [part for name in self.format for part in name.split(",") if part]
        if self.format and not parts:
            raise OptionError("format must name one; got ''", mend=Mend("format", "json"))
        for name in parts:  # an unknown name is an error before anything is done
            if name not in MAP_FORMATS:
                formats.format_of("", name)
        object.__setattr__(self, "format", tuple(dict.fromkeys(parts)))

    @property
    def formats_of_maps(self) -> tuple[str, ...]:
        """The formats for what is cut into tiles; none where the user named none."""
        if self.format in ((), ResultOptions.format):
            return ()
        for name in self.format:
            if name not in MAP_FORMATS:
                raise OptionError(
                    f"what is cut into tiles is written as {', '.join(MAP_FORMATS)}; got {name}",
                    mend=Mend("format", "gpkg"),
                )
        return self.format


@dataclass(frozen=True)
class PictureSetup(Setup):
    """A setup for jobs that write results."""

    inputs: InputOptions = field(default_factory=InputOptions)
    outputs: ResultOptions = field(default_factory=ResultOptions)


@dataclass(frozen=True)
class _Look:
    """How one kind of job looks at a picture."""

    command: str
    label: str
    recipe: dict[str, Any]
    find: Callable[[Image, Trace], Result]
    draw_best: bool = False  # the overlay shows the best region only


def segment(
    sources: Any, words: Sequence[str], options: SegmentOptions, setup: PictureSetup
) -> Iterator[Event[PictureAnswer]]:
    """Find everything that the words name; without words, what prompt or vocabulary name."""
    query = Text(tuple(dict.fromkeys(words or options.prompt or options.vocabulary)))
    models = setup.load()

    def find(image: Image, trace: Trace) -> Result:
        return segment_task(image, query, models, options, trace)

    recipe = {"words": query.phrases, "models": models.made_by, "options": options}
    return _run(sources, _Look("segment", "", recipe, find), setup)


def click(
    sources: Any, target: Click, words: Text | None, options: ClickOptions, setup: PictureSetup
) -> Iterator[Event[PictureAnswer]]:
    """Cut out the one thing that is clicked: candidates, best first, named among the words."""
    models = setup.load(Segmenter)

    def find(image: Image, trace: Trace) -> Result:
        return click_view(View(image, models, trace), target, words, options)[0]

    recipe = {"click": target, "words": words, "models": models.made_by, "options": options}
    return _run(sources, _Look("click", ".click", recipe, find, draw_best=True), setup)


def everything(
    sources: Any, options: EverythingOptions, setup: PictureSetup
) -> Iterator[Event[PictureAnswer]]:
    """Find every region, without words."""
    models = setup.load(Segmenter)

    def find(image: Image, trace: Trace) -> Result:
        return everything_task(image, models, options, trace)

    recipe = {"models": models.made_by, "options": options}
    return _run(sources, _Look("everything", ".everything", recipe, find), setup)


def _run(sources: Any, look: _Look, setup: PictureSetup) -> Iterator[Event[PictureAnswer]]:
    found = find_pictures(sources)
    names = setup.outputs.format
    for name in names:
        if name not in BY_NAME:
            raise OptionError(f"{name} is written of what is cut into tiles", mend=Mend("tiles"))
    by_suffix = {Path(suffix_of(name)).suffix: name for name in reversed(names)}
    file = typed_file(setup.outputs, by_suffix, found)
    if file is not None:
        names = (_format_of(file, names),)
    recipe = look.recipe | {"engine": setup.engine, "formats": names}
    suffixes = tuple(suffix_of(name) for name in names)
    products = Products(look.command, recipe, suffixes, look.label)
    if file is not None:
        products = Products(look.command, recipe, (), typed=(file,))
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> PictureAnswer:
        read = read_found(item.found, setup.inputs.limits, web=setup.inputs.web)
        if read.image is None:
            raise read.error or ImageError(f"{item.name} cannot be read")
        trace = Trace(how=look.command)
        result = look.find(read.image, trace).with_image(read.image)
        places = [(name, file or item.file(suffix_of(name))) for name in names]
        files = write_result(result, places, drawn=result[:1] if look.draw_best else result)
        return PictureAnswer(item.name, result, files, read.notes, trace)

    return run(outputs.items, work, outputs)


def _format_of(file: Path, wanted: Sequence[str]) -> str:
    """The format of a file that the user named; where none was asked for, its whole name tells."""
    if tuple(wanted) == ResultOptions.format:
        return formats.format_of(file).name
    suffix = file.suffix.lower()
    able = [name for name in wanted if Path(suffix_of(name)).suffix == suffix]
    return format_of_file(file, able, wanted, ResultOptions.format)


def write_result(
    result: Result, places: Sequence[tuple[str, Path]], *, drawn: Result
) -> tuple[Path, ...]:
    """Write the result in every format, each to its place; the overlay shows `drawn`."""
    files: list[Path] = []
    for name, path in places:
        files += formats.save(drawn if name == "overlay" else result, path, name)
    return tuple(files)


def suffix_of(name: str) -> str:
    """What the file in this format is called behind the picture's own name."""
    return OVERLAY if name == "overlay" else BY_NAME[name].suffixes[0]
