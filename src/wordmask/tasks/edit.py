"""Change what was found: remove it, replace it from words, restyle it.

One pipeline for every painter (Telea to diffusion): grow the mask by a ring, cut a padded crop
around each group of objects, scale it to the size the painter works at, paint, scale back, fade
inside the ring, paste. Outside the ring no byte changes, and memory follows the objects' size.

A painter may say how it likes its crops: `paint_side` is the longest side it works at, up or down
(512 for Stable Diffusion); `paint_pixels` is the size beyond which crops are shrunk for it.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, get_args

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.options import check
from wordmask.core.protocols import Inpainter
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, MaskError, Mend, OptionError, PromptError
from wordmask.ops import colour as colours
from wordmask.ops.paste import Hole, blend, boxes_of, make_hole, ring_width
from wordmask.ops.regions import box_around

# Diffusion's latent pixels are 8 pixels wide, and the newer networks take them in pairs.
MULTIPLE = 16
STYLE_RING = 0.003  # ring of the styles that need no model, a share of the picture's shorter side
RESTYLE_RING = 0.005  # at most this much ring where a painter redraws from what is there
Style = Literal["colours", "posterise", "sketch"]


@dataclass(frozen=True)
class EditOptions:
    """How an edit treats the mask and its surroundings."""

    dilate: Annotated[float, Interval(ge=0, le=0.25)] = 0.015
    """Ring around the mask, a share of the picture's shorter side: what the object leaves at its
    edge goes too."""
    feather: Annotated[float, Interval(ge=0, le=0.25)] = 0.006
    """Outer part of the ring that fades into the picture, a share of the picture's shorter side."""
    padding: Annotated[float, Interval(ge=0, le=8)] = 0.5
    """What the painter sees around the object, a share of the object's longer side."""
    least_padding: Annotated[int, Interval(ge=0, le=4096)] = 32
    """At least so many pixels of padding."""
    seed: Annotated[int, Interval(ge=0, le=2**63 - 1)] = 0
    """The same seed and painter give the same picture."""

    def __post_init__(self) -> None:
        check(self)


class Edited(NamedTuple):
    """What came of an edit."""

    image: Image
    mask: Array  # (H, W) bool: what was meant, without the ring
    touched: Array  # (H, W) bool: where bytes may have changed


def remove(
    image: Image,
    result: Result,
    painter: Inpainter | None,
    options: EditOptions | None = None,
    *,
    words: str = "",
) -> Edited:
    """The picture without the regions of `result`: `painter` fills in what may be behind them.

    Without a painter the regions become black. `words` tell a painter that follows them what is
    behind.
    """
    mask = target(image, result)
    if painter is None:
        black = np.where(mask[..., None], np.uint8(0), image.pixels)
        return Edited(Image(black, image.name), mask, mask)
    check_words("remove", words, painter)
    options = options or EditOptions()
    hole = _make_hole(mask, options, options.dilate)
    return Edited(_paint(image, hole, painter, words, options), mask, hole.dilated)


def replace(
    image: Image,
    result: Result,
    painter: Inpainter | None,
    words: str,
    options: EditOptions | None = None,
) -> Edited:
    """What `words` say, in place of the regions. Without a painter: the mask, white on black."""
    mask = target(image, result)
    if painter is None:
        white = np.where(mask[..., None], np.uint8(255), np.zeros_like(image.pixels))
        return Edited(Image(white, image.name), mask, np.ones_like(mask))
    check_words("replace", words, painter)
    options = options or EditOptions()
    hole = _make_hole(mask, options, options.dilate)
    return Edited(_paint(image, hole, painter, words, options), mask, hole.dilated)


def restyle(
    image: Image, result: Result, painter: Inpainter, words: str, options: EditOptions | None = None
) -> Edited:
    """The regions in another style: `painter` redraws what is there and keeps its structure."""
    check_words("style", words, painter)
    options = options or EditOptions()
    mask = target(image, result)
    hole = _make_hole(mask, options, min(options.dilate, RESTYLE_RING))
    return Edited(_paint(image, hole, painter, words, options), mask, hole.dilated)


def stylise(image: Image, result: Result, style: str, reference: Image | None = None) -> Edited:
    """The regions restyled without a model.

    The styles are the colours of a reference picture, a few flat colours, or a pencil sketch.
    """
    if style not in get_args(Style):
        raise OptionError(
            f"style must be one of {', '.join(get_args(Style))}; got {style!r}",
            mend=Mend("style", "sketch"),
        )
    mask = target(image, result)
    ring = ring_width(image.size, STYLE_RING)
    hole = make_hole(mask, ring, ring)
    x0, y0, x1, y1 = box_around(hole.dilated)
    part = image.pixels[y0:y1, x0:x1]
    if style == "colours":
        if reference is None:
            raise OptionError(
                "the style 'colours' takes its colours from a picture",
                mend=Mend("reference", "FILE"),
            )
        changed = colours.transfer(part, reference.pixels, mask[y0:y1, x0:x1])
    else:
        changed = colours.posterise(part) if style == "posterise" else colours.sketch(part)
    out = image.pixels.copy()
    out[y0:y1, x0:x1] = blend(part, changed, hole.weight[y0:y1, x0:x1])
    return Edited(Image(out, image.name), mask, hole.dilated)


# ---- what is edited


def target(image: Image, result: Result) -> Array:
    """(H, W) bool: every pixel of every region; an error that says why where there is none."""
    if result.size != image.size:
        raise MaskError(f"the result is of {result.size}, the picture {image.size} (height, width)")
    mask = result.masks.union()
    if not mask.any():
        misses = "; ".join(
            f"{word.phrase}: best {word.best:.2f}, needs {word.needed:.2f}"
            for word in result.absent
        )
        why = f" ({misses})" if misses else ""
        raise PromptError(
            f"nothing to edit in {image.name or 'the picture'}: no region was found{why}"
        )
    return mask


def pick_regions(result: Result, numbers: tuple[int, ...]) -> Result:
    """The regions of these numbers, counted from 0, best first, as in a saved result; none: all."""
    for number in numbers:
        if not 0 <= number < len(result):
            raise PromptError(
                f"there is no region {number}: the result has {len(result)}, counted from 0"
            )
    return result[list(numbers)] if numbers else result


# ---- painting


def _make_hole(mask: Array, options: EditOptions, ring: float) -> Hole:
    """The mask with a ring, a share of the picture's shorter side."""
    size = (mask.shape[0], mask.shape[1])
    hole = make_hole(mask, ring_width(size, ring), ring_width(size, options.feather))
    # A ring over the last known pixels would leave the painter nothing to go by.
    return make_hole(mask, 0, 0) if hole.dilated.all() and not mask.all() else hole


def _paint(image: Image, hole: Hole, painter: Inpainter, words: str, options: EditOptions) -> Image:
    """The picture with every piece of the hole painted, crop by crop."""
    out = image.pixels.copy()
    for x0, y0, x1, y1 in boxes_of(
        hole.dilated, padding=options.padding, least=options.least_padding
    ):
        crop = Image(out[y0:y1, x0:x1].copy(), image.name)
        painted = _paint_crop(crop, hole.dilated[y0:y1, x0:x1], painter, words, options.seed)
        out[y0:y1, x0:x1] = blend(crop.pixels, painted, hole.weight[y0:y1, x0:x1])
    return Image(out, image.name)


def _paint_crop(crop: Image, hole: Array, painter: Inpainter, words: str, seed: int) -> Array:
    """(h, w, 3) uint8: the crop, painted at the size that the painter works at."""
    size = native_size(crop.size, painter)
    if size == crop.size:
        return _fill(painter, crop, hole, words, seed)
    size_wh = size[::-1]
    smaller = size[0] * size[1] < hole.size
    to_native = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    to_hole = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    to_crop = cv2.INTER_CUBIC if smaller else cv2.INTER_AREA
    scaled = Image(cv2.resize(crop.pixels, size_wh, interpolation=to_native), crop.name)
    share = cv2.resize(hole.astype(np.float32), size_wh, interpolation=to_hole)
    # A pixel with any share of the hole is in it: the painter must not see a trace of the object.
    painted = _fill(painter, scaled, share > 1e-3, words, seed)
    back: Array = cv2.resize(painted, crop.size[::-1], interpolation=to_crop)
    return back


def native_size(size: Size, painter: Inpainter) -> Size:
    """(height, width) at which the painter gets a crop of `size`."""
    height, width = size
    side, most = painter.paint_side, painter.paint_pixels
    if side:
        scale = side / max(height, width)
        return _nearest_multiple(height * scale), _nearest_multiple(width * scale)
    if most and height * width > most:
        scale = float(np.sqrt(most / (height * width)))
        return max(1, int(height * scale)), max(1, int(width * scale))
    return size


def _nearest_multiple(side: float) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def _fill(painter: Inpainter, crop: Image, hole: Array, words: str, seed: int) -> Array:
    """(h, w, 3) uint8: what the painter returns, held to the crop's size."""
    painted = painter.fill(crop, hole, words, seed)
    if painted.size != crop.size:
        raise CapabilityError(
            f"{painter.name} was given a crop of {crop.size} and returned {painted.size} "
            "(height, width)"
        )
    return painted.pixels


def check_words(verb: str, words: str, painter: Inpainter) -> None:
    """Raise where words are missing, or are given to a painter that cannot follow them."""
    if not words.strip():
        if verb in _NEEDS_WORDS:
            needed, example = _NEEDS_WORDS[verb]
            raise PromptError(f"{verb} needs words for {needed}", mend=Mend("edit_prompt", example))
        return
    if not painter.follows_words:
        otherwise, mend = _WITHOUT_WORDS[verb]
        raise CapabilityError(
            f"{painter.name} fills from the surroundings and cannot follow words: {otherwise}",
            mend=mend,
        )


# verb -> what the words are for, and an example
_NEEDS_WORDS = {
    "replace": ("what shall be there", "'a red sofa'"),
    "style": ("how it shall look", "'as an oil painting'"),
}
# verb -> what else can be done
_WITHOUT_WORDS = {
    "remove": ("leave them out, or paint by diffusion", Mend("use_inpainting")),
    "replace": (
        "`effect recolour` changes a colour, `effect overlay` lays on a picture, the fill none "
        "gives the mask; or paint by diffusion",
        Mend("use_inpainting"),
    ),
    "style": (
        "paint by diffusion, or use a style that needs no words (colours, posterise, sketch)",
        Mend("style", "sketch"),
    ),
}
