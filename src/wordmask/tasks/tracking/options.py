"""What a user may say about how objects are followed."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from wordmask.core.options import Confidence, Share, check


@dataclass(frozen=True)
class TrackOptions:
    """How objects are followed through a video."""

    how: Literal["auto", "tracker", "associate"] = "auto"
    """tracker (an engine remembers the objects), associate (segment every frame and pair its
    regions with the objects), or auto: tracker where an engine has one."""
    look_every: Annotated[int, Ge(0)] = 10
    """Look for the words again every so many frames, and after a cut; 0: only in the first."""
    until_found: bool = False
    """Stop looking for a word once it was found, and only follow it from there."""
    birth_confidence: Share = 0.7
    """Score from which a word that has an object already gets another one."""
    birth_overlap: Share = 0.1
    """A region that overlaps an object more than this (IoU) is no new one."""
    forget_after: Annotated[int, Ge(0)] = 300
    """Give up what a word found and what was not seen for so many frames."""
    max_objects: Annotated[int, Interval(ge=1, le=1000)] = 32
    """Words find no more objects than this at a time."""
    refine_every: Annotated[int, Ge(0)] = 0
    """Let the segmenter cut each object again every so many frames; 0: never."""
    refine_below: Share = 0.0
    """And at once where the tracker's confidence is below this."""
    backward: bool = False
    """Follow what is shown in a late frame to the frames before it too; those are read twice."""
    min_confidence: Confidence = "auto"
    """Score from which a word counts as found: 0 to 1, or auto (as in `segment`)."""

    def __post_init__(self) -> None:
        check(self)
