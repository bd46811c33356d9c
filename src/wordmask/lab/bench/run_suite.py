"""Run one suite, and write what it found: `results.json`, as a bench does, and `summary.txt`."""

import time
from collections.abc import Mapping
from typing import Any

from wordmask.files import write_json, write_text
from wordmask.lab.bench.json_rows import plain
from wordmask.lab.bench.provenance import facts_of_run
from wordmask.lab.bench.report import format_interval, format_number, origin_of_run
from wordmask.lab.bench.run import RESULTS, SCHEMA
from wordmask.lab.bench.suite import FindingTable, Suite, SuiteKit


def run_suite(suite: Suite[Any], kit: SuiteKit[Any]) -> dict[str, Any]:
    """Measure, and write results and summary; the content of `results.json`."""
    started = time.time()
    found = suite.run(kit)
    results: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "suite": suite.name,
            "options": vars(kit.options),
            "metrics": found.metrics,
            "intervals": found.intervals,
            "tables": {
                title: {"columns": table.columns, "rows": table.rows}
                for title, table in found.tables.items()
            },
            "curves": found.curves,
            "verdicts": found.verdicts,
            "pictures": found.pictures,
            "model": {
                "spec": " and ".join(models.spec for models in found.models),
                "made_by": [name for models in found.models for name in models.made_by],
            },
            "data": [
                {"name": data.name, "digest": data.digest, "pictures": len(data.samples)}
                for data in found.data
            ],
            "run": facts_of_run(dict(found.seeds)),
        }
    )
    results["run"]["seconds"] = round(time.time() - started, 1)
    write_text(kit.output / "summary.txt", suite_summary(results))
    write_json(kit.output / RESULTS, results, indent=1)
    return results


def suite_summary(results: Mapping[str, Any]) -> str:
    """The tables, the verdicts and where the figures come from, as plain text."""
    lines = [f"suite {results['suite']}", ""]
    for title, table in results["tables"].items():
        lines += [title, *text_table(FindingTable(table["columns"], table["rows"])), ""]
    if not results["tables"]:
        for name, value in results["metrics"].items():
            interval = format_interval(results["intervals"].get(name))
            lines.append(f"{name}  {format_number(value)}  {interval}".rstrip())
        lines.append("")
    lines += results["verdicts"]
    origin = origin_of_run(results["run"])
    if results["model"]["made_by"]:
        origin.insert(0, ("model", ", ".join(results["model"]["made_by"])))
    lines += [f"{name}: {text}" for name, text in origin]
    return "\n".join(lines) + "\n"


def text_table(table: FindingTable) -> list[str]:
    """The rows in columns, each as wide as its widest cell; numbers to the right.

    >>> text_table(FindingTable(("way", "mIoU"), [["guided", 0.5], ["blind", None]]))
    ['way       mIoU', 'guided  0.5000', 'blind        -']
    """
    cells = [[_cell(value) for value in row] for row in table.rows]
    columns = list(zip(table.columns, *cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [
        any(isinstance(value, int | float) for value in column)
        for column in zip(*table.rows, strict=True)
    ]
    lines = []
    for row in (table.columns, *cells):
        parts = []
        for cell, width, is_number in zip(row, widths, numeric, strict=True):
            parts.append(cell.rjust(width) if is_number else cell.ljust(width))
        lines.append("  ".join(parts).rstrip())
    return lines


def _cell(value: Any) -> str:
    return format_number(value) if value is None or isinstance(value, float) else str(value)
