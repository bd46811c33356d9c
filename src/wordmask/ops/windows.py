"""Windows: which values of a scan become black and which white.

By a preset's name, by width and level as radiologists write them ("400/40": 240 is white, -160 is
black), by percentiles ("0.5-99.5%"), or auto: the preset soft for CT, else percentiles.
"""

import re
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.volume import Volume
from wordmask.errors import Mend, OptionError, did_you_mean
from wordmask.ops.resample import stretch

PRESETS = {
    "soft": (400.0, 40.0),
    "lung": (1500.0, -600.0),
    "liver": (150.0, 90.0),
    "bone": (2500.0, 480.0),
    "brain": (80.0, 40.0),
}  # width, level in Hounsfield units
PERCENTILES = (0.5, 99.5)
_NUMBER = r"([-+]?\d+(?:\.\d+)?)"


class ValueWindow(NamedTuple):
    """The values that are black and white."""

    low: float
    high: float

    def shades(self, values: Array) -> Array:
        """uint8 of float values."""
        found = (values - np.float32(self.low)) * np.float32(255 / (self.high - self.low))
        shades: Array = np.clip(found, 0, 255).astype(np.uint8)
        return shades


def find_window(text: str, volume: Volume) -> ValueWindow:
    """The window that `text` names for this volume."""
    wanted = text.strip().lower()
    if wanted == "auto":
        wanted = "soft" if volume.modality == "CT" else "{}-{}%".format(*PERCENTILES)
    if wanted in PRESETS:
        return _around(*PRESETS[wanted])
    numbers = re.fullmatch(f"{_NUMBER}/{_NUMBER}", wanted)
    if numbers is not None and float(numbers[1]) > 0:
        return _around(float(numbers[1]), float(numbers[2]))
    shares = re.fullmatch(f"{_NUMBER}-{_NUMBER}%", wanted)
    if shares is not None and 0 <= float(shares[1]) < float(shares[2]) <= 100:
        return _percentiles(volume, float(shares[1]), float(shares[2]))
    raise OptionError(
        f"window must be a preset ({', '.join(PRESETS)}), width/level such as 400/40, percentiles "
        f"such as 0.5-99.5%, or auto; got {text!r}.{did_you_mean(wanted, PRESETS)}",
        mend=Mend("window", "auto"),
    )


def slice_image(volume: Volume, window: ValueWindow, plane: Array, size: tuple[int, int]) -> Image:
    """A slice (rows, columns) of stored values as a picture of `size`, whose pixels are square."""
    shades = window.shades(volume.values(plane))
    if volume.padding is not None:
        shades[plane == volume.padding] = 0
    if volume.inverted:
        shades = 255 - shades
    grey = stretch(np.ascontiguousarray(shades), size)
    return Image(np.repeat(grey[:, :, None], 3, 2), volume.name)


def _around(width: float, level: float) -> ValueWindow:
    return ValueWindow(level - width / 2, level + width / 2)


def _percentiles(volume: Volume, low: float, high: float) -> ValueWindow:
    """Of what is not the background, where most of the volume is one value (air around a head)."""
    values = volume.sample
    if not len(values):
        return ValueWindow(0.0, 1.0)
    inside = values[values > values.min()]
    values = inside if len(inside) > 0.01 * len(values) else values
    first, last = (float(value) for value in np.percentile(values, (low, high)))
    return ValueWindow(first, last if last > first else first + 1)
