"""The pictures of docs/gallery.md, made by the commands that stand beside them.

The page is the source: the title of a picture names the files that are shown in it, side by side.
The photographs come with scikit-image and scikit-learn.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import skimage.data
import sklearn.datasets
from page import DOCS, Request
from PIL import Image

PAGE = DOCS / "gallery.md"
ENTRY = re.compile(r'!\[[^\]]*\]\((\S+) "([^"]+)"\)\s+```sh\n(.*?)\n *```', re.DOTALL)
WIDTH = 640  # pixels of a picture; two side by side share it
GAP = 6
PHOTOGRAPHS = (
    Path(skimage.data.__file__).parent,
    Path(sklearn.datasets.__file__).parent / "images",
)


def entries() -> list[tuple[Path, list[str], str]]:
    """Picture, files shown in it, and command, as the page has them."""
    found = []
    for target, files, command in ENTRY.findall(PAGE.read_text("utf-8")):
        lines = " ".join(line.strip().removesuffix("\\") for line in command.split("\n"))
        found.append((PAGE.parent / target, files.split(), lines))
    return found


def pictures(request: Request) -> None:
    for target, files, command in entries():
        print(command, flush=True)
        target.parent.mkdir(exist_ok=True)
        make(target, files, [*shlex.split(command)[1:], "--model", request.model])


def make(target: Path, files: list[str], arguments: list[str]) -> None:
    """Run the command in a folder with the photographs, and keep what it made."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in PHOTOGRAPHS:
            for path in [*place.glob("*.png"), *place.glob("*.jpg")]:
                shutil.copy(path, folder)
        subprocess.run([sys.executable, "-m", "wordmask", *arguments], cwd=folder, check=True)
        shown = [on_white(Image.open(folder / file)) for file in files]
    side_by_side(shown).save(target, quality=80, optimize=True)


def on_white(picture: Image.Image) -> Image.Image:
    """Without transparency, which JPEG cannot keep."""
    rgba = picture.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(ground, rgba).convert("RGB")


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """One picture of `WIDTH` pixels, all of one height."""
    shape = sum(picture.width / picture.height for picture in pictures)
    height = round((WIDTH - GAP * (len(pictures) - 1)) / shape)
    sheet = Image.new("RGB", (WIDTH, height), "white")
    left = 0
    for picture in pictures:
        width = round(height * picture.width / picture.height)
        sheet.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        left += width + GAP
    return sheet
