"""Change what was found: remove it, replace it from words, restyle it.

One pipeline for every painter (Telea to diffusion): grow the mask by a ring, cut a padded crop around each group of
objects, scale it to the size the painter works at, paint, scale back, feather inside the ring, paste. Outside the
ring no byte changes, and memory follows the objects' size.

A painter may say how it likes its crops: `paint_side` is the longest side it works at, up or down (512 for Stable
Diffusion); `paint_pixels` is the size beyond which crops are shrunk for it.
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
Style = Literal["colours", "posterise", "sketch"]


@dataclass(frozen=True)
class EditOptions:
    """How an edit treats the mask and its surroundings."""

    dilate: Annotated[float, Interval(ge=0, le=0.25)] = 0.015
    """Ring around the mask, a share of the picture's shorter side: what the object leaves at its edge goes too."""
    feather: Annotated[float, Interval(ge=0, le=0.25)] = 0.006
    """How much of the ring's outside fades into the picture, as a share of the picture's shorter side."""
    padding: Annotated[float, Interval(ge=0, le=8)] = 0.5
    """What the painter sees around the object, as a share of the object's longer side."""
    least_padding: Annotated[int, Interval(ge=0, le=4096)] = 32
    """And at least so many pixels of it."""
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
    """The picture without the regions of `result`: `painter` fills in what may be behind. No painter blackens.

    `words` may tell a painter that follows them what is behind.
    """
    mask = target(image, result)
    if painter is None:
        return Edited(
            Image(np.where(mask[..., None], np.uint8(0), image.pixels), image.name), mask, mask
        )
    check_words("remove", words, painter)
    return _painted(image, mask, painter, words, options or EditOptions())


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
    return _painted(image, mask, painter, words, options or EditOptions())


def restyle(
    image: Image, result: Result, painter: Inpainter, words: str, options: EditOptions | None = None
) -> Edited:
    """The regions in another style, keeping their structure: the painter redraws from what is there."""
    check_words("style", words, painter)
    options = options or EditOptions()
    return _painted(
        image, target(image, result), painter, words, options, ring=min(options.dilate, 0.005)
    )


def stylise(image: Image, result: Result, style: str, reference: Image | None = None) -> Edited:
    """The regions restyled without a model: colours of a reference picture, few flat colours, or a pencil sketch."""
    if style not in get_args(Style):
        raise OptionError(
            f"style must be one of {', '.join(get_args(Style))}; got {style!r}",
            mend=Mend("style", "sketch"),
        )
    mask = target(image, result)
    hole = make_hole(mask, ring_width(image.size, 0.003), ring_width(image.size, 0.003))
    x0, y0, x1, y1 = box_around(hole.dilated, 0)
    part = image.pixels[y0:y1, x0:x1]
    if style == "colours":
        if reference is None:
            raise OptionError("the style 'colours' takes them from a picture: --reference FILE")
        changed = colours.transfer(part, reference.pixels, mask[y0:y1, x0:x1])
    else:
        changed = colours.posterise(part) if style == "posterise" else colours.sketch(part)
    out = image.pixels.copy()
    out[y0:y1, x0:x1] = blend(part, changed, hole.weight[y0:y1, x0:x1])
    return Edited(Image(out, image.name), mask, hole.dilated)


def target(image: Image, result: Result) -> Array:
    """(H, W) bool: every pixel of every region; an error that says so where there is none."""
    if result.size != image.size:
        raise MaskError(f"the result is of {result.size}, the picture {image.size} (height, width)")
    mask = result.masks.union()
    if not mask.any():
        told = "; ".join(
            f"{word.phrase}: best {word.best:.2f}, needs {word.needed:.2f}"
            for word in result.absent
        )
        what = f" ({told})" if told else ""
        raise PromptError(
            f"nothing to edit in {image.name or 'the picture'}: no region was found{what}"
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


def _painted(
    image: Image,
    mask: Array,
    painter: Inpainter,
    words: str,
    options: EditOptions,
    *,
    ring: float | None = None,
) -> Edited:
    hole = _hole(mask, image.size, options, options.dilate if ring is None else ring)
    out = image.pixels.copy()
    for box in boxes_of(hole.dilated, padding=options.padding, least=options.least_padding):
        x0, y0, x1, y1 = box
        crop = Image(out[y0:y1, x0:x1].copy(), image.name)
        painted = _at_native_size(crop, hole.dilated[y0:y1, x0:x1], painter, words, options.seed)
        out[y0:y1, x0:x1] = blend(crop.pixels, painted, hole.weight[y0:y1, x0:x1])
    return Edited(Image(out, image.name), mask, hole.dilated)


def _hole(mask: Array, size: Size, options: EditOptions, ring: float) -> Hole:
    hole = make_hole(mask, ring_width(size, ring), ring_width(size, options.feather))
    # A ring that swallows the last known pixels would leave nothing to go by.
    return make_hole(mask, 0, 0) if hole.dilated.all() and not mask.all() else hole


def _at_native_size(crop: Image, hole: Array, painter: Inpainter, words: str, seed: int) -> Array:
    """The crop painted, (h, w, 3) uint8, back at its own size."""
    size = native_size(crop.size, painter)
    if size == crop.size:
        return _checked(painter.fill(crop, hole, words, seed), size, painter)
    size_wh = size[::-1]
    smaller = size[0] * size[1] < hole.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    scaled = Image(cv2.resize(crop.pixels, size_wh, interpolation=how), crop.name)
    # Any share of hole makes a hole: no trace of the object may leak into what the painter sees as known.
    covered = (
        cv2.resize(
            hole.astype(np.float32), size_wh, interpolation=how if smaller else cv2.INTER_LINEAR
        )
        > 1e-3
    )
    painted = _checked(painter.fill(scaled, covered, words, seed), size, painter)
    back: Array = cv2.resize(
        painted, crop.size[::-1], interpolation=cv2.INTER_CUBIC if smaller else cv2.INTER_AREA
    )
    return back


def native_size(size: Size, painter: Inpainter) -> Size:
    """(height, width) at which the painter gets a crop of `size`."""
    height, width = size
    side, most = getattr(painter, "paint_side", None), getattr(painter, "paint_pixels", None)
    if side:
        scale = side / max(height, width)
        return _rounded(height * scale), _rounded(width * scale)
    if most and height * width > most:
        scale = float(np.sqrt(most / (height * width)))
        return max(1, int(height * scale)), max(1, int(width * scale))
    return size


def _rounded(edge: float) -> int:
    return max(MULTIPLE, round(edge / MULTIPLE) * MULTIPLE)


def _checked(painted: Image, size: Size, painter: Inpainter) -> Array:
    if painted.size != size:
        name = getattr(painter, "name", type(painter).__name__)
        raise CapabilityError(
            f"{name} was given a crop of {size} and returned {painted.size} (height, width)"
        )
    return painted.pixels


def check_words(verb: str, words: str, painter: Inpainter) -> None:
    """Raise where words are missing, or are given to a painter that cannot follow them."""
    if not words.strip():
        if verb in _NEEDED:
            raise PromptError(_NEEDED[verb])
        return
    if not getattr(painter, "follows_words", True):
        name = getattr(painter, "name", "this painter")
        raise CapabilityError(
            f"{name} fills from the surroundings and cannot follow words: {_OTHERWISE[verb]}"
        )


_NEEDED = {
    "replace": "replace needs words for what shall be there: --edit-prompt 'a red sofa'",
    "style": "style needs words for how it shall look: --edit-prompt 'as an oil painting'",
}
_OTHERWISE = {
    "remove": "leave out --edit-prompt, or use --use-inpainting (diffusion)",
    "replace": "use --use-inpainting (diffusion), `effect recolour` for a colour, `effect overlay` for a picture, "
    "or --fill none for the mask",
    "style": "use a diffusion model, or --style colours, posterise or sketch",
}
