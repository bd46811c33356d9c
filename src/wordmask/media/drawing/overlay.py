"""A picture with its regions painted on it and named."""

from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Interval
from PIL import Image as Pil
from PIL import ImageDraw

from wordmask.core.image import Array, Image, Size
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.errors import ImageError, OptionError
from wordmask.media.drawing import lettering, palette
from wordmask.media.drawing.paint import Brush, paint, spot
from wordmask.media.drawing.placing import Label, Place, place

NEUTRAL = 244  # the grey that stands in for a picture that is not there
ON_NEUTRAL = 2.0  # times the opacity there, where nothing lies below


@dataclass(frozen=True)
class RenderOptions:
    """How an overlay looks. Lengths follow the picture's size; `scale` multiplies them."""

    opacity: Share = 0.26
    """Of the fill: 0 draws outlines only, 1 hides the picture."""
    outline: bool = True
    """Draw the outline of every region."""
    labels: bool = True
    """Write the names."""
    scores: bool = True
    """Write the scores beside the names; where all are 1, as in a truth, they are left out."""
    scale: Annotated[float, Interval(ge=0.1, le=20)] = 1.0
    """Size of letters and lines."""
    colour_by: Literal["auto", "label", "region", "track"] = "auto"
    """What has a colour of its own; auto: tracks if there are any, else labels, else regions."""
    max_labels: Annotated[int, Ge(0)] = 120
    """The best so many regions are labelled, as far as there is room."""
    font: str | None = None
    """A font file, for words in letters that the shipped font lacks."""

    def __post_init__(self) -> None:
        check(self)


def overlay(
    image: Image | None,
    result: Result,
    options: RenderOptions | None = None,
    colours: Array | None = None,
) -> Pil.Image:
    """The picture with every region filled, outlined and labelled, at the picture's own size.

    Without a picture the regions lie on a neutral ground. `colours` (N, 3) uint8 replace those of
    the options.
    """
    options = options or RenderOptions()
    if image is not None and image.size != result.size:
        raise ImageError(
            f"the picture is {image.size}, the result {result.size} (height, width); "
            "resize one of them"
        )
    unit = sqrt(result.size[0] * result.size[1]) / 640 * options.scale
    canvas = _ground(image, result.size)
    if colours is None:
        colours = region_colours(result, options.colour_by)
    opacity = options.opacity if image is not None else min(1.0, options.opacity * ON_NEUTRAL)
    line = max(1.4, 2.4 * unit) if options.outline else 0.0
    paint(canvas, result.masks, colours, Brush(opacity, line, smoothing=0.6 + 0.5 * unit))
    picture = Pil.fromarray(np.round(np.clip(canvas, 0, 255)).astype(np.uint8))
    if options.labels:
        _write_labels(picture, result, colours, options, letter=max(11, round(15 * unit**0.9)))
    return picture


def region_colours(result: Result, by: str = "auto") -> Array:
    """(N, 3) uint8: the colour of every region."""
    tracks = result.track_ids
    if by == "track" and tracks is None:
        raise OptionError("the result has no tracks to colour by; use label or region")
    has_names = bool((result.label_ids >= 0).any())
    if tracks is not None and by in ("auto", "track"):
        rows = [palette.nth(track) if track >= 0 else palette.GREY for track in tracks.tolist()]
    elif by == "region" or (by == "auto" and not has_names):
        rows = [palette.nth(row) for row in range(len(result))]
    else:
        # Label -1, unnamed, takes the last row.
        table = np.array([*palette.colours(result.vocabulary), palette.GREY], np.uint8)
        return table[result.label_ids]
    return np.array(rows, np.uint8).reshape(-1, 3)


def _ground(image: Image | None, size: Size) -> Array:
    """(H, W, 3) float32 to draw on."""
    if image is None:
        return np.full((*size, 3), NEUTRAL, np.float32)
    return image.pixels.astype(np.float32)


def _write_labels(
    picture: Pil.Image, result: Result, colours: Array, options: RenderOptions, letter: int
) -> None:
    """Write names and scores, best region first, each where it hides least."""
    rows = _rows_to_label(result, options.max_labels)
    names = [_label_text(result, row) for row in rows]
    with_scores = options.scores and bool((result.scores < 1).any())
    font = Path(options.font) if options.font else None
    chips, labels = [], []
    for k, row in enumerate(rows):
        score = f"{result.scores[row]:.2f}" if with_scores else ""
        chip = lettering.chip(names[k], score, _colour(colours, row), letter, font)
        where = spot(result.masks.crops[row], result.masks.corners[row].tolist())
        repeats = names[k] in names[:k]
        stuff = bool(palette.natural_kinds(result.names[row]))
        chips.append(chip)
        labels.append(Label(chip.size, where, repeats, stuff))
    places = place(labels, result.size)
    for chip, found, row in zip(chips, places, rows, strict=True):
        if found and found.pointer:
            _point(picture, chip, found, _colour(colours, row), letter)
    for chip, found in zip(chips, places, strict=True):
        if found:
            picture.paste(chip, (found.x, found.y), chip)


def _rows_to_label(result: Result, most: int) -> list[int]:
    areas = result.masks.areas
    rows = [row for row in range(len(result)) if areas[row] and _label_text(result, row)]
    return rows[:most]


def _label_text(result: Result, row: int) -> str:
    name = lettering.tidy(result.names[row])
    if result.track_ids is not None and result.track_ids[row] >= 0:
        name = f"#{result.track_ids[row]} {name}".rstrip()
    return name


def _colour(colours: Array, row: int) -> palette.Colour:
    red, green, blue = colours[row].tolist()
    return red, green, blue


def _point(
    picture: Pil.Image, chip: Pil.Image, at: Place, colour: palette.Colour, letter: int
) -> None:
    """A thin line from the label to its region, and a dot at its end."""
    x, y = at.pointer or (0, 0)
    start = (
        min(max(x, at.x + 4), at.x + chip.width - 4),
        min(max(y, at.y + 4), at.y + chip.height - 4),
    )
    dot, thick = max(2.0, letter / 7), max(1, round(letter / 9))
    draw = ImageDraw.Draw(picture)
    for ink, rim in ((palette.BLACK, 1), (colour, 0)):
        draw.line([start, (x, y)], fill=ink, width=thick + 2 * rim)
        draw.ellipse((x - dot - rim, y - dot - rim, x + dot + rim, y + dot + rim), fill=ink)
