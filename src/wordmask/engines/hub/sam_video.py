"""SAM 2 and EdgeTAM with their memory: frames -> maps for cutting and for following."""

from math import isqrt
from typing import Any

import torch
from torch import Tensor

from wordmask.engines.hub.object_memory import FrameMaps, MemoryNetwork
from wordmask.engines.hub.runtime import Runtime
from wordmask.engines.hub.sam_networks import Sam2

EXACT = ("prompt_encoder", "shared_image_embedding")  # stay in fp32, see sam_networks


class Sam2Video(Sam2):
    """SAM 2's or EdgeTAM's video network: what `Sam2` does, and a memory of objects."""

    def __init__(self, model: Any, runtime: Runtime, side: int | None) -> None:
        super().__init__(model, runtime, side)
        if self.side != model.image_size:
            _resize_memory(model, self.side, self.cells // 4)
        prepare_memory(model, runtime)
        self.memory = MemoryNetwork(model, runtime)
        self._features = runtime.compile(model.get_image_features)

    def encode_frames(self, pixels: Tensor) -> list[FrameMaps]:
        """One value for each frame of (B, 3, side, side)."""
        out = self._features(pixels.to(self._runtime.device, self._runtime.dtype))
        tensors = (*out.fpn_hidden_states, out.fpn_position_encoding[-1])
        frames = []
        for row in range(len(pixels)):
            # A slice would keep the whole batch alive.
            *levels, codes = (tensor[:, row : row + 1].clone() for tensor in tensors)
            frames.append(FrameMaps(tuple(levels), codes))
        return frames


def maps_for_cutting(model: Any, maps: FrameMaps) -> tuple[Tensor, ...]:
    """What `Sam2.encode` gives: (1, D, h, w) each, the coarsest as if nothing were remembered."""
    *fine, coarse = maps.levels
    levels = (*fine, coarse + model.no_memory_embedding)
    sizes = model.backbone_feature_sizes
    return tuple(
        level.permute(1, 2, 0).unflatten(2, tuple(size))
        for level, size in zip(levels, sizes, strict=True)
    )


def video_stride(model: Any) -> int:
    """What an input side must be a multiple of; EdgeTAM's memory sees the frame in windows."""
    config = model.config
    if config.model_type != "edgetam_video":
        return Sam2.stride
    windows = isqrt(config.perceiver_resampler_num_latents_2d)  # a row
    return max(Sam2.stride, windows * int(config.prompt_encoder_config.patch_size))


def prepare_memory(model: Any, runtime: Runtime) -> None:
    """The network on its device and its memory in the chosen number format."""
    model.to(runtime.device).eval().requires_grad_(False)
    parts = [part for name, part in model.named_children() if name not in EXACT]
    own = list(model.parameters(recurse=False))
    # Not the buffers: frequencies of position codes would lose their exactness.
    for weight in [*own, *(weight for part in parts for weight in part.parameters())]:
        weight.data = weight.data.to(runtime.dtype)
    if runtime.dtype != torch.float32:
        _keep_exact(model, runtime.dtype)


def _keep_exact(model: Any, dtype: torch.dtype) -> None:
    """Let the parts in fp32 take and give `dtype`, as the session expects of them."""

    def to_exact(module: Any, args: Any, inputs: dict[str, Any]) -> Any:
        return args, {name: _cast(value, torch.float32) for name, value in inputs.items()}

    def to_dtype(module: Any, args: Any, outputs: Any) -> Any:
        if isinstance(outputs, tuple):
            return tuple(_cast(value, dtype) for value in outputs)
        return _cast(outputs, dtype)

    model.prompt_encoder.register_forward_pre_hook(to_exact, with_kwargs=True)
    for name in EXACT:
        model.get_submodule(name).register_forward_hook(to_dtype)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if torch.is_tensor(value) and value.is_floating_point() else value


def _resize_memory(model: Any, side: int, cells: int) -> None:
    """Memory for another input side; its position codes are those of a grid of `cells`."""
    model.image_size = side
    attention = model.memory_attention
    attention.config.memory_attention_rope_feat_sizes = [cells, cells]
    attention.position_ids = attention.precompute_positions(attention.config)
