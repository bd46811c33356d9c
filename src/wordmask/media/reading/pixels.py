"""Pixels of any depth and number of channels as (H, W, 3) uint8, with notes on what changed."""

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import ImageError

WHITE = 255
Notes = tuple[str, ...]


def check_shape(array: Array, name: str) -> None:
    """One picture: (H, W), or (H, W, C) with 1, 2 (grey and alpha), 3 or 4 channels."""
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 2, 3, 4)):
        return
    fix = "hand over one picture at a time"
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        fix = "channels come last: array.transpose(1, 2, 0)"
    raise ImageError(f"{name}: expected (H, W) or (H, W, 1 to 4), got {array.shape}; {fix}")


def rgb_of_array(array: Array, name: str) -> tuple[Array, Notes]:
    """(H, W, 3) uint8: a copy, which later changes to `array` leave alone."""
    pixels, notes = _eight_bit_array(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] in (2, 4):
        rgba = pixels[..., (0, 0, 0, 1)] if pixels.shape[2] == 2 else pixels
        pixels, more = on_white(rgba)
        notes += more
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, 2)
    return np.array(pixels, order="C"), notes


def on_white(rgba: Array) -> tuple[Array, Notes]:
    """(H, W, 4) laid on white, as a viewer shows it: hidden colours are often rubbish."""
    if (rgba[..., 3] == 255).all():
        return np.ascontiguousarray(rgba[..., :3]), ()
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), 256):  # in bands: 50 MP at once would take a gigabyte
        band, opaque = rgba[top : top + 256, :, :3], rgba[top : top + 256, :, 3:].astype(np.uint16)
        rgb[top : top + 256] = (band * opaque + WHITE * (255 - opaque) + 127) // 255
    return rgb, ("alpha laid on white",)


def eight_bits(grey: Array, name: str) -> tuple[Array, Notes]:
    """(H, W, 3) uint8 from grey pixels of more than 8 bits, and a note that says how."""
    low, high = grey.min(), grey.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(f"{name} holds NaN or infinity; fill those pixels first")
    if grey.dtype.kind == "f":
        if low < 0 or high > 1:
            raise ImageError(
                f"{name}: floating pixels must lie in [0, 1], got {low:g} to {high:g}; "
                "scale them first"
            )
        scaled = np.rint(grey * grey.dtype.type(255)).astype(np.uint8)
        note = "floating pixels, 0 to 1, scaled to 0 to 255"
    else:
        if low < 0 or high > 0xFFFF:
            raise ImageError(
                f"{name}: whole pixels must lie in 0 to 65,535, got {low} to {high}; "
                "scale them first"
            )
        # Cameras store 12 bits in 16: read as 16 they would be almost black.
        top = 4095 if high <= 4095 else 65535
        scaled = np.rint(np.arange(top + 1) * (255 / top)).astype(np.uint8)[grey]
        note = f"16-bit, 0 to {top} scaled to 0 to 255 (brightest pixel: {high})"
    if scaled.ndim == 2:
        scaled = np.repeat(scaled[..., None], 3, 2)
    return scaled, (note,)


def _eight_bit_array(array: Array, name: str) -> tuple[Array, Notes]:
    if array.dtype == np.uint8:
        return array, ()
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255), ()
    if array.dtype.kind not in "iuf":
        raise ImageError(f"{name}: expected numbers, got {array.dtype}")
    is_wide = array.dtype.kind in "iu" and array.dtype != np.uint16
    if is_wide and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8), ()  # 8-bit values that arithmetic has widened
    scaled, notes = eight_bits(array, name)
    return (scaled[..., 0] if array.ndim == 2 else scaled), notes
