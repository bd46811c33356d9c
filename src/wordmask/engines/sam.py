"""SAM, SAM-HQ, SAM 2, SAM 2.1 and EdgeTAM: points, boxes and earlier masks -> masks.

Of SAM 2, 2.1 and EdgeTAM the video checkpoints also follow objects, on the same encodings. What
came of a picture is a value: it may wait in host memory and serves any number of threads.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wordmask.core.graphs import GraphSet
from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Cuts, Memory, PromptBatch, Seen, TrackStep, own_seen
from wordmask.engines.hub import meta
from wordmask.engines.hub.cutting import cut_in_groups, prompts_at_a_time
from wordmask.engines.hub.loading import load_folder
from wordmask.engines.hub.object_memory import FrameMaps
from wordmask.engines.hub.pixels import to_numpy
from wordmask.engines.hub.prompt_groups import Group
from wordmask.engines.hub.runtime import Runtime, chunks, runtime
from wordmask.engines.hub.sam_graphs import (
    decoder_graph,
    encoder_graph,
    example_maps,
    sam_settings,
)
from wordmask.engines.hub.sam_networks import Sam, Sam2
from wordmask.engines.hub.sam_video import Sam2Video, maps_for_cutting, video_stride
from wordmask.engines.hub.tracking import follow, remember
from wordmask.engines.hub.video_graphs import memory_graphs, video_settings
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home

log = logging.getLogger("wordmask.engines")

PICTURES, GPU_PICTURES = {"cpu": 2}, 16  # most at a time; more is slower on a CPU
VIDEO = ("sam2_video", "edgetam_video")  # networks with a memory of objects


@dataclass(frozen=True, eq=False)
class SamSeen:
    """One picture's feature maps."""

    size: Size
    tensors: tuple[Tensor, ...]  # (1, D, h, w) each

    @property
    def nbytes(self) -> int:
        return sum(int(tensor.nbytes) for tensor in self.tensors)

    def to(self, device: Any) -> "SamSeen":
        """The same on another device; "cpu" is host memory."""
        return SamSeen(self.size, tuple(tensor.to(device) for tensor in self.tensors))


@dataclass(frozen=True, eq=False)
class FrameSeen:
    """One frame's maps, to cut by and to follow objects on."""

    size: Size
    maps: FrameMaps

    @property
    def nbytes(self) -> int:
        return self.maps.nbytes

    def to(self, device: Any) -> "FrameSeen":
        """The same on another device; "cpu" is host memory."""
        return FrameSeen(self.size, self.maps.to(device))


class SamEngine:
    """A `Segmenter`. One click gives three candidates; a box, several points or a mask give one."""

    def __init__(self, name: str, network: Sam | Sam2, place: Runtime) -> None:
        self.name = name
        self.network = network
        kind = place.device.type
        self._place = place
        self.pictures_at_a_time = place.rows(
            network.picture_bytes, PICTURES.get(kind, GPU_PICTURES)
        )
        self.prompts_at_a_time = prompts_at_a_time(place, network.prompt_bytes)

    @property
    def input_side(self) -> int:
        return self.network.side

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        seen: list[Seen] = []
        with torch.no_grad():
            for batch in chunks(images, self.pictures_at_a_time):
                pixels = torch.stack([self.network.pixels(image) for image in batch])
                maps = self.network.encode(pixels)
                for row, image in enumerate(batch):
                    # A slice would keep the whole batch alive.
                    own = tuple(level[row : row + 1].clone() for level in maps)
                    seen.append(self._store(SamSeen(image.size, own)))
        return seen

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Logits (P, C, h, w) over the picture, C = 3 where any prompt is a single click, else 1.

        Beside a single click, a prompt that means one thing fills candidate 0; its others are
        empty, of quality 0.
        """
        own = own_seen(seen, SamSeen, self.name)
        here = own.to(self._place.device)

        def decode(group: Group) -> tuple[Tensor, Tensor]:
            return self.network.decode(here.tensors, own.size, group)

        return cut_in_groups(decode, prompts, self.prompts_at_a_time)

    def maps(self, seen: Seen) -> tuple[Array, ...]:
        """The encoder's maps, (C, h, w) each; SAM-HQ's second one has its channels in front too."""
        own = own_seen(seen, SamSeen, self.name)
        first, *others = (to_numpy(tensor)[0] for tensor in own.tensors)
        return first, *(np.moveaxis(one, -1, 0) if self._is_hq(own) else one for one in others)

    def see_maps(self, size: Size, maps: Sequence[Array]) -> SamSeen:
        """A picture of which only such maps are known."""
        first, *others = (torch.from_numpy(np.ascontiguousarray(one))[None] for one in maps)
        if isinstance(self.network, Sam):
            others = [one.permute(0, 2, 3, 1) for one in others]
        kind = self._place.dtype
        return SamSeen(size, tuple(one.to(kind) for one in (first, *others)))

    def _is_hq(self, seen: SamSeen) -> bool:
        return isinstance(self.network, Sam) and len(seen.tensors) > 1

    # ---- Exportable

    @property
    def parts(self) -> tuple[str, ...]:
        return ("image",)

    def graphs(self, parts: Sequence[str]) -> GraphSet:
        """Encoder and decoder."""
        encoder = encoder_graph(self.network)
        decoder = decoder_graph(self.network, example_maps(encoder))
        return GraphSet("sam", (encoder, decoder), sam_settings(self.network))

    def _store(self, seen: SamSeen) -> SamSeen:
        return seen.to("cpu") if self._place.offload else seen


class SamTracker(SamEngine):
    """A `Segmenter` that is a `Tracker` too, both on one encoding."""

    network: Sam2Video

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        seen: list[Seen] = []
        with torch.no_grad():
            for batch in chunks(images, self.pictures_at_a_time):
                pixels = torch.stack([self.network.pixels(image) for image in batch])
                for image, maps in zip(batch, self.network.encode_frames(pixels), strict=True):
                    own = FrameSeen(image.size, maps)
                    seen.append(own.to("cpu") if self._place.offload else own)
        return seen

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """As `SamEngine.cut`."""
        own = own_seen(seen, FrameSeen, self.name)
        with torch.no_grad():
            maps = maps_for_cutting(self.network.model, own.maps.to(self._place.device))
        return super().cut(SamSeen(own.size, maps), prompts)

    @property
    def parts(self) -> tuple[str, ...]:
        """EdgeTAM's memory is of another kind, so only what cuts is exported."""
        known = self.network.model.config.model_type == "sam2_video"
        return ("image", "video") if known else ("image",)

    def graphs(self, parts: Sequence[str]) -> GraphSet:
        """Encoder and decoder; for videos also what remembers."""
        if "video" not in parts:
            return super().graphs(parts)
        encoder = encoder_graph(self.network, video=True)
        *maps, raw = example_maps(encoder)
        decoder = decoder_graph(self.network, maps, video=True)
        graphs = (encoder, decoder, *memory_graphs(self.network, raw))
        return GraphSet("sam_video", graphs, video_settings(self.network))

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """The object that is `mask` in this frame; with `memory`, a correction of it."""
        own = own_seen(seen, FrameSeen, self.name)
        maps = own.maps.to(self._place.device)
        return remember(self.network.memory, maps, own.size, mask, memory)

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """Each object in the next frame; the logits are (256, 256) at the usual input side."""
        own = own_seen(seen, FrameSeen, self.name)
        return follow(self.network.memory, own.maps.to(self._place.device), memories)


def load(name: str, options: EngineOptions) -> SamEngine:
    """The engine of a known name, a folder in hub layout, or a file in Meta's own format (SAM)."""
    place = runtime(options)  # a device that is not here is said before anything is fetched
    path = home.folder(name, options)
    if path.is_file():
        model, stamp = meta.load(path, options), home.stamp(name, path)
        kind = model.config.model_type
    else:
        loaded = load_folder(name, options, __name__, "the SAM engine")
        model, kind, stamp = loaded.model, loaded.folder.kind, loaded.name
    if kind in VIDEO:
        side = _side(options.input_side, video_stride(model))
        return SamTracker(stamp, Sam2Video(model, place, side), place)
    family = Sam if kind in ("sam", "sam_hq") else Sam2
    network: Sam | Sam2 = family(model, place, _side(options.input_side, family.stride))
    return SamEngine(stamp, network, place)


def _side(wanted: int | None, stride: int) -> int | None:
    """The input side rounded up to what the network can take, with a warning where it differs."""
    if wanted is None:
        return None
    side = -(-wanted // stride) * stride
    if side != wanted:
        log.warning("input_side %d is not a multiple of %d; %d is used", wanted, stride, side)
    return side
