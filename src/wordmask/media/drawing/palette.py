"""Colours: the same word has the same colour everywhere, two words of one result never share one.

The first 16 colours lie at least 8 CIEDE2000 apart for normal sight and for the three kinds of colour
blindness (Machado 2009); the other 32 at least 3. They were found by maximising the smallest distance and are
all between L* 45 and 90, so that they stand out on dark and on bright pictures.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from wordmask.core.image import Array

Colour = tuple[int, int, int]

FIRST = 16  # the colours a word prefers
GREY: Colour = (150, 150, 158)  # regions without a name beside named ones
BLACK: Colour = (17, 19, 24)
WHITE: Colour = (255, 255, 255)

_HEX = """
ffc414 764eeb b14e3b 14ebd8 ff7689 c4eb9d c476ff 008962 ebb1ff d889c4 27c49d ff2700 c46289 9d4e9d eb9d4e eb3b62
9d76c4 ff9dc4 3b9d76 b1629d d8eb76 628900 b19deb 76d876 14b176 8962ff c400c4 d80062 b14e76 d8764e c476b1 d8769d
d8b100 00d89d 89ebb1 4e9d3b 62c462 eb89b1 9d62b1 c44e89 9d89d8 62eb4e c44e4e ff4e76 c42789 ffb1eb d8629d 6262c4
"""
PALETTE: tuple[Colour, ...] = tuple(
    (int(h[:2], 16), int(h[2:4], 16), int(h[4:], 16)) for h in _HEX.split()
)


def numbered(index: int) -> Colour:
    """Colour `index` of an endless row: the palette, then darker and lighter shades of it.

    >>> numbered(0) == PALETTE[0], numbered(48) == PALETTE[0]
    (True, False)
    """
    turn, place = divmod(index, len(PALETTE))
    target = BLACK if turn % 2 else WHITE
    share = min(0.7, 0.2 * ((turn + 1) // 2))
    red, green, blue = (
        round(c + (t - c) * share) for c, t in zip(PALETTE[place], target, strict=True)
    )
    return red, green, blue


def colours(words: Sequence[str]) -> Array:
    """(N, 3) uint8, one colour for each word; what order the words come in plays no part.

    Each word prefers the colour that its hash names; where two prefer the same, the one with the
    lower hash has it and the other takes the next that is free.
    """
    chosen: dict[str, int] = {}
    taken: set[int] = set()
    for word in sorted({_plain(word) for word in words}, key=_hash):
        slot = _free(_hash(word) % FIRST, taken)
        taken.add(slot)
        chosen[word] = slot
    return np.array([numbered(chosen[_plain(word)]) for word in words], np.uint8).reshape(-1, 3)


def ink(colour: Sequence[int]) -> Colour:
    """Black or white, whichever is easier to read on `colour` (WCAG contrast).

    >>> ink((255, 255, 0)) == BLACK, ink((0, 0, 120)) == WHITE
    (True, True)
    """
    on_black = (luminance(colour) + 0.05) / (luminance(BLACK) + 0.05)
    on_white = 1.05 / (luminance(colour) + 0.05)
    return BLACK if on_black >= on_white else WHITE


def luminance(colour: Sequence[int]) -> float:
    """Relative luminance of sRGB, 0 to 1 (WCAG 2.1)."""
    share = np.asarray(colour, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _free(slot: int, taken: set[int]) -> int:
    if len(taken) < FIRST:
        while slot in taken:
            slot = (slot + 1) % FIRST
        return slot
    return max(taken) + 1  # the first 16 are gone: on down the palette


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()


def digest(word: str) -> bytes:
    """32 bytes that stand for the word, whatever its case and blanks."""
    return sha256(_plain(word).encode("utf-8", "replace")).digest()


def _hash(word: str) -> int:
    return int.from_bytes(digest(word)[:8], "big")
