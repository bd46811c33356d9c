import numpy as np

import wordmask
from wordmask.core.protocols import Cuts


class Box:
    """The size of the picture is all that this engine needs to know of it."""

    def __init__(self, size):
        self.size, self.nbytes = size, 0


class Squares:
    """A segmenter that cuts a square of 40 pixels around each point."""

    name = "squares@1"  # goes into Result.made_by

    def encode(self, images):
        return [Box(image.size) for image in images]

    def cut(self, encoding, prompts):
        height, width = encoding.size
        y, x = np.mgrid[0.5:height, 0.5:width]
        points = prompts.xy[:, 0]  # the first point of each prompt, (x, y) in picture pixels
        near = np.maximum(abs(x - points[:, 0, None, None]), abs(y - points[:, 1, None, None])) < 20
        logits = np.where(near, 5.0, -5.0).astype(np.float32)[:, None]  # one candidate per prompt
        return Cuts(logits, np.full((len(prompts), 1), 0.9, np.float32))


models = wordmask.Models("squares", (Squares(),))
result = wordmask.click(np.zeros((100, 200, 3), np.uint8), [(100, 50)], model=models)
assert result.one().box == (80, 30, 120, 70)
