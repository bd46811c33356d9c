"""Runs the notebook beside it, cell after cell, as the docs build does with every example. No Jupyter needed."""

import json
from pathlib import Path

notebook = json.loads(Path(__file__).with_suffix(".ipynb").read_text("utf-8"))
names: dict[str, object] = {"__name__": "__main__"}
for number, cell in enumerate(notebook["cells"]):
    if cell["cell_type"] == "code":
        exec(
            compile("".join(cell["source"]), f"object_retrieval.ipynb, cell {number}", "exec"),
            names,
        )
