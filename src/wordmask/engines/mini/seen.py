"""A picture as mini encoded it."""

from dataclasses import dataclass
from typing import NamedTuple

from wordmask.core.image import Array, Image, Size
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap


class EncoderMaps(NamedTuple):
    """What the encoder gives for one picture of H x W pixels at the network's size."""

    vectors: Array  # (256, H / 8, W / 8) unit columns
    none: Array  # (H / 8, W / 8) logit of "none of these words"
    neck: Array  # (160, H / 8, W / 8), from which the cutter's maps and the depth are computed
    early: Array  # (24, H / 4, W / 4), the cutter's detail
    whole: Array  # (256,) unit vector of the picture
    shared: Array  # (40, H / 8, W / 8), from which the classes are computed


class PromptArrays(NamedTuple):
    """What all prompts of a picture read, at strides 16, 8 and 4."""

    cells: Array
    middle: Array
    detail: Array
    coarse: Array  # (1, 96, H / 8, W / 8), from which they are made; a tracker compares it


@dataclass(frozen=True, eq=False)
class MiniSeen:
    """One picture, encoded when the first question needs it: a tracker may only need a part."""

    image: Image
    inner: Size  # height and width that the network sees
    encoded: Once[EncoderMaps]
    prompt_maps: Once[PromptArrays]  # made for the first prompt
    features: Once[FeatureMap]  # words look at further sizes too, encoded when first needed

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
        return int(self.image.pixels.nbytes) + arrays + made
