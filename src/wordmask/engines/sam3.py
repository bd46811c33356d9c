"""SAM 3 and SAM3-LiteText: words, or boxes around examples, -> boxes with masks.

The picture is encoded once; each word then asks on its own, so words cannot be mixed up. A score is
the region's match times the probability that the word is in the picture at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers.utils import is_torchvision_available

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import Proposals, Seen, own_seen
from wordmask.engines.hub.loading import Loaded, WordNetwork, load_folder
from wordmask.engines.hub.pixels import HALF, normalise, to_numpy, to_tensor
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


def load(name: str, options: EngineOptions) -> Sam3:
    """The engine of a known name or a folder in hub layout."""
    if options.input_side is not None:
        raise OptionError(f"SAM 3 has one input side, 1008; got input_side={options.input_side}")
    return Sam3(load_folder(name, options, __name__, "the SAM 3 engine"))


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
