"""SAM 3 and SAM3-LiteText: words, or boxes around examples, -> boxes with masks.

The picture is encoded once; each word then asks on its own, so words cannot be mixed up. A score is the region's
match times the probability that the word is in the picture at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import Proposals, Seen, own_seen
from wordmask.engines.hub.runtime import (
    Checkpoint,
    inference,
    load_model,
    load_tokenizer,
    normalised,
    numpy,
    open_folder,
    pixel_statistics,
    resized,
    runtime,
    torch,
    transformers,
)
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home as weights
from wordmask.errors import CapabilityError, OptionError
from wordmask.ops import regions

KINDS = {"sam3": "Sam3Model", "sam3_video": "Sam3Model", "sam3_lite_text": "Sam3LiteTextModel"}
FLOOR = 0.05
TOKENS = 32  # every text is padded to this, as SAM 3 was trained
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
BY_EXAMPLE = "visual"  # the word that SAM 3 was trained to hear where only boxes speak


@dataclass(frozen=True, eq=False)
class Sam3Seen:
    """One picture's feature maps."""

    size: Size
    output: Any  # Sam3VisionEncoderOutput: tensors and tuples of tensors

    @property
    def nbytes(self) -> int:
        return sum(int(tensor.nbytes) for tensor in _tensors(self.output))

    def to(self, device: Any) -> "Sam3Seen":
        """The same on another device; "cpu" is host memory."""
        moved = {name: _to(part, device) for name, part in self.output.items()}
        return Sam3Seen(self.size, type(self.output)(**moved))


class Sam3:
    """A `Detector` whose proposals have masks."""

    threshold = 0.5

    def __init__(
        self, name: str, model: Any, checkpoint: Checkpoint, options: EngineOptions
    ) -> None:
        self.name = name
        self._place = runtime(options)
        self._model = self._place.prepare(model)
        self._tokenizer = load_tokenizer(checkpoint.path)
        self._statistics = pixel_statistics(checkpoint.path, HALF)
        self._side = int(model.config.vision_config.backbone_config.image_size)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> Sam3Seen:
        pixels = normalised(resized(image, (self._side, self._side)), *self._statistics)
        with inference():
            output = self._model.get_vision_features(
                pixels[None].to(self._place.device, self._place.dtype)
            )
        seen = Sam3Seen(image.size, output)
        return seen.to("cpu") if self._place.offload else seen

    def propose(self, seen: Seen, phrases: Sequence[str]) -> Proposals:
        """Boxes and masks for each phrase."""
        own = own_seen(seen, Sam3Seen, self.name).to(self._place.device)
        with inference():
            parts = [self._ask(own, phrase) for phrase in phrases]
        return replace(_joined(own.size, parts), threshold=self.threshold)

    def propose_like(self, seen: Seen, boxes: Array, keep: Array | None = None) -> Proposals:
        """Everything like what the boxes (B, 4) hold; `keep` False marks a box as "not this". One word, number 0."""
        if not _torchvision():
            raise CapabilityError(
                "example boxes in SAM 3 need torchvision (roi_align), which is missing or does not fit this torch; "
                "install the torchvision that belongs to it, or ask with words, which needs none"
            )
        own = own_seen(seen, Sam3Seen, self.name).to(self._place.device)
        height, width = own.size
        share = np.asarray(boxes, np.float32).reshape(-1, 4) / np.array(
            [width, height, width, height], np.float32
        )
        centred = np.concatenate(
            [(share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]], 1
        )
        labels = (
            np.ones(len(share), np.int64)
            if keep is None
            else np.asarray(keep).astype(np.int64).reshape(-1)
        )
        t, device = torch(), self._place.device
        more = {
            "input_boxes": t.from_numpy(centred)[None].to(device, self._place.dtype),
            "input_boxes_labels": t.from_numpy(labels)[None].to(device),
        }
        with inference():
            part = self._ask(own, BY_EXAMPLE, **more)
        return replace(_joined(own.size, [part]), threshold=self.threshold)

    def _ask(self, seen: Sam3Seen, phrase: str, **more: Any) -> tuple[Array, Array, Masks]:
        """Boxes, scores and masks of one phrase."""
        tokens = self._tokenizer(
            [phrase], padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        )
        ids, mask = (
            tokens[name].to(self._place.device) for name in ("input_ids", "attention_mask")
        )
        out = self._model(vision_embeds=seen.output, input_ids=ids, attention_mask=mask, **more)
        scores = numpy(out.pred_logits[0].float().sigmoid().flatten())
        if out.presence_logits is not None:
            scores = scores * numpy(out.presence_logits[0].float().sigmoid())
        rows = np.flatnonzero(scores >= FLOOR)
        masks = regions.masks_of_logits(numpy(out.pred_masks[0])[rows], seen.size)
        return numpy(out.pred_boxes[0])[rows], scores[rows], masks


def load(name: str, options: EngineOptions) -> Sam3:
    """The engine of a known name or a folder in hub layout."""
    path = weights.folder(name, options)
    checkpoint = open_folder(path, KINDS, "the SAM 3 engine")
    if options.input_side is not None:
        raise OptionError(f"SAM 3 has one input side, 1008; got input_side={options.input_side}")
    return Sam3(
        weights.stamp(name, path),
        load_model(checkpoint, KINDS[checkpoint.kind], options),
        checkpoint,
        options,
    )


def _torchvision() -> bool:
    """Whether torchvision is there. One built for another torch is found earlier: transformers itself fails on it."""
    return bool(transformers().utils.is_torchvision_available())


def _tensors(part: Any) -> Iterator[Any]:
    """All tensors in an output of transformers, or in a tuple of one."""
    if isinstance(part, torch().Tensor):
        yield part
    elif part is not None:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _tensors(inner)


def _to(part: Any, device: Any) -> Any:
    """A tensor, or each tensor of a tuple, on the device."""
    if isinstance(part, tuple):
        return tuple(_to(inner, device) for inner in part)
    return part.to(device)


def _joined(size: Size, parts: Sequence[tuple[Array, Array, Masks]]) -> Proposals:
    height, width = size
    masks = Masks.concatenate([Masks.empty(size), *(part[2] for part in parts)])
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part[0] for part in parts)])
    scores = np.concatenate([np.zeros(0, np.float32), *(part[1] for part in parts)])
    labels = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part[1]) for part in parts])
    real = np.flatnonzero(masks.areas > 0)
    pixels = boxes * np.array([width, height, width, height], np.float32)
    return Proposals(pixels[real], scores[real].clip(0, 1), labels[real], masks[real])
