"""GLB, glTF 2.0 in one binary file: named meshes for viewers, browsers and phones.

glTF has y up and z towards the viewer, and its unit is the metre; where lengths are only right up
to scale, the notes in the file say so, as no field can.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.mesh import Mesh
from wordmask.files import write_bytes

_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"
_BYTE, _WHOLE, _FLOAT = 5121, 5125, 5126  # component types
_POINTS, _TRIANGLES = 0, 4  # how what is drawn is made of its points
_VERTICES, _INDICES = 34962, 34963  # what a part of the buffer is for


class NamedMesh(NamedTuple):
    """A mesh, and what viewers list it as."""

    name: str
    mesh: Mesh


def write_glb(path: Path | str, meshes: Sequence[NamedMesh], notes: Sequence[str] = ()) -> Path:
    """Write the file, whole or not at all."""
    return write_bytes(path, encode_glb(meshes, notes))


def encode_glb(meshes: Sequence[NamedMesh], notes: Sequence[str] = ()) -> bytes:
    """The bytes that `write_glb` writes; a mesh without points is left out."""
    buffer = _Buffer()
    there = [one for one in meshes if len(one.mesh)]
    document = {
        "asset": {"version": "2.0", "generator": "wordmask", "extras": {"notes": list(notes)}},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(there)))} if there else {}],
        "nodes": [{"mesh": k, "name": one.name} for k, one in enumerate(there)],
        "meshes": [{"name": one.name, "primitives": [buffer.add_mesh(one.mesh)]} for one in there],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
                       "doubleSided": True}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }  # fmt: skip
    used = {key: value for key, value in document.items() if value not in ([], [{"byteLength": 0}])}
    text = json.dumps(used, separators=(",", ":")).encode()
    chunks = _chunk(_JSON, text, b" ")
    if buffer.data:
        chunks += _chunk(_BINARY, bytes(buffer.data), b"\0")
    head = _MAGIC + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little")
    return head + chunks


class _Buffer:
    """The binary part, and the tables that say what lies where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add_mesh(self, mesh: Mesh) -> dict[str, Any]:
        """A primitive: triangles, or points where there are none."""
        ends = {"min": mesh.points.min(0).tolist(), "max": mesh.points.max(0).tolist()}
        names = {"POSITION": self._add(mesh.points, "VEC3", _FLOAT, **ends)}
        if mesh.normals is not None:
            names["NORMAL"] = self._add(mesh.normals, "VEC3", _FLOAT)
        if mesh.colours is not None:
            # Rows of 4 bytes, as rows must begin at multiples of 4. The file's colours are linear.
            rows = np.full((len(mesh), 4), 255, np.uint8)
            rows[:, :3] = np.rint(_LINEAR[mesh.colours] * 255)
            names["COLOR_0"] = self._add(rows, "VEC4", _BYTE, normalized=True)
        primitive: dict[str, Any] = {"attributes": names, "mode": _POINTS, "material": 0}
        if mesh.faces is not None and len(mesh.faces):
            corners = mesh.faces.astype("<u4").reshape(-1)
            primitive |= {"mode": _TRIANGLES, "indices": self._add(corners, "SCALAR", _WHOLE)}
        return primitive

    def _add(self, rows: Array, shape: str, kind: int, **more: Any) -> int:
        """The number of the accessor."""
        data = np.ascontiguousarray(rows).tobytes()
        use = _INDICES if shape == "SCALAR" else _VERTICES
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), "target": use}
        self.views.append(view)
        accessor = {"bufferView": len(self.views) - 1, "componentType": kind, "count": len(rows)}
        self.accessors.append(accessor | {"type": shape} | more)
        self.data += data
        return len(self.accessors) - 1


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    """A chunk is as long as a multiple of 4."""
    data += filler * (-len(data) % 4)
    return len(data).to_bytes(4, "little") + kind + data


def _linear_light() -> Array:
    """Light, 0 to 1, of each sRGB value."""
    value = np.arange(256) / 255
    table: Array = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return table


_LINEAR = _linear_light()
