"""What a run cost: prompts, encoder passes, seconds per stage."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wordmask.core.image import Image
from wordmask.core.protocols import Cuts, PromptBatch, Seen, Segmenter

BLIND_GRID = 64 * 64  # prompts of the blind grid that guided prompting is compared with


@dataclass(frozen=True)
class Threshold:
    """The score from which a word counted as found."""

    score: float
    source: str  # who said so: the user, the engine's calibration, the detector's makers, Otsu


@dataclass
class Trace:
    """What a task did; it fills the one that it is given."""

    how: str = ""
    prompts: int = 0
    encodings: int = 0
    threshold: Threshold | None = None  # None where nothing was looked for by words
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def line(self) -> str:
        """One sentence for -v."""
        stages = ", ".join(f"{stage} {spent:.2f} s" for stage, spent in self.seconds.items())
        prompts = f"{self.prompts} prompts (a blind 64 x 64 grid: {BLIND_GRID})"
        threshold = ""
        if self.threshold is not None:
            threshold = f", threshold {self.threshold.score:.2f} ({self.threshold.source})"
        return f"{self.how}: {prompts}, {self.encodings} encoder passes{threshold}; {stages}"


@dataclass(frozen=True)
class CountingSegmenter:
    """A segmenter that counts prompts and encodings in a trace."""

    inner: Segmenter
    trace: Trace

    @property
    def name(self) -> str:
        return self.inner.name

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        self.trace.encodings += len(images)
        with self.trace.stage("encode"):
            return self.inner.encode(images)

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        self.trace.prompts += len(prompts)
        with self.trace.stage("cut"):
            return self.inner.cut(seen, prompts)
