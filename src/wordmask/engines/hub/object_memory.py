"""What the video networks of SAM 2, EdgeTAM and SAM 3 remember of one object: a bounded value.

The networks run in transformers' own session. A session grows with the video and lets objects see
each other, so each step gets a fresh one, for one object, filled from what is remembered; what came
of it is read back and cut down to what later frames can ask for. The answers stay the same, bit for
bit. A frame's maps are shared by all its objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import Sam2VideoInferenceSession

from wordmask.core.image import Array
from wordmask.engines.hub.pixels import to_numpy
from wordmask.engines.hub.runtime import Runtime

# Frames with a mask of the user's that are remembered: the first and the newest. (The networks were
# trained with at most 4; the session itself keeps all.)
PROMPTED_FRAMES = 4
POINTER, MAP, POSITIONS = "object_pointer", "maskmem_features", "maskmem_pos_enc"
PROMPTED, FOLLOWED = "cond_frame_outputs", "non_cond_frame_outputs"
OBJECT = 0  # a session's only one

FrameTensors = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class FrameMaps:
    """One frame as the memory's networks take it."""

    levels: tuple[Tensor, ...]  # (h * w, 1, D) each, finest first
    positions: Tensor  # (h * w, 1, D), codes of the coarsest level

    @property
    def nbytes(self) -> int:
        return sum(int(tensor.nbytes) for tensor in (*self.levels, self.positions))

    def to(self, device: Any) -> "FrameMaps":
        """The same on another device; "cpu" is host memory."""
        return FrameMaps(
            tuple(level.to(device) for level in self.levels), self.positions.to(device)
        )


@dataclass(frozen=True, eq=False)
class ObjectMemory:
    """Frame -> what the network made of the object there."""

    prompted: Mapping[int, FrameTensors] = field(default_factory=dict)  # whose mask was given
    followed: Mapping[int, FrameTensors] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Of all tensors, each counted once."""
        return sum({tensor.data_ptr(): int(tensor.nbytes) for tensor in self.tensors()}.values())

    def tensors(self) -> Iterator[Tensor]:
        for frames in (self.prompted, self.followed):
            for tensors in frames.values():
                yield from tensors.values()


@dataclass(frozen=True, eq=False)
class ObjectStep:
    """An object in the next frame."""

    memory: ObjectMemory
    logits: Array  # (h, w) float32
    presence: float  # probability that the object is in the frame


class MemoryNetwork:
    """Sam2VideoModel, EdgeTamVideoModel or Sam3TrackerVideoModel, object by object."""

    def __init__(self, model: Any, place: Runtime) -> None:
        self._model, self._place = model, place
        self._maps_behind = int(model.num_maskmem) - 1
        self._pointers_behind = int(model.config.max_object_pointers_in_encoder) - 1
        self._no_pixels = torch.zeros((3, 1, 1))  # the frame's maps are in the session's cache

    @property
    def side(self) -> int:
        """Of the square that a frame is stretched to."""
        return int(self._model.image_size)

    def remember(
        self, maps: FrameMaps, mask: Array, memory: ObjectMemory | None, frame: int
    ) -> ObjectMemory:
        """The object's mask (H, W) in a frame. What was followed to there is replaced by it."""
        memory = memory or ObjectMemory()
        # A frame that counts as followed would stay so, and be forgotten after 6 others.
        before = {at: kept for at, kept in memory.followed.items() if at != frame}
        session = self._session(ObjectMemory(memory.prompted, before), maps, frame)
        session.add_mask_inputs(OBJECT, frame, square_mask(mask, self.side))
        session.obj_with_new_inputs.append(OBJECT)
        self._model(inference_session=session, frame=self._no_pixels, frame_idx=frame)
        return self._read(session, frame)

    def step(self, memory: ObjectMemory, maps: FrameMaps, frame: int) -> ObjectStep:
        """The object in the frame after those that are remembered."""
        session = self._session(memory, maps, frame)
        out = self._model(inference_session=session, frame=self._no_pixels, frame_idx=frame)
        logits = to_numpy(out.pred_masks.float()).reshape(out.pred_masks.shape[-2:])
        presence = float(out.object_score_logits.float().sigmoid().max())
        return ObjectStep(self._read(session, frame), logits, presence)

    def _session(self, memory: ObjectMemory, maps: FrameMaps, frame: int) -> Any:
        """A session that knows one object, and this frame's maps. The tensors are shared."""
        device, dtype = self._place.device, self._place.dtype
        session = Sam2VideoInferenceSession(
            inference_device=device,
            inference_state_device=device,
            dtype=dtype,  # its default is a string, which its arithmetic cannot use
        )
        session.obj_id_to_idx(OBJECT)
        outputs = session.output_dict_per_obj[OBJECT]
        outputs[PROMPTED].update(memory.prompted)
        outputs[FOLLOWED].update(memory.followed)
        features = {"vision_feats": list(maps.levels), "vision_pos_embeds": [maps.positions]}
        session.cache.cache_vision_features(frame, features)
        return session

    def _read(self, session: Any, frame: int) -> ObjectMemory:
        """What frames after `frame` can ask for."""
        outputs = session.output_dict_per_obj[OBJECT]
        first, *others = sorted(outputs[PROMPTED])
        codes = outputs[PROMPTED][first][POSITIONS]
        kept = (first, *others[1 - PROMPTED_FRAMES :])
        prompted = {at: _keep_needed(outputs[PROMPTED][at], codes) for at in kept}
        followed = {}
        for at, tensors in outputs[FOLLOWED].items():
            age = frame - at
            if age < self._maps_behind:
                followed[at] = _keep_needed(tensors, codes)
            elif age < self._pointers_behind:
                followed[at] = {POINTER: tensors[POINTER]}
        return ObjectMemory(prompted, followed)


def square_mask(mask: Array, side: int) -> Tensor:
    """(1, 1, side, side) float32, 1 inside. An object too small for the square keeps a pixel."""
    pixels = torch.from_numpy(mask).float()[None, None]
    if mask.shape == (side, side):
        return pixels
    shares = functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    return (shares >= min(0.5, float(shares.max()))).float()


def _keep_needed(tensors: FrameTensors, codes: Tensor) -> FrameTensors:
    """What memory attention reads. Position codes are the same in every frame, so one is kept."""
    own = tensors[POSITIONS]
    same = own is codes or torch.equal(own, codes)
    return {
        POINTER: tensors[POINTER],
        MAP: tensors[MAP],
        POSITIONS: codes if same else own,
    }
