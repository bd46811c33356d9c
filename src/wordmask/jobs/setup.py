"""What every job over pictures takes, and what it gives for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.result import Result
from wordmask.engines import EngineOptions
from wordmask.errors import ImageError
from wordmask.jobs.outputs import OutputOptions
from wordmask.media.reading.limits import Limits, amount
from wordmask.media.reading.sources import Found, find
from wordmask.tasks.finding.trace import Trace


@dataclass(frozen=True)
class LimitOptions:
    """The largest pictures that are read."""

    max_pixels: str = "50MP"
    """Pictures of more pixels are refused (50MP, 3GP)."""
    max_bytes: str = "512MB"
    """Larger files are refused."""
    max_side: Annotated[int, Ge(1)] = Limits.max_side
    """Pictures with a longer side are refused."""
    max_frames: Annotated[int, Ge(1)] = Limits.max_frames
    """Animations of more frames are refused; only the first is read."""
    max_pages: Annotated[int, Ge(1)] = Limits.max_pages
    """TIFFs of more pages are refused; only the first is read."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def limits(self) -> Limits:
        return Limits(
            max_bytes=amount(self.max_bytes),
            max_pixels=amount(self.max_pixels),
            max_side=self.max_side,
            max_frames=self.max_frames,
            max_pages=self.max_pages,
        )


@dataclass(frozen=True)
class Setup:
    """Who looks at the pictures, which pictures are read, and where files go."""

    model: str = "auto"  # an engine, or engines joined by +
    engine: EngineOptions = field(default_factory=EngineOptions)
    inputs: LimitOptions = field(default_factory=LimitOptions)
    outputs: OutputOptions = field(default_factory=OutputOptions)

    def __post_init__(self) -> None:
        _ = self.inputs.limits  # raises where a limit is no amount: before anything is done

    def load(self, *need: type) -> Models:
        """The engines, which must have the protocols in `need`."""
        return engines.load(self.model, need=need, options=self.engine)


@dataclass(frozen=True, eq=False)
class PictureAnswer:
    """What came of one picture."""

    name: str
    result: Result  # with its picture
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()  # what was changed when the picture was read
    trace: Trace | None = None


def find_pictures(sources: Any) -> list[Found]:
    """The pictures that `sources` name; an error where there is none."""
    found = list(find(sources))
    if not found:
        named = isinstance(sources, Sequence) and all(isinstance(one, str) for one in sources)
        raise ImageError(f"no pictures in {', '.join(sources) if named else 'what was given'}")
    return found
