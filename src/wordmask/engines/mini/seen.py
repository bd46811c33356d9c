"""A picture as mini encoded it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap
from wordmask.errors import CapabilityError
from wordmask.model.mini.constants import STRIDE


class EncoderMaps(NamedTuple):
    """What the encoder gives for one picture of H x W pixels at the network's size."""

    vectors: Array  # (256, H / 8, W / 8) unit columns
    none: Array  # (H / 8, W / 8) logit of "none of these words"
    neck: Array  # (160, H / 8, W / 8), from which the cutter's maps and the depth are computed
    early: Array  # (24, H / 4, W / 4), the cutter's detail
    whole: Array  # (256,) unit vector of the picture
    shared: Array  # (40, H / 8, W / 8), never trained: for the classes and the cutter's maps


class PromptArrays(NamedTuple):
    """What all prompts of a picture read, at strides 16, 8 and 4."""

    cells: Array
    middle: Array
    detail: Array


@dataclass(frozen=True, eq=False)
class MiniSeen:
    """One picture, encoded when the first question needs it: a tracker may only need a part."""

    image: Image
    inner: Size  # height and width that the network sees
    encoded: Once[EncoderMaps]
    prompt_maps: Once[PromptArrays]  # made for the first prompt
    features: Once[FeatureMap]  # words look at further sizes too, encoded when first needed
    mirrored: "Once[MiniSeen] | None" = None  # for boxes; None where the picture is not known

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def maps(self) -> EncoderMaps:
        return self.encoded()

    @property
    def nbytes(self) -> int:
        maps = [*self.encoded.made, *self.prompt_maps.made]
        arrays = sum(int(array.nbytes) for one in maps for array in one)
        made = sum(found.nbytes for found in self.features.made)
        if self.mirrored is not None:
            made += sum(seen.nbytes for seen in self.mirrored.made)
        return int(self.image.pixels.nbytes) + arrays + made


def blank_seen(
    size: Size,
    maps: Sequence[Array],
    dims: int,
    prepare: Callable[[EncoderMaps], PromptArrays],
) -> MiniSeen:
    """A picture of which only the cutter's maps are known; it shows no word."""
    neck, early, shared = (np.asarray(one, np.float32) for one in maps)
    height, width = neck.shape[1:]
    known = EncoderMaps(
        vectors=np.zeros((dims, height, width), np.float32),
        none=np.zeros((height, width), np.float32),
        neck=neck,
        early=early,
        whole=np.zeros(dims, np.float32),
        shared=shared,
    )
    image = Image(np.zeros((*size, 3), np.uint8))
    inner = (height * STRIDE, width * STRIDE)
    return MiniSeen(image, inner, Once(lambda: known), Once(lambda: prepare(known)), Once(_refuse))


def _refuse() -> FeatureMap:
    raise CapabilityError("only the maps of this picture are known, so words cannot be looked for")
