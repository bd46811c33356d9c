"""What SAM 2's video network has beside the picture's, as graphs: how objects are remembered.

All takes any number of objects, of frames and of pointers, each from 1. Position codes are inside,
memories come and go as they are stored: in fp32, without codes.
"""

from typing import Any

import torch
from torch import Tensor, nn

from wordmask.core.graphs import GraphAxis, NetworkGraph, Sizes
from wordmask.engines.hub.sam_graphs import sam_settings
from wordmask.engines.hub.sam_video import Sam2Video
from wordmask.errors import CapabilityError

PROMPTED_FRAMES = 4  # that are remembered, as in object_memory
OBJECTS = {0: GraphAxis("objects")}


class MaskPromptGraph(nn.Module):
    """Masks (P, 1, side, side) of 0 and 1 -> earlier masks as the decoder takes them."""

    def __init__(self, network: Sam2Video) -> None:
        super().__init__()
        self.shrink = network.model.mask_downsample

    def forward(self, mask: Tensor) -> Tensor:
        earlier: Tensor = self.shrink(mask.to(self.shrink.weight.dtype)).float()
        return earlier


class MemoryEncoderGraph(nn.Module):
    """A frame and its objects' masks, in [0, 1] -> what is remembered of each."""

    hidden: Tensor

    def __init__(self, network: Sam2Video) -> None:
        super().__init__()
        model = network.model
        self.encoder = model.memory_encoder
        self.scale = float(model.config.sigmoid_scale_for_mem_enc)
        self.bias = float(model.config.sigmoid_bias_for_mem_enc)
        hidden = model.occlusion_spatial_embedding_parameter
        none = torch.zeros(1, model.mem_dim)
        self.register_buffer("hidden", none if hidden is None else hidden)

    def forward(self, map_raw: Tensor, mask: Tensor, presence: Tensor) -> Tensor:
        dtype = self.encoder.projection.weight.dtype
        frame = map_raw.to(dtype).expand(mask.shape[0], -1, -1, -1)
        seen, _ = self.encoder(frame, (mask * self.scale + self.bias).to(dtype))
        away = (presence <= 0).float()[:, None] * self.hidden.float()
        memory: Tensor = seen.float() + away[..., None, None]
        return memory


class MemoryAttentionGraph(nn.Module):
    """A frame, read in the light of what is remembered of each object."""

    frame_codes: Tensor
    map_codes: Tensor
    slot_codes: Tensor

    def __init__(self, network: Sam2Video) -> None:
        super().__init__()
        model = network.model
        self.attention = model.memory_attention
        self.cells, self.width = network.cells // 4, int(model.mem_dim)
        self.project = model.temporal_positional_encoding_projection_layer
        self.timed = bool(model.config.enable_temporal_pos_encoding_for_object_pointers)
        square = (self.cells, self.cells)
        self.register_buffer(
            "frame_codes",
            _codes(model.vision_encoder.neck.position_encoding, (1, model.hidden_dim, *square)),
        )
        self.register_buffer(
            "map_codes",
            _codes(model.memory_encoder.position_encoding, (1, self.width, *square)),
        )
        slots = model.memory_temporal_positional_encoding.reshape(-1, self.width)
        self.register_buffer("slot_codes", slots)

    def forward(
        self, map_raw: Tensor, memories: Tensor, slots: Tensor, pointers: Tensor, ages: Tensor
    ) -> Tensor:
        """Memories (P, F, E, c, c) in `slots` (F,), pointers (P, N, D) of `ages` (N,) in [0, 1]."""
        dtype = self.attention.layer_norm.weight.dtype
        count, splits = memories.shape[0], pointers.shape[2] // self.width
        maps = memories.flatten(3).permute(1, 3, 0, 2).flatten(0, 1)
        map_codes = self.map_codes + self.slot_codes[slots][:, None, None]
        tokens = pointers.unflatten(2, (splits, self.width)).permute(1, 2, 0, 3).flatten(0, 1)
        age_codes = self._age_codes(ages, pointers.shape[2]).repeat_interleave(splits, 0)
        codes = torch.cat(
            [
                map_codes.flatten(0, 1).expand(-1, count, -1),
                age_codes[:, None].expand(-1, count, -1),
            ]
        )
        frame = map_raw.flatten(2).permute(2, 0, 1).expand(-1, count, -1)
        read = self.attention(
            current_vision_features=frame.to(dtype),
            current_vision_position_embeddings=self.frame_codes.to(dtype),
            memory=torch.cat([maps, tokens]).to(dtype),
            memory_posision_embeddings=codes.to(dtype),
            num_object_pointer_tokens=tokens.shape[0],
        )
        found: Tensor = read.reshape(count, -1, frame.shape[2]).transpose(1, 2).float()
        return found.unflatten(2, (self.cells, self.cells))

    def _age_codes(self, ages: Tensor, width: int) -> Tensor:
        """(N, E): sines of each age, as the transformer paper codes places."""
        if not self.timed:
            return ages[:, None] * torch.zeros(self.width)
        half = width // 2
        steps = torch.arange(half) // 2
        angles = ages[:, None] / 10000 ** (2 * steps / half)
        waves = torch.cat([angles.sin(), angles.cos()], 1)
        codes: Tensor = self.project(waves.to(self.project.weight.dtype)).float()
        return codes


def _codes(encoding: Any, shape: tuple[int, ...]) -> Tensor:
    """(h * w, 1, D) fp32."""
    codes: Tensor = encoding(torch.Size(shape), "cpu", torch.float32)
    return codes.flatten(2).permute(2, 0, 1).clone()


def memory_graphs(network: Sam2Video, map_raw: Tensor) -> tuple[NetworkGraph, ...]:
    """The three graphs; `map_raw` is that of a picture, to try them on."""
    model = network.model
    most = int(model.config.max_cond_frame_num)
    if 0 <= most < PROMPTED_FRAMES:
        raise CapabilityError(
            f"this network looks at {most} of the frames with your masks; wordmask keeps "
            f"{PROMPTED_FRAMES}, so it cannot be exported for videos; export its image part"
        )
    return (_mask_prompt(network), _memory_encoder(network, map_raw), _attention(network, map_raw))


def _mask_prompt(network: Sam2Video) -> NetworkGraph:
    def feed(sizes: Sizes) -> dict[str, Tensor]:
        return {"mask": _masks(sizes["objects"], network.side)}

    checks = ({"objects": 1}, {"objects": 3}, {"objects": 4})
    return NetworkGraph(
        "mask_prompt",
        MaskPromptGraph(network),
        feed,
        ("out_earlier",),
        {"mask": OBJECTS},
        {"objects": 2},
        checks,
    )


def _memory_encoder(network: Sam2Video, map_raw: Tensor) -> NetworkGraph:
    def feed(sizes: Sizes) -> dict[str, Tensor]:
        count = sizes["objects"]
        presence = torch.arange(count) % 2 * 20.0 - 10
        return {"map_raw": map_raw, "mask": _masks(count, network.side), "presence": presence}

    checks = ({"objects": 1}, {"objects": 3}, {"objects": 4})
    return NetworkGraph(
        "memory_encoder",
        MemoryEncoderGraph(network),
        feed,
        ("out_memory",),
        {"mask": OBJECTS, "presence": OBJECTS},
        {"objects": 2},
        checks,
    )


def _attention(network: Sam2Video, map_raw: Tensor) -> NetworkGraph:
    model, cells = network.model, network.cells // 4

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        count, frames, pointers = (sizes[name] for name in ("objects", "frames", "pointers"))
        return {
            "map_raw": map_raw,
            "memories": torch.randn(count, frames, model.mem_dim, cells, cells),
            "slots": torch.arange(frames) % model.num_maskmem,
            "pointers": torch.randn(count, pointers, model.hidden_dim),
            "ages": torch.rand(pointers),
        }

    checks = (
        {"objects": 1, "frames": 1, "pointers": 1},
        {"objects": 3, "frames": 7, "pointers": 16},
        {"objects": 1, "frames": 4, "pointers": 2},
    )
    axes = {
        "memories": {**OBJECTS, 1: GraphAxis("frames")},
        "slots": {0: GraphAxis("frames")},
        "pointers": {**OBJECTS, 1: GraphAxis("pointers")},
        "ages": {0: GraphAxis("pointers")},
    }
    example = {"objects": 2, "frames": 3, "pointers": 5}
    return NetworkGraph(
        "memory_attention",
        MemoryAttentionGraph(network),
        feed,
        ("out_picture",),
        axes,
        example,
        checks,
        largest=64,
    )


def _masks(count: int, side: int) -> Tensor:
    return (torch.rand(count, 1, side, side) > 0.5).float()


def video_settings(network: Sam2Video) -> dict[str, Any]:
    """What a tracker must know beside the graphs."""
    config = network.model.config
    least, most = config.multimask_min_pt_num, config.multimask_max_pt_num
    several = config.multimask_output_in_sam and config.multimask_output_for_tracking
    return sam_settings(network) | {
        "maps_behind": int(network.model.num_maskmem) - 1,
        "pointers_behind": int(config.max_object_pointers_in_encoder) - 1,
        "prompted_frames": PROMPTED_FRAMES,
        "several_masks": bool(several and least <= 0 <= most),
    }
