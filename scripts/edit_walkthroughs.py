"""The pictures of docs/editing.md, made again: the sheet of effects, and the walk-throughs on a model.

    python scripts/edit_walkthroughs.py                      # the sheet only: its mask is drawn, no model is needed
    python scripts/edit_walkthroughs.py --model mini         # and the three walk-throughs, by words

Each walk-through runs its command as the page shows it; the block between the markers of docs/editing.md is written
anew, so the page always shows commands that ran, and the pictures that they made.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.tasks.effects.table import EFFECTS

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 960  # pixels of before and after together
START, END = "<!-- walk-throughs -->", "<!-- end of walk-throughs -->"

# title, picture of skimage.data, command; OUT is where it writes
WALKS = (
    ("Remove an object", "rocket", "wordmask edit remove rocket.png --box 300,100,350,405 -o out"),
    ("Replace the background", "astronaut",
     "wordmask effect backdrop astronaut.png --prompt person --min-confidence 0.65 --colour navy --to orange -o out"),
    ("Colour the sky", "rocket",
     "wordmask effect recolour rocket.png --prompt sky --colour purple --strength 0.6 -o out"),
)  # fmt: skip


def portrait() -> tuple[Image, Result]:
    """The portrait and a mask drawn for it: a rough outline, made fit by GrabCut."""
    pixels = skimage.data.astronaut()
    marks = np.full(pixels.shape[:2], cv2.GC_PR_BGD, np.uint8)
    rough = [
        [150, 20],
        [290, 20],
        [330, 150],
        [330, 220],
        [430, 300],
        [430, 511],
        [20, 511],
        [60, 300],
        [150, 220],
        [120, 120],
    ]
    cv2.fillPoly(marks, [np.array(rough)], cv2.GC_PR_FGD)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        pixels[..., ::-1].copy(),
        marks,
        None,
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        5,
        cv2.GC_INIT_WITH_MASK,
    )
    mask = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
    largest = pieces == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    smooth = cv2.GaussianBlur(largest.astype(np.float32), (0, 0), 3) > 0.5
    return Image(pixels, "astronaut"), Result.of(Masks.from_dense(smooth))


def sheet() -> np.ndarray:
    """Every effect at its defaults, named, four to a row."""
    image, result = portrait()
    shown = []
    for name, (function, kind) in EFFECTS.items():
        options = (
            kind(picture=Image(skimage.data.chelsea()), scale=1.2) if name == "overlay" else kind()
        )
        tile = cv2.resize(
            function(image, result, options).pixels, (256, 256), interpolation=cv2.INTER_AREA
        )
        cv2.putText(tile, name, (8, 246), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.putText(
            tile, name, (8, 246), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA
        )
        shown.append(tile)
    return np.vstack([np.hstack(shown[row : row + 4]) for row in range(0, len(shown), 4)])


def walk(title: str, picture: str, command: str, model: str) -> str:
    """Run one, keep before and after side by side, and give its part of the page."""
    with tempfile.TemporaryDirectory() as folder:
        pixels = getattr(skimage.data, picture)()
        cv2.imwrite(f"{folder}/{picture}.png", pixels[..., ::-1])
        arguments = [*shlex.split(command)[1:], "--model", model]
        code = "from wordmask.doors.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{command}\n{done.stderr}")
        after = cv2.imread(f"{folder}/out/{picture}.png")[..., ::-1]
        name = f"editing_{title.split(maxsplit=1)[0].lower()}.jpg"
        pair = np.hstack([pixels, np.full((len(pixels), 6, 3), 255, np.uint8), after])
        pair = cv2.resize(
            pair,
            None,
            fx=WIDTH / pair.shape[1],
            fy=WIDTH / pair.shape[1],
            interpolation=cv2.INTER_AREA,
        )
        write(DOCS / "images" / name, pair)
        shown = f"```\n$ {command}\n{done.stdout.strip()}\n```"
        return f"### {title}\n\n{shown}\n\n![{title}, before and after](images/{name})\n"


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default="", help="what finds the objects of the walk-throughs, such as mini"
    )
    model = parser.parse_args().model
    write(DOCS / "images/editing_effects.jpg", sheet())
    if model:
        page = (DOCS / "editing.md").read_text("utf-8")
        before, _, rest = page.partition(START)
        _, _, after = rest.partition(END)
        parts = "\n".join(walk(*each, model) for each in WALKS)
        note = f"Made with the engine `{model}` by `python scripts/edit_walkthroughs.py --model {model}`.\n\n"
        (DOCS / "editing.md").write_text(f"{before}{START}\n\n{note}{parts}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
