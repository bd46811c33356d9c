"""The curves of a run, drawn from its log."""

import json
from pathlib import Path

from wordmask.files import write_text
from wordmask.lab.bench.plots import plot_file

FEWEST = 2  # lines of a log that make a curve
LEFT_OUT = ("step", "minutes", "rate", "norm", "scale")


def draw_curves(log: Path, out: Path) -> None:
    """All figures over the minutes as one SVG; figures of evaluations stand at their own minutes.

    Nothing is drawn from a log that is too short for a line.
    """
    if not log.exists():
        return
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    if len(rows) < FEWEST:
        return
    names = dict.fromkeys(name for row in rows for name in row if name not in LEFT_OUT)
    x = [row["minutes"] for row in rows]
    y = {name: [row.get(name) for row in rows] for name in names}
    write_text(out, plot_file({"kind": "lines", "x": x, "y": y, "labels": ["minutes", ""]}))
