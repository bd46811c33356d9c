"""A teacher's cuts of things, each by a few prompts, made once a picture and kept on disk.

What cuts is frozen (backbone, adapter, the teacher's cutter), so a step reads its cuts from the
disk together with the picture; mirrored pictures have mirrored cuts.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.files import atomic
from wordmask.lab.training.kept import keep_in
from wordmask.lab.training.ovsam_samples import (
    MOST_THINGS,
    Source,
    SquareThings,
    ThingBatch,
    ThingBatches,
    ThingReader,
    box_prompt,
    click_prompt,
)
from wordmask.model.ovsam.decoder import OvsamPrompts
from wordmask.model.ovsam.plan import FIRST_CORNER
from wordmask.model.ovsam.whole import OvsamWhole

PROMPTS = 4  # of each thing: two boxes and two clicks
MOST_CUT = 24  # things of a picture
STEPS = 8.0  # of a logit in the 8 bits that are kept


class CutThings(NamedTuple):
    """A picture, its things, and what a teacher cuts by each prompt."""

    things: SquareThings
    xy: Array
    """(N, 4, 3, 2)"""
    kinds: Array
    """(N, 4, 3)"""
    cuts: Array
    """(N, 4, h, w) int8, logits x 8"""


class CutDump:
    """Cuts of a reader's pictures; a run that was killed goes on."""

    def __init__(self, folder: Path, name: str, whole: OvsamWhole, reader: ThingReader) -> None:
        """`name`: of all that cuts, by its weights; cuts of anything else are refused."""
        self.folder, self.whole, self.reader = folder, whole, reader
        keep_in(folder, name)

    def read(self, source: Source) -> CutThings:
        """From the disk, or made and put there."""
        key = f"{source.data.name}/{source.sample.name}/{source.sample.picture}"
        path = self.folder / f"{sha256(key.encode()).hexdigest()[:24]}.npz"
        if not path.exists():
            made = self._cut(self.reader.read(source), int(path.stem[:8], 16))
            columns = made.things._asdict() | made._asdict()
            del columns["things"]
            with atomic(path) as part, part.open("wb") as file:
                np.savez(file, **columns)
        with np.load(path, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
        columns["is_whole"] = bool(columns["is_whole"])
        things = SquareThings(**{name: columns.pop(name) for name in SquareThings._fields})
        return CutThings(things, **columns)

    def _cut(self, things: SquareThings, seed: int) -> CutThings:
        rng = np.random.default_rng(seed)
        kept = rng.permutation(len(things.masks))[:MOST_CUT]
        things = things._replace(masks=things.masks[kept], words=things.words[kept])
        count, cells = len(kept), things.masks.shape[1]
        if not count:
            cuts = np.zeros((0, PROMPTS, cells, cells), np.int8)
            return CutThings(things, np.zeros((0, PROMPTS, 3, 2)), np.zeros((0, PROMPTS, 3)), cuts)
        made = [one for mask in things.masks for one in _prompts(mask, things.is_whole, rng)]
        xy, kinds = (np.stack(column) for column in zip(*made, strict=True))
        logits = self._first_cut(things.pixels, xy, kinds)
        cuts = np.clip(np.rint(logits * STEPS), -127, 127).astype(np.int8)
        shape = count, PROMPTS
        return CutThings(
            things,
            xy.reshape(*shape, *xy.shape[1:]),
            kinds.reshape(*shape, -1),
            cuts.reshape(*shape, *cuts.shape[1:]),
        )

    def _first_cut(self, pixels: Array, xy: Array, kinds: Array) -> Array:
        """(N * 4, h, w) logits."""
        device = next(self.whole.network.parameters()).device
        picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device)
        nothing = torch.zeros(len(xy), 1, 4, 4)
        prompts = OvsamPrompts(torch.from_numpy(xy), torch.from_numpy(kinds), nothing)
        with torch.no_grad():
            seen = self.whole.see(picture)
            if seen.taught is None:
                return np.zeros((len(xy), *[len(pixels) // 4] * 2), np.float32)
            found: Array = self.whole.first_cut(seen.taught, prompts).before[:, 0].numpy()
        return found


def _prompts(mask: Array, is_whole: bool, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Boxes, then clicks; of a picture that is named as a whole only boxes."""
    clicks = 0 if is_whole else PROMPTS // 2
    return [box_prompt(mask, rng) for _ in range(PROMPTS - clicks)] + [
        click_prompt(mask, rng) for _ in range(clicks)
    ]


class CutBatches(ThingBatches):
    """Batches of things with a teacher's cuts."""

    def __init__(self, reader: ThingReader, size: int, dump: CutDump) -> None:
        super().__init__(reader, size)
        self.dump = dump

    def batch(self, seed: int, step: int) -> ThingBatch:
        """The batch of one step; half of the prompts are boxes, half clicks."""
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(0, len(self.reader.learn), self.size)
        return collate_cuts([self.dump.read(self.reader.learn[row]) for row in rows], rng)


def collate_cuts(pictures: Sequence[CutThings], rng: np.random.Generator) -> ThingBatch:
    """Pictures side by side, some mirrored, each with one prompt for some of its things."""
    pixels, parts = [], []
    for number, one in enumerate(pictures):
        things, side = one.things, one.things.pixels.shape[0]
        step = -1 if rng.random() < 0.5 else 1
        pixels.append(things.pixels[:, ::step])
        rows = rng.permutation(len(things.masks))[:MOST_THINGS]
        which = rng.integers(0, PROMPTS, len(rows))
        xy, kinds = one.xy[rows, which], one.kinds[rows, which]
        if step < 0:
            xy = _mirror(xy, kinds, side)
        parts.append(
            (
                np.full(len(rows), number),
                xy.astype(np.float32),
                kinds.astype(np.int64),
                things.masks[rows][..., ::step].astype(np.float32),
                things.words[rows],
                np.full(len(rows), not things.is_whole),
                one.cuts[rows, which][:, None, :, ::step].astype(np.float32) / STEPS,
            )
        )
    columns: list[Tensor] = [
        torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True)
    ]
    shown = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    return ThingBatch(shown, *columns)


def _mirror(xy: Array, kinds: Array, side: int) -> Array:
    """Points (N, 3, 2) in a mirrored square; a box's first corner stays at the top left."""
    turned = xy.copy()
    turned[..., 0] = side - xy[..., 0]
    boxed = kinds[:, 0] == FIRST_CORNER
    turned[boxed, :2, 0] = turned[boxed, 1::-1, 0]
    return turned
