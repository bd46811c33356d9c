"""What changed between two runs, and whether it is more than chance.

The pictures that both have are resampled, the same ones for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.errors import OptionError
from wordmask.lab.bench.options import CHANGE_NO_NUMBER
from wordmask.lab.bench.run import RECORDS, RESULTS, table_of
from wordmask.lab.data.files import read_json
from wordmask.lab.metrics.bootstrap import ROUNDS, Difference, paired_differences
from wordmask.media.ledger import Record, read_records


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs of one bench over the same pictures."""

    first: dict[str, Any]
    second: dict[str, Any]
    pictures: int
    differences: dict[str, Difference]
    changed: tuple[str, ...]  # what else is different: model, options, commit ...

    def text(self) -> str:
        """A table for people; * marks what is significant."""
        width = max((len(name) for name in self.differences), default=6)
        bench, data = self.first["task"], self.first["data"]["name"]
        lines = [f"{bench} on {data}, {self.pictures} pictures in both runs"]
        lines += [f"  {line}" for line in self.changed] or ["  nothing else differs"]
        lines.append(f"{'':{width}}  {'A':>8}  {'B':>8}  {'B - A':>8}  95 % interval        p")
        for name, row in self.differences.items():
            figures = f"{row.first:8.4f}  {row.second:8.4f}  {row.second - row.first:+8.4f}"
            span = f"[{row.low:+.4f}, {row.high:+.4f}]"
            mark = "*" if row.significant else " "
            lines.append(f"{name:{width}}  {figures}  {span}  {row.p:.3f} {mark}")
        lines.append("* the interval of the paired bootstrap leaves out 0")
        return "\n".join(lines)


def compare(first: Path, second: Path, *, rounds: int = ROUNDS, seed: int = 0) -> Comparison:
    """From two output folders; pictures that only one of them has are left out."""
    results = [read_json(folder / RESULTS) for folder in (first, second)]
    records = [read_records(folder / RECORDS) for folder in (first, second)]
    for key in ("task", "classes"):
        if results[0][key] != results[1][key]:
            raise OptionError(f"{first} and {second} cannot be compared: their {key} differ")
    names = {record["name"] for record in records[0]} & {record["name"] for record in records[1]}
    if not names:
        raise OptionError(f"{first} and {second} have no picture in common")
    kept = [_only(rows, names) for rows in records]
    tables = [table_of(result, rows) for result, rows in zip(results, kept, strict=True)]
    found = paired_differences(
        tables[0].measure, tables[1].measure, len(names), rounds=rounds, seed=seed
    )
    return Comparison(
        results[0], results[1], len(names), found, tuple(_changes(results[0], results[1]))
    )


def _only(records: Sequence[Record], names: set[str]) -> list[Record]:
    return sorted(
        (record for record in records if record["name"] in names),
        key=lambda record: str(record["name"]),
    )


def _changes(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    pairs = [
        ("model", first["model"]["spec"], second["model"]["spec"]),
        ("weights", ", ".join(first["model"]["made_by"]), ", ".join(second["model"]["made_by"])),
        ("how", first["how"], second["how"]),
        ("protocol", first["protocol"]["preset"], second["protocol"]["preset"]),
        ("commit", first["run"]["commit"][:12], second["run"]["commit"][:12]),
        ("data", first["data"]["digest"][:12], second["data"]["digest"][:12]),
    ]
    said_above = {"how", "preset"}
    names = [name for name in first["options"] if name not in CHANGE_NO_NUMBER | said_above]
    pairs += [(name, first["options"][name], second["options"].get(name)) for name in names]
    return [f"{name}: {old} -> {new}" for name, old, new in pairs if old != new]
