"""Colours: the same word has the same colour everywhere, two words of one result never share one.

Things with a colour of their own get it (sky, grass, road ...), all others one of the vivid
colours. These two groups and the grey of unnamed regions lie at least 7.5 CIEDE2000 apart for
normal sight and for the three kinds of colour blindness (Machado 2009); the further colours at
least 3. They were found by maximising the smallest distance, each natural colour within a range
of hue, strength and lightness.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from wordmask.core.image import Array

Colour = tuple[int, int, int]

GREY: Colour = (144, 144, 156)  # regions without a name beside named ones
BLACK: Colour = (17, 19, 24)
WHITE: Colour = (255, 255, 255)


def _parse(hexes: str) -> tuple[Colour, ...]:
    rows = [bytes.fromhex(one) for one in hexes.split()]
    return tuple((red, green, blue) for red, green, blue in rows)


VIVID = _parse("""
18846c 849cf0 8478ff d884c0 f00084 e418b4 24ccb4 ff180c b45460 54ffd8
""")
NATURAL: dict[str, Colour] = {
    "sky": (156, 204, 255),
    "water": (72, 120, 192),
    "grass": (144, 216, 96),
    "plant": (60, 180, 96),
    "tree": (72, 108, 60),
    "sand": (240, 204, 156),
    "soil": (120, 72, 12),
    "wood": (168, 120, 60),
    "road": (108, 120, 132),
    "rock": (180, 168, 144),
    "cloud": (204, 204, 216),
    "snow": (228, 240, 255),
    "fire": (255, 120, 48),
    "sun": (240, 240, 24),
}
FURTHER = _parse("""
6054ff f09cd8 549c60 ffb418 6c780c 9c609c d8b484 f06cd8 487854 a8f06c cc7884 84d8b4 78a83c
e4609c 90c060 90e4ff 48a8b4 9cf0c0 cc9c78 e418d8 78840c b46090 b40cf0
""")
PALETTE: tuple[Colour, ...] = (*VIVID, *NATURAL.values(), *FURTHER)

# The natural colours that a thing may have, the one that it prefers first.
_KINDS = {
    "sky": "sky heaven",
    "water": "water sea ocean river lake pond pool stream waterfall bay harbour harbor canal wave",
    "grass plant tree": "grass lawn meadow field pasture turf moss hill",
    "plant tree grass": "plant bush shrub hedge leaf leaves foliage vegetation fern ivy cactus",
    "tree plant grass": "tree forest jungle woods palm pine",
    "sand": "sand beach desert dune",
    "soil wood": "soil earth dirt mud ground",
    "wood soil": "wood log trunk timber plank branch",
    "road rock": "road street asphalt tarmac highway runway pavement sidewalk",
    "rock road": "rock stone mountain cliff boulder gravel concrete",
    "cloud snow": "cloud fog mist smoke steam",
    "snow cloud": "snow ice frost glacier iceberg",
    "fire sun": "fire flame lava campfire bonfire",
    "sun fire": "sun",
}
PREFERENCES = {
    thing: tuple(kinds.split()) for kinds, things in _KINDS.items() for thing in things.split()
}


def colours(words: Sequence[str]) -> Array:
    """(N, 3) uint8, one colour for each word; what order the words come in plays no part.

    A thing with a natural colour has it. Each other word prefers the vivid colour that its hash
    names. Where two want the same, the one with the lower hash has it and the other takes its
    next choice.
    """
    waiting = sorted({_plain(word) for word in words}, key=_hash)
    slots: dict[str, int] = {}
    for choice in range(3):
        for word in waiting:
            kinds = natural_kinds(word)
            if word in slots or choice >= len(kinds):
                continue
            slot = len(VIVID) + list(NATURAL).index(kinds[choice])
            if slot not in slots.values():
                slots[word] = slot
    for word in waiting:
        if word not in slots:
            slots[word] = _free_slot(word, set(slots.values()))
    return np.array([nth(slots[_plain(word)]) for word in words], np.uint8).reshape(-1, 3)


def natural_kinds(phrase: str) -> tuple[str, ...]:
    """The natural colours of what a phrase names, by its last word; none for most things.

    >>> natural_kinds("blue sky"), natural_kinds("Trees"), natural_kinds("sky diver")
    (('sky',), ('tree', 'plant', 'grass'), ())
    """
    thing = (_plain(phrase).split() or [""])[-1]
    return PREFERENCES.get(thing) or PREFERENCES.get(thing.removesuffix("s"), ())


def nth(index: int) -> Colour:
    """Colour `index` of an endless row: the palette, then darker and lighter shades of it.

    >>> nth(0) == PALETTE[0], nth(len(PALETTE)) == PALETTE[0]
    (True, False)
    """
    turn, place = divmod(index, len(PALETTE))
    target = BLACK if turn % 2 else WHITE
    share = min(0.7, 0.2 * ((turn + 1) // 2))
    red, green, blue = (
        round(c + (t - c) * share) for c, t in zip(PALETTE[place], target, strict=True)
    )
    return red, green, blue


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


def digest(word: str) -> bytes:
    """32 bytes that stand for the word, whatever its case and blanks."""
    return sha256(_plain(word).encode("utf-8", "replace")).digest()


def _free_slot(word: str, taken: set[int]) -> int:
    """The vivid colour that the word prefers, or the next that is free; then all others."""
    first = _hash(word) % len(VIVID)
    for step in range(len(VIVID)):
        slot = (first + step) % len(VIVID)
        if slot not in taken:
            return slot
    slot = len(VIVID)
    while slot in taken:
        slot += 1
    return slot


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()


def _hash(word: str) -> int:
    return int.from_bytes(digest(word)[:8], "big")
