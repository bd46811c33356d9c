"""What was found in many pictures on one page that needs nothing else: to look at, to send on.

Pictures are scaled down and saved anew, so that no EXIF block (a place, a camera) goes with them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result
from wordmask.media.drawing.overlay import region_colours
from wordmask.media.formats.outlines import Ring, pieces

SIDE = 900  # pixels of a picture's longer side on the page
TOLERANCE = 0.6  # pixels that an outline may be off
SPECK = 0.015  # of the largest piece: smaller ones, and smaller holes, are not drawn


@dataclass(frozen=True, eq=False)
class FoundPicture:
    """One picture of a sheet: its regions are a result whose vocabulary is the same in all."""

    image: Image
    result: Result
    title: str
    details: str = ""


def found_page(
    pictures: Sequence[FoundPicture], absent: Sequence[Absent] = (), *, title: str = "Found"
) -> str:
    """HTML of the whole sheet, the pictures in the order given."""
    regions = sum(len(picture.result) for picture in pictures)
    about = f"{_count(regions, 'region')} in {_count(len(pictures), 'picture')}"
    cards = "\n".join(_card(picture) for picture in pictures)
    return Template((Path(__file__).parent / "found.html").read_text("utf-8")).substitute(
        title=escape(title),
        about=about,
        chips=_chips(pictures, absent),
        cards=cards or '<p class="none">Nothing of this is in these pictures.</p>',
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _chips(pictures: Sequence[FoundPicture], absent: Sequence[Absent]) -> str:
    """A switch for each word that was found, and what is nowhere."""
    counts: dict[str, int] = {}
    colours: dict[str, str] = {}
    for picture in pictures:
        for name, colour in zip(picture.result.names, _colours(picture.result), strict=True):
            counts[name] = counts.get(name, 0) + 1
            colours[name] = colour
    chips = [
        f'<button class="chip" aria-pressed="true" data-word="{escape(name)}">'
        f'<i style="background:{colours[name]}"></i><b>{escape(name)}</b>'
        f"<span>{count}</span></button>"
        for name, count in counts.items()
    ]
    chips += [
        f'<span class="chip absent">{escape(word.phrase)}: '
        f"{'never learned' if word.unknown else 'not here'}</span>"
        for word in absent
    ]
    return "".join(chips)


def _card(picture: FoundPicture) -> str:
    result, colours = picture.result, _colours(picture.result)
    width, height, data = _shrink(picture.image)
    masks = result.masks.resize((height, width))
    paths = [_path(masks, row) for row in range(len(masks))]
    drawn = "".join(
        f'<g data-of="{escape(name)}" style="color:{colour}"><path class="region" d="{path}"/>'
        f'<path class="rim" d="{path}"/><path class="edge" d="{path}"/></g>'
        for name, colour, path in zip(result.names, colours, paths, strict=True)
    )
    veil = f'<path class="veil" fill-rule="evenodd" d="M0 0H{width}V{height}H0Z{"".join(paths)}"/>'
    labels = "".join(
        f'<b data-of="{escape(name)}"><i style="background:{colour}"></i>{escape(name)}'
        f"<span>{score:.0%}</span></b>"
        for name, colour, score in zip(result.names, colours, result.scores.tolist(), strict=True)
    )
    words = escape("\n".join(dict.fromkeys(result.names)), quote=True)
    alt = escape(f"{picture.title}: {', '.join(dict.fromkeys(result.names))}", quote=True)
    details = f" · {escape(picture.details)}" if picture.details else ""
    return (
        f'<figure data-words="{words}"><button class="frame" aria-label="Larger">'
        f'<img alt="{alt}" width="{width}" height="{height}" loading="lazy" '
        f'src="data:image/jpeg;base64,{data}">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{veil}{drawn}</svg></button>'
        f"<figcaption>{labels}<p>{escape(picture.title)}{details}</p></figcaption></figure>"
    )


def _shrink(image: Image) -> tuple[int, int, str]:
    """Width, height, and the JPEG in base64."""
    picture = Pil.fromarray(image.pixels)
    picture.thumbnail((SIDE, SIDE), Pil.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=84, optimize=True)
    return picture.width, picture.height, base64.b64encode(buffer.getvalue()).decode("ascii")


def _path(masks: Masks, row: int) -> str:
    """The outline as SVG writes it, holes too."""
    rings = [ring for piece in pieces(masks, row, tolerance=TOLERANCE) for ring in piece]
    areas = [_area(ring) for ring in rings]
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}".replace(".0", "") for x, y in ring.tolist()) + "Z"
        for ring, area in zip(rings, areas, strict=True)
        if area >= SPECK * max(areas)
    )


def _area(ring: Ring) -> float:
    x, y = ring.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _colours(result: Result) -> list[str]:
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in region_colours(result)]
