"""Runs the notebook beside it, cell after cell; Jupyter is not needed."""

import json
from pathlib import Path

notebook = json.loads(Path(__file__).with_suffix(".ipynb").read_text("utf-8"))
names: dict[str, object] = {"__name__": "__main__"}
for number, cell in enumerate(notebook["cells"]):
    if cell["cell_type"] == "code":
        where = f"object_retrieval.ipynb, cell {number}"
        exec(compile("".join(cell["source"]), where, "exec"), names)
