"""Label maps, depth maps and annotation files. Sizes are checked before anything is decoded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pictures

from wordmask.core.image import Array, Size
from wordmask.errors import FormatError, InputError

MAX_PIXELS = 50_000_000
MAX_JSON = 2 << 30  # LVIS's training annotations have 1.1 GB
_KINDS = ("PNG", "BMP", "GIF", "TIFF", "JPEG")


def label_map(path: Path) -> Array:
    """(H, W) int32 of a .png (grey, 16 bits or palette: the index, not the colour) or .npy file."""
    if path.suffix == ".npy":
        array = _npy(path)
        if array.ndim != 2 or array.dtype.kind not in "iub":
            raise FormatError(
                f"{path}: a label map is (H, W) of integers, got {array.shape} {array.dtype}"
            )
        return array.astype(np.int32)
    modes = ("1", "L", "P", "I", "I;16", "I;16B")
    return _picture(path, modes, "grey or palette; colours: list them as panoptic ids")


def colour_ids(path: Path) -> Array:
    """(H, W) int32 of an RGB picture as COCO panoptic writes ids: red + 256 green + 65536 blue."""
    pixels = _picture(path, ("RGB",), "an RGB picture of segment ids")
    ids: Array = pixels @ np.array([1, 256, 65536], np.int32)
    return ids


def depth_map(path: Path, per_metre: float) -> Array:
    """(H, W) float32 metres; 0 where nothing was measured."""
    raw = _npy(path) if path.suffix == ".npy" else label_map(path)
    if raw.ndim != 2 or raw.dtype.kind not in "iuf":
        raise FormatError(f"{path}: a depth map is (H, W) of numbers, got {raw.shape} {raw.dtype}")
    return np.nan_to_num(raw.astype(np.float32), posinf=0.0, neginf=0.0) / np.float32(per_metre)


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise FormatError(
                f"{path} has {path.stat().st_size:,} bytes, the limit is {MAX_JSON:,}"
            )
        return json.loads(path.read_bytes())
    except InputError:  # itself a ValueError
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not JSON: {error}") from None


def check_size(path: Path, got: tuple[int, ...], size: Size) -> None:
    if tuple(got[:2]) != size:
        raise FormatError(
            f"{path} is {got[0]} x {got[1]}, its picture {size[0]} x {size[1]} (height x width)"
        )


def _picture(path: Path, modes: tuple[str, ...], wanted: str) -> Array:
    def decode() -> Array:
        with Pictures.open(path, formats=_KINDS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise FormatError(
                    f"{path} is {picture.width} x {picture.height}; "
                    f"the limit is {MAX_PIXELS:,} pixels"
                )
            if picture.mode not in modes:
                raise FormatError(f"{path} is {picture.mode}, wanted is {wanted}")
            return np.asarray(picture).astype(np.int32)

    array: Array = _open(path, decode)
    return array


def _npy(path: Path) -> Array:
    def decode() -> Array:
        on_disk = np.load(path, mmap_mode="r", allow_pickle=False)
        if on_disk.size > MAX_PIXELS:
            raise FormatError(f"{path} is {on_disk.shape}; the limit is {MAX_PIXELS:,} pixels")
        return np.array(on_disk)

    array: Array = _open(path, decode)
    return array


def _open(path: Path, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except InputError:  # itself a ValueError
        raise
    except FileNotFoundError:
        raise InputError(f"{path} is not there") from None
    except (OSError, ValueError, SyntaxError, EOFError, Pictures.DecompressionBombError) as error:
        raise FormatError(f"{path} cannot be decoded: {error}") from None
