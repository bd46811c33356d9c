"""SAM 3 and SAM3-LiteText: words, or boxes around examples, -> boxes with masks.

The picture is encoded once; each word then asks on its own, so words cannot be mixed up. A score is
the region's match times the probability that the word is in the picture at all. SAM 3's video
checkpoint also cuts by clicks and follows what is found, on the same encoding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers.utils import is_torchvision_available

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import (
    Cuts,
    Memory,
    PromptBatch,
    Proposals,
    Seen,
    TrackStep,
    own_seen,
)
from wordmask.engines.hub.cutting import cut_in_groups, prompts_at_a_time
from wordmask.engines.hub.loading import Loaded, WordNetwork, load_folder
from wordmask.engines.hub.object_memory import FrameMaps, MemoryNetwork
from wordmask.engines.hub.pictures import HALF
from wordmask.engines.hub.pixels import normalise, to_numpy, to_tensor
from wordmask.engines.hub.prompt_groups import Group
from wordmask.engines.hub.sam_networks import SquareDecoder
from wordmask.engines.hub.sam_video import maps_for_cutting, prepare_memory
from wordmask.engines.hub.tracking import follow, remember
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, OptionError
from wordmask.ops import regions

FLOOR = 0.05
TOKENS = 32  # every text is padded to this, as SAM 3 was trained
BY_EXAMPLE = "visual"  # the word that SAM 3 was trained with where only boxes are given


@dataclass(frozen=True, eq=False)
class Sam3Seen:
    """One picture's feature maps."""

    size: Size
    output: Any  # Sam3VisionEncoderOutput: tensors, and tuples of tensors

    @property
    def nbytes(self) -> int:
        return sum(int(tensor.nbytes) for tensor in _tensors(tuple(self.output.values())))

    def to(self, device: Any) -> "Sam3Seen":
        """The same on another device; "cpu" is host memory."""
        moved = {name: _to_device(part, device) for name, part in self.output.items()}
        return Sam3Seen(self.size, type(self.output)(**moved))


@dataclass(frozen=True, eq=False)
class Sam3FrameSeen(Sam3Seen):
    """One frame's feature maps, and those for following objects once they are needed."""

    maps: Once[FrameMaps]

    @property
    def nbytes(self) -> int:
        return super().nbytes + sum(maps.nbytes for maps in self.maps.made)

    def to(self, device: Any) -> "Sam3FrameSeen":
        """The same on another device, and so those maps once they are needed."""
        moved = super().to(device)
        return Sam3FrameSeen(moved.size, moved.output, Once(lambda: self.maps().to(device)))


class MaskRows(NamedTuple):
    """What one question finds."""

    boxes: Array  # (N, 4) float32 xyxy, as shares of the picture
    scores: Array  # (N,) float32
    masks: Masks


class Sam3(WordNetwork):
    """A `Detector` whose proposals have masks."""

    threshold = 0.5

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded, HALF)
        self._side = int(loaded.model.config.vision_config.backbone_config.image_size)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> Sam3Seen:
        pixels = normalise(to_tensor(image, (self._side, self._side)), self._statistics)
        with torch.no_grad():
            seen = Sam3Seen(image.size, self._model.get_vision_features(self._batch(pixels)))
        return seen.to("cpu") if self._place.offload else seen

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes and masks for each phrase."""
        own = own_seen(seen, Sam3Seen, self.name).to(self._place.device)
        return self._proposals([self._ask(own, phrase) for phrase in phrases], own.size)

    def propose_like(self, seen: Seen, boxes: Array, keep: Array | None = None) -> Proposals:
        """Everything like what the boxes (B, 4) hold, as word 0; `keep` False marks "not this"."""
        if not is_torchvision_available():
            # One built for another torch does not come so far: transformers itself fails on it.
            raise CapabilityError(
                "example boxes in SAM 3 need torchvision (roi_align), which is missing or does not "
                "fit this torch; install the torchvision that belongs to it, or ask with words, "
                "which needs none"
            )
        own = own_seen(seen, Sam3Seen, self.name).to(self._place.device)
        height, width = own.size
        whole = np.array([width, height, width, height], np.float32)
        share = np.asarray(boxes, np.float32).reshape(-1, 4) / whole
        middle, extent = (share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]
        labels = np.ones(len(share), np.int64)
        if keep is not None:
            labels = np.asarray(keep).astype(np.int64).reshape(-1)
        centred = torch.from_numpy(np.concatenate([middle, extent], 1))
        found = self._ask(
            own,
            BY_EXAMPLE,
            input_boxes=self._batch(centred),
            input_boxes_labels=torch.from_numpy(labels)[None].to(self._place.device),
        )
        return self._proposals([found], own.size)

    def _ask(self, seen: Sam3Seen, phrase: str, **more: Tensor) -> MaskRows:
        tokens = self._tokens([phrase], TOKENS)
        with torch.no_grad():
            out = self._model(vision_embeds=seen.output, **tokens, **more)
        scores = to_numpy(out.pred_logits[0].float().sigmoid().flatten())
        if out.presence_logits is not None:
            scores = scores * to_numpy(out.presence_logits[0].float().sigmoid())
        rows = np.flatnonzero(scores >= FLOOR)
        masks = regions.masks_of_logits(to_numpy(out.pred_masks[0])[rows], seen.size)
        return MaskRows(to_numpy(out.pred_boxes[0])[rows], scores[rows], masks)

    def _proposals(self, parts: Sequence[MaskRows], size: Size) -> Proposals:
        """What the questions found, in pixels; the place of a question is the id of its word."""
        height, width = size
        masks = Masks.concatenate([Masks.empty(size), *(part.masks for part in parts)])
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part.boxes for part in parts)])
        scores = np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)])
        counts = [len(part.scores) for part in parts]
        labels = np.repeat(np.arange(len(parts), dtype=np.int32), counts)
        real = np.flatnonzero(masks.areas > 0)
        pixels = boxes * np.array([width, height, width, height], np.float32)
        return Proposals(
            pixels[real], scores[real].clip(0, 1), labels[real], masks[real], self.threshold
        )


class Sam3Tracker(Sam3):
    """A `Detector` that is a `Segmenter` and a `Tracker` too, all on one encoding of the picture.

    The library's own way through a video needs the package `kernels` to drop duplicates and to
    fill holes, and leaves both out where that is missing. This engine has no need of it: holes and
    specks are mended here; duplicates are dropped where proposals become objects.
    """

    def __init__(self, loaded: Loaded) -> None:
        video = loaded.model
        super().__init__(replace(loaded, model=video.detector_model))
        loaded.place.prepare(video.tracker_neck)
        prepare_memory(video.tracker_model, loaded.place)
        self._to_tracker_maps: Callable[..., Any] = video.get_vision_features_for_tracker
        self._memory = MemoryNetwork(video.tracker_model, loaded.place)
        self._decoder = SquareDecoder(video.tracker_model)
        self.prompts_at_a_time = prompts_at_a_time(loaded.place, self._decoder.prompt_bytes)
        self._mend_area = int(video.config.fill_hole_area)

    def _encode(self, image: Image) -> Sam3FrameSeen:
        seen = super()._encode(image)
        return Sam3FrameSeen(seen.size, seen.output, Once(partial(self._make_maps, seen)))

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Logits (P, C, h, w) over the picture; C = 3 where any prompt is a single click, else 1.

        The makers add "nothing is remembered" to the coarsest map; Sam3TrackerModel of
        transformers (5.23) adds it to a map that it then leaves out.
        """
        own = own_seen(seen, Sam3FrameSeen, self.name)
        with torch.no_grad():
            maps = maps_for_cutting(self._decoder.model, self._maps(own))

        def decode(group: Group) -> tuple[Tensor, Tensor]:
            return self._decoder.decode(maps, own.size, group)

        return cut_in_groups(decode, prompts, self.prompts_at_a_time)

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """The object that is `mask` in this frame; with `memory`, a correction of it."""
        own = own_seen(seen, Sam3FrameSeen, self.name)
        return remember(self._memory, self._maps(own), own.size, mask, memory)

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """Each object in the next frame; the logits are (288, 288)."""
        own = own_seen(seen, Sam3FrameSeen, self.name)
        steps = follow(self._memory, self._maps(own), memories)
        return [self._mend(step) for step in steps]

    def _maps(self, seen: Sam3FrameSeen) -> FrameMaps:
        return seen.maps().to(self._place.device)

    def _make_maps(self, seen: Sam3Seen) -> FrameMaps:
        with torch.no_grad():
            here = seen.to(self._place.device)
            levels, codes = self._to_tracker_maps(here.output)
        maps = FrameMaps(tuple(levels), codes[-1])
        return maps.to("cpu") if self._place.offload else maps

    def _mend(self, step: TrackStep) -> TrackStep:
        if step.logits is None:
            return step
        return replace(step, logits=regions.mend_logits(step.logits, area=self._mend_area))


def load(name: str, options: EngineOptions) -> Sam3:
    """The engine of a known name or a folder in hub layout."""
    if options.input_side is not None:
        raise OptionError(f"SAM 3 has one input side, 1008; got input_side={options.input_side}")
    loaded = load_folder(name, options, __name__, "the SAM 3 engine")
    return Sam3Tracker(loaded) if loaded.folder.kind == "sam3_video" else Sam3(loaded)


def _tensors(parts: tuple[Any, ...]) -> Iterator[Tensor]:
    """All tensors in a tuple, also those in tuples inside it."""
    for part in parts:
        if isinstance(part, tuple):
            yield from _tensors(part)
        else:
            yield part


def _to_device(part: Any, device: Any) -> Any:
    """A tensor, or each tensor of a tuple, on the device."""
    if isinstance(part, tuple):
        return tuple(_to_device(inner, device) for inner in part)
    return part.to(device)
