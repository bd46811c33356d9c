"""Pixels written as a picture file, whole or not at all."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import FormatError, did_you_mean
from wordmask.files import write_bytes

_PILLOW_NAMES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
PICTURE_SUFFIXES = tuple(_PILLOW_NAMES)


def write_picture(path: Path | str, pixels: Array, *, quality: int = 95) -> Path:
    """Pixels as a picture whose format the suffix names: .png .jpg .webp .tif .bmp.

    (H, W) bool, uint8 or uint16; (H, W, 3) uint8; (H, W, 4) uint8 with alpha. `quality` is for JPEG
    and WebP.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _PILLOW_NAMES:
        near = did_you_mean(suffix, _PILLOW_NAMES)
        raise FormatError(f"{path}: no picture format has the suffix {suffix!r}.{near}")
    return write_bytes(path, encode_picture(pixels, suffix, quality=quality))


def encode_picture(pixels: Array, suffix: str = ".png", *, quality: int = 95) -> bytes:
    """The bytes that `write_picture` writes; the same pixels always give the same bytes."""
    from PIL import Image as Pillow

    kind = _PILLOW_NAMES[suffix]
    _check_pixels(pixels, kind)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    options = _save_options(kind, quality)
    out = BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(out, kind, **options)
    return out.getvalue()


def _save_options(kind: str, quality: int) -> dict[str, Any]:
    if kind == "JPEG":
        return {"quality": quality, "subsampling": 0}  # colours keep their edges
    if kind == "WEBP":
        return {"quality": quality}
    if kind == "TIFF":
        return {"compression": "tiff_adobe_deflate"}
    return {"compress_level": 6} if kind == "PNG" else {}


def _check_pixels(pixels: Array, kind: str) -> None:
    depth = str(pixels.dtype)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    is_picture = pixels.ndim == 2 or (pixels.ndim == 3 and channels in (3, 4))
    if not is_picture or 0 in pixels.shape:
        raise FormatError(f"expected pixels (H, W), (H, W, 3) or (H, W, 4), got {pixels.shape}")
    if depth not in ("bool", "uint8") and not (depth == "uint16" and pixels.ndim == 2):
        raise FormatError(
            f"expected uint8, or bool or uint16 for (H, W), got {depth} {pixels.shape}"
        )
    if depth == "uint16" and kind not in ("PNG", "TIFF"):
        raise FormatError(f"16-bit pictures are written as .png or .tif, not as {kind}")
    if channels == 4 and kind in ("JPEG", "BMP"):
        raise FormatError(f"{kind} has no alpha; write .png or .webp, or drop the fourth channel")
