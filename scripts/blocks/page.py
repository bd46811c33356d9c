"""Where blocks stand in the documentation, and what they are made from."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from wordmask.files import write_text
from wordmask.lab.bench.plots import plot_file

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"


class Request(NamedTuple):
    """What the user gave."""

    results: Path
    model: str
    logs: tuple[Path, ...] = ()

    def suite(self, name: str) -> dict[str, Any] | None:
        """What a suite has found; None where it has not been run."""
        path = self.results / name / "results.json"
        return json.loads(path.read_text("utf-8")) if path.is_file() else None

    def take_picture(self, suite: str, file: str, name: str) -> None:
        """A picture that a suite has drawn becomes one of the documentation's."""
        shutil.copy(self.results / suite / file, IMAGES / name)


def put(name: str, text: str, root: Path = ROOT) -> Path:
    """Write the text between the marks of that name, in the page that has them."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        page = path.read_text("utf-8")
        found = pattern.search(page)
        if found:
            before, after = page[: found.start()], page[found.end() :]
            return write_text(path, f"{before}{start}\n{text}\n{end}{after}")
    sys.exit(f"no page has a block {start} ... {end}")


def rows_of(results: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """A table of the results as rows that name their columns."""
    table = results["tables"][title]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def made_by(results: dict[str, Any]) -> str:
    return " and ".join(results["model"]["made_by"])


def machine(results: dict[str, Any]) -> str:
    found = results["run"]["machine"]
    return f"{found['processor']}, {found['cores']} cores"


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    head, *body = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([head, f"|{'---|' * len(heads)}", *body])


def save_plot(name: str, curve: dict[str, Any]) -> None:
    """A curve as a file of its own: white ground, its own font."""
    write_text(IMAGES / f"{name}.svg", plot_file(curve))
