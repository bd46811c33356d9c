"""One picture, many questions: encoded once, clicks that add up, undo and redo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Points, Text, Words
from wordmask.core.result import Result
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import How, SegmentOptions, segment_view, with_how


@dataclass(frozen=True, eq=False)
class _State:
    """All clicks so far together, and what came of them."""

    click: Click
    result: Result
    logits: Array  # (h, w) of the best candidate


class Session:
    """Clicks on one picture.

    Each `click` adds to the ones before, until `reset`; a point given again counts once.
    """

    def __init__(self, image: Image, models: Models) -> None:
        self._view = View(image, models, Trace())
        self._done: list[_State] = []
        self._undone: list[_State] = []

    @property
    def image(self) -> Image:
        return self._view.image

    @property
    def trace(self) -> Trace:
        """What the session has cost so far."""
        return self._view.trace

    @property
    def result(self) -> Result:
        """The candidates of the clicks so far; nothing before the first."""
        if not self._done:
            return Result.nothing(self.image.size, image=self.image)
        return self._done[-1].result

    def click(
        self,
        points: Sequence[Sequence[float]] = (),
        box: Sequence[float] | None = None,
        words: Words | None = None,
        options: ClickOptions | None = None,
    ) -> Result:
        """Candidates, best first, for all points so far and these; a new box replaces the last."""
        together = self._with_earlier_clicks(points, box)
        names = None if words is None else Text.of(words)
        result, logits = click_view(self._view, together, names, options or ClickOptions())
        self._done.append(_State(together, result.with_image(self.image), logits))
        self._undone.clear()
        return self.result

    def segment(
        self, words: Words, options: SegmentOptions | None = None, *, how: How = "auto"
    ) -> Result:
        """Regions that the words name; the clicks are not touched."""
        result = segment_view(self._view, Text.of(words), with_how(options, how))
        return result.with_image(self.image)

    def everything(self, options: EverythingOptions | None = None) -> Result:
        """All regions, unnamed; the clicks are not touched."""
        return everything_result(self._view, options or EverythingOptions()).with_image(self.image)

    def undo(self) -> Result:
        """Take the last click back, if there is one; the result before it."""
        if self._done:
            self._undone.append(self._done.pop())
        return self.result

    def redo(self) -> Result:
        """Do again what was taken back last, if anything was; its result."""
        if self._undone:
            self._done.append(self._undone.pop())
        return self.result

    def reset(self) -> None:
        """Forget the clicks; the next one means a new thing in the same picture."""
        self._done.clear()
        self._undone.clear()

    def _with_earlier_clicks(
        self, points: Sequence[Sequence[float]], box: Sequence[float] | None
    ) -> Click:
        new = Points.of(points) if len(points) else None
        new_box = Boxes(np.array([box], np.float32)) if box is not None else None
        if not self._done:
            return Click(new, new_box)
        last = self._done[-1]
        # The decoder sees the earlier cut while clicks refine it; a new box is a new thing.
        return replace(
            last.click,
            points=_join_points(last.click.points, new),
            box=new_box or last.click.box,
            logits=None if new_box is not None else last.logits,
        )


def _join_points(old: Points | None, new: Points | None) -> Points | None:
    """Both, each place once; of one place the newer opinion counts."""
    if old is None or new is None:
        return new if old is None else old
    keep_at: dict[tuple[float, ...], bool] = {}
    for part in (old, new):
        for xy, keep in zip(part.xy.tolist(), part.keep.tolist(), strict=True):
            keep_at[tuple(xy)] = keep
    return Points(np.array(list(keep_at)), np.array(list(keep_at.values())))
