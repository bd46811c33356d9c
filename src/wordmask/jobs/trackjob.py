"""A video to be followed: what is wanted of it, and where its files go."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval

from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.errors import Mend, OptionError
from wordmask.files import identity, sweep
from wordmask.jobs.footage import Footage, check_not_read
from wordmask.jobs.frame_notes import FrameNotes
from wordmask.jobs.outputs import OutputOptions, format_of_file, typed_file
from wordmask.jobs.setup import Setup
from wordmask.media.formats.frame_lines import SUFFIX
from wordmask.media.formats.table import BY_NAME
from wordmask.media.video.write import ENCODERS
from wordmask.ops.colour import parse_colour
from wordmask.tasks.track import Query, TrackOptions

VideoFormat = Literal[
    "jsonl", "overlay", "davis", "cutout", "alpha-mov", "alpha-webm", "alpha-png",
    "ytvis", "mots", "cvat", "lsvideo", "timeline", "sheet",
]  # fmt: skip
WHOLE: tuple[VideoFormat, ...] = ("ytvis", "mots", "cvat", "lsvideo")  # written at the end
SUFFIXES = {
    "overlay": ".tracks.mp4",
    "cutout": ".cutout.mp4",
    "alpha-mov": ".alpha.mov",
    "alpha-webm": ".alpha.webm",
    "alpha-png": ".alpha",
    "timeline": ".timeline.png",
    "sheet": ".sheet.png",
}

# What one file that a person names may hold, best first.
FILES: dict[str, tuple[VideoFormat, ...]] = dict.fromkeys(ENCODERS, ("overlay", "cutout"))
FILES |= {
    ".mov": ("overlay", "cutout", "alpha-mov"),
    ".webm": ("overlay", "cutout", "alpha-webm"),
    ".png": ("timeline", "sheet"),
    ".jsonl": ("jsonl",),
}


@dataclass(frozen=True)
class VideoOutputs(OutputOptions):
    """What is written of a video, and where."""

    output_dir: Path | None = None
    """A folder, or one file: a video (.mp4, .mov, .mkv, .webm), .png or .jsonl; default: beside
    the video."""
    format: tuple[VideoFormat, ...] = ("jsonl", "overlay")
    """What to write: jsonl (a line a frame; always), overlay, davis (a PNG of ids a frame),
    cutout (the objects on background), alpha-mov (ProRes 4444), alpha-webm (VP9) and alpha-png
    (a folder) with transparency, ytvis (YouTube-VIS), mots, cvat, lsvideo (Label Studio),
    timeline (who is there when), sheet (pictures of each object); many may be given."""
    fps: Annotated[float, Interval(gt=0, le=1000)] | None = None
    """Frames a second of what is written, which then has no sound; default: the video's own, 25
    for a folder of frames."""
    background: str = "#00b140"
    """Colour behind the objects in cutout: a name or #rrggbb."""

    def __post_init__(self) -> None:
        check(self)
        parse_colour(self.background)


@dataclass(frozen=True)
class VideoSetup(Setup):
    """A setup for jobs over videos."""

    outputs: VideoOutputs = field(default_factory=VideoOutputs)
    web: bool = False  # whether an address may be opened


@dataclass(frozen=True)
class TrackJob:
    """A video on its way: what is followed in it, and where its files go."""

    footage: Footage
    query: Query
    models: Models
    options: TrackOptions
    outputs: VideoOutputs
    run: str  # digest of all that decides the results
    file: Path | None = None  # that the user named; the lines are beside it

    @property
    def target(self) -> Path:
        """What the names of its files start with."""
        if self.file is not None:
            return self.file.with_suffix("")
        path, folder = self.footage.path, self.outputs.output_dir
        if folder is None:
            folder = Path() if path is None else path.parent
        return folder / self.footage.file_stem

    @property
    def lines(self) -> Path:
        if self.file is not None and self.file.suffix.lower() == ".jsonl":
            return self.file
        return self.target.with_name(self.target.name + SUFFIX)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that it writes, beside pictures of single frames."""
        wanted = [name for name in (*SUFFIXES, *self.wholes) if name in self.outputs.format]
        return (self.lines, *(self.path_of(name) for name in wanted))

    def path_of(self, name: str) -> Path:
        """Where a format of the whole video goes; of alpha-png it is a folder."""
        if self.file is not None:
            return self.file
        suffix = SUFFIXES.get(name) or f".tracks{self.wholes[name]}"
        return self.target.with_name(self.target.name + suffix)

    @property
    def wholes(self) -> dict[str, str]:
        """The formats of whole videos that are wanted, with their suffixes."""
        wanted = [name for name in WHOLE if name in self.outputs.format]
        return {name: BY_NAME[name].suffixes[0] for name in wanted}


def name_file(outputs: VideoOutputs, footage: Footage) -> tuple[VideoOutputs, Path | None]:
    """The outputs with what the file holds that the user named, and that file; None for a folder.

    Lines are written beside any other file, too: of them all is made, and a killed run goes on.
    """
    file = typed_file(outputs, FILES, ())
    if file is None:
        return outputs, None
    check_not_read(file, footage)
    wanted = tuple(name for name in outputs.format if name != "jsonl") or outputs.format
    default = VideoOutputs.format
    if outputs.format == default:
        wanted = ()
    name = format_of_file(file, FILES[file.suffix.lower()], wanted, default)
    return replace(outputs, format=tuple(dict.fromkeys(("jsonl", name)))), file


def check_files(job: TrackJob) -> None:
    """Files of other runs stay; what a killed run left half written goes."""
    _check_id_pictures(job)
    sweep(job.target.parent)
    if job.outputs.overwrite:
        job.lines.unlink(missing_ok=True)
        return
    if not job.lines.exists():
        there = [path for path in (*job.files, *_id_pictures(job)) if path.exists()]
        there = [path for path in there if path != job.file]
    else:
        # A camera never shows the same again, so nothing of it can be gone on with.
        is_own = FrameNotes(job.lines, job.run).are_own and job.footage.content is not None
        there = [] if is_own else [job.lines]
    if there:
        raise OptionError(
            f"{there[0]} is there already, and another run made it; rename it, or let it be "
            "replaced",
            mend=Mend("overwrite"),
        )


def _id_pictures(job: TrackJob) -> list[Path]:
    """Where the pictures of ids go, as far as the frames are known."""
    if "davis" not in job.outputs.format:
        return []
    folder, footage = job.target.parent, job.footage
    return [folder / f"{footage.stem(index)}.png" for index in range(footage.count)]


def _check_id_pictures(job: TrackJob) -> None:
    """They have the frames' names: never in the frames' folder, and no two of one name."""
    paths, source = _id_pictures(job), job.footage.path
    if paths and source is not None and identity(source) == identity(job.target.parent):
        raise OptionError(
            f"pictures of ids have the names of the frames in {source} and would replace them; "
            "write to another folder",
            mend=Mend("output_dir", "FOLDER"),
        )
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise OptionError(
            f"two frames are called {twice.stem}, and {twice.name} would be of both; rename one"
        )
