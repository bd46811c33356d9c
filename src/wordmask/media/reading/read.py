"""Pictures of any kind as an `Image`: upright, RGB, 8 bits.

Limits are checked before anything is decoded. A file's content decides what it is, not its
suffix. Notes say what had to be changed (16 bits scaled, alpha laid on white, the first of many
frames).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.errors import ImageError, Mend, WordmaskError
from wordmask.media.reading.headers import Head, head
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.pixels import check_shape, eight_bits, on_white, rgb_of_array
from wordmask.media.reading.sources import OURS, Found, find

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Source = Any  # str | Path | bytes | file object | array | PIL picture | Image
DEFAULT = Limits()
log = logging.getLogger("wordmask.media")


class Noted(NamedTuple):
    """A picture, and what was changed in reading it."""

    image: Image
    notes: tuple[str, ...] = ()


def read(source: Source, limits: Limits = DEFAULT, *, name: str = "", web: bool = False) -> Image:
    """The picture in `source`: a path, bytes, a file object, an array, a PIL picture.

    "-" is standard input. Web addresses are fetched only with `web=True`, and https only. Notes
    go to the log "wordmask.media".
    """
    image, notes = read_noted(source, limits, name=name, web=web)
    for note in notes:
        log.info("%s: %s", image.name or "picture", note)
    return image


def read_noted(
    source: Source, limits: Limits = DEFAULT, *, name: str = "", web: bool = False
) -> Noted:
    """`read`, with the notes beside the picture."""
    if isinstance(source, Image):
        limits.check_size(source.name or "the picture", source.size[1], source.size[0])
        return Noted(source)
    if isinstance(source, np.ndarray):
        return _of_array(source, limits, name)
    if isinstance(source, str | Path):
        return _of_address(str(source), limits, name, web)
    if isinstance(source, bytes | bytearray | memoryview):
        limits.check_bytes(name or "the picture", len(source))
        return _of_file(BytesIO(source), limits, name)
    if hasattr(source, "read"):
        name = name or str(getattr(source, "name", "") or "")
        return _of_file(_in_memory(source, limits, name or "the picture"), limits, name)
    if hasattr(source, "getexif"):
        return _of_pillow(source, limits, name)
    kind = type(source).__name__
    raise ImageError(
        f"a picture is a path, bytes, a file object, an array or a PIL picture, got {kind}"
    )


@dataclass(frozen=True, eq=False)
class Item:
    """One source, read: either a picture or the error that names it."""

    found: Found
    image: Image | None = None
    error: WordmaskError | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.found.name

    @property
    def path(self) -> Path | None:
        return self.found.path


def read_all(
    sources: Any, limits: Limits = DEFAULT, *, skip: Iterable[str] = OURS, web: bool = False
) -> Iterator[Item]:
    """Every picture in `sources`, read when it is asked for; where that fails, its error."""
    for found in find(sources, skip=skip):
        yield read_found(found, limits, web=web)


def read_found(found: Found, limits: Limits = DEFAULT, *, web: bool = False) -> Item:
    if found.error is not None:
        return Item(found, error=found.error)
    try:
        image, notes = read_noted(found.source, limits, name=found.name, web=web)
    except WordmaskError as error:
        return Item(found, error=error)
    return Item(found, image, notes=notes)


def _of_address(source: str, limits: Limits, name: str, web: bool) -> Noted:
    if source == "-":
        import sys

        return _of_file(_in_memory(sys.stdin.buffer, limits, "stdin"), limits, name or "stdin")
    if source.startswith(("http://", "https://")):
        if not web:
            raise ImageError(
                f"{source} is a web address; those are not fetched unless you allow it",
                mend=Mend("web"),
            )
        from wordmask.media.reading.web import fetch

        return _of_file(BytesIO(fetch(source, limits.max_bytes)), limits, name or source)
    name = name or source
    with _open(source, name) as file:
        limits.check_bytes(name, file.seek(0, 2))
        return _of_file(file, limits, name)


@contextmanager
def _open(path: str, name: str) -> Iterator[BinaryIO]:
    """The regular file at `path`. Pipes and devices might never end: they are read from "-"."""
    try:
        if Path(path).is_dir():
            raise ImageError(f"{name} is a folder; read_all goes through folders")
        if not S_ISREG(Path(path).stat().st_mode):
            raise ImageError(f"{name} is no regular file; pipes: use -")
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise ImageError(
            f"{name} is not there; is the path right, seen from {Path.cwd()}?"
        ) from None
    except ValueError as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{name!r} is not a path: {error}") from None
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}") from error


def _in_memory(file: IO[Any], limits: Limits, name: str) -> BinaryIO:
    """All bytes of a stream, which may have no end: at most one over the limit is read."""
    out, left = BytesIO(), limits.max_bytes + 1
    while left:
        try:
            part = file.read(min(left, 1 << 20))
        except (OSError, ValueError) as error:
            raise ImageError(f"{name} cannot be read: {error}") from error
        if isinstance(part, str):
            raise ImageError(f"{name} is opened as text; open it with mode 'rb'")
        if not part:
            break
        left -= out.write(part)
    limits.check_bytes(name, out.tell())
    return out


def _of_file(file: BinaryIO, limits: Limits, name: str) -> Noted:
    shown = name or "the picture"
    found = head(file, shown, max(limits.max_frames, limits.max_pages))
    if found.format not in limits.formats:
        raise ImageError(
            f"{shown} is {found.format}, which is not read here; send {', '.join(limits.formats)}"
        )
    limits.check_size(shown, found.width, found.height)
    limits.check_frames(shown, found.frames, pages=found.format == "TIFF")
    file.seek(0)
    with _quiet_pillow(found.width * found.height):
        try:
            pixels, notes = _decode(file, found, limits, shown)
        except ImageError:
            raise
        except Exception as error:  # Pillow's decoders raise anything, struct.error to KeyError
            raise ImageError(
                f"{shown} is a broken {found.format} picture: {_first_line(error)}"
            ) from error
    if found.frames > 1:
        noun = "pages" if found.format == "TIFF" else "frames"
        notes = (*notes, f"the first of {found.frames:,} {noun}")
    return Noted(Image(pixels, name), notes)


def _decode(
    file: BinaryIO, found: Head, limits: Limits, name: str
) -> tuple[Array, tuple[str, ...]]:
    from PIL import Image as Pillow

    if found.format == "HEIF":
        picture = _open_heif(file, name)
    else:
        picture = Pillow.open(file, formats=[found.format])
    with picture:
        # Pillow's idea of the size is what gets decoded: it must pass too.
        limits.check_size(name, *picture.size)
        deep = ";16" in str(getattr(picture, "tile", "")) and picture.mode != "I;16"
        picture.load()
        pixels, notes = _rgb(_upright(picture), name)
    if deep:
        notes = (*notes, "16 bits a colour, of which the upper 8 are kept")
    return pixels, notes


def _open_heif(file: BinaryIO, name: str) -> "Picture":
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            f"{name} is a HEIC picture; reading those takes: pip install 'wordmask[heif]'"
        ) from None
    opened: Picture = pillow_heif.HeifImageFile(file)
    return opened


_TURNS = {  # EXIF 2.32, tag 0x0112
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def _upright(picture: "Picture") -> "Picture":
    """Turned and mirrored as its EXIF orientation says, if it has one that can be read."""
    from PIL.Image import Transpose

    try:
        turn = _TURNS.get(picture.getexif().get(0x0112, 1))
    except Exception:  # its parser raises anything; a broken EXIF block must not lose the picture
        turn = None
    return picture.transpose(Transpose[turn]) if turn else picture


def _rgb(picture: "Picture", name: str) -> tuple[Array, tuple[str, ...]]:
    if picture.mode[0] in "IF":  # I, I;16, I;16B, F: more than 8 bits of grey
        return eight_bits(np.asarray(picture), name)
    if picture.has_transparency_data:
        return on_white(np.asarray(_in_mode(picture, "RGBA")))
    notes = () if picture.mode != "CMYK" else ("CMYK converted to RGB",)
    return np.asarray(_in_mode(picture, "RGB")), notes


def _in_mode(picture: "Picture", mode: str) -> "Picture":
    if picture.mode == mode:  # convert() would copy all the same
        return picture
    return picture.convert(mode)


def _of_array(array: Array, limits: Limits, name: str) -> Noted:
    shown = name or "the array"
    check_shape(array, shown)
    limits.check_size(shown, array.shape[1], array.shape[0])
    pixels, notes = rgb_of_array(array, shown)
    return Noted(Image(pixels, name), notes)


def _of_pillow(picture: "Picture", limits: Limits, name: str) -> Noted:
    name = name or str(getattr(picture, "filename", "") or "")
    shown = name or "the picture"
    limits.check_size(shown, *picture.size)
    with _quiet_pillow(picture.width * picture.height):
        try:
            pixels, notes = _rgb(_upright(picture), shown)
        except ImageError:
            raise
        except Exception as error:  # a lazily opened picture is decoded here: see _of_file
            raise ImageError(f"{shown} is a broken picture: {_first_line(error)}") from error
    return Noted(Image(pixels, name), notes)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


class _Quiet:
    """How many reads are under way, and what to restore after the last of them.

    Python's warning filters and Pillow's limit belong to the process, not to a thread.
    """

    lock = Lock()
    count = 0
    filters: Any = None
    most_pixels: int | None = None


@contextmanager
def _quiet_pillow(pixels: int) -> Iterator[None]:
    """Pillow without its warnings, and without its own pixel limit where the caller's is higher."""
    from PIL import Image as Pillow

    with _Quiet.lock:
        if _Quiet.count == 0:
            _Quiet.filters, _Quiet.most_pixels = catch_warnings(), Pillow.MAX_IMAGE_PIXELS
            _Quiet.filters.__enter__()
            simplefilter("ignore")
        _Quiet.count += 1
        if Pillow.MAX_IMAGE_PIXELS is not None and pixels > Pillow.MAX_IMAGE_PIXELS:
            Pillow.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.count -= 1
            if _Quiet.count == 0:
                Pillow.MAX_IMAGE_PIXELS = _Quiet.most_pixels
                _Quiet.filters.__exit__(None, None, None)
