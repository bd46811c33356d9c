"""The masks that came through Label Studio against those that wordmask finds by itself."""

import json
import sys
from pathlib import Path

import numpy as np

import wordmask
from wordmask.media.formats import brush

BOX = np.array([0.05, 0.05, 0.9, 0.95])
home = Path(sys.argv[1])
answers = json.loads((home / "answers.json").read_text())
picture = wordmask.read(home / "chelsea.png")
height, width = picture.size
own = {
    "click": wordmask.click(picture, [(width / 2, height / 2)])[:1],
    "box": wordmask.click(picture, box=BOX * (width, height, width, height))[:1],
    "batch": wordmask.segment(picture, ["cat"]),
}
own["page"] = own["click"]
worst = 1.0
for name, result in own.items():
    if name not in answers:
        continue
    drawn = [brush.decode(one["value"]["rle"], picture.size).one(0) for one in answers[name]]
    through = np.logical_or.reduce(drawn) if drawn else np.zeros(picture.size, bool)
    mask = result.masks.union()
    iou = (through & mask).sum() / max(1, (through | mask).sum())
    worst = min(worst, iou)
    labels = [one["value"]["brushlabels"] for one in answers[name]]
    print(f"{name}: {len(drawn)} regions {labels}, IoU with our own {iou:.4f}")
print("the same masks" if worst > 0.999 else "OTHER masks")
sys.exit(0 if worst > 0.999 else 1)
