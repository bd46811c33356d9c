"""Things in space on one page that needs nothing else: turned by hand, in any browser.

The page draws with WebGL itself, in about 150 lines: a library for it (three.js has 700 kB) would
be larger than most of what it shows. It asks no host for anything.
"""

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.mesh import Mesh


class ShownThing(NamedTuple):
    """A thing on the page: its mesh, the corners (8, 3) of its box, and a line about it."""

    mesh: Mesh
    box: Array
    line: str


def space_page(things: Sequence[ShownThing], *, title: str, notes: Sequence[str] = ()) -> str:
    """HTML of the whole page."""
    points = np.concatenate([np.zeros((0, 3), np.float32), *(one.mesh.points for one in things)])
    low, high = np.quantile(points, (0.01, 0.99), axis=0) if len(points) else np.zeros((2, 3))
    radius = max(float(np.linalg.norm(high - low)) / 2, 1e-9)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    lines = "".join(
        f'<li><label><input type="checkbox" checked data-part="{k}">{escape(one.line)}</label></li>'
        for k, one in enumerate(things)
    )
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return Template((Path(__file__).parent / "space.html").read_text("utf-8")).substitute(
        title=escape(title),
        things=lines,
        notes=paragraphs,
        data=json.dumps([_pack(one) for one in things]),
        middle=json.dumps(((low + high) / 2).tolist()),
        radius=json.dumps(radius),
        gap=json.dumps(float(np.median(steps)) if len(steps) else 0.01),
    )


def _pack(thing: ShownThing) -> dict[str, Any]:
    """What the page's script reads of one thing."""
    mesh = thing.mesh
    grey = np.full((len(mesh), 3), 170, np.uint8)
    normals = mesh.normals if mesh.normals is not None else np.zeros((len(mesh), 3))
    faces = mesh.faces if mesh.faces is not None else np.zeros((0, 3))
    return {
        "count": len(mesh),
        "places": _base64(mesh.points.astype("<f4")),
        "colours": _base64(mesh.colours if mesh.colours is not None else grey),
        "normals": _base64(np.rint(normals * 127).astype(np.int8)),
        "faces": _base64(faces.astype("<u4")),
        "box": np.round(thing.box, 5).reshape(-1).tolist(),
    }


def _base64(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
