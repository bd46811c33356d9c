"""Photographs that come with scikit-image (public domain or CC0), for suites that need some."""

from pathlib import Path

from wordmask.core.image import Image
from wordmask.errors import missing_extra
from wordmask.media.reading.read import read


def photograph(name: str) -> Image:
    """A file of scikit-image's own folder, such as astronaut.png: nothing is downloaded."""
    try:
        import skimage
    except ImportError:
        raise missing_extra("scikit-image", "dev") from None
    return read(Path(skimage.__file__).parent / "data" / name, name=name)
