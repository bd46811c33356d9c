"""When, where and through what lens a photograph was taken, and its keywords, as the files say."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from wordmask.media.reading.xmp import parse_keywords, read_sidecar

_EXIF, _GPS = 0x8769, 0x8825  # EXIF 2.32: the blocks
_TAKEN, _DIGITISED, _CHANGED = 0x9003, 0x9004, 0x0132
_FOCAL_35 = 0xA405  # FocalLengthIn35mmFilm
LENSES = (4.0, 3000.0)  # mm; cameras that do not know write 0
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)(?:[ T](\d\d):(\d\d):(\d\d))?")


class PhotoFacts(NamedTuple):
    """What is not told is None."""

    date: str | None = None  # "2024-05-01T12:30:00", by the camera's clock
    latitude: float | None = None  # degrees north
    longitude: float | None = None  # degrees east
    keywords: tuple[str, ...] = ()


def photo_facts(path: Path) -> PhotoFacts:
    """Of a picture that has been read already; what is broken is as good as not there."""
    from PIL import Image as Pillow

    facts = PhotoFacts()
    # Pillow's EXIF parser raises anything.
    with suppress(Exception), Pillow.open(path) as picture:
        exif, packet = picture.getexif(), picture.info.get("xmp", b"")
        own = exif.get_ifd(_EXIF)
        date = parse_date(own.get(_TAKEN) or own.get(_DIGITISED) or exif.get(_CHANGED))
        latitude, longitude = parse_place(exif.get_ifd(_GPS))
        facts = PhotoFacts(date, latitude, longitude, parse_keywords(packet))
    with suppress(OSError):
        words = (*facts.keywords, *read_sidecar(path))
        facts = facts._replace(keywords=tuple(dict.fromkeys(words)))
    return facts


def focal_35mm(path: Path) -> float | None:
    """The focal length in mm of the lens with the same view on 35 mm film; None where not told.

    The camera knows its view, so nothing has to be known of its sensor. It stays right when the
    picture is scaled or turned, but not when it is cropped.
    """
    from PIL import Image as Pillow

    focal = None
    # Pillow's EXIF parser raises anything.
    with suppress(Exception), Pillow.open(path) as picture:
        focal = float(picture.getexif().get_ifd(_EXIF).get(_FOCAL_35, 0))
    shortest, longest = LENSES
    return focal if focal is not None and shortest <= focal <= longest else None


def parse_date(text: Any) -> str | None:
    """
    >>> parse_date("2024:05:01 12:30:00"), parse_date("0000:00:00 00:00:00"), parse_date(None)
    ('2024-05-01T12:30:00', None, None)
    """
    found = _DATE.match(str(text or ""))
    if found is None or found[1] == "0000" or not 1 <= int(found[2]) <= 12 or found[3] == "00":
        return None
    time = f"{found[4]}:{found[5]}:{found[6]}" if found[4] else "00:00:00"
    return f"{found[1]}-{found[2]}-{found[3]}T{time}"


def parse_place(gps: Any) -> tuple[float | None, float | None]:
    """Latitude and longitude of a GPS block.

    >>> parse_place({1: "S", 2: (33, 51, 36), 3: "E", 4: (151, 12, 0)})
    (-33.86, 151.2)
    """
    if not gps or not all(number in gps for number in (1, 2, 3, 4)):
        return None, None
    latitude, longitude = (_degrees(gps[number], str(gps[number - 1])) for number in (2, 4))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also what is no number
        return None, None
    return latitude, longitude


def _degrees(parts: Any, direction: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if direction[:1] in "SW" else value, 7)
