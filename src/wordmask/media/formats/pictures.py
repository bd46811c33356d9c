"""The size of the picture that annotations belong to."""

from pathlib import Path

from PIL import Image as Pil

from wordmask.core.image import Size
from wordmask.errors import FormatError

_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations in which width and height change places


def picture_size(path: Path) -> Size:
    """(height, width) from the header alone, in the orientation that EXIF says."""
    try:
        with Pil.open(path) as picture:
            width, height = picture.size
            sideways = picture.getexif().get(0x0112) in _SIDEWAYS
    except (OSError, SyntaxError, ValueError, Pil.DecompressionBombError) as error:
        raise FormatError(f"{path} tells no size: {error}") from None
    return (width, height) if sideways else (height, width)
