"""Encoder and decoder of other makers, behind the face of our own exports.

Each class knows one maker's names, what the makers put into the graph (padding tokens, half pixels,
normalisation), and what their graphs cannot take.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.engines.graphs.network import GraphNetwork
from wordmask.engines.graphs.prompting import SquareInput, choose, tokens
from wordmask.engines.graphs.segmenter import GraphSeen
from wordmask.engines.hub.pictures import IMAGENET, UNCHANGED, Statistics, resize
from wordmask.engines.hub.prompt_groups import Group
from wordmask.errors import CapabilityError, WeightsError

STRIDE = 16  # pixels of the coordinates a cell of the picture's map
SIDE = 1024  # where a file does not say another
NONE = {"points": 0, "box": 0, "nothing": 0}  # the graph adds what its makers trained with


class ForeignNetwork:
    """What the makers have in common."""

    pads = True
    statistics: Statistics = IMAGENET
    paddings: Mapping[str, int] = NONE
    map_name = "image_embeddings"

    def __init__(self, encoder: GraphNetwork, decoder: GraphNetwork) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._pixels_name, shape = next(iter(encoder.inputs.items()))
        self._raw = len(shape) == 3  # (H, W, 3) of 0 to 255, normalised and padded inside
        side = self._coordinate_side(decoder)
        pixels = _extent(shape[2]) if len(shape) == 4 else None
        self.square = SquareInput(side, side // 4, self.pads, self.statistics, pixels or side)

    def _coordinate_side(self, decoder: GraphNetwork) -> int:
        """Of the square that points are given in: the map's cells tell."""
        cells = _extent(decoder.inputs[self.map_name][-1])
        return cells * STRIDE if cells else SIDE

    def encode(self, pixels: Array, image: Image) -> Mapping[str, Array]:
        """The maps, by the names under which the decoder takes them."""
        if self._raw:
            pixels = resize(image, self.square.inner(image.size, self.square.pixels_side))
        maps = self._encoder({self._pixels_name: pixels})
        wanted = [name for name in self._decoder.inputs if self.is_map(name)]
        if all(name in maps for name in wanted):
            return {name: maps[name] for name in wanted}
        if len(wanted) != len(maps):
            raise WeightsError(
                f"the decoder takes the maps {', '.join(wanted)}, but the encoder gives "
                f"{', '.join(maps)}; they are not of one network"
            )
        return dict(zip(wanted, maps.values(), strict=True))

    def is_map(self, name: str) -> bool:
        """Whether an input of the decoder is one of the picture's maps."""
        return name == self.map_name

    def decode(self, seen: GraphSeen, group: Group) -> tuple[Array, Array]:
        """One prompt at a time: these graphs were made for that."""
        rows = [self._decode_one(seen, group[slice(k, k + 1)]) for k in range(len(group))]
        masks, quality = (np.concatenate(column) for column in zip(*rows, strict=True))
        return masks, quality

    def _decode_one(self, seen: GraphSeen, group: Group) -> tuple[Array, Array]:
        row = tokens(group, seen.size, self.square, self.paddings)
        # These graphs add half a pixel, as ours do.
        found = self._decoder({**seen.maps, **self.prompt(row.xy, row.kind, group, seen.size)})
        masks, quality = self.answer(found)
        masks, quality = choose_any(masks, quality, group.ambiguous)
        return self.over_picture(masks, seen.size), quality

    def prompt(self, xy: Array, kind: Array, group: Group, size: Size) -> dict[str, Array]:
        """The inputs of the decoder beside the maps."""
        self.refuse(group, masks="mask_input" not in self._decoder.inputs)
        earlier = np.zeros((1, 1, self.square.cells, self.square.cells), np.float32)
        if group.logits is not None:
            earlier = self.square.earlier(group.logits, size)
        return {
            "point_coords": xy,
            "point_labels": kind,
            "mask_input": earlier,
            "has_mask_input": np.array([float(group.logits is not None)]),
            "orig_im_size": np.array(size),
        }

    def answer(self, found: Mapping[str, Array]) -> tuple[Array, Array]:
        """Masks (1, C, h, w) and their quality (1, C)."""
        masks = found["low_res_masks"] if "low_res_masks" in found else found["masks"]
        return masks, found["iou_predictions"]

    def over_picture(self, masks: Array, size: Size) -> Array:
        """The masks without the padding."""
        return self.square.crop(masks, size)

    def refuse(self, group: Group, *, boxes: bool = False, masks: bool = False) -> None:
        """Raise where these files take no box or no earlier mask."""
        if boxes and group.boxes is not None:
            raise CapabilityError(
                "these ONNX files take points only, no boxes; export the engine with wordmask"
            )
        if masks and group.logits is not None:
            raise CapabilityError(
                "these ONNX files take no earlier masks; export the engine with wordmask"
            )


class MetaNetwork(ForeignNetwork):
    """Meta's export of SAM and those after it: samexporter, MobileSAM, EfficientViT-SAM."""

    paddings: Mapping[str, int] = {"points": 1, "box": 0, "nothing": 1}

    def over_picture(self, masks: Array, size: Size) -> Array:
        """Where only `masks` are given they cover the picture, as the graph was told its size."""
        if "low_res_masks" in self._decoder.outputs:
            return self.square.crop(masks, size)
        return masks


class Sam2Network(ForeignNetwork):
    """SAM 2 as samexporter and its kin write it: the picture is stretched."""

    pads = False
    map_name = "image_embed"

    def is_map(self, name: str) -> bool:
        return name == self.map_name or name.startswith("high_res_feats")

    def over_picture(self, masks: Array, size: Size) -> Array:
        """They cover the square, which is the picture stretched."""
        return masks


class EdgeSamNetwork(ForeignNetwork):
    """EdgeSAM: no earlier masks; its four masks are not sorted by meaning."""

    def prompt(self, xy: Array, kind: Array, group: Group, size: Size) -> dict[str, Array]:
        self.refuse(group, masks=True)
        return {"point_coords": xy, "point_labels": kind}

    def answer(self, found: Mapping[str, Array]) -> tuple[Array, Array]:
        return found["masks"], found["scores"]


class EfficientSamNetwork(ForeignNetwork):
    """EfficientSAM: pixels in [0, 1], stretched; it knows no earlier masks."""

    pads = False
    statistics = UNCHANGED

    def prompt(self, xy: Array, kind: Array, group: Group, size: Size) -> dict[str, Array]:
        self.refuse(group, masks=True)
        side = self.square.side
        return {
            "batched_point_coords": xy[:, None],
            "batched_point_labels": kind[:, None],
            "orig_im_size": np.array([side, side]),
        }

    def answer(self, found: Mapping[str, Array]) -> tuple[Array, Array]:
        return found["output_masks"][:, 0], found["iou_predictions"][:, 0]

    def over_picture(self, masks: Array, size: Size) -> Array:
        return masks


class HubNetwork(ForeignNetwork):
    """The hub's onnx layout, for transformers.js: SAM pads the picture, SAM 2 stretches it."""

    def __init__(self, encoder: GraphNetwork, decoder: GraphNetwork) -> None:
        levels = [name for name in decoder.inputs if is_level(name)]
        self.pads, self._two = not levels, bool(levels)
        self.map_name = levels[-1] if levels else "image_embeddings"
        # SAM's graph adds the padding token itself; SAM 2's does not where it takes boxes.
        if "input_boxes" in decoder.inputs:
            self.paddings = {"points": 1, "box": 1, "nothing": 2}
        super().__init__(encoder, decoder)

    def is_map(self, name: str) -> bool:
        return name.startswith("image_")

    def prompt(self, xy: Array, kind: Array, group: Group, size: Size) -> dict[str, Array]:
        self.refuse(group, boxes=not self._two, masks=True)
        return {
            "input_points": xy[None],
            "input_labels": kind[None],
            "input_boxes": np.zeros((1, 0, 4), np.float32),
        }

    def answer(self, found: Mapping[str, Array]) -> tuple[Array, Array]:
        return found["pred_masks"][0], found["iou_scores"][0]

    def over_picture(self, masks: Array, size: Size) -> Array:
        return self.square.crop(masks, size) if self.pads else masks


def is_level(name: str) -> bool:
    """
    >>> is_level("image_embeddings.2"), is_level("image_embeddings")
    (True, False)
    """
    head, _, number = name.partition(".")
    return head == "image_embeddings" and number.isdigit()


def choose_any(masks: Array, quality: Array, ambiguous: bool) -> tuple[Array, Array]:
    """Of 1, 3 or 4 masks (P, C, h, w) those that count."""
    count = masks.shape[1]
    if count == 4:
        return choose(masks, quality, ambiguous, None)
    if count == 1 or ambiguous:
        return masks, quality
    rows, best = np.arange(len(masks)), quality.argmax(1)
    return masks[rows, best][:, None], quality[rows, best][:, None]


def _extent(side: Any) -> int | None:
    """A side of a shape, where it is fixed."""
    return side if isinstance(side, int) else None
