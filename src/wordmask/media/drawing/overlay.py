"""A picture with its regions painted on it and named."""

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw

from wordmask.core.image import Array, Image, Size
from wordmask.core.result import Result
from wordmask.errors import ImageError, OptionError, did_you_mean
from wordmask.media.drawing import lettering, palette
from wordmask.media.drawing.paint import Brush, paint, spot
from wordmask.media.drawing.placing import Place, place

NEUTRAL = 244  # the grey that stands in for a picture that is not there
COLOUR_BY = ("auto", "label", "region", "track")


@dataclass(frozen=True)
class RenderOptions:
    """How an overlay looks. Lengths follow the picture's size; `scale` multiplies them."""

    opacity: float = 0.42
    """Of the fill, 0 (outlines only) to 1."""
    outline: bool = True
    """Draw the outline of every region."""
    labels: bool = True
    """Write the names."""
    scores: bool = True
    """Write the scores beside the names; where all are 1, as in a truth, they are left out."""
    scale: float = 1.0
    """Size of letters and lines."""
    colour_by: str = "auto"
    """label, region or track; auto takes tracks where there are any, else labels, else regions."""
    max_labels: int = 120
    """The best so many regions are labelled, as far as there is room."""
    font: str | None = None
    """A font file, for words in letters that the shipped font lacks."""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise OptionError(f"opacity lies in [0, 1], got {self.opacity}")
        if not 0.1 <= self.scale <= 20:
            raise OptionError(f"scale lies in [0.1, 20], got {self.scale}")
        if self.colour_by not in COLOUR_BY:
            raise OptionError(
                f"no colouring by {self.colour_by!r}.{did_you_mean(self.colour_by, COLOUR_BY)}"
            )


def overlay(image: Image | None, result: Result, options: RenderOptions | None = None) -> Pil.Image:
    """The picture with every region filled, outlined and labelled, at the picture's own size.

    Without a picture the regions lie on a neutral ground.
    """
    options = options or RenderOptions()
    if image is not None and image.size != result.size:
        raise ImageError(
            f"the picture is {image.size}, the result {result.size} (height, width); resize one of them"
        )
    unit = sqrt(result.size[0] * result.size[1]) / 640 * options.scale
    canvas = _ground(image, result.size)
    colours = region_colours(result, options.colour_by)
    opacity = options.opacity if image is not None else min(1.0, options.opacity * 1.6)
    line = max(1.2, 2.0 * unit) if options.outline else 0.0
    paint(canvas, result.masks, colours, Brush(opacity, line, 0.6 + 0.5 * unit))
    picture = Pil.fromarray(np.round(np.clip(canvas, 0, 255)).astype(np.uint8))
    if options.labels:
        _label(picture, result, colours, options, letter=max(11, round(15 * unit**0.9)))
    return picture


def region_colours(result: Result, by: str = "auto") -> Array:
    """(N, 3) uint8: the colour of every region."""
    tracks = result.track_ids
    if by == "track" and tracks is None:
        raise OptionError("the result has no tracks to colour by; use label or region")
    if tracks is not None and by in ("auto", "track"):
        rows = [
            palette.numbered(track) if track >= 0 else palette.GREY for track in tracks.tolist()
        ]
    elif by == "region" or (by == "auto" and not (result.label_ids >= 0).any()):
        rows = [palette.numbered(index) for index in range(len(result))]
    else:
        table = np.array(
            [*palette.colours(result.vocabulary), palette.GREY], np.uint8
        )  # -1, unnamed, is the last
        return table[result.label_ids]
    return np.array(rows, np.uint8).reshape(-1, 3)


def _ground(image: Image | None, size: Size) -> Array:
    """(H, W, 3) float32 to draw on."""
    if image is None:
        return np.full((*size, 3), NEUTRAL, np.float32)
    return image.pixels.astype(np.float32)


def _label(
    picture: Pil.Image, result: Result, colours: Array, options: RenderOptions, letter: int
) -> None:
    """Write names and scores, best region first, each where it hides least."""
    with_scores = options.scores and bool((result.scores < 1).any())
    areas = result.masks.areas.tolist()
    rows = [row for row in range(len(result)) if areas[row] and _name(result, row)][
        : options.max_labels
    ]
    path = Path(options.font) if options.font else None
    plates = []
    for row in rows:
        score = f"{result.scores[row]:.2f}" if with_scores else ""
        colour = tuple(colours[row].tolist())
        plates.append(lettering.chip(_name(result, row), score, colour, letter, path))
    spots = [spot(result.masks.crops[row], result.masks.corners[row].tolist()) for row in rows]
    sizes = [plate.size for plate in plates]
    names = [_name(result, row) for row in rows]
    repeats = [name in names[:index] for index, name in enumerate(names)]
    places = place(sizes, spots, result.masks.boxes[rows].astype(float), repeats, result.size)
    for plate, place_, row in zip(plates, places, rows, strict=True):
        if place_ and place_.pointer:
            _point(picture, plate, place_, tuple(colours[row].tolist()), letter)
    for plate, place_ in zip(plates, places, strict=True):
        if place_:
            picture.paste(plate, (place_.x, place_.y), plate)


def _name(result: Result, row: int) -> str:
    name = lettering.tidy(result.names[row])
    if result.track_ids is not None and result.track_ids[row] >= 0:
        name = f"#{result.track_ids[row]} {name}".rstrip()
    return name


def _point(
    picture: Pil.Image, plate: Pil.Image, from_: Place, colour: palette.Colour, letter: int
) -> None:
    """A thin line from the label to the region it speaks of, and a dot at its end."""
    x, y = from_.pointer or (0, 0)
    start = (
        min(max(x, from_.x + 4), from_.x + plate.width - 4),
        min(max(y, from_.y + 4), from_.y + plate.height - 4),
    )
    dot, thick = max(2.0, letter / 7), max(1, round(letter / 9))
    draw = ImageDraw.Draw(picture)
    for ink, rim in ((palette.BLACK, 1), (colour, 0)):
        draw.line([start, (x, y)], fill=ink, width=thick + 2 * rim)
        draw.ellipse((x - dot - rim, y - dot - rim, x + dot + rim, y + dot + rim), fill=ink)
