"""The picture of docs/ways.md: one photograph, four ways, and what each took.

    python scripts/ways_picture.py [--model mini]

Writes docs/images/ways.jpg and the block below it in docs/ways.md.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import skimage

from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.media.drawing.render import overlay
from wordmask.media.drawing.sheets import contact_sheet
from wordmask.media.reading.read import read
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.segment import SegmentOptions, segment

DOCS = Path(__file__).resolve().parent.parent / "docs"
START, END = (
    "<!-- picture of the ways: made by python scripts/ways_picture.py -->",
    "<!-- end of picture -->",
)
PHOTOGRAPH, WORDS = "astronaut.png", ("person",)  # NASA, public domain; comes with scikit-image
SIDE = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="mini")
    models = engines.load(parser.parse_args().model)
    image = read(Path(skimage.__file__).parent / "data" / PHOTOGRAPH)
    segment(image, Text(WORDS), models)  # warm
    tiles, rows = [], []
    for way in ("unified", "guided", "everything", "grounded"):
        trace, start = Trace(), time.process_time()
        result = segment(image, Text(WORDS), models, SegmentOptions(how=way), trace)
        spent = time.process_time() - start
        tiles.append(overlay(image, result))
        rows.append(f"| `{way}` | {len(result)} | {trace.prompts} | {spent:.1f} |")
        print(rows[-1], flush=True)
    names = [row.split("`")[1] for row in rows]
    sheet = contact_sheet(tiles, names, columns=4, cell=SIDE).convert("RGB")
    sheet.save(DOCS / "images/ways.jpg", quality=82)
    made = f"Made by `{' and '.join(models.made_by)}`, asked for {' and '.join(WORDS)}"
    block = "\n".join(
        [
            START,
            f"![One photograph, four ways: {', '.join(names)}](images/ways.jpg)",
            "",
            f"{made}. The photograph was encoded before, so the seconds are what each way itself takes.",
            "",
            "| way | regions | prompts | processor s |",
            "|---|---|---|---|",
            *rows,
            END,
        ]
    )
    page = (DOCS / "ways.md").read_text("utf-8")
    pattern = re.escape(START) + ".*?" + re.escape(END)
    if not re.search(pattern, page, re.DOTALL):
        sys.exit(f"docs/ways.md has no block from {START} to {END}")
    (DOCS / "ways.md").write_text(re.sub(pattern, lambda _: block, page, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
