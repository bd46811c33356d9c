"""A raster or a plain picture, opened to be read in windows, whatever its size."""

from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from wordmask.core.image import Array, Size
from wordmask.errors import ImageError, WordmaskError
from wordmask.media.rasters.geo import BandChoice, GeoRaster
from wordmask.media.rasters.place import Georeference
from wordmask.media.rasters.plain import PlainRaster
from wordmask.ops.regions import Box

WHOLE = "is decoded whole; with the extra geo it would be read in windows"


class Raster(Protocol):
    """Pixels that are read window by window."""

    name: str

    @property
    def size(self) -> Size: ...

    @property
    def place(self) -> Georeference | None:
        """None for a picture that lies nowhere."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed in reading it."""
        ...

    def read(self, box: Box) -> tuple[Array, Array | None]:
        """(h, w, 3) uint8, and where it is valid (h, w); None: everywhere."""
        ...

    def close(self) -> None: ...


def open_raster(path: Path, name: str, choice: BandChoice) -> Raster:
    """By rasterio where it is there and reads the file, otherwise by Pillow."""
    if not path.is_file():
        raise ImageError(f"{name} is not there; is the path right, seen from {Path.cwd()}?")
    if find_spec("rasterio") is None:
        return PlainRaster(path, name, WHOLE)
    try:
        raster = GeoRaster(path, name, choice)
    except ImageError as error:
        return _open_other(path, name, error)
    if raster.place is None and raster.is_turned:
        raster.close()
        return PlainRaster(path, name, "turned upright, for which it is decoded whole")
    return raster


def _open_other(path: Path, name: str, error: ImageError) -> Raster:
    """What only Pillow reads (HEIC); where it does not either, rasterio's error counts."""
    if "no raster" not in error.message:
        raise error
    try:
        return PlainRaster(path, name)
    except WordmaskError:
        raise error from None
