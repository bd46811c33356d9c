"""Pixels of any depth as 8 bits a band: the same scale all over a raster, so that no seam shows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array

ENOUGH = 4_000_000  # values of a band that are looked at


@dataclass(frozen=True, eq=False)
class Scale:
    """The values that become 0 and 255, for each band; what lies beyond is cut."""

    low: Array  # (bands,) float64
    high: Array

    @classmethod
    def of_samples(
        cls, samples: Iterable[tuple[Array, Array]], cut_percent: float
    ) -> "Scale | None":
        """From pairs of values (bands, h, w) and where they count (h, w); None where nothing does.

        At either end `cut_percent` of the values are cut.
        """
        kept: list[Array] = []
        count = 0
        for values, valid in samples:
            kept.append(values[:, valid])
            count += int(np.count_nonzero(valid))
            if count >= ENOUGH:
                break
        if not count:
            return None
        ends = np.percentile(np.concatenate(kept, 1), (cut_percent, 100 - cut_percent), axis=1)
        low, high = ends.astype(np.float64)
        return cls(low, np.where(high > low, high, low + 1))

    def apply(self, values: Array) -> Array:
        """(bands, h, w) of any kind as uint8; what is no number becomes 0."""
        low, high = self.low[:, None, None], self.high[:, None, None]
        shares = (values.astype(np.float64) - low) / (high - low)
        pixels: Array = np.rint(np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255).astype(np.uint8)
        return pixels

    def note(self) -> str:
        """What was done, for people."""
        ends = ", ".join(
            f"{low:g} to {high:g}" for low, high in zip(self.low, self.high, strict=True)
        )
        return f"scaled to 8 bits: {ends}"
