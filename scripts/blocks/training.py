"""The block of docs/training.md: how the losses fell."""

import json

import numpy as np
from page import Request, save_plot

NAMES = ("points", "regions", "masks", "iou")
STEP = 5  # lines of a log that become one point


def curves(request: Request) -> str | None:
    """Losses over the minutes of all runs laid end to end."""
    if not request.logs:
        return None
    minutes: list[float] = []
    rows: dict[str, list[float]] = {name: [] for name in NAMES}
    before = 0.0
    for log in request.logs:
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        for start in range(0, len(lines) - STEP + 1, STEP):
            some = lines[start : start + STEP]
            minutes.append(before + some[-1]["minutes"])
            for name, row in rows.items():
                row.append(float(np.mean([line[name] for line in some])))
        before = minutes[-1]
    labels = ["minutes", "loss; IoU of cuts"]
    save_plot("mini_curves", {"kind": "lines", "x": minutes, "y": rows, "labels": labels})
    return "![Losses and the IoU of cuts over the minutes of training](images/mini_curves.svg)"
