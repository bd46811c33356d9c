"""Stable Diffusion and other diffusers pipelines that paint what words say."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image as Pillow

from wordmask.core.image import Array, Image
from wordmask.core.protocols import PaintSettings
from wordmask.engines.fill.holes import inside
from wordmask.engines.hub.runtime import runtime
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.engines.weights.open import from_pretrained
from wordmask.errors import CapabilityError, WeightsError

MULTIPLE = 8  # pixels of the picture in one of the latent picture
SIDE = 512  # pixels, of a U-Net that does not say its side
NEWER_SIDE = 1024  # of the newer pipelines, which have a transformer in place of the U-Net


def load(name: str, options: EngineOptions) -> "Diffusion":
    """The painter of a card's name or a diffusers folder."""
    path = home.folder(name, options)
    return Diffusion(
        home.stamp(name, path), _pipeline(path, options), paint_side=_native_side(path, options)
    )


@dataclass(frozen=True, eq=False)
class Diffusion:
    """An `Inpainter`. With a `strength` below 1 it starts from what is there: restyling."""

    name: str
    pipe: Any
    paint_side: int | None = SIDE
    paint_pixels: int | None = None
    follows_words: bool = True
    settings: PaintSettings = field(default_factory=PaintSettings)

    def with_settings(self, settings: PaintSettings) -> "Diffusion":
        return replace(self, settings=settings)

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """Noise comes from the CPU's generator, so that a seed means the same on every device."""
        height, width = image.size
        if height % MULTIPLE or width % MULTIPLE:
            raise CapabilityError(
                f"{self.name} paints sides that are multiples of {MULTIPLE}, got {image.size}"
            )
        chosen = self.settings
        negative: dict[str, Any] = {"negative_prompt": chosen.negative} if chosen.negative else {}
        with torch.no_grad():
            answer = self.pipe(
                prompt=words or "background",
                image=Pillow.fromarray(np.ascontiguousarray(image.pixels)),
                mask_image=Pillow.fromarray(hole.astype(np.uint8) * np.uint8(255)),
                height=height,
                width=width,
                num_inference_steps=chosen.steps,
                guidance_scale=chosen.guidance,
                strength=chosen.strength,
                generator=torch.Generator("cpu").manual_seed(seed % 2**63),
                **negative,
            )
        # Only pipelines with a safety checker have this field.
        if any(getattr(answer, "nsfw_content_detected", None) or ()):
            raise CapabilityError(
                "the model's safety checker refused the picture; try other words or another seed"
            )
        painted = np.asarray(answer.images[0].convert("RGB"), np.uint8)
        if painted.shape[:2] != image.size:
            raise CapabilityError(
                f"{self.name} was given {image.size} and painted {painted.shape[:2]} "
                "(height, width)"
            )
        return inside(image, hole, painted)


def _pipeline(path: Path, options: EngineOptions) -> Any:
    """The folder's pipeline for inpainting, on its device, without its progress bar."""
    if not (path / "model_index.json").is_file():
        raise WeightsError(
            f"{path} is no diffusers pipeline: it has no model_index.json; "
            "give such a folder, or LaMa's .onnx"
        )
    place = runtime(options)
    # Flux's own filler is an inpainting pipeline that the automatic choice does not know.
    fills = _read_config(path / "model_index.json").get("_class_name") == "FluxFillPipeline"
    kind = diffusers.FluxFillPipeline if fills else diffusers.AutoPipelineForInpainting
    pipe = from_pretrained(kind, path, options, dtype=place.dtype)
    pipe.set_progress_bar_config(disable=True)
    if place.offload:
        pipe.enable_model_cpu_offload(device=place.device)
        return pipe
    return pipe.to(place.device)


def _native_side(path: Path, options: EngineOptions) -> int:
    """Pixels that the pipeline was trained at: the U-Net's latent side times 8, if it says one."""
    if options.input_side is not None:
        return max(MULTIPLE, options.input_side // MULTIPLE * MULTIPLE)
    config = path / "unet" / "config.json"
    if not config.is_file():
        return NEWER_SIDE
    side = _read_config(config).get("sample_size")
    return max(64, side * MULTIPLE) if isinstance(side, int) else SIDE


def _read_config(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read: {type(error).__name__} {error}") from None
    if not isinstance(value, dict):
        raise WeightsError(f"{path} should hold an object, got {type(value).__name__}")
    return value
