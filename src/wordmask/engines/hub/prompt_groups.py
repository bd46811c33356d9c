"""Prompts sorted into batches of one shape, and their places in a SAM network's square input.

SAM fits the picture's long side and pads the rest; SAM 2 stretches both sides. numpy only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.protocols import PromptBatch
from wordmask.errors import PromptError


@dataclass(frozen=True, eq=False)
class Group:
    """Prompts of one shape: the same number of real points, all with a box or all without.

    SAM adds a "no point" token where there is no box, and padding tokens change its answer. So only
    prompts of one shape share a batch: then each is answered as if it were alone.
    """

    rows: Array  # (P,) which prompts these are
    xy: Array  # (P, K, 2) float32, in the picture
    keep: Array  # (P, K)
    boxes: Array | None  # (P, 4)
    logits: Array | None  # (P, h, w)

    @property
    def ambiguous(self) -> bool:
        """One click may mean a part, an object or a group; anything more means one thing."""
        return self.boxes is None and self.logits is None and self.xy.shape[1] <= 1

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, span: slice) -> "Group":
        boxes = None if self.boxes is None else self.boxes[span]
        logits = None if self.logits is None else self.logits[span]
        return Group(self.rows[span], self.xy[span], self.keep[span], boxes, logits)


def groups(prompts: PromptBatch) -> Iterator[Group]:
    """The prompts sorted by shape; places that hold no point (keep = -1) are gone."""
    real = prompts.keep >= 0
    counts = real.sum(1)
    boxed: Array = np.isfinite(prompts.boxes).all(axis=1).reshape(-1)
    if prompts.logits is None and ((counts == 0) & ~boxed).any():
        row = int(np.flatnonzero((counts == 0) & ~boxed)[0])
        raise PromptError(
            f"prompt {row} has no point, no box and no mask; give at least one of them"
        )
    for count, box in sorted({(int(c), bool(b)) for c, b in zip(counts, boxed, strict=True)}):
        rows = np.flatnonzero((counts == count) & (boxed == box))
        # Real points first, in their order
        order = np.argsort(~real[rows], axis=1, kind="stable")[:, :count]
        xy = np.take_along_axis(prompts.xy[rows], order[..., None], 1)
        keep = np.take_along_axis(prompts.keep[rows], order, 1)
        logits = None if prompts.logits is None else prompts.logits[rows]
        yield Group(rows, xy, keep, prompts.boxes[rows] if box else None, logits)


def fit_size(size: Size, side: int) -> Size:
    """The picture's size once its long side is `side`, rounded as SAM was trained."""
    scale = side / max(size)
    return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))


def to_input(xy: Array, size: Size, inner: Size) -> Array:
    """Coordinates in the picture -> in the network's input.

    The networks add half a pixel themselves, so it is taken off here.
    """
    factors = np.array([inner[1] / size[1], inner[0] / size[0]], np.float32)
    moved: Array = (xy.reshape(-1, 2) * factors - 0.5).astype(np.float32).reshape(xy.shape)
    return moved
