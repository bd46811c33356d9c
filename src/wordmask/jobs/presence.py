"""Who is there when: the frames in which each object of a video was."""

from dataclasses import dataclass, field

from wordmask.core.result import Result

Run = tuple[int, int]  # first and last frame, both included


@dataclass
class Presence:
    """Filled frame by frame; it grows with comings and goings, not with frames."""

    words: tuple[str, ...] = ()  # that were looked for
    frames: int = 0
    names: dict[int, str] = field(default_factory=dict)  # object -> its word, "" without one
    runs: dict[int, list[Run]] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """The next frame's objects."""
        ids = [] if result.track_ids is None else result.track_ids.tolist()
        for id, name in zip(ids, result.names, strict=True):
            self.names[id] = name
            runs = self.runs.setdefault(id, [])
            if runs and runs[-1][1] == self.frames - 1:
                runs[-1] = (runs[-1][0], self.frames)
            elif not runs or runs[-1][1] < self.frames:
                runs.append((self.frames, self.frames))
        self.frames += 1

    @property
    def absent(self) -> tuple[str, ...]:
        """Words that were never found."""
        return tuple(word for word in self.words if word not in self.names.values())
