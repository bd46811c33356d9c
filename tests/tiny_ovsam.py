"""Open-Vocabulary SAM without any network around it: colours are features, maps and words."""

from typing import NamedTuple

import numpy as np
import torch

from wordmask.core.protocols import Cuts
from wordmask.model.ovsam.net import BackboneView

SIDE = 64


class ColourBackbone:
    """Colours at four strides, and word cells of three numbers: no network at all."""

    name, channels, strides, dense_width = "colours", (3, 3, 3, 3), (4, 8, 16, 32), 3

    def __call__(self, pictures):
        shades = pictures.float() / 255 - 0.5
        levels = [torch.nn.functional.avg_pool2d(shades, stride) for stride in self.strides]
        return BackboneView(levels, levels[2])


def teach(pixels):
    """A teacher that sees two grey shades of each 16 x 16 cell."""
    grey = pixels.astype(np.float32).reshape(SIDE // 16, 16, SIDE // 16, 16, 3).mean((1, 3))
    return [np.stack([grey[..., 0] - grey[..., 2], grey.sum(2)]) / 100]


def embed(phrases):
    """A word's vector is the colour of its thing."""
    colours = {"zorb": (1, -1, -1), "quill pad": (-1, -1, 1)}
    rows = np.array([colours.get(one, (0, 1, 0)) for one in phrases], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class ColourSeen(NamedTuple):
    size: tuple[int, int]
    cells: np.ndarray
    nbytes: int = 0


class ColourTeacher:
    """Cuts the cells that look like the one under the click, or under the box's middle."""

    name = "colours@1"

    def encode(self, images):
        return [ColourSeen(one.size, teach(one.pixels)[0]) for one in images]

    def maps(self, seen):
        return (seen.cells,)

    def see_maps(self, size, maps):
        return ColourSeen(size, np.asarray(maps[0]))

    def cut(self, seen, prompts):
        middles = prompts.boxes.reshape(-1, 2, 2).mean(1)
        clicks = prompts.xy[:, 0] if prompts.xy.shape[1] else middles
        xy = np.where(np.isnan(middles), clicks, middles)
        rows, columns = np.clip(xy[:, ::-1].T // 16, 0, SIDE // 16 - 1).astype(int)
        off = seen.cells[:, None] - seen.cells[:, rows, columns][..., None, None]
        likely = 2 - 4 * (off**2).sum(0)
        quality = np.tile(np.array([0.1, 0.9], np.float32), (len(xy), 1))
        return Cuts(np.stack([-likely, likely], 1).astype(np.float32), quality)
