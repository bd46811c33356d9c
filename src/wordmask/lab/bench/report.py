"""A run for people: `summary.txt`, and `index.html`, one file that needs no server and no network."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from wordmask.lab.bench.plots import histogram, plot

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}
th button{font:inherit;font-weight:600;background:none;border:0;padding:0;cursor:pointer}
.scroll{max-height:30rem;overflow:auto}
.plots{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;width:26rem}
figcaption{font-weight:600}
svg{width:100%}
svg text{font-size:11px;fill:#333}
.strip{margin:.6rem 0}
.strip img{max-width:100%;display:block}
.legend span{border-left:1rem solid;padding-left:.3rem;margin-right:.8rem;white-space:nowrap}
dt{font-weight:600}dd{margin:0 0 .4rem 1rem;overflow-wrap:anywhere}
"""

# Sorting by a click on a column's head; empty cells always come last.
_SCRIPT = """
const sortable = table => table.querySelectorAll("th button").forEach((button, column) => {
  let down = true;
  button.addEventListener("click", () => {
    const body = table.tBodies[0], sign = down ? -1 : 1;
    const key = row => {
      const cell = row.cells[column];
      return cell.dataset.v === undefined ? cell.textContent : +cell.dataset.v;
    };
    const empty = row => row.cells[column].textContent === "";
    [...body.rows].sort((a, b) => empty(a) - empty(b) || sign * (key(a) > key(b) ? 1 : key(a) < key(b) ? -1 : 0))
      .forEach(row => body.append(row));
    table.querySelectorAll("th").forEach(th => th.removeAttribute("aria-sort"));
    button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
    down = !down;
  });
});
document.querySelectorAll("table.sortable").forEach(sortable);
"""


def summary(results: Mapping[str, Any]) -> str:
    """The figures with their intervals, and how they came about, as plain text."""
    width = max(len(name) for name in results["metrics"])
    lines = [_title(results), ""]
    for name, value in results["metrics"].items():
        lines.append(
            f"{name:{width}}  {_told(value):>8}  {_interval(results['intervals'].get(name))}".rstrip()
        )
    lines += ["", *(f"{name}: {told}" for name, told in _origin(results))]
    return "\n".join(lines) + "\n"


def page(results: Mapping[str, Any]) -> str:
    """All of a run in one page."""
    rows = [
        [name, value, _interval(results["intervals"].get(name))]
        for name, value in results["metrics"].items()
    ]
    sections = [
        _section("Figures", _table(["figure", "value", "95 % interval"], rows)),
        _section("Plots", f'<div class="plots">{"".join(_plots(results))}</div>'),
        _section("Classes", _class_table(results["per_class"])),
        _section("Worst and best", _strips(results["pictures"]) + _legend(results["classes"])),
        _section("Pictures", _picture_table(results["per_picture"])),
        _section("Seconds by stage", _times(results["times"])),
        _section("Where it comes from", _list(_origin(results))),
    ]
    title = escape(_title(results))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        f"{_STYLE}</style></head><body><h1>{title}</h1>{''.join(sections)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _title(results: Mapping[str, Any]) -> str:
    preset = results["protocol"]["preset"]
    count = len(results["per_picture"])
    what = "videos" if results["task"] == "video" else "pictures"
    way = f", protocol {preset}" if preset else ""
    data, model = results["data"]["name"], results["model"]["spec"]
    return f"{results['task']} on {data} ({count} {what}), {model}, {results['how']}{way}"


def _origin(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    run, data, protocol = results["run"], results["data"], results["protocol"]
    rows = [
        ("data", data["source"] or data["name"]),
        *(("note", note) for note in data["notes"]),
        ("data digest", data["digest"][:16]),
        ("model", ", ".join(results["model"]["made_by"])),
        ("protocol", str(protocol["preset"] or "none: the engine's own settings")),
        *((f"pinned {name}", str(value)) for name, value in protocol["pinned"].items()),
        *(("departs from the protocol", deviation) for deviation in protocol["deviations"]),
        ("commit", ", ".join(run["commits"]) or "not a checkout"),
        (
            "machine",
            f"{run['machine']['processor']}, {run['machine']['cores']} cores, {run['machine']['system']}",
        ),
        (
            "libraries",
            ", ".join(f"{name} {version}" for name, version in run["machine"]["libraries"].items()),
        ),
        ("seeds", str(run["seeds"])),
        ("peak memory", f"{_told(run['peak_memory_mb'])} MB"),
    ]
    total = results["times"].get("total")
    return rows + (
        [("seconds a picture", f"p50 {total['p50']:.3f}, p90 {total['p90']:.3f}")] if total else []
    )


def _plots(results: Mapping[str, Any]) -> list[str]:
    drawn = [plot(title, curve) for title, curve in results["curves"].items()]
    figure = next((name for name in results["per_picture"][0] if name != "name"), None)
    values = [row[figure] for row in results["per_picture"] if row.get(figure) is not None]
    return [histogram(f"pictures by {figure}", values), *drawn] if values else drawn


def _class_table(classes: Mapping[str, Mapping[str, Any]]) -> str:
    if not classes:
        return "<p>This task has no classes.</p>"
    columns = list(next(iter(classes.values())))
    return _table(
        ["class", *columns],
        [[name, *(row.get(column) for column in columns)] for name, row in classes.items()],
    )


def _picture_table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(rows[0])
    return _table(columns, [[row.get(column) for column in columns] for row in rows])


def _strips(pictures: Sequence[Mapping[str, Any]]) -> str:
    if not pictures:
        return "<p>Nothing was drawn.</p>"
    parts = [
        "<p>Picture, truth, answer, difference: right is green, wrong red, missed orange, not scored grey.</p>"
    ]
    for row in pictures:
        (figure,) = [name for name in row if name not in ("group", "name", "file")]
        told = escape(f"{row['group']}: {row['name']}, {figure} {_told(row[figure])}")
        parts.append(
            f'<div class="strip">{told}<img loading="lazy" src="{escape(row["file"])}" alt="{told}"></div>'
        )
    return "".join(parts)


def _legend(classes: Sequence[str]) -> str:
    """The colours that the strips give the classes."""
    from wordmask.media.drawing.palette import colours

    rows = zip(classes, colours(list(classes)).tolist(), strict=True) if classes else ()
    keys = (
        f'<span style="border-color:rgb{tuple(colour)}">{escape(name)}</span>'
        for name, colour in rows
    )
    return f'<p class="legend">{" ".join(keys)}</p>'


def _times(times: Mapping[str, Mapping[str, float]]) -> str:
    return _table(
        ["stage", "p50", "p90"], [[stage, row["p50"], row["p90"]] for stage, row in times.items()]
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f'<th><button type="button">{escape(name)}</button></th>' for name in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f'<td data-v="{value}">{_told(value)}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _list(rows: Sequence[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(told)}</dd>' for name, told in rows)}</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _told(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4f}"


def _interval(pair: Sequence[float | None] | None) -> str:
    if not pair or pair[0] is None or pair[1] is None:
        return ""
    return f"[{pair[0]:.4f}, {pair[1]:.4f}]"
