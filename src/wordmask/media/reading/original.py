"""A picture file as it was, beside the 8-bit RGB picture that the rest of wordmask works on.

An edit happens in 8-bit RGB. Its CHANGE is then made to the original's channels. So 16-bit
pictures keep their depth, transparent ones their alpha, grey ones stay grey, and a pixel that did
not change keeps all its bits.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.errors import ImageError, MaskError
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture


@dataclass(frozen=True, eq=False)
class Original:
    """The file's own channels, and the two 8-bit pictures made of them."""

    pixels: Array  # (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16; RGB order
    image: Image  # for painters: the colours as 8-bit RGB; alpha plays no part
    # For models: as `media.read` gives it, with alpha laid on white and 16-bit greys stretched.
    seen: Image

    @property
    def alpha(self) -> Array | None:
        """(H, W) uint8, 255 is opaque; None where the file has none."""
        if self.pixels.ndim == 2 or self.pixels.shape[2] != 4:
            return None
        last = self.pixels[..., 3]
        return np.ascontiguousarray(last >> 8 if last.dtype == np.uint16 else last, np.uint8)

    def with_edit(self, after: Image) -> Array:
        """The original's pixels, in their depth, changed as `image` was to become `after`."""
        if after.size != self.image.size:
            raise MaskError(
                f"the edit is {after.size}, the picture {self.image.size} (height, width)"
            )
        changed = (after.pixels != self.image.pixels).any(2)
        grey = self.pixels.ndim == 2
        if grey and not _is_grey(after.pixels[changed]):
            return replace(self, pixels=np.repeat(self.pixels[..., None], 3, 2)).with_edit(after)
        out = self.pixels.copy()
        # 257 steps of 16 bits are one of 8: 255 becomes 65,535.
        step, top = (257, 65535) if out.dtype == np.uint16 else (1, 255)
        delta = (after.pixels[changed].astype(np.int32) - self.image.pixels[changed]) * step
        colours = out if grey else out[..., :3]
        colours[changed] = np.clip(
            colours[changed] + (delta[:, 0] if grey else delta), 0, top
        ).astype(out.dtype)
        return out


def read_original(path: Path | str, limits: Limits | None = None) -> Original:
    """The picture at `path` with its depth and alpha; what `media.read` refuses is refused here."""
    image = read(path) if limits is None else read(path, limits)
    pixels = _deep(Path(path), image) if _may_be_deep(Path(path)) else None
    if pixels is None:
        return Original(image.pixels, image, image)
    colours = pixels if pixels.ndim == 2 else pixels[..., :3]
    low = (colours >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else colours
    rgb = np.ascontiguousarray(np.repeat(low[..., None], 3, 2) if low.ndim == 2 else low)
    return Original(pixels, Image(rgb, image.name), image)


def encode_original(pixels: Array) -> bytes:
    """PNG of pixels as in `Original.pixels`; the same pixels give the same bytes."""
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        return encode_picture(pixels)
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    # Pillow writes 16 bits for grey pictures only.
    written, data = cv2.imencode(".png", cv2.cvtColor(pixels, order))
    if not written:
        raise ImageError(f"a picture of {pixels.shape} {pixels.dtype} could not be written as PNG")
    return bytes(data.tobytes())


def _may_be_deep(path: Path) -> bool:
    """Whether the file is a PNG, TIFF or WebP, by its content: those can hold alpha or 16 bits."""
    with path.open("rb") as file:
        head = file.read(16)
    return head.startswith((b"\x89PNG", b"II*\0", b"MM\0*")) or head[8:12] == b"WEBP"


def _deep(path: Path, image: Image) -> Array | None:
    """The channels with alpha or 16 bits, upright; None where there are none."""
    raw = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.dtype not in (np.uint8, np.uint16):
        return None
    raw = _upright(np.asarray(raw), _orientation(path))
    channels = raw.shape[2] if raw.ndim == 3 else 1
    if raw.shape[:2] != image.size or (raw.dtype == np.uint8 and channels == 3):
        return None
    if channels == 1:
        return raw.reshape(image.size)
    code = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(channels)
    return None if code is None else np.asarray(cv2.cvtColor(np.ascontiguousarray(raw), code))


def _orientation(path: Path) -> int:
    """EXIF's number for how the picture is turned, 1 where there is none or it cannot be read."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as picture:
            return int(picture.getexif().get(0x0112, 1))
    except Exception:  # its parser raises anything; a broken EXIF block must not lose the picture
        return 1


def _upright(pixels: Array, orientation: int) -> Array:
    """Turned as EXIF says: 5 to 8 are transposed first; then x, y or both are flipped."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _is_grey(pixels: Array) -> bool:
    """Whether (N, 3) colours are all grey."""
    return bool((pixels[:, 0] == pixels[:, 1]).all() and (pixels[:, 1] == pixels[:, 2]).all())
