"""A picture without a place, decoded whole: what serves where rasterio cannot, or is not there."""

import struct
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.errors import ImageError, missing_extra
from wordmask.media.rasters.place import Georeference
from wordmask.media.reading.headers import head
from wordmask.media.reading.limits import Limits, human
from wordmask.media.reading.read import Noted, read_noted
from wordmask.ops.regions import Box

# Three bytes a pixel are held, and while it is decoded up to twice that.
LIMITS = Limits(max_pixels=1 << 30, max_bytes=1 << 34, max_side=1 << 20)
GEO_TAGS = {33550, 33922, 34264, 34735}  # pixel scale, tie points, affine, CRS


class PlainRaster:
    """The picture in a file, read by Pillow; nothing is decoded before it is looked at."""

    place: Georeference | None = None

    def __init__(self, path: Path, name: str, note: str = "") -> None:
        self.path, self.name, self._note = path, name, note
        try:
            with path.open("rb") as file:
                found = head(file, name, LIMITS.max_pages)
        except OSError as error:
            raise ImageError(f"{name} cannot be read: {error.strerror or error}") from error
        if found.format == "TIFF" and not find_spec("rasterio") and has_place(path):
            raise missing_extra(f"rasterio, which reads where {name} lies,", "geo")
        pixels = found.width * found.height
        if pixels > LIMITS.max_pixels:
            raise ImageError(
                f"{name} has {human(pixels, 'P')}, too many to be decoded at once; with the extra "
                "geo it is read in windows: pip install 'wordmask[geo]'"
            )

    @cached_property
    def _noted(self) -> Noted:
        return read_noted(self.path, LIMITS, name=self.name)

    @property
    def _image(self) -> Image:
        return self._noted.image

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(note for note in (self._note, *self._noted.notes) if note)

    @property
    def size(self) -> Size:
        return self._image.size

    def read(self, box: Box) -> tuple[Array, Array | None]:
        """(h, w, 3) uint8, and None: every pixel counts."""
        x0, y0, x1, y1 = box
        return np.ascontiguousarray(self._image.pixels[y0:y1, x0:x1]), None

    def close(self) -> None:
        """Let go of the pixels."""
        self.__dict__.pop("_noted", None)


def has_place(path: Path) -> bool:
    """Whether a TIFF's first page says where it lies on a map."""
    with path.open("rb") as file:
        start = file.read(16)
        order = "<" if start[:2] == b"II" else ">"
        is_big = struct.unpack(order + "H", start[2:4])[0] == 43
        offset, count_kind, step = ("Q", "Q", 20) if is_big else ("I", "H", 12)
        at = 8 if is_big else 4
        first = struct.unpack_from(order + offset, start, at)[0]
        file.seek(first)
        width = struct.calcsize(count_kind)
        count = int.from_bytes(file.read(width), "little" if order == "<" else "big")
        entries = file.read(step * min(count, 1000))
    tags = [
        struct.unpack_from(order + "H", entries, at)[0]
        for at in range(0, len(entries) - step + 1, step)
    ]
    return bool(GEO_TAGS & set(tags))
