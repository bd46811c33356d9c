"""Small plots as inline SVG: lines, bars, points, a matrix, a histogram. No script, no library."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, MARGIN = 420, 240, 44
INKS = ("#1f6fb4", "#d1591f", "#2c8a4b", "#8250b0", "#8c6d1f", "#444444")


def plot(title: str, curve: Mapping[str, Any]) -> str:
    """One figure of `Table.curves`, by its kind."""
    kinds = {"lines": _lines, "bars": _bars, "points": _points, "matrix": _matrix}
    body = kinds[curve["kind"]](curve)
    return f"<figure><figcaption>{escape(title)}</figcaption>{body}</figure>"


def plot_file(curve: Mapping[str, Any]) -> str:
    """The figure as an SVG file of its own: white ground, its own font."""
    _, _, drawn = plot("", curve).partition("<svg")
    svg, _, _ = drawn.rpartition("</figure>")
    style = 'xmlns="http://www.w3.org/2000/svg" width="640" font-family="sans-serif" font-size="11"'
    return f'<svg {style} style="background:#fff"{svg}'


def histogram(title: str, values: Sequence[float], *, bins: int = 20) -> str:
    """How many pictures have which figure."""
    counts, edges = np.histogram(
        np.asarray(values, float), bins, (min(0.0, *values, 0.0), max(1.0, *values))
    )
    bars = {f"{low:.2f}": int(count) for low, count in zip(edges[:-1], counts, strict=True)}
    return plot(title, {"kind": "bars", "values": bars})


def _lines(curve: Mapping[str, Any]) -> str:
    x = curve["x"]
    rows = {name: list(row) for name, row in curve["y"].items()}
    top = max([1.0, *(value for row in rows.values() for value in row if value is not None)])
    span = (min(x), max(x))
    parts = [_axes(span, (0.0, top), curve.get("labels", ("", "")))]
    for index, (name, row) in enumerate(rows.items()):
        ink = INKS[index % len(INKS)]
        dots = [
            f"{_at(a, span)},{_up(b, (0.0, top))}"
            for a, b in zip(x, row, strict=True)
            if b is not None
        ]
        parts.append(
            f'<polyline points="{" ".join(dots)}" fill="none" stroke="{ink}" stroke-width="1.8"/>'
        )
        y = 14 + 14 * index
        parts.append(
            f'<text x="{WIDTH - 6}" y="{y}" text-anchor="end" fill="{ink}">{escape(name)}</text>'
        )
    return _svg(parts)


def _points(curve: Mapping[str, Any]) -> str:
    """Points whose area follows `size`, with the diagonal on which they should lie."""
    span = (0.0, 1.0)
    most = max(curve["size"], default=1) or 1
    parts = [_axes(span, span, curve.get("labels", ("", "")))]
    corners = [_at(0, span), _up(0, span), _at(1, span), _up(1, span)]
    parts.append('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="#bbb"/>'.format(*corners))
    for x, y, size in zip(curve["x"], curve["y"], curve["size"], strict=True):
        radius = 2 + 8 * (size / most) ** 0.5
        place = f'cx="{_at(x, span)}" cy="{_up(y, span)}" r="{radius:.1f}"'
        parts.append(
            f'<circle {place} fill="{INKS[0]}" fill-opacity="0.6"><title>{size:g}</title></circle>'
        )
    return _svg(parts)


def _bars(curve: Mapping[str, Any]) -> str:
    values = curve["values"]
    top = max([1, *values.values()])
    step = (WIDTH - 2 * MARGIN) / max(len(values), 1)
    parts = [_axes(None, (0.0, float(top)), ("", ""))]
    every = max(1, len(values) // 8)
    for index, (name, value) in enumerate(values.items()):
        x, y = MARGIN + index * step, _up(value, (0.0, float(top)))
        size = f'width="{step * 0.84:.1f}" height="{HEIGHT - MARGIN - y:.1f}"'
        title = f"<title>{escape(name)}: {value:g}</title>"
        parts.append(f'<rect x="{x:.1f}" y="{y}" {size} fill="{INKS[0]}">{title}</rect>')
        if index % every == 0:
            middle = f'x="{x + step * 0.42:.1f}" y="{HEIGHT - MARGIN + 14}"'
            parts.append(f'<text {middle} text-anchor="middle">{escape(name)}</text>')
    return _svg(parts)


def _matrix(curve: Mapping[str, Any]) -> str:
    """Rows are the truth, columns the answer; darkness is the share of the row."""
    rows = np.asarray(curve["rows"], float)
    names, side = curve["names"], 360 / max(rows.shape)
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1)
    parts = []
    for row, column in np.argwhere(shares >= 0.005).tolist():
        share = shares[row, column]
        title = f"<title>{escape(f'{names[row]} called {names[column]}: {share:.1%}')}</title>"
        box = f'x="{40 + column * side:.2f}" y="{10 + row * side:.2f}" '
        box += f'width="{side:.2f}" height="{side:.2f}"'
        ink = INKS[2] if row == column else INKS[1]
        parts.append(f'<rect {box} fill="{ink}" fill-opacity="{share:.3f}">{title}</rect>')
    height, width = (f"{count * side:.1f}" for count in rows.shape)
    frame = f'<rect x="40" y="10" width="{width}" height="{height}" fill="none" stroke="#999"/>'
    parts.append(f'{frame}<text x="40" y="390">answer, in the order of the classes</text>')
    return f'<svg viewBox="0 0 420 400" role="img">{"".join(parts)}</svg>'


def _axes(x: tuple[float, float] | None, y: tuple[float, float], labels: Sequence[str]) -> str:
    bottom, right = HEIGHT - MARGIN, WIDTH - MARGIN
    path = f"M{MARGIN} {MARGIN / 2}V{bottom}H{right}"
    parts = [f'<path d="{path}" fill="none" stroke="#999"/>']
    for share in (0.0, 0.5, 1.0):
        value = y[0] + share * (y[1] - y[0])
        parts.append(
            f'<text x="{MARGIN - 5}" y="{_up(value, y) + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
        if x is not None:
            value = x[0] + share * (x[1] - x[0])
            parts.append(
                f'<text x="{_at(value, x)}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>'
            )
    parts.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(labels[0])}</text>'
    )
    parts.append(f'<text x="{MARGIN}" y="12">{escape(labels[1])}</text>')
    return "".join(parts)


def _at(value: float, span: tuple[float, float]) -> float:
    return round(MARGIN + (value - span[0]) / ((span[1] - span[0]) or 1) * (WIDTH - 2 * MARGIN), 1)


def _up(value: float, span: tuple[float, float]) -> float:
    return round(
        HEIGHT - MARGIN - (value - span[0]) / ((span[1] - span[0]) or 1) * (HEIGHT - 1.5 * MARGIN),
        1,
    )


def _svg(parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'
