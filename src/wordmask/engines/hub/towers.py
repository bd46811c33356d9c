"""Picture networks that share a space with words (CLIP, SigLIP 2, TIPSv2), and DINO beside them.

A tower gives the tokens up to the last block, that block's parts, and the way from a patch to the
words' space.
"""

from collections.abc import Sequence
from typing import Any, Protocol

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

    side: int  # px, of the square that it was trained on
    patch: int  # px
    prefix: int  # tokens before the patches
    scale: float  # softmax(scale * cosine) over words
    sliding: bool  # whether patches are best seen through windows of the native side
    statistics: Statistics
    cubic: bool
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
    text_length: int | None = None

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self._model, self._runtime = runtime.prepare(model), runtime
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
        return self._model.visual_projection(self._vision.post_layernorm(patches))

    def embed(self, pixels: Tensor) -> Tensor:
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self._model.get_text_features(**tokens).pooler_output


class Siglip:
    """SigLIP and SigLIP 2 of a fixed side. The pooling head takes a patch as if it were all."""

    prefix, sliding, cubic, scale = 0, False, False, 40.0

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self._model = runtime.prepare(model)
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
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self._model.get_text_features(input_ids=tokens["input_ids"]).pooler_output


class Tips:
    """TIPSv2: patches were trained to match words, so one plain pass is enough."""

    sliding, cubic = False, False
    text_length: int | None = None

    def __init__(self, model: Any, folder: HubFolder, runtime: Runtime) -> None:
        self._model = runtime.prepare(model)
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
        return self._vision.embeddings(pixels)

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
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Tensor:
        return self._model.get_text_features(**tokens).pooler_output


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
        self._model = runtime.prepare(model)
        self.patch = model.config.patch_size
        self.width = model.config.hidden_size
        self.statistics = pixel_statistics(folder.path, IMAGENET)

    def features(self, pixels: Tensor, grid: Size) -> Tensor:
        """(B, h * w, E) for pictures (B, 3, H, W) in [0, 1], on the grid that is asked for."""
        size = (grid[0] * self.patch, grid[1] * self.patch)
        sized = functional.interpolate(pixels, size, mode="bilinear", antialias=True)
        weight = next(self._model.parameters())
        out = self._model(
            pixel_values=normalise(sized, self.statistics).to(weight)
        ).last_hidden_state
        return out[:, -grid[0] * grid[1] :].float()  # class and register tokens come first
