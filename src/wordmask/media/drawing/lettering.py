"""Words as small pictures: the font, and the chips that labels are written on.

The shipped font (DejaVu Sans) has Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian and
more. For other letters a font of the system is looked for; without one they show as boxes.
"""

from functools import lru_cache
from pathlib import Path

from PIL import Image as Pil
from PIL import ImageDraw, ImageFont, features

from wordmask.errors import OptionError
from wordmask.media.drawing.palette import Colour, ink

SHIPPED = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
LONGEST = 40  # characters of a label before it is cut
FINE = 4  # plates are drawn this much larger and shrunk, which smooths their corners

_SYSTEM = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
# Parts of the file names of fonts that cover many scripts.
_WIDE = (
    "noto", "pingfang", "hiragino", "msyh", "yugoth", "malgun", "wqy", "droidsansfallback",
    "unifont", "arial uni",
)  # fmt: skip


@lru_cache(maxsize=64)
def font(size: int, path: Path = SHIPPED, *, shaped: bool = False) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels; `shaped` joins letters, as Arabic needs, if the system can."""
    engine = ImageFont.Layout.RAQM if shaped and features.check("raqm") else ImageFont.Layout.BASIC
    try:
        return ImageFont.truetype(str(path), size, layout_engine=engine)
    except OSError as error:
        raise OptionError(
            f"{path} is not a font that can be read ({error}); give a .ttf, .otf or .ttc file"
        ) from None


def font_for(text: str, size: int, path: Path | None = None) -> ImageFont.FreeTypeFont:
    """The font that `text` can be written in."""
    shaped = any(ord(letter) >= 0x0590 for letter in text)  # Hebrew and all scripts after it
    if path is None:
        path = SHIPPED if _covers(SHIPPED, text) else _system_font(text) or SHIPPED
    return font(size, path, shaped=shaped)


def tidy(text: str, longest: int = LONGEST) -> str:
    """One line of printable characters, cut with an ellipsis.

    >>> tidy("a\\nvery long name indeed", 10)
    'a very lo…'
    """
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def chip(name: str, score: str, colour: Colour, size: int, path: Path | None = None) -> Pil.Image:
    """RGBA: `name` and a fainter `score` on a rounded plate, letters `size` pixels high."""
    text_font, score_font = font_for(name, size, path), font_for(score, size, path)
    gap = round(0.4 * size) if name and score else 0
    name_width = round(text_font.getlength(name))
    score_width = round(score_font.getlength(score))
    pad = round(0.42 * size)
    width, height = name_width + gap + score_width + 2 * pad, round(1.5 * size)
    plate = _plate(width, height, round(0.36 * size), colour)
    letters = ImageDraw.Draw(plate)
    black_or_white = ink(colour)
    middle = height / 2 + 0.5
    letters.text((pad, middle), name, fill=black_or_white, font=text_font, anchor="lm")
    faint = tuple(round(0.74 * i + 0.26 * c) for i, c in zip(black_or_white, colour, strict=True))
    letters.text((pad + name_width + gap, middle), score, fill=faint, font=score_font, anchor="lm")
    return plate


def write(
    picture: Pil.Image, xy: tuple[float, float], text: str, size: int, colour: Colour
) -> None:
    """`text` onto an RGB picture, its left middle at `xy`."""
    ImageDraw.Draw(picture).text(xy, text, fill=colour, font=font_for(text, size), anchor="lm")


def text_width(text: str, size: int) -> int:
    """Pixels that `text` takes in letters of `size`."""
    return round(font_for(text, size).getlength(text))


def _plate(width: int, height: int, radius: int, colour: Colour) -> Pil.Image:
    """RGBA: a rectangle with smooth round corners."""
    shape = Pil.new("L", (width * FINE, height * FINE), 0)
    box = (0, 0, width * FINE - 1, height * FINE - 1)
    ImageDraw.Draw(shape).rounded_rectangle(box, radius * FINE, fill=255)
    plate = Pil.new("RGBA", (width, height), (*colour, 0))
    plate.putalpha(shape.resize((width, height), Pil.Resampling.BOX))
    return plate


@lru_cache(maxsize=4096)
def _covers(path: Path, text: str) -> bool:
    """Whether the font has every letter; it draws the same box for all that it lacks."""
    face = font(20, path)
    box = bytes(face.getmask("\U0010fffe"))
    return all(letter.isspace() or bytes(face.getmask(letter)) != box for letter in text)


@lru_cache(maxsize=256)
def _system_font(text: str) -> Path | None:
    for candidate in _system_fonts():
        try:
            if _covers(candidate, text):
                return candidate
        except OptionError:
            continue
    return None


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    """Installed fonts known for wide coverage, in a fixed order."""
    found = []
    for folder in _SYSTEM:
        for file in Path(folder).expanduser().rglob("*.[to]t[fc]"):
            if any(part in file.name.lower() for part in _WIDE):
                found.append(file)
    return tuple(sorted(found))
