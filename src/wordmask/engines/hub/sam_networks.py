"""SAM, SAM-HQ, SAM 2 and EdgeTAM behind one face: pixels -> tensors, tensors + prompts -> logits.

The prompt encoder and its position codes stay in fp32: in bf16 a coordinate of a 1024 px input is
off by 4 px.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter, functional

from wordmask.core.image import Image, Size
from wordmask.engines.hub.hq_decoder import decode_all
from wordmask.engines.hub.pictures import IMAGENET
from wordmask.engines.hub.pixels import normalise, to_tensor
from wordmask.engines.hub.prompt_groups import Group, fit_size, to_input
from wordmask.engines.hub.prompts import crop_padding, pad_to_square
from wordmask.engines.hub.runtime import Runtime


class Network(Protocol):
    """What the engine needs of a network."""

    side: int
    picture_bytes: int  # activations for encoding one picture, fp32
    prompt_bytes: int  # activations for decoding one prompt, fp32

    def inner(self, size: Size) -> Size: ...
    def pixels(self, image: Image) -> Tensor: ...
    def encode(self, pixels: Tensor) -> tuple[Tensor, ...]: ...
    def decode(
        self, tensors: tuple[Tensor, ...], size: Size, group: Group
    ) -> tuple[Tensor, Tensor]: ...


class Sam:
    """SAM and SAM-HQ: the long side is fitted, the rest padded."""

    stride = 16
    wants_a_point = False

    def __init__(self, model: Any, runtime: Runtime, side: int | None) -> None:
        config = model.config.vision_config
        self.side = side or config.image_size
        if self.side != config.image_size:
            _resize_sam(model, self.side)
        self.cells = 4 * self.side // config.patch_size  # side of the low-resolution logits
        tokens = (self.side // config.patch_size) ** 2
        # The bias of relative positions and the product beside it, both heads x tokens x tokens.
        self.picture_bytes = (
            8 * config.num_attention_heads * tokens**2 + 64 * tokens * config.hidden_size
        )
        self.prompt_bytes = 10_000 * tokens
        self.model, self._runtime = _prepare_parts(model, runtime), runtime
        self._encoder = runtime.compile(model.vision_encoder)

    def inner(self, size: Size) -> Size:
        return fit_size(size, self.side)

    def pixels(self, image: Image) -> Tensor:
        small = normalise(to_tensor(image, self.inner(image.size)), IMAGENET)
        _, height, width = small.shape
        return functional.pad(small, (0, self.side - width, 0, self.side - height))

    def encode(self, pixels: Tensor) -> tuple[Tensor, ...]:
        out = self._encoder(pixels.to(self._runtime.device, self._runtime.dtype))
        early = out.get("intermediate_embeddings")
        if early is None:
            return (out.last_hidden_state,)
        return out.last_hidden_state, early[0]  # SAM-HQ's decoder reads the first of them

    def decode(
        self, tensors: tuple[Tensor, ...], size: Size, group: Group
    ) -> tuple[Tensor, Tensor]:
        decode = _decode_hq if len(tensors) > 1 else _decode_sam
        masks, quality = decode(self, tensors, size, group)
        return crop_padding(masks.float(), self.side, self.inner(size)), quality.float()


def _decode_sam(
    network: Sam, tensors: tuple[Tensor, ...], size: Size, group: Group
) -> tuple[Tensor, Tensor]:
    model = network.model
    sparse, dense = _embed_prompts(network, model, group, size)
    picture = tensors[0].expand(len(dense), -1, -1, -1)
    masks, quality = model.mask_decoder(
        image_embeddings=picture,
        image_positional_embeddings=_positions(model, len(dense), picture.dtype),
        sparse_prompt_embeddings=None if sparse is None else sparse.to(picture.dtype),
        dense_prompt_embeddings=dense.to(picture.dtype),
        multimask_output=group.ambiguous,
    )
    return masks.flatten(0, 1), quality.flatten(0, 1)


def _decode_hq(
    network: Sam, tensors: tuple[Tensor, ...], size: Size, group: Group
) -> tuple[Tensor, Tensor]:
    model, dtype = network.model, tensors[0].dtype
    sparse, dense = _embed_prompts(network, model, group, size)
    tokens = dense.new_zeros((len(group), 0, dense.shape[1]))
    if sparse is not None:
        tokens = sparse.flatten(0, 1)
    prompts, codes = (tokens.to(dtype), dense.to(dtype)), _positions(model, 1, dtype)
    masks, quality = decode_all(model.mask_decoder, tensors, codes, prompts)
    rows = slice(1, None) if group.ambiguous else slice(1)
    return masks[:, rows], quality[:, rows]


class SquareDecoder:
    """What SAM 2, EdgeTAM and SAM 3 do with prompts: the picture is stretched to a square."""

    wants_a_point = True  # beside an earlier mask: it was trained to see at least an empty one

    def __init__(self, model: Any) -> None:
        self.side = int(model.prompt_encoder.input_image_size)
        self.cells = int(model.prompt_encoder.mask_input_size[0])
        self.prompt_bytes = 10_000 * (self.cells // 4) ** 2
        self.model = model

    def inner(self, size: Size) -> Size:
        return self.side, self.side

    def decode(
        self, tensors: tuple[Tensor, ...], size: Size, group: Group
    ) -> tuple[Tensor, Tensor]:
        model = self.model
        sparse, dense = _embed_prompts(self, model, group, size)
        *fine, picture = (level.expand(len(dense), -1, -1, -1) for level in tensors)
        masks, quality, _, _ = model.mask_decoder(
            image_embeddings=picture,
            image_positional_embeddings=_positions(model, len(dense), picture.dtype),
            sparse_prompt_embeddings=None if sparse is None else sparse.to(picture.dtype),
            dense_prompt_embeddings=dense.to(picture.dtype),
            multimask_output=group.ambiguous,
            high_resolution_features=fine,
        )
        return masks.flatten(0, 1).float(), quality.flatten(0, 1).float()


class Sam2(SquareDecoder):
    """SAM 2, 2.1 and EdgeTAM."""

    stride = 32  # the coarsest level is 1 / 32, and levels must halve evenly

    def __init__(self, model: Any, runtime: Runtime, side: int | None) -> None:
        if side not in (None, model.prompt_encoder.input_image_size):
            _resize_sam2(model, side)
        super().__init__(_prepare_parts(model, runtime))
        self.picture_bytes, self._runtime = 150_000 * (self.cells // 4) ** 2, runtime
        self.model.no_memory_embedding.data = model.no_memory_embedding.data.to(runtime.dtype)
        self._encoder = runtime.compile(model.get_image_embeddings)

    def pixels(self, image: Image) -> Tensor:
        return normalise(to_tensor(image, (self.side, self.side)), IMAGENET)

    def encode(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(self._encoder(pixels.to(self._runtime.device, self._runtime.dtype)))


def _prepare_parts(model: Any, runtime: Runtime) -> Any:
    """The two large parts in the chosen number format, the prompt side in fp32."""
    model = model.to(runtime.device).eval().requires_grad_(False)
    for part in (model.vision_encoder, model.mask_decoder):
        runtime.prepare(part)
    return model


def _embed_prompts(
    network: Sam | SquareDecoder, model: Any, group: Group, size: Size
) -> tuple[Tensor | None, Tensor]:
    """Prompts as tokens (B, P, tokens, D) and as a picture (B, D, h, w).

    B = 1, or B = P where earlier masks are given.
    """
    inner, count = network.inner(size), len(group)
    place = model.prompt_encoder.no_mask_embed.weight.device
    lead = (1, count) if group.logits is None else (count, 1)
    names = ("input_points", "input_labels", "input_boxes", "input_masks")
    inputs: dict[str, Tensor | None] = dict.fromkeys(names)
    if group.xy.shape[1]:
        xy = torch.from_numpy(to_input(group.xy, size, inner)).to(place)
        labels = torch.from_numpy(group.keep.astype(np.int32)).to(place)
        inputs["input_points"] = xy.reshape(*lead, -1, 2)
        inputs["input_labels"] = labels.reshape(*lead, -1)
    if group.boxes is not None:
        boxes = torch.from_numpy(to_input(group.boxes, size, inner)).to(place)
        inputs["input_boxes"] = boxes.reshape(*lead, 4)
    if group.logits is not None:
        earlier = torch.from_numpy(np.ascontiguousarray(group.logits, np.float32)).to(place)
        inputs["input_masks"] = pad_to_square(earlier, network.cells, network.side, inner)
        if network.wants_a_point and not group.xy.shape[1] and group.boxes is None:
            inputs["input_points"] = torch.zeros((count, 1, 1, 2), device=place)
            inputs["input_labels"] = torch.full((count, 1, 1), -1, dtype=torch.int32, device=place)
    sparse, dense = model.prompt_encoder(**inputs)
    return sparse, dense


def _positions(model: Any, count: int, dtype: Any) -> Any:
    codes = model.get_image_wide_positional_embeddings().to(dtype)
    return codes.expand(count, -1, -1, -1)


def _resize_sam(model: Any, side: int) -> None:
    """Position codes for another input side; relative ones are resized by the attention itself."""
    config, prompt = model.config, model.prompt_encoder
    cells = side // config.vision_config.patch_size
    encoder = model.vision_encoder
    if encoder.pos_embed is not None:
        codes = encoder.pos_embed.data.permute(0, 3, 1, 2)
        codes = functional.interpolate(codes, (cells, cells), mode="bicubic", antialias=True)
        encoder.pos_embed = Parameter(codes.permute(0, 2, 3, 1).contiguous())
    config.vision_config.image_size = config.prompt_encoder_config.image_size = side
    encoder.image_size = side
    encoder.patch_embed.image_size = (side, side)  # what TinyViT has is not looked at
    config.prompt_encoder_config.image_embedding_size = cells
    prompt.image_embedding_size, prompt.input_image_size = (cells, cells), side


def _resize_sam2(model: Any, side: int) -> None:
    """SAM 2 resizes its codes itself; only the sizes that it computed when it was built are set."""
    prompt = model.prompt_encoder
    patch = prompt.input_image_size // prompt.image_embedding_size[0]
    cells = side // patch
    prompt.input_image_size, prompt.image_embedding_size = side, (cells, cells)
    prompt.mask_input_size = (4 * cells, 4 * cells)
    model.backbone_feature_sizes = [[cells * scale, cells * scale] for scale in (4, 2, 1)]
