import numpy as np

import wordmask
from wordmask.core.protocols import Cuts

SIDE = 40  # pixels


class Box:
    """What `encode` gives: all that this engine needs of a picture is its size."""

    def __init__(self, size):
        self.size, self.nbytes = size, 0


class Squares:
    """A segmenter that cuts a square around each point."""

    name = "squares@1"  # goes into Result.made_by

    def encode(self, images):
        return [Box(image.size) for image in images]

    def cut(self, seen, prompts):
        height, width = seen.size
        y, x = np.mgrid[0.5:height, 0.5:width]
        # The first point of each prompt, (x, y) in pixels of the picture
        first = prompts.xy[:, 0, :, None, None]
        distance = np.maximum(abs(x - first[:, 0]), abs(y - first[:, 1]))
        logits = np.where(distance < SIDE / 2, 5.0, -5.0).astype(np.float32)
        qualities = np.full((len(prompts), 1), 0.9, np.float32)
        return Cuts(logits[:, None], qualities)  # one candidate for each prompt


models = wordmask.Models("squares", (Squares(),))
result = wordmask.click(np.zeros((100, 200, 3), np.uint8), [(100, 50)], model=models)
assert result.one().box == (80, 30, 120, 70)
