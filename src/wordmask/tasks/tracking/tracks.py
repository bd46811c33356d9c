"""The objects that are followed: which are there, how they are told apart, and how they end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import Memory, TrackStep
from wordmask.core.result import UNNAMED
from wordmask.errors import PromptError
from wordmask.ops.split import split_logits
from wordmask.tasks.tracking.association import Regions, join_regions, no_region


class Standing(NamedTuple):
    """What decides how long an object is followed: all of it that a run must know to go on."""

    id: int
    missing: int = 0  # frames since it was there
    doubts: int = 0  # looks at the words in a row that missed it where it was followed
    is_sure: bool = True  # a second look at the words found it too


class Standings(NamedTuple):
    """How all objects stand after a frame, and the score that words were held to so far."""

    objects: tuple[Standing, ...] = ()
    needed: float = 0.0


@dataclass(frozen=True, eq=False)
class Track:
    """One object, as it was in the last frame."""

    id: int
    memory: Memory
    mask: Masks  # one, in the frame; empty where it is not there
    score: float
    label_id: int = UNNAMED
    vector: Array | None = None  # (D,) what it looks like; None: not known
    is_shown: bool = False  # by a person; it is never given up by itself
    is_sure: bool = True  # a second look at the words found it too
    doubts: int = 0  # looks at the words in a row that missed it where it was followed
    missing: int = 0  # frames since it was there
    quiet_until: int = 0  # frame up to which the tracker alone does not bring it back

    @property
    def is_here(self) -> bool:
        return bool(self.mask.areas[0])

    @property
    def standing(self) -> Standing:
        return Standing(self.id, self.missing, self.doubts, self.is_sure)


class Tracks:
    """All objects of a video by their ids, in the order of their coming."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._next = 1

    @property
    def all(self) -> list[Track]:
        return list(self._tracks.values())

    def get(self, id: int) -> Track | None:
        return self._tracks.get(id)

    def new_id(self) -> int:
        """An id that no object has or had."""
        self._next += 1
        return self._next - 1

    def reserve(self, ids: Iterable[int]) -> None:
        """Give these ids to no object that has none of its own."""
        self._next = max([self._next, *(id + 1 for id in ids)])

    def stand(self, standings: Sequence[Standing], here: set[int]) -> None:
        """Bring all objects to where they stood; those that no longer stand are forgotten."""
        self.reserve(one.id for one in standings)
        stood = {one.id: one for one in standings}
        for track in self.all:
            if track.id not in stood:
                self.forget(track.id)
                continue
            _, missing, doubts, is_sure = stood[track.id]
            mask = track.mask if track.id in here else no_region(track.mask.size)
            self.store(replace(track, mask=mask, missing=missing, doubts=doubts, is_sure=is_sure))

    def store(self, track: Track) -> None:
        """Add an object, or put a later state of it in place of the earlier one."""
        self._tracks[track.id] = track
        self._next = max(self._next, track.id + 1)

    def forget(self, id: int) -> None:
        if id not in self._tracks:
            known = ", ".join(map(str, self._tracks)) or "none"
            raise PromptError(f"there is no object {id}; those followed are: {known}")
        del self._tracks[id]

    def advance(self, steps: Sequence[TrackStep], size: Size) -> None:
        """All objects in the next frame; of pixels that two claim the surer one has them."""
        masks = split_logits([step.logits for step in steps], size)
        for row, (track, step) in enumerate(zip(self.all, steps, strict=True)):
            mask = masks[row]
            missing = 0 if mask.areas[0] else track.missing + 1
            self.store(
                replace(track, memory=step.memory, mask=mask, score=step.score, missing=missing)
            )

    def give_up(self, after: int) -> None:
        """Forget what words found and what has been missing for more than `after` frames."""
        for track in self.all:
            if track.missing > after and not track.is_shown:
                self.forget(track.id)

    def regions(self) -> Regions:
        """All objects, to be paired with the regions of a frame; there must be one."""
        tracks = self.all
        return join_regions(
            [track.mask for track in tracks],
            [track.label_id for track in tracks],
            [track.vector for track in tracks],
        )
