"""One frame as a tracker sees it: whatever is asked about it is worked out once."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.once import Slot
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense
from wordmask.core.result import Result
from wordmask.ops import pool
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment_view


class Sight:
    """A frame with its engines, the words that are looked for, and whether a scene begins here."""

    def __init__(
        self, view: View, text: Text | None, options: SegmentOptions, *, is_cut: bool = False
    ) -> None:
        self.view, self.text, self.is_cut = view, text, is_cut
        self._options = options
        self._found = Slot[Result]()

    @property
    def regions(self) -> Result:
        """What the words name, or without words every region, unnamed."""
        return self._found.fill(self._find)

    def vectors(self, masks: Masks) -> Array | None:
        """(N, D) unit rows: what the regions look like; None from engines that cannot say."""
        if not self.view.models.has(Dense):
            return None
        return np.asarray(pool.unit(pool.mean_inside(masks, self.view.features.vectors)))

    def _find(self) -> Result:
        if self.text is None:
            return everything_result(self.view, EverythingOptions())
        return segment_view(self.view, self.text, self._options)
