"""Painters: what fills a hole in a picture.

    telea, navier-stokes   OpenCV: smooth, for scratches and small holes
    patch                  ours: goes on with the texture around the hole; offline, the default
    lama                   a LaMa-type ONNX file (`checkpoint`): one forward pass, good on large holes
    sd1.5-inpaint, ...     Stable Diffusion and other diffusers pipelines: paint what words say

All but `patch` and OpenCV's need weights. Diffusion needs the extra `edit`. Licences and safety: docs/editing.md.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import PaintSettings
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home as weights
from wordmask.errors import CapabilityError, MaskError, WeightsError, missing_extra
from wordmask.ops.fill import PatchOptions, patch_fill

CLASSICAL = ("patch", "telea", "navier-stokes")
RADIUS = 5  # pixels around a point that OpenCV's methods look at
MULTIPLE = 8  # convolutional painters halve three times


def load(name: str, options: EngineOptions) -> Any:
    """The factory: a classical method by name; an .onnx file is LaMa's kind; all else is a diffusers folder."""
    if name in CLASSICAL:
        return PatchFill(name) if name == "patch" else SmoothFill(name)
    if name == "lama" and options.checkpoint is None:
        raise WeightsError(
            "lama reads a LaMa-type ONNX file of yours: --fill lama --fill-model big-lama.onnx"
        )
    source = str(options.checkpoint or name)
    if not source.endswith(".onnx"):
        _diffusers()  # a missing library is told before gigabytes are fetched
    path = weights.folder(name, options)
    if path.is_file():
        return Lama.open(path, name)
    return Diffusion(
        weights.stamp(name, path), _pipeline(path, options), paint_side=_native_side(path, options)
    )


@dataclass(frozen=True)
class SmoothFill:
    """OpenCV's two methods: they carry the colours at the edge inwards."""

    name: str
    paint_side: int | None = None
    paint_pixels: int | None = 4_000_000
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "SmoothFill":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` and `seed` change nothing here."""
        _check_hole(image, hole)
        method = cv2.INPAINT_TELEA if self.name == "telea" else cv2.INPAINT_NS
        filled = cv2.inpaint(
            np.ascontiguousarray(image.pixels), hole.astype(np.uint8), RADIUS, method
        )
        return _only_in(image, hole, filled)


@dataclass(frozen=True)
class PatchFill:
    """Texture from elsewhere in the picture; see `ops.fill`."""

    name: str = "patch"
    paint_side: int | None = None
    paint_pixels: int | None = 1_500_000
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "PatchFill":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` change nothing here."""
        _check_hole(image, hole)
        return Image(patch_fill(image.pixels, hole, PatchOptions(seed=seed)), image.name)


class Ports(NamedTuple):
    """How a LaMa-type network wants its two inputs."""

    image: str
    mask: str
    size: Size | None  # None: any multiple of 8


@dataclass(frozen=True, eq=False)
class Lama:
    """A network (image, mask) -> image in ONNX, as LaMa and its kin are exported."""

    name: str
    session: Any
    ports: Ports
    paint_side: int | None
    paint_pixels: int | None = None
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "Lama":
        return self

    @classmethod
    def open(cls, path: Path, name: str) -> "Lama":
        import onnxruntime

        try:
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a class of its own for each thing that can be wrong with a file
            raise WeightsError(
                f"{path} is not an ONNX model that runs here: {str(error).splitlines()[0]}"
            ) from error
        ports = _ports(path, session.get_inputs())
        return cls(
            weights.stamp(name, path), session, ports, max(ports.size) if ports.size else 512
        )

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` and `seed` change nothing here."""
        _check_hole(image, hole)
        height, width = image.size
        inner = self.ports.size or (
            -(-height // MULTIPLE) * MULTIPLE,
            -(-width // MULTIPLE) * MULTIPLE,
        )
        if height > inner[0] or width > inner[1]:
            raise CapabilityError(
                f"{self.name} takes crops up to {inner} (height, width), got {image.size}"
            )
        pads = ((0, inner[0] - height), (0, inner[1] - width))
        pixels = np.pad(image.pixels, (*pads, (0, 0)), "symmetric").astype(np.float32) / 255
        mask = np.pad(hole, pads).astype(np.float32)[None, None]
        feeds = {
            self.ports.image: pixels.transpose(2, 0, 1)[None] * (1 - mask),
            self.ports.mask: mask,
        }
        out = np.asarray(self.session.run(None, feeds)[0], np.float32)
        if out.shape != (1, 3, *inner):
            raise CapabilityError(
                f"{self.name} should answer (1, 3, {inner[0]}, {inner[1]}), got {out.shape}"
            )
        # Exports differ: some answer in 0..1, some in 0..255.
        scale = 255 if float(np.nanmax(out)) <= 2 else 1
        painted = np.rint(
            np.nan_to_num(out[0, :, :height, :width].transpose(1, 2, 0) * scale)
        ).clip(0, 255)
        return _only_in(image, hole, painted.astype(np.uint8))


@dataclass(frozen=True, eq=False)
class Diffusion:
    """A diffusers pipeline for inpainting. With `strength` below 1 it starts from what is there: restyling."""

    name: str
    pipe: Any
    paint_side: int | None = 512
    paint_pixels: int | None = None
    follows_words: bool = True
    settings: PaintSettings = field(default_factory=PaintSettings)

    def with_settings(self, settings: PaintSettings) -> "Diffusion":
        """The same pipeline with other settings."""
        return replace(self, settings=settings)

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """Noise comes from the CPU's generator, so that a seed means the same on every device."""
        import torch
        from PIL import Image as Pillow

        height, width = image.size
        if height % MULTIPLE or width % MULTIPLE:
            raise CapabilityError(
                f"{self.name} paints sides that are multiples of {MULTIPLE}, got {image.size}"
            )
        chosen = self.settings
        negative: dict[str, Any] = {"negative_prompt": chosen.negative} if chosen.negative else {}
        with torch.no_grad():
            done = self.pipe(
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
        if any(getattr(done, "nsfw_content_detected", None) or ()):
            raise CapabilityError(
                "the model's safety checker refused the picture; try other words or another seed"
            )
        painted = np.asarray(done.images[0].convert("RGB"), np.uint8)
        if painted.shape[:2] != image.size:
            raise CapabilityError(
                f"{self.name} was given {image.size} and painted {painted.shape[:2]} (height, width)"
            )
        return _only_in(image, hole, painted)


def _pipeline(path: Path, options: EngineOptions) -> Any:
    """The folder's pipeline for inpainting, on its device, quiet."""
    from wordmask.engines.hub.runtime import runtime

    if not (path / "model_index.json").is_file():
        raise WeightsError(
            f"{path} is no diffusers pipeline: it has no model_index.json; give such a folder or an .onnx"
        )
    settings = runtime(options)
    # Flux's own filler is an inpainting pipeline that the automatic choice does not know.
    fills = _config(path / "model_index.json").get("_class_name") == "FluxFillPipeline"
    kind = _diffusers().FluxFillPipeline if fills else _diffusers().AutoPipelineForInpainting
    pipe = weights.pretrained(kind, path, options, dtype=settings.dtype)
    pipe.set_progress_bar_config(disable=True)
    if settings.offload:
        pipe.enable_model_cpu_offload(device=settings.device)
        return pipe
    return pipe.to(settings.device)


def _diffusers() -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise missing_extra(f"{error.name or 'diffusers'} (diffusion)", "edit") from error
    return diffusers


def _native_side(path: Path, options: EngineOptions) -> int:
    """Pixels that the pipeline was trained at: the network's latent side times 8, where it says one."""
    if options.input_side is not None:
        return max(MULTIPLE, options.input_side // MULTIPLE * MULTIPLE)
    config = path / "unet" / "config.json"
    if not config.is_file():
        return 1024  # the newer ones have a transformer in place of the U-Net
    side = _config(config).get("sample_size")
    return max(64, side * MULTIPLE) if isinstance(side, int) else 512


def _config(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read: {type(error).__name__} {error}") from None
    if not isinstance(value, dict):
        raise WeightsError(f"{path} should hold an object, got {type(value).__name__}")
    return value


def _ports(path: Path, inputs: list[Any]) -> Ports:
    """Which input is the picture (3 channels) and which the mask (1)."""
    shapes = {port.name: port.shape for port in inputs}
    image = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] == 3]
    mask = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] == 1]
    if len(image) != 1 or len(mask) != 1 or len(shapes) != 2:
        raise WeightsError(
            f"{path} should take a picture (1, 3, H, W) and a mask (1, 1, H, W); it takes {shapes}"
        )
    height, width = shapes[image[0]][2:]
    fixed = isinstance(height, int) and isinstance(width, int)
    return Ports(image[0], mask[0], (height, width) if fixed else None)


def _only_in(image: Image, hole: Array, painted: Array) -> Image:
    return Image(np.where(hole[..., None], painted, image.pixels), image.name)


def _check_hole(image: Image, hole: Array) -> None:
    if hole.shape != image.size:
        raise MaskError(f"the hole is {hole.shape}, the picture {image.size} (height, width)")
    if hole.all():
        raise MaskError(
            "the mask covers everything, so nothing is left to fill from; "
            "choose a smaller target, or paint from words: --use-inpainting --edit-prompt WORDS"
        )
