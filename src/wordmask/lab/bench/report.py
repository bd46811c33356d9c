"""A run for people: `summary.txt`, and `index.html`, which needs no server and no network."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from wordmask.lab.bench.drawn import first_figure
from wordmask.lab.bench.plots import histogram, plot
from wordmask.media.drawing.palette import colours

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
body{color:#222;background:#fff}
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
    const order = (a, b) => key(a) > key(b) ? 1 : key(a) < key(b) ? -1 : 0;
    [...body.rows].sort((a, b) => empty(a) - empty(b) || sign * order(a, b))
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
        interval = format_interval(results["intervals"].get(name))
        lines.append(f"{name:{width}}  {format_number(value):>8}  {interval}".rstrip())
    lines += ["", *(f"{name}: {text}" for name, text in _origin(results))]
    return "\n".join(lines) + "\n"


def page(results: Mapping[str, Any]) -> str:
    """All of a run in one page."""
    rows = [
        [name, value, format_interval(results["intervals"].get(name))]
        for name, value in results["metrics"].items()
    ]
    plots = "".join(_plots(results))
    strips = _strips(results["pictures"]) + _legend(results["classes"])
    sections = [
        _section("Figures", _table(["figure", "value", "95 % interval"], rows)),
        _section("Plots", f'<div class="plots">{plots}</div>'),
        _section("Classes", _class_table(results["per_class"])),
        _section("Worst and best", strips),
        _section("Pictures", _picture_table(results["per_picture"])),
        _section("Seconds by stage", _times(results["times"])),
        _section("Where it comes from", _list(_origin(results))),
    ]
    title = escape(_title(results))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{''.join(sections)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _title(results: Mapping[str, Any]) -> str:
    count = f"{len(results['per_picture'])} {results['unit']}s"
    parts = [f"{results['task']} on {results['data']['name']} ({count})", results["model"]["spec"]]
    if results["how"]:
        parts.append(results["how"])
    if results["protocol"]["preset"]:
        parts.append(f"protocol {results['protocol']['preset']}")
    return ", ".join(parts)


def _origin(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the figures came about: (what, text)."""
    data, protocol = results["data"], results["protocol"]
    rows = [("measured", results["answer"])] if results["answer"] else []
    rows += [
        ("data", data["source"] or data["name"]),
        *(("note", note) for note in data["notes"]),
        ("data digest", data["digest"][:16]),
        ("model", ", ".join(results["model"]["made_by"])),
        ("protocol", str(protocol["preset"] or "none: the engine's own settings")),
        *((f"pinned {name}", str(value)) for name, value in protocol["pinned"].items()),
        *(("departs from the protocol", deviation) for deviation in protocol["deviations"]),
        *origin_of_run(results["run"]),
    ]
    total = results["times"].get("total")
    if total:
        spread = f"p50 {total['p50']:.3f}, p90 {total['p90']:.3f}"
        rows.append((f"seconds a {results['unit']}", spread))
    return rows


def origin_of_run(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Commit, machine, libraries, seeds and memory of a run: (what, text)."""
    machine = run["machine"]
    libraries = [f"{name} {version}" for name, version in machine["libraries"].items()]
    return [
        ("commit", ", ".join(run["commits"]) or "not a checkout"),
        ("machine", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"),
        ("libraries", ", ".join(libraries)),
        ("seeds", str(run["seeds"])),
        ("peak memory", f"{format_number(run['peak_memory_mb'])} MB"),
    ]


def _plots(results: Mapping[str, Any]) -> list[str]:
    found = [plot(title, curve) for title, curve in results["curves"].items()]
    figure = first_figure(results["per_picture"])
    rows = results["per_picture"]
    values = [row[figure] for row in rows if row.get(figure) is not None]
    if values:
        found.insert(0, histogram(f"{results['unit']}s by {figure}", values))
    return found


def _class_table(classes: Mapping[str, Mapping[str, Any]]) -> str:
    if not classes:
        return "<p>This bench has no classes.</p>"
    columns = list(next(iter(classes.values())))
    rows = [[name, *(row.get(column) for column in columns)] for name, row in classes.items()]
    return _table(["class", *columns], rows)


def _picture_table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(rows[0])
    return _table(columns, [[row.get(column) for column in columns] for row in rows])


def _strips(pictures: Sequence[Mapping[str, Any]]) -> str:
    if not pictures:
        return "<p>Nothing was drawn.</p>"
    parts = [
        "<p>Picture, truth, answer, difference: right is green, wrong red, missed orange, "
        "not scored grey.</p>"
    ]
    for row in pictures:
        (figure,) = [name for name in row if name not in ("group", "name", "file")]
        text = escape(f"{row['group']}: {row['name']}, {figure} {format_number(row[figure])}")
        image = f'<img loading="lazy" src="{escape(row["file"])}" alt="{text}">'
        parts.append(f'<div class="strip">{text}{image}</div>')
    return "".join(parts)


def _legend(classes: Sequence[str]) -> str:
    """The colours that the strips give the classes."""
    keys = []
    if classes:
        for name, colour in zip(classes, colours(list(classes)).tolist(), strict=True):
            style = f"border-color:rgb{tuple(colour)}"
            keys.append(f'<span style="{style}">{escape(name)}</span>')
    return f'<p class="legend">{" ".join(keys)}</p>'


def _times(times: Mapping[str, Mapping[str, float]]) -> str:
    rows = [[stage, row["p50"], row["p90"]] for stage, row in times.items()]
    return _table(["stage", "p50", "p90"], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f'<th><button type="button">{escape(name)}</button></th>' for name in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="sortable">{table}</table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f'<td data-v="{value}">{format_number(value)}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _list(rows: Sequence[tuple[str, str]]) -> str:
    items = [f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows]
    return f"<dl>{''.join(items)}</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def format_number(value: float | None) -> str:
    """
    >>> format_number(None), format_number(12.0), format_number(0.25)
    ('-', '12', '0.2500')
    """
    if value is None:
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4f}"


def format_interval(pair: Sequence[float | None] | None) -> str:
    """
    >>> format_interval([0.1, 0.2]), format_interval([None, None])
    ('[0.1000, 0.2000]', '')
    """
    if not pair or pair[0] is None or pair[1] is None:
        return ""
    return f"[{pair[0]:.4f}, {pair[1]:.4f}]"
