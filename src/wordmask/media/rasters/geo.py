"""A raster read in windows by rasterio: its bands as 8-bit colours, its place, what is valid."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import ImageError, Mend, OptionError, missing_extra
from wordmask.media.rasters.place import Georeference
from wordmask.media.rasters.scaling import Scale
from wordmask.media.reading.limits import human
from wordmask.ops.regions import Box

# What rasters are; others of GDAL's drivers open whatever text or address a file holds.
DRIVERS = ("GTiff", "VRT", "JP2OpenJPEG", "HFA", "PNG", "JPEG", "WEBP", "BMP", "GIF")
CACHE = 48  # MB of blocks that GDAL keeps
LARGE_BLOCK = 256_000_000  # bytes of a block that are worth a note
SAMPLES, SAMPLE_SIDE = 8, 256  # windows along a side, and theirs, where there is no overview
OVERVIEW_SIDE = 1024


@dataclass(frozen=True)
class BandChoice:
    """Which bands are looked at, and how they become colours."""

    bands: str = ""
    cut_percent: float = 2.0
    crs: str = ""


@contextmanager
def gdal() -> Iterator[Any]:
    """rasterio with a small cache, without files that lie on the web, and its errors as ours."""
    try:
        import rasterio
    except ImportError:
        raise missing_extra("rasterio", "geo") from None
    nowhere = {"CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}"}
    with catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE, **nowhere):
        simplefilter("ignore")  # that a picture lies nowhere is no news
        yield rasterio


class GeoRaster:
    """An open raster."""

    def __init__(self, path: Path, name: str, choice: BandChoice) -> None:
        self.path, self.name = path, name
        self._file = _open(path, name)
        self.size: Size = (self._file.height, self._file.width)
        self.bands = _bands(self._file, name, choice.bands)
        self.place = _place(self._file, name, choice.crs)
        self._palette = _palette(self._file, self.bands)
        self._all_valid = all("all_valid" in _flags(self._file, band) for band in self.bands)
        self.notes: tuple[str, ...] = _block_notes(self._file)
        self._scale = self._find_scale(choice.cut_percent)

    @property
    def is_turned(self) -> bool:
        """Whether its EXIF says that it stands otherwise than its rows do."""
        return self._file.tags().get("EXIF_Orientation", "1") not in ("", "1")

    def read(self, box: Box) -> tuple[Array, Array | None]:
        """(h, w, 3) uint8, and where it is valid (h, w); None: everywhere."""
        values, valid = self._values(box)
        if self._palette is not None:
            return self._palette[values[0]], valid
        pixels = values if self._scale is None else self._scale.apply(values)
        rgb = np.moveaxis(pixels if len(pixels) == 3 else np.repeat(pixels, 3, 0), 0, -1)
        return np.ascontiguousarray(rgb), valid

    def close(self) -> None:
        self._file.close()

    def _values(self, box: Box) -> tuple[Array, Array | None]:
        x0, y0, x1, y1 = box
        window = ((y0, y1), (x0, x1))
        return self._read(window=window)

    def _read(self, **how: Any) -> tuple[Array, Array | None]:
        with gdal() as rasterio:
            try:
                values = self._file.read(list(self.bands), **how)
                masks = None if self._all_valid else self._file.read_masks(list(self.bands), **how)
            except (rasterio.errors.RasterioError, OSError) as error:
                place = how.get("window", "its overview")
                raise ImageError(
                    f"{self.name} is cut or broken: the window {place} (rows, columns) cannot be "
                    f"read ({_last_line(error)}); copy or export it again"
                ) from error
        valid = None if masks is None else masks.any(0)
        if values.dtype.kind == "f":
            finite = np.isfinite(values).all(0)
            valid = finite if valid is None else valid & finite
        return values, None if valid is None or valid.all() else valid

    def _find_scale(self, cut_percent: float) -> Scale | None:
        """None where the bands have 8 bits already."""
        kinds = {np.dtype(self._file.dtypes[band - 1]) for band in self.bands}
        if any(kind.kind == "c" for kind in kinds):
            raise ImageError(f"{self.name} holds complex numbers, which are no colours")
        bits = self._file.tags(ns="IMAGE_STRUCTURE", bidx=self.bands[0]).get("NBITS", "8")
        if kinds == {np.dtype(np.uint8)}:
            low, high = np.zeros(len(self.bands)), np.full(len(self.bands), 2.0 ** int(bits) - 1)
            return None if bits == "8" or self._palette is not None else Scale(low, high)
        scale = Scale.of_samples(self._samples(), cut_percent)
        if scale is not None:
            self.notes += (scale.note(),)
        return scale or Scale(np.zeros(len(self.bands)), np.ones(len(self.bands)))

    def _samples(self) -> Iterator[tuple[Array, Array]]:
        """An overview where the file has one; otherwise windows, first spread, then all of them."""
        height, width = self.size
        if self._file.overviews(self.bands[0]):
            factor = max(height, width) / OVERVIEW_SIDE
            shape = (max(1, round(height / factor)), max(1, round(width / factor)))
            yield _where(*self._read(out_shape=(len(self.bands), *shape)))
            return
        side = min(SAMPLE_SIDE, height, width)
        rows, columns = (np.linspace(0, length - side, SAMPLES).astype(int) for length in self.size)
        any_valid = False
        for y in rows.tolist():
            for x in columns.tolist():
                sample = _where(*self._values((x, y, x + side, y + side)))
                any_valid |= bool(sample[1].any())
                yield sample
        for y in range(0, 0 if any_valid else height, side):
            yield _where(*self._values((0, y, width, min(y + side, height))))


def _where(values: Array, valid: Array | None) -> tuple[Array, Array]:
    return values, np.ones(values.shape[1:], bool) if valid is None else valid


def _open(path: Path, name: str) -> Any:
    with gdal() as rasterio:
        try:
            file = rasterio.open(path)
        except rasterio.errors.RasterioError as error:
            raise ImageError(
                f"{name} is no raster that is read here: {_last_line(error)}"
            ) from error
    if file.driver not in DRIVERS:
        file.close()
        raise ImageError(f"{name} is no raster that is read here: GDAL calls it {file.driver}")
    if file.count == 0 or 0 in file.shape:
        raise ImageError(f"{name} holds no band of pixels ({file.width} x {file.height})")
    return file


def _bands(file: Any, name: str, chosen: str) -> tuple[int, ...]:
    """The bands that are red, green and blue, or the one that is grey."""
    if chosen:
        return _chosen_bands(file.count, name, chosen)
    colours = [colour.name for colour in file.colorinterp]
    if {"red", "green", "blue"} <= set(colours):
        return tuple(colours.index(colour) + 1 for colour in ("red", "green", "blue"))
    plain = [index for index, colour in enumerate(colours, 1) if colour != "alpha"]
    if len(plain) in (1, 3):
        return tuple(plain)
    raise OptionError(
        f"{name} has {file.count} bands ({', '.join(colours)}); say which are red, green and blue, "
        "or which one is looked at",
        mend=Mend("bands", "3,2,1" if file.count > 2 else "1"),
    )


def _chosen_bands(count: int, name: str, chosen: str) -> tuple[int, ...]:
    parts = [part.strip() for part in chosen.split(",")]
    bands = tuple(int(part) for part in parts if part.isdecimal())
    if (
        len(bands) != len(parts)
        or len(bands) not in (1, 3)
        or not all(0 < band <= count for band in bands)
    ):
        raise OptionError(
            f"bands must be one or three numbers from 1 to {count}, the bands of {name}; "
            f"got {chosen!r}",
            mend=Mend("bands", "3,2,1" if count > 2 else "1"),
        )
    return bands


def _place(file: Any, name: str, crs: str) -> Georeference | None:
    """None for a picture that lies nowhere."""
    from affine import Affine

    given = _parse_crs(crs) if crs else None
    if file.transform == Affine.identity():  # what rasterio says where a file has none
        if file.gcps[0] or file.rpcs:
            raise ImageError(
                f"{name} says only by control points where it lies; warp it first, for example "
                "with gdalwarp, so that it has an affine"
            )
        if given is None and file.crs is None:
            return None
    is_point = file.tags().get("AREA_OR_POINT") == "Point"
    place = Georeference(tuple(file.transform)[:6], given or file.crs, is_point)
    place.check(name, (file.height, file.width))
    return place


def _parse_crs(text: str) -> Any:
    with gdal() as rasterio:
        try:
            return rasterio.crs.CRS.from_user_input(text)
        except ValueError as error:  # CRSError is one, too
            raise OptionError(
                f"crs must be one such as EPSG:32633; got {text!r}", mend=Mend("crs", "EPSG:32633")
            ) from error


def _palette(file: Any, bands: tuple[int, ...]) -> Array | None:
    """(256, 3) uint8: the colours of a band of numbers, where it has them."""
    if len(bands) != 1 or file.dtypes[bands[0] - 1] != "uint8":
        return None
    try:
        table = file.colormap(bands[0])
    except ValueError:
        return None
    colours = np.zeros((256, 3), np.uint8)
    for value, colour in table.items():
        colours[value] = colour[:3]
    return colours


def _flags(file: Any, band: int) -> list[str]:
    return [flag.name for flag in file.mask_flag_enums[band - 1]]


def _block_notes(file: Any) -> tuple[str, ...]:
    """What is stored in one block is read at once."""
    height, width = file.block_shapes[0]
    size = height * width * file.count * np.dtype(file.dtypes[0]).itemsize
    if size < LARGE_BLOCK:
        return ()
    return (
        f"is stored in blocks of {width:,} x {height:,}, each of which is read whole "
        f"({human(size, 'B')}); rewritten in tiles it takes less memory",
    )


def _last_line(error: Exception) -> str:
    cause = error.__cause__ or error
    return (str(cause).strip().splitlines() or [type(error).__name__])[-1][:200]
