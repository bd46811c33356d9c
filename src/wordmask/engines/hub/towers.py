"""Picture networks that share a space with words: CLIP, SigLIP (2), TIPSv2; and DINO, which lends its eyes.

A tower gives tokens up to the last block, that block's parts, and the way from a patch to the words' space.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from wordmask.core.image import Image, Size
from wordmask.engines.hub.attention import Block, Scene, last_block
from wordmask.engines.hub.runtime import (
    IMAGENET,
    Checkpoint,
    Runtime,
    Statistics,
    normalised,
    pixel_statistics,
    resized,
    torch,
)

CLIP_PIXELS: Statistics = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
SIGLIP_PIXELS: Statistics = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
TIPS_PIXELS: Statistics = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


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
    def enter(self, pixels: Any) -> Any: ...
    def last(self) -> Block: ...
    def leave(self, patches: Any) -> Any: ...
    def pooled(self, pixels: Any) -> Any: ...
    def words(self, tokens: Any) -> Any: ...


def patches(tower: Tower, pixels: Any, mode: str, scene: Scene) -> Any:
    """(B, h * w, D) unit vectors in the words' space, fp32."""
    x = tower.enter(pixels)
    for block in tower.blocks()[:-1]:
        x = block(x, None)
    out = tower.leave(last_block(tower.last(), x, mode, scene))
    return torch().nn.functional.normalize(out.float(), dim=-1)


def pixels_of(tower: Tower, image: Image, size: Size) -> Any:
    """(3, h, w): resized and normalised as this network was trained."""
    return normalised(resized(image, size, cubic=tower.cubic), *tower.statistics)


class Clip:
    """CLIP in hub format, OpenAI's, OpenCLIP's or MetaCLIP 2."""

    prefix, sliding, cubic, scale = 1, True, True, 40.0
    text_length: int | None = None

    def __init__(self, model: Any, checkpoint: Checkpoint, runtime: Runtime) -> None:
        self._model, self._runtime = runtime.prepare(model), runtime
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        self.statistics = pixel_statistics(checkpoint.path, CLIP_PIXELS)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layers
        return layers

    def enter(self, pixels: Any) -> Any:
        return self._vision.pre_layrnorm(
            self._vision.embeddings(pixels, interpolate_pos_encoding=True)
        )

    def last(self) -> Block:
        return _block_of(self.blocks()[-1])

    def leave(self, patches: Any) -> Any:
        return self._model.visual_projection(self._vision.post_layernorm(patches))

    def pooled(self, pixels: Any) -> Any:
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Any:
        return self._model.get_text_features(**tokens).pooler_output


class Siglip:
    """SigLIP and SigLIP 2 of a fixed side. A patch goes through the pooling head as if it were the whole picture."""

    prefix, sliding, cubic, scale = 0, False, False, 40.0

    def __init__(self, model: Any, checkpoint: Checkpoint, runtime: Runtime) -> None:
        self._model = runtime.prepare(model)
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        # It was trained on padded texts, without a mask.
        self.text_length: int | None = model.config.text_config.max_position_embeddings
        self.statistics = pixel_statistics(checkpoint.path, SIGLIP_PIXELS)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layers
        return layers

    def enter(self, pixels: Any) -> Any:
        return self._vision.embeddings(pixels, interpolate_pos_encoding=True)

    def last(self) -> Block:
        return _block_of(self.blocks()[-1])

    def leave(self, patches: Any) -> Any:
        head, width = self._vision.head, self.width
        weight, bias = (
            head.attention.in_proj_weight[2 * width :],
            head.attention.in_proj_bias[2 * width :],
        )
        # Attention over a single key returns that key's value, whatever the query.
        seen = head.attention.out_proj(
            torch().nn.functional.linear(self._vision.post_layernorm(patches), weight, bias)
        )
        return seen + head.mlp(head.layernorm(seen))

    def pooled(self, pixels: Any) -> Any:
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Any:
        return self._model.get_text_features(input_ids=tokens["input_ids"]).pooler_output


class Tips:
    """TIPSv2: patches were trained to match words, so one plain pass is enough."""

    sliding, cubic = False, False
    text_length: int | None = None

    def __init__(self, model: Any, checkpoint: Checkpoint, runtime: Runtime) -> None:
        self._model = runtime.prepare(model)
        vision = model.config.vision_config
        self.side, self.patch, self.width = vision.image_size, vision.patch_size, vision.hidden_size
        self.prefix = 1 + vision.num_register_tokens
        self.scale = 1 / float(model.temperature)
        self.statistics = pixel_statistics(checkpoint.path, TIPS_PIXELS)
        self._vision = model.vision_model

    def blocks(self) -> Sequence[Any]:
        layers: Sequence[Any] = self._vision.encoder.layer
        return layers

    def enter(self, pixels: Any) -> Any:
        return self._vision.embeddings(pixels)

    def last(self) -> Block:
        layer = self.blocks()[-1]
        part = layer.attention
        return Block(
            norm1=layer.norm1,
            query=part.q_proj,
            key=part.k_proj,
            value=part.v_proj,
            out=lambda x: layer.layer_scale1(part.o_proj(x)),
            norm2=layer.norm2,
            mlp=lambda x: layer.layer_scale2(layer.mlp(x)),
            heads=part.num_attention_heads,
        )

    def leave(self, patches: Any) -> Any:
        return self._vision.layernorm(patches)

    def pooled(self, pixels: Any) -> Any:
        return self._model.get_image_features(pixel_values=pixels).pooler_output

    def words(self, tokens: Any) -> Any:
        return self._model.get_text_features(**tokens).pooler_output


def _block_of(layer: Any) -> Block:
    part = layer.self_attn
    return Block(
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
    """DINO (v2, v3): patch features whose similarity follows objects."""

    def __init__(self, model: Any, checkpoint: Checkpoint, runtime: Runtime) -> None:
        self._model = runtime.prepare(model)
        self.patch = model.config.patch_size
        self.width = model.config.hidden_size
        self.statistics = pixel_statistics(checkpoint.path, IMAGENET)

    def features(self, pixels: Any, grid: Size) -> Any:
        """(B, h * w, E) for pictures (B, 3, H, W) in [0, 1], on the grid that is asked for."""
        t = torch()
        size = (grid[0] * self.patch, grid[1] * self.patch)
        sized = t.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
        weight = next(self._model.parameters())
        out = self._model(
            pixel_values=normalised(sized, *self.statistics).to(weight)
        ).last_hidden_state
        return out[:, -grid[0] * grid[1] :].float()  # class and register tokens come first
