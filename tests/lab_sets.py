"""Tiny data sets that tests of the lab write to disk."""

import json
from pathlib import Path

import numpy as np
from PIL import Image as Pictures


def write_squares(root: Path, folder: str) -> Path:
    """Four pictures of two squares that move to the right; in a `folder` they are a video."""
    for kind in ("images", "labels"):
        (root / kind / folder).mkdir(parents=True)
    card = {"classes": ["background", "object"], "background": 0}
    (root / "dataset.json").write_text(json.dumps(card))
    for number in range(4):
        labels = np.zeros((40, 60), np.uint8)
        labels[5:15, 5 + number : 15 + number] = 1
        labels[22:34, 9 + number : 21 + number] = 2 if folder else 1
        name = f"{folder}{number:05d}.png"
        Pictures.fromarray(np.repeat(labels[..., None] * 90, 3, 2)).save(root / "images" / name)
        Pictures.fromarray(labels).save(root / "labels" / name)
    return root
