"""Label Studio's brush code: runs of RGBA values in a stream of bits; not COCO's run lengths.

    32 bits      how many values: 4 x height x width
    5 bits       bits of a value, less 1
    4 x 4 bits   bits of a run's length, less 1, for four kinds of run

    each run:
    1 bit        1: one value, repeated; 0: many values
    2 bits       which of the four kinds
    then the length less 1, and the value or values

The same bytes as `label_studio_sdk.converter.brush` writes.
"""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import MaskError

_LENGTH_BITS = np.array([3, 4, 8, 16])  # of the four kinds of run
_LONGEST = 1 << 16  # values in a run


def encode(mask: Array) -> list[int]:
    """The bytes of a (H, W) bool mask: 255 in all four channels where it is True."""
    flat = np.asarray(mask, bool).ravel()
    borders = np.r_[0, np.flatnonzero(flat[1:] != flat[:-1]) + 1, flat.size]
    lengths, values = np.diff(borders) * 4, np.where(flat[borders[:-1]], 255, 0)
    lengths, values, long = _split(lengths, values)
    which = np.where(long, 3, np.searchsorted([8, 16, 256], lengths))
    length_bits = _LENGTH_BITS[which]
    records = (((4 | which) << length_bits) | (lengths - 1)) << 8 | values
    header = _bits(np.array([flat.size * 4, 7, 2, 3, 7, 15]), np.array([32, 5, 4, 4, 4, 4]))
    bits = np.concatenate([header, _bits(records, 3 + length_bits + 8)])
    # The original fills up to 8 bits even where nothing is missing.
    return np.packbits(np.r_[bits, np.zeros(8 - bits.size % 8, np.uint8)]).tolist()


def decode(code: Sequence[int], size: Size) -> Masks:
    """The mask where alpha is over 127. The code must hold exactly the picture's values."""
    stream = _Stream(code)
    count, value_bits = stream.take(32), stream.take(5) + 1
    length_bits = [stream.take(4) + 1 for _ in range(4)]
    wanted = 4 * size[0] * size[1]
    if count != wanted:
        raise MaskError(
            f"the brush code holds {count} values, a picture of {size[0]} x {size[1]} has {wanted}"
        )
    values = np.zeros(count, np.uint32)
    at = 0
    while at < count:
        is_repeated = stream.take(1)
        end = at + 1 + stream.take(length_bits[stream.take(2)])
        if end > count:
            raise MaskError(
                f"a run of the brush code ends at {end}, after the picture's {count} values"
            )
        if is_repeated:
            values[at:end] = stream.take(value_bits)
        else:
            values[at:end] = [stream.take(value_bits) for _ in range(at, end)]
        at = end
    return Masks.from_dense((values[3::4] > 127).reshape(size))


class _Stream:
    """Bits from bytes, highest first."""

    def __init__(self, code: Sequence[int]) -> None:
        try:
            self._data = bytes(code)
        except (TypeError, ValueError):
            raise MaskError("a brush code is a list of numbers from 0 to 255") from None
        self._at = 0

    def take(self, count: int) -> int:
        end = self._at + count
        if end > 8 * len(self._data):
            raise MaskError(f"the brush code is cut off after {len(self._data)} bytes")
        last = -(-end // 8)
        chunk = int.from_bytes(self._data[self._at // 8 : last], "big")
        self._at = end
        return (chunk >> (8 * last - end)) & ((1 << count) - 1)


def _split(lengths: Array, values: Array) -> tuple[Array, Array, Array]:
    """Runs cut to at most 65,536 values, and True where the uncut run has more than 256."""
    parts = -(-lengths // _LONGEST)
    long = np.repeat(lengths > 256, parts)
    split = np.full(parts.sum(), _LONGEST)
    split[np.cumsum(parts) - 1] = lengths - (parts - 1) * _LONGEST
    return split, np.repeat(values, parts), long


def _bits(records: Array, counts: Array) -> Array:
    """The lowest `counts` bits of each record, highest first, one after the other, as 0 and 1."""
    widest = int(counts.max())
    places = counts[:, None] - 1 - np.arange(widest)
    bits = (records[:, None] >> np.maximum(places, 0)) & 1
    flat: Array = bits[places >= 0].astype(np.uint8)
    return flat
