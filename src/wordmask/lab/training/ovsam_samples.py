"""Square pictures and the things in them, of any number of data sets, for Open-Vocabulary SAM."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple
from zlib import crc32

import cv2
import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.lab.data.own import WHOLE
from wordmask.lab.data.sample import Dataset, Sample, Truth
from wordmask.lab.training.batches import stream_ahead
from wordmask.lab.training.labels import MIN_AREA
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.vocabulary import OTHER_NAMES, word
from wordmask.model.ovsam.plan import FINE, FIRST_CORNER, LAST_CORNER, NO_POINT, ON_IT
from wordmask.model.ovsam.square import fit_square
from wordmask.ops.regions import deepest_point, pieces_as_masks

NAMELESS = -1
SMALLEST = 12  # cells at stride 4; smaller things are left out
MOST_THINGS = 12  # of a picture in a step
POINTS = 3  # of a prompt: two corners of a box, or one click
HELD_OUT = 20  # one picture in so many, by its name, is never trained on


class SquareThings(NamedTuple):
    """A picture fitted into a square, and what lies in it."""

    pixels: Array
    """(side, side, 3) uint8; what the picture does not fill is ImageNet's mean colour."""
    masks: Array
    """(N, side / 4, side / 4) bool"""
    words: Array
    """(N,) into the vocabulary, -1 = it has no name."""
    is_whole: bool
    """The only thing is the picture itself: it has a name, and no mask to learn."""


class Source(NamedTuple):
    """A picture of one of the data sets."""

    data: Dataset
    sample: Sample


@dataclass(frozen=True, eq=False)
class ThingBatch:
    """B pictures and N prompts."""

    pictures: Tensor
    """(B, 3, side, side) uint8"""
    of: Tensor
    """(N,) the picture of each prompt."""
    xy: Tensor
    """(N, 3, 2)"""
    kinds: Tensor
    """(N, 3)"""
    masks: Tensor
    """(N, side / 4, side / 4)"""
    words: Tensor
    """(N,)"""
    has_mask: Tensor
    """(N,) bool"""
    before: Tensor
    """(N, 1, h, w) logits of a teacher's cut by each prompt, 0 where there is none."""

    def share(self, place: RunPlace) -> "ThingBatch":
        """The pictures of one process, on its device."""
        rows = place.rows(len(self.pictures))
        own = (self.of >= rows.start) & (self.of < rows.stop)
        columns = {one.name: getattr(self, one.name)[own] for one in fields(self)[1:]}
        columns |= {"pictures": self.pictures[rows], "of": columns["of"] - rows.start}
        return ThingBatch(**{name: one.to(place.device) for name, one in columns.items()})


class ThingReader:
    """Pictures of several data sets in one vocabulary."""

    def __init__(
        self,
        sets: Sequence[Dataset],
        side: int,
        without: Sequence[str] = (),
        most: int = 0,
        test: Dataset | None = None,
    ) -> None:
        """`without`: words whose things keep their masks and lose their names; `most` pictures.

        Every twentieth picture is not learned from: it decides what is fitted, and is judged by
        where there is no `test`.
        """
        self.side, self.sets = side, tuple(sets)
        names = [word(name) for data in sets for name in data.words]
        self.words = tuple(one for one in dict.fromkeys(names) if one not in without)
        if not self.words:
            raise FormatError("no data set names anything")
        self.numbers = {one: k for k, one in enumerate(self.words)}
        sources = [Source(data, sample) for data in sets for sample in data.samples]
        order = sorted(
            sources, key=lambda one: crc32(f"{one.data.name}/{one.sample.name}".encode())
        )
        learn = [one for one in order if not is_held_out(one)]
        self.learn = tuple(learn[:most] if most else learn)
        self.fit = self.held = tuple(one for one in order if is_held_out(one))
        if test is not None:
            self.held = tuple(Source(test, sample) for sample in test.samples)

    @property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        """Every word with its other names."""
        return tuple(synonyms(one, self.sets) for one in self.words)

    def read(self, source: Source) -> SquareThings:
        image, truth = source.data.image(source.sample), source.data.truth(source.sample)
        pixels, size = fit_square(image.pixels, self.side)
        if WHOLE in source.data.notes:
            masks, names = truth.result.masks, truth.result.names
        else:
            masks, names = things_of(source.data, truth)
        made = [_shrink(mask, self.side, size) for mask in masks]
        kept = [k for k, mask in enumerate(made) if mask.sum() >= SMALLEST]
        words = [self.numbers.get(word(names[k]), NAMELESS) for k in kept]
        cells = self.side // FINE
        stack = np.stack([made[k] for k in kept]) if kept else np.zeros((0, cells, cells), bool)
        return SquareThings(pixels, stack, np.array(words, np.int64), WHOLE in source.data.notes)


class ThingBatches:
    """Batches that depend on seed and step alone."""

    def __init__(self, reader: ThingReader, size: int) -> None:
        self.reader, self.size = reader, size

    def batch(self, seed: int, step: int) -> ThingBatch:
        """The batch of one step; half of the prompts are boxes, half clicks."""
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(0, len(self.reader.learn), self.size)
        return collate_things([self.reader.read(self.reader.learn[row]) for row in rows], rng)

    def stream(self, seed: int, start: int) -> Iterator[ThingBatch]:
        """Batches from step `start` on."""
        return stream_ahead(lambda step: self.batch(seed, step), start)


def is_held_out(source: Source) -> bool:
    return crc32(source.sample.name.encode()) % HELD_OUT == 0


def synonyms(name: str, sets: Sequence[Dataset]) -> tuple[str, ...]:
    """A word, its usual other names, and those that a data set lists."""
    listed = [other for data in sets for other in data.synonyms.get(name, ())]
    return tuple(dict.fromkeys((name, *OTHER_NAMES.get(name, ()), *listed)))


def things_of(data: Dataset, truth: Truth) -> tuple[Masks, tuple[str, ...]]:
    """Things as they are listed; of a label map the pieces of each class."""
    if truth.exhaustive or truth.labels is None:
        return truth.result.masks, truth.result.names
    parts, names = [Masks.empty(truth.result.size)], []
    for row, name in enumerate(data.classes):
        if row != data.background and (truth.labels == row).any():
            parts.append(pieces_as_masks(truth.labels == row, min_area=MIN_AREA))
            names += [name] * len(parts[-1])
    return Masks.concatenate(parts), tuple(names)


def _shrink(mask: Array, side: int, size: tuple[int, int]) -> Array:
    """A mask of the picture at stride 4 of the square."""
    cells = side // FINE
    inner = size[0] // FINE, size[1] // FINE
    small = cv2.resize(mask.astype(np.float32), inner[::-1], interpolation=cv2.INTER_AREA)
    square = np.zeros((cells, cells), bool)
    square[: inner[0], : inner[1]] = small > 0.5
    return square


def collate_things(pictures: Sequence[SquareThings], rng: np.random.Generator) -> ThingBatch:
    """Pictures side by side, some mirrored, each with a prompt for some of its things."""
    of, xy, kinds, masks, words, has_mask = [], [], [], [], [], []
    pixels = []
    for row, one in enumerate(pictures):
        mirrored = rng.random() < 0.5
        step = -1 if mirrored else 1
        pixels.append(one.pixels[:, ::step])
        for k in rng.permutation(len(one.masks))[:MOST_THINGS].tolist():
            mask = one.masks[k][:, ::step]
            by_box = one.is_whole or rng.random() < 0.5
            points, kind = box_prompt(mask, rng) if by_box else click_prompt(mask, rng)
            of.append(row)
            xy.append(points)
            kinds.append(kind)
            masks.append(mask)
            words.append(int(one.words[k]))
            has_mask.append(not one.is_whole)
    cells = pictures[0].pixels.shape[0] // FINE
    return ThingBatch(
        torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2),
        torch.tensor(of, dtype=torch.long),
        torch.from_numpy(np.array(xy, np.float32).reshape(-1, POINTS, 2)),
        torch.from_numpy(np.array(kinds, np.int64).reshape(-1, POINTS)),
        torch.from_numpy(np.array(masks, np.float32).reshape(-1, cells, cells)),
        torch.tensor(words, dtype=torch.long),
        torch.tensor(has_mask, dtype=torch.bool),
        torch.zeros(len(of), 1, 4, 4),
    )


def box_prompt(mask: Array, rng: np.random.Generator | None = None) -> tuple[Array, Array]:
    """Both corners of the mask's box, in pixels; with `rng` each side is a little off."""
    ys, xs = np.nonzero(mask)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32) * FINE
    if rng is not None:
        size = np.tile(box[2:] - box[:2], 2)
        off = np.clip(rng.normal(0, 0.04, 4), -0.12, 0.12).astype(np.float32)
        box = box + off * size
    points = np.zeros((POINTS, 2), np.float32)
    points[:2] = box.reshape(2, 2)
    return points, np.array([FIRST_CORNER, LAST_CORNER, NO_POINT])


def click_prompt(mask: Array, rng: np.random.Generator | None = None) -> tuple[Array, Array]:
    """The point deepest inside; with `rng` half of the time any point of it."""
    points = np.zeros((POINTS, 2), np.float32)
    if rng is not None and rng.random() < 0.5:
        ys, xs = np.nonzero(mask)
        k = rng.integers(len(ys))
        points[2] = (xs[k] + 0.5) * FINE, (ys[k] + 0.5) * FINE
    else:
        x, y = deepest_point(mask)
        points[2] = x * FINE, y * FINE
    return points, np.array([NO_POINT, NO_POINT, ON_IT])
