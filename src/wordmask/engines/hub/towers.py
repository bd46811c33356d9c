"""Picture networks that share a space with words (CLIP, SigLIP 2, TIPSv2), and DINO beside them.

A tower gives the tokens up to the last block, that block's parts, and the way from a patch to the
words' space.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Image, Size
from wordmask.engines.hub.attention import AttentionBlock, WindowContext, last_block
from wordmask.engines.hub.pictures import (
    CLIP_PIXELS,
    HALF,
    IMAGENET,
    UNCHANGED,
    Statistics,
    pixel_statistics,
)
from wordmask.engines.hub.pixels import normalise, to_tensor
from wordmask.engines.hub.runtime import Runtime
from wordmask.engines.weights.open import HubFolder


class Tower(Protocol):
    """What the CLIP engine needs of a picture network."""

    model: Any
    side: int  # px, of the square that it was trained on
    patch: int  # px
    prefix: int  # tokens before the patches
    scale: float  # softmax(scale * cosine) over words
    sliding: bool  # whether patches are best seen through windows of the native side
    statistics: Statistics
    cubic: bool
    cuts_middle: bool  # of a whole picture it was trained to see the middle square
    width: int
    text_length: int | None  # tokens that every text is padded to; None: to the longest

    def blocks(self) -> Sequence[Any]: ...
    def enter(self, pixels: Tensor) -> Tensor: ...
    def last(self) -> AttentionBlock: ...
    def leave(self, patches: Tensor) -> Tensor: ...
    def embed(self, pixels: Tensor) -> Tensor: ...
    def words(self, tokens: Any) -> Tensor: ...


def patches(tower: Tower, pixels: Tensor, mode: str, context: WindowContext) -> Tensor:
    """(B, h * w, D) unit vectors in the words' space, fp32."""
    x = tower.enter(pixels)
    for block in tower.blocks()[:-1]:
        x = block(x, None)
    out = tower.leave(last_block(tower.last(), x, mode, context))
    return functional.normalize(out.float(), dim=-1)


def pixels_of(tower: Tower, image: Image, size: Size) -> Tensor:
    """(3, h, w): resized and normalised as this network was trained."""
    return normalise(to_tensor(image, size, cubic=tower.cubic), tower.statistics)


class Clip:
    """CLIP in hub format, OpenAI's, OpenCLIP's or MetaCLIP 2."""

    prefix, sliding, cubic, scale = 1, True, True, 40.0
    cuts_middle = True
    text_length: int | None = None

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self.model, self._runtime = runtime.prepare(model), runtime
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        self.statistics = pixel_statistics(folder.path, CLIP_PIXELS)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layers
        return layers

    def enter(self, pixels: Tensor) -> Tensor:
        return self._vision.pre_layrnorm(
            self._vision.embeddings(pixels, interpolate_pos_encoding=True)
        )

    def last(self) -> AttentionBlock:
        return _block_of(self.blocks()[-1])

    def leave(self, patches: Tensor) -> Tensor:
        return self.model.visual_projection(self._vision.post_layernorm(patches))

    def embed(self, pixels: Tensor) -> Tensor:
        return self.model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self.model.get_text_features(**tokens).pooler_output


class Siglip:
    """SigLIP and SigLIP 2 of a fixed side. The pooling head takes a patch as if it were all."""

    prefix, sliding, cubic, scale = 0, False, False, 40.0
    cuts_middle = False

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self.model = runtime.prepare(model)
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        # It was trained on padded texts, without a mask.
        self.text_length: int | None = model.config.text_config.max_position_embeddings
        self.statistics = pixel_statistics(folder.path, HALF)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layers
        return layers

    def enter(self, pixels: Tensor) -> Tensor:
        return self._vision.embeddings(pixels, interpolate_pos_encoding=True)

    def last(self) -> AttentionBlock:
        return _block_of(self.blocks()[-1])

    def leave(self, patches: Tensor) -> Tensor:
        head, width = self._vision.head, self.width
        weight, bias = (
            head.attention.in_proj_weight[2 * width :],
            head.attention.in_proj_bias[2 * width :],
        )
        # Attention over a single key returns that key's value, whatever the query.
        seen = head.attention.out_proj(
            functional.linear(self._vision.post_layernorm(patches), weight, bias)
        )
        return seen + head.mlp(head.layernorm(seen))

    def embed(self, pixels: Tensor) -> Tensor:
        return self.model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self.model.get_text_features(input_ids=tokens["input_ids"]).pooler_output


class Tips:
    """TIPSv2: patches were trained to match words, so one plain pass is enough."""

    sliding, cubic, cuts_middle = False, False, False
    text_length: int | None = None

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self.model = runtime.prepare(model)
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        self.prefix = 1 + vision.num_register_tokens
        self.scale = 1 / float(model.temperature)
        self.statistics = pixel_statistics(folder.path, UNCHANGED)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layer
        return layers

    def enter(self, pixels: Tensor) -> Tensor:
        """As the library does, on any grid: its own way is fixed to one size by an export."""
        parts = self._vision.embeddings
        grid = pixels.shape[2] // self.patch, pixels.shape[3] // self.patch
        codes = parts.position_embeddings
        native = round((codes.shape[1] - 1) ** 0.5)
        square = codes[:, 1:].unflatten(1, (native, native)).float()
        rows, columns = (triangles(native, side).to(square) for side in grid)
        # (native, native, D) stretched along one side, then along the other
        stretched = torch.einsum("ai,bj,nijd->nabd", rows, columns, square).flatten(1, 2)
        patches = parts.patch_embeddings(pixels) + stretched.to(codes.dtype)
        count = pixels.shape[0]
        first = (parts.cls_token + codes[:, :1]).expand(count, -1, -1)
        return torch.cat([first, parts.register_tokens.expand(count, -1, -1), patches], 1)

    def last(self) -> AttentionBlock:
        layer = self.blocks()[-1]
        part = layer.attention
        return AttentionBlock(
            norm1=layer.norm1,
            query=part.q_proj,
            key=part.k_proj,
            value=part.v_proj,
            out=lambda x: layer.layer_scale1(part.o_proj(x)),
            norm2=layer.norm2,
            mlp=lambda x: layer.layer_scale2(layer.mlp(x)),
            heads=part.num_attention_heads,
        )

    def leave(self, patches: Tensor) -> Tensor:
        return self._vision.layernorm(patches)

    def embed(self, pixels: Tensor) -> Tensor:
        return self.model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self.model.get_text_features(**tokens).pooler_output


def triangles(old: int, new: Any) -> Tensor:
    """(new, old): linear interpolation, antialiased where it shrinks; `new` may be symbolic."""
    ratio = torch.tensor(float(old)) / torch.ones(new).sum()
    centres = (torch.arange(new) + 0.5) * ratio
    away = (torch.arange(old) + 0.5 - centres[:, None]).abs() / ratio.clamp(min=1)
    shares = (1 - away).clamp(min=0)
    return shares / shares.sum(1, keepdim=True)


def _block_of(layer: Any) -> AttentionBlock:
    part = layer.self_attn
    return AttentionBlock(
        norm1=layer.layer_norm1,
        query=part.q_proj,
        key=part.k_proj,
        value=part.v_proj,
        out=part.out_proj,
        norm2=layer.layer_norm2,
        mlp=layer.mlp,
        heads=part.num_heads,
    )


class Proxy:
    """DINO (v2, v3): patch features that are alike within an object."""

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self.model = runtime.prepare(model)
        self.patch = model.config.patch_size
        self.width = model.config.hidden_size
        self.statistics = pixel_statistics(folder.path, IMAGENET)

    def features(self, pixels: Tensor, grid: Size) -> Tensor:
        """(B, h * w, E) for pictures (B, 3, H, W) in [0, 1], on the grid that is asked for."""
        size = (grid[0] * self.patch, grid[1] * self.patch)
        sized = functional.interpolate(pixels, size, mode="bilinear", antialias=True)
        weight = next(self.model.parameters())
        out = self.model(
            pixel_values=normalise(sized, self.statistics).to(weight)
        ).last_hidden_state
        return out[:, -grid[0] * grid[1] :].float()  # class and register tokens come first


TOWERS: dict[str, Callable[..., Tower]] = {
    "clip": Clip,
    "metaclip_2": Clip,
    "siglip": Siglip,
    "tipsv2": Tips,
}
