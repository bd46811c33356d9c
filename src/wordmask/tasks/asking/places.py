"""Where things lie, in words."""

from collections import Counter
from collections.abc import Sequence

from wordmask.core.image import Size
from wordmask.core.masks import Masks

WIDE = 0.75  # of the picture's side: what is wider lies across it
THIRDS = (1 / 3, 2 / 3)


def place_of(masks: Masks, row: int = 0) -> str:
    """The part of the picture that a region's middle lies in, of nine.

    >>> import numpy as np
    >>> mask = np.zeros((1, 90, 90), bool)
    >>> mask[0, :20, 70:] = True
    >>> place_of(Masks.from_dense(mask))
    'top right'
    """
    x0, y0, x1, y1 = masks.boxes[row].tolist()
    height, width = masks.size
    across = "" if x1 - x0 > WIDE * width else _third((x0 + x1) / 2 / width, ("left", "", "right"))
    down = "" if y1 - y0 > WIDE * height else _third((y0 + y1) / 2 / height, ("top", "", "bottom"))
    if across or down:
        return f"{down} {across}".strip()
    return "all over" if _is_wide(masks.size, (x0, y0, x1, y1)) else "centre"


def list_places(masks: Masks) -> str:
    """ "left" of one, "2 left and top right" of several, from left to right."""
    order = masks.boxes[:, 0].argsort(kind="stable").tolist()
    counts = Counter(place_of(masks, row) for row in order)
    return join([place if count == 1 else f"{count} {place}" for place, count in counts.items()])


def direction(masks: Masks, other: Masks) -> str:
    """How the middle of one region lies to that of another: "above and left of"."""
    boxes, others = masks.boxes[0].tolist(), other.boxes[0].tolist()
    dx = (boxes[0] + boxes[2] - others[0] - others[2]) / 2
    dy = (boxes[1] + boxes[3] - others[1] - others[3]) / 2
    words = ["above" if dy < 0 else "below"] if abs(dy) > abs(dx) / 2 else []
    if abs(dx) >= abs(dy) / 2:
        words.append("left of" if dx < 0 else "right of")
    return " and ".join(words)


def join(words: Sequence[str]) -> str:
    """
    >>> join(["red", "white", "blue"]), join(["red"])
    ('red, white and blue', 'red')
    """
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _third(share: float, words: tuple[str, str, str]) -> str:
    return words[sum(share > limit for limit in THIRDS)]


def _is_wide(size: Size, box: tuple[int, int, int, int]) -> bool:
    return box[2] - box[0] > WIDE * size[1] and box[3] - box[1] > WIDE * size[0]
