"""SAM, SAM-HQ and SAM 2 in an exported folder: points, boxes and earlier masks -> masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Cuts, PromptBatch, Seen, own_seen
from wordmask.engines.graphs.manifest import Manifest
from wordmask.engines.graphs.network import GraphNetwork, open_network
from wordmask.engines.graphs.prompting import SquareInput, choose, tokens
from wordmask.engines.hub.prompt_groups import Group, groups
from wordmask.engines.options import EngineOptions
from wordmask.errors import OptionError, PromptError

NO_CANDIDATE = -32.0  # logit of a candidate that the network did not give: an empty mask
PROMPTS = 16  # most at a time


@dataclass(frozen=True, eq=False)
class GraphSeen:
    """One picture's feature maps, by the names of the graphs."""

    size: Size
    maps: Mapping[str, Array]  # (1, ...) each

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for array in self.maps.values())


class PromptNetwork(Protocol):
    """What the engine needs of a pair of encoder and decoder."""

    square: SquareInput

    def encode(self, pixels: Array, image: Image) -> Mapping[str, Array]:
        """(1, 3, side, side) -> the picture's maps."""
        ...

    def decode(self, seen: GraphSeen, group: Group) -> tuple[Array, Array]:
        """Logits (P, C, h, w) over the picture, and their quality (P, C)."""
        ...


class GraphSegmenter:
    """A `Segmenter`. One click gives three candidates; a box, several points or a mask give one."""

    def __init__(self, name: str, network: PromptNetwork) -> None:
        self.name, self.network = name, network

    @property
    def input_side(self) -> int:
        return self.network.square.side

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> GraphSeen:
        pixels = self.network.square.pixels(image)[None]
        return GraphSeen(image.size, self.network.encode(pixels, image))

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Logits (P, C, h, w) over the picture, C = 3 where any prompt is a single click, else 1.

        Beside a single click, a prompt that means one thing fills candidate 0; its others are
        empty, of quality 0.
        """
        own = own_seen(seen, GraphSeen, self.name)
        if not len(prompts):
            raise PromptError(
                "there are no prompts to cut by; give at least one point, box or mask"
            )
        parts = list(groups(prompts))
        most = 3 if any(part.ambiguous for part in parts) else 1
        logits = np.zeros((len(prompts), most, 0, 0), np.float32)
        quality = np.zeros((len(prompts), most), np.float32)
        for part in parts:
            for start in range(0, len(part), PROMPTS):
                group = part[slice(start, start + PROMPTS)]
                masks, scores = self.network.decode(own, group)
                if not logits.size:
                    shape = (len(prompts), most, *masks.shape[-2:])
                    logits = np.full(shape, NO_CANDIDATE, np.float32)
                count = min(most, masks.shape[1])
                logits[group.rows, :count], quality[group.rows, :count] = (
                    masks[:, :count],
                    scores[:, :count],
                )
        return Cuts(logits, quality.clip(0, 1))


class ExportedNetwork:
    """Encoder and decoder as wordmask exports them."""

    def __init__(
        self, encoder: GraphNetwork, decoder: GraphNetwork, settings: Mapping[str, Any]
    ) -> None:
        self.square = SquareInput.of(settings)
        self._encoder, self._decoder, self._settings = encoder, decoder, settings

    def encode(self, pixels: Array, image: Image) -> Mapping[str, Array]:
        return self._encoder({"pixels": pixels})

    def decode(self, seen: GraphSeen, group: Group) -> tuple[Array, Array]:
        found = self.answer(seen.maps, self.prompts(group, seen.size))
        masks, quality = choose(
            found["out_masks"], found["out_quality"], group.ambiguous, self._settings["stability"]
        )
        return self.square.crop(masks, seen.size), quality

    def prompts(self, group: Group, size: Size) -> dict[str, Array]:
        """A group as the decoder takes it."""
        row = tokens(group, size, self.square, self._settings["paddings"])
        count, cells = len(group), self.square.cells
        earlier, which = np.zeros((1, 1, cells, cells), np.float32), np.full(count, -1)
        if group.logits is not None:
            earlier, which = self.square.earlier(group.logits, size), np.arange(count)
        return {"xy": row.xy, "kind": row.kind, "earlier": earlier, "which": which}

    def answer(self, maps: Mapping[str, Array], prompts: Mapping[str, Array]) -> dict[str, Array]:
        """All that the decoder says."""
        return self._decoder({**maps, **prompts})


def load(exported: Manifest, options: EngineOptions) -> GraphSegmenter:
    """The engine of an exported folder."""
    check_side(exported, options)
    return GraphSegmenter(exported.name, open_pair(exported, options))


def open_pair(exported: Manifest, options: EngineOptions) -> ExportedNetwork:
    """The folder's encoder and decoder."""
    encoder, decoder = (
        open_network(exported.graphs[name].path, options, exported.runtime)
        for name in ("encoder", "decoder")
    )
    return ExportedNetwork(encoder, decoder, exported.settings)


def check_side(exported: Manifest, options: EngineOptions) -> None:
    """Raise where a side is asked for that is not the folder's."""
    side = int(exported.settings["side"])
    if options.input_side not in (None, side):
        raise OptionError(
            f"{exported.folder} was exported for input_side={side}, got {options.input_side}; "
            "export again with that side"
        )
