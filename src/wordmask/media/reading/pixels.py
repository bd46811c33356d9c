"""Numbers of any depth and number of channels -> (H, W, 3) uint8, with a note where something was changed."""

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import ImageError

WHITE = 255
Notes = tuple[str, ...]


def check_shape(array: Array, name: str) -> None:
    """One picture: (H, W), or (H, W, C) with 1, 2 (grey and alpha), 3 or 4 channels."""
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 2, 3, 4)):
        return
    first = array.ndim == 3 and array.shape[0] in (1, 3, 4)
    fix = (
        "channels come last: array.transpose(1, 2, 0)"
        if first
        else "hand over one picture at a time"
    )
    raise ImageError(f"{name}: expected (H, W) or (H, W, 1 to 4), got {array.shape}; {fix}")


def rgb_of_array(array: Array, name: str) -> tuple[Array, Notes]:
    """A copy, so that later changes to `array` stay outside."""
    pixels, notes = _eight_bit_array(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] in (2, 4):
        grey = pixels.shape[2] == 2
        pixels, more = on_white(pixels[..., (0, 0, 0, 1)] if grey else pixels)
        notes += more
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, 2)
    return np.array(pixels, order="C"), notes


def on_white(rgba: Array) -> tuple[Array, Notes]:
    """Alpha laid on white, as a viewer shows it: what hides under full transparency is often rubbish."""
    if (rgba[..., 3] == 255).all():
        return np.ascontiguousarray(rgba[..., :3]), ()
    mixed = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), 256):  # in bands: 50 MP at once would take a gigabyte
        band, opaque = rgba[top : top + 256, :, :3], rgba[top : top + 256, :, 3:].astype(np.uint16)
        mixed[top : top + 256] = (band * opaque + WHITE * (255 - opaque) + 127) // 255
    return mixed, ("alpha laid on white",)


def eight_bits(grey: Array, name: str) -> tuple[Array, Notes]:
    """Grey numbers of more than 8 bits -> (H, W, 3) uint8, and a note that says how."""
    low, high = grey.min(), grey.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(f"{name} holds NaN or infinity; fill those pixels first")
    if grey.dtype.kind == "f":
        if low < 0 or high > 1:
            raise ImageError(
                f"{name}: floating pixels must lie in [0, 1], got {low:g} to {high:g}; scale them first"
            )
        scaled = np.rint(grey * grey.dtype.type(255)).astype(np.uint8)
        note = "floating pixels, 0 to 1, scaled to 0 to 255"
    else:
        if low < 0 or high > 0xFFFF:
            raise ImageError(
                f"{name}: whole pixels must lie in 0 to 65,535, got {low} to {high}; scale them first"
            )
        # Cameras put 12 bits into 16: read as 16 they would be all but black.
        top = 4095 if high <= 4095 else 65535
        scaled = np.rint(np.arange(top + 1) * (255 / top)).astype(np.uint8)[grey]
        note = f"16-bit, 0 to {top} scaled to 0 to 255 (brightest pixel: {high})"
    return (scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, 2)), (note,)


def _eight_bit_array(array: Array, name: str) -> tuple[Array, Notes]:
    if array.dtype == np.uint8:
        return array, ()
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255), ()
    if array.dtype.kind not in "iuf":
        raise ImageError(f"{name}: expected numbers, got {array.dtype}")
    if (
        array.dtype.kind in "iu"
        and array.dtype != np.uint16
        and array.min() >= 0
        and array.max() <= 255
    ):
        return array.astype(np.uint8), ()  # 8-bit values that arithmetic has widened
    scaled, notes = eight_bits(array, name)
    return (scaled[..., 0] if array.ndim == 2 else scaled), notes
