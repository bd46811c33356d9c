"""GrabCut as an engine: a box or points, and the colours inside and outside decide."""

from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Image, Size
from wordmask.core.protocols import Cuts, PromptBatch, Seen, own_seen
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError

ROUNDS = 3
INSIDE, OUTSIDE = 5.0, -5.0  # logits
DOT = 0.02  # radius around a point that surely is (or is not) the object, as a share of the picture


@dataclass(frozen=True, eq=False)
class GrabCutSeen:
    """What `encode` gives: a value that belongs to the caller. GrabCut needs only the pixels."""

    image: Image

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        return int(self.image.pixels.nbytes)


class GrabCut:
    """A `Segmenter`. Nothing is inherited: the methods make it one."""

    def __init__(self, rounds: int = ROUNDS) -> None:
        self.rounds = rounds
        self.name = f"grabcut@{cv2.__version__}"  # goes into Result.made_by

    def encode(self, images: list[Image]) -> list[Seen]:
        return [GrabCutSeen(image) for image in images]

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """One candidate for each prompt, at the picture's own size."""
        own = own_seen(seen, GrabCutSeen, self.name)
        masks = [self._cut_one(own.image, prompts[row : row + 1]) for row in range(len(prompts))]
        logits = np.where(np.stack(masks), INSIDE, OUTSIDE).astype(np.float32)
        return Cuts(logits[:, None], np.full((len(prompts), 1), 0.5, np.float32))

    def _cut_one(self, image: Image, prompt: PromptBatch) -> np.ndarray:
        """(H, W) bool."""
        state = first_guess(image.size, prompt)
        pixels = np.ascontiguousarray(image.pixels[..., ::-1])
        cv2.setRNGSeed(0)  # its mixtures begin at random
        cv2.grabCut(
            pixels, state, None, np.zeros((1, 65)), np.zeros((1, 65)), self.rounds,
            cv2.GC_INIT_WITH_MASK,
        )  # fmt: skip
        return (state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)


def first_guess(size: Size, prompt: PromptBatch) -> np.ndarray:
    """(H, W) uint8, what OpenCV knows before it begins: a box is perhaps, a point is for sure."""
    height, width = size
    state = np.full(size, cv2.GC_PR_BGD, np.uint8)
    box = prompt.boxes[0]
    if np.isfinite(box).all():
        x0, y0, x1, y1 = (round(float(side)) for side in box)
        state[:] = cv2.GC_BGD
        state[max(0, y0) : y1, max(0, x0) : x1] = cv2.GC_PR_FGD
    radius = max(1, round(DOT * max(size)))
    for (x, y), keep in zip(prompt.xy[0], prompt.keep[0], strict=True):
        if keep >= 0:
            known = int(cv2.GC_FGD if keep else cv2.GC_BGD)
            cv2.circle(state, (int(x), int(y)), radius, known, -1)
    if not ((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)).any():
        raise PromptError(f"grabcut needs a point or a box in the picture of {height} x {width}")
    return state


def load(name: str, options: EngineOptions) -> GrabCut:
    """What the entry point names; wordmask calls it with the name and its options."""
    return GrabCut()
