"""NRRD: one header of text, voxels raw or gzip behind it. Detached data files are refused.

The space is turned to RAS. What is written of a NRRD file keeps its lines about space as they are.
"""

import gzip
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError
from wordmask.files import atomic
from wordmask.media.volumes.limits import VolumeLimits, read_exactly

MAGIC = b"NRRD"
MOST_HEADER = 1 << 20  # bytes
TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1",
    "uchar": "u1", "unsigned char": "u1", "uint8": "u1", "uint8_t": "u1",
    "short": "i2", "short int": "i2", "signed short": "i2", "int16": "i2", "int16_t": "i2",
    "ushort": "u2", "unsigned short": "u2", "uint16": "u2", "uint16_t": "u2",
    "int": "i4", "signed int": "i4", "int32": "i4", "int32_t": "i4",
    "uint": "u4", "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4",
    "float": "f4", "double": "f8",
}  # fmt: skip
TO_RAS = {
    "left-posterior-superior": (-1, -1, 1), "lps": (-1, -1, 1),
    "right-anterior-superior": (1, 1, 1), "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1), "las": (-1, 1, 1),
}  # fmt: skip
PLACE_FIELDS = ("space", "space directions", "space origin", "spacings", "kinds", "space units")


@dataclass(frozen=True)
class NrrdGeometry:
    """The header's lines about its place."""

    lines: tuple[str, ...]


def read_nrrd(path: Path, limits: VolumeLimits) -> Volume:
    """The volume of a file in one piece."""
    name = path.name
    with path.open("rb") as file:
        fields, lines = _fields(file, name)
        shape, dtype = _layout(fields, name)
        wanted = limits.check_shape(name, shape, dtype.itemsize)
        encoding = fields.get("encoding", "raw").lower()
        if encoding in ("gzip", "gz"):
            limits.check_ratio(name, wanted, path.stat().st_size)
            with gzip.GzipFile(fileobj=file) as packed:
                data = read_exactly(packed, wanted, name)
        elif encoding == "raw":
            data = read_exactly(file, wanted, name)
        else:
            raise FormatError(f"{name} is encoded as {encoding}; only raw and gzip are read")
    stored = np.frombuffer(data, dtype).reshape(shape, order="F")
    kept = tuple(line for line in lines if line.split(":")[0].lower() in PLACE_FIELDS)
    affine, notes = _affine(fields, name)
    return Volume(stored, affine, name=name, geometry=NrrdGeometry(kept), notes=notes)


def write_nrrd(path: Path, labels: Array, volume: Volume) -> None:
    """Whole numbers (I, J, K) in the volume's place, packed."""
    geometry = volume.geometry
    lines = geometry.lines if isinstance(geometry, NrrdGeometry) else _place_lines(volume.affine)
    names = {1: "uint8", 2: "uint16"}
    head = [
        "NRRD0004",
        f"type: {names[labels.dtype.itemsize]}",
        "dimension: 3",
        f"sizes: {' '.join(map(str, labels.shape))}",
        *lines,
        "endian: little",
        "encoding: gzip",
    ]
    with atomic(path) as part, part.open("wb") as raw:
        raw.write(("\n".join(head) + "\n\n").encode())
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            for index in range(labels.shape[2]):
                file.write(labels[:, :, index].astype(labels.dtype.newbyteorder("<")).tobytes("F"))


def _fields(file: Any, name: str) -> tuple[dict[str, str], list[str]]:
    """The fields by name, and the lines as they are."""
    fields: dict[str, str] = {}
    lines: list[str] = []
    left = MOST_HEADER
    while True:
        line = file.readline(left)
        left -= len(line)
        if not line.endswith(b"\n") or left <= 0:
            raise FormatError(f"{name} is cut, or its header has no end")
        text = line.decode("ascii", "replace").strip()
        if not text:
            return fields, lines
        if text.startswith("#") or (not lines and text.startswith("NRRD")):
            continue
        key, colon, value = text.partition(":")
        lines.append(text)
        if colon and not value.startswith("="):
            fields[key.strip().lower()] = value.strip()


def _layout(fields: dict[str, str], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if "data file" in fields or "datafile" in fields:
        raise FormatError(f"{name} keeps its voxels in another file; save it in one piece (.nrrd)")
    for field in ("type", "sizes"):
        if field not in fields:
            raise FormatError(f"{name} does not say its {field}")
    kind = TYPES.get(fields["type"].lower())
    if kind is None:
        raise ImageError(f"{name} holds {fields['type']} voxels; plain numbers are read")
    if not re.fullmatch(r"\d{1,9}( +\d{1,9})*", fields["sizes"]):
        raise FormatError(f"{name}: its sizes are {fields['sizes']!r}, not whole numbers")
    shape = tuple(int(side) for side in fields["sizes"].split())
    if len(shape) != 3:
        raise ImageError(
            f"{name} has {len(shape)} dimensions ({prod(shape):,} numbers); a volume has 3"
        )
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    return shape, np.dtype(order + kind)


def _affine(fields: dict[str, str], name: str) -> tuple[Array, tuple[str, ...]]:
    affine = np.eye(4)
    if "space directions" not in fields:
        spacings = _numbers(fields.get("spacings", "1 1 1"), name)
        affine[:3, :3] = np.diag(spacings)
        return affine, ("it does not say where it lies: only the spacing of its voxels is known",)
    vectors = re.findall(r"\(([^)]*)\)", fields["space directions"])
    rows = [_numbers(vector.replace(",", " "), name) for vector in vectors]
    if len(rows) != 3:
        raise FormatError(f"{name}: its space directions are {fields['space directions']!r}")
    origin = fields.get("space origin", "(0,0,0)").strip("() ").replace(",", " ")
    affine[:3, :3] = np.array(rows).T
    affine[:3, 3] = _numbers(origin, name)
    space = fields.get("space", "").lower()
    if space not in TO_RAS:
        raise FormatError(
            f"{name} lies in the space {space or 'that it does not name'!r}; known: "
            "left-posterior-superior, right-anterior-superior, left-anterior-superior"
        )
    return np.diag((*TO_RAS[space], 1)) @ affine, ()


def _numbers(text: str, name: str) -> list[float]:
    try:
        found = [float(part) for part in text.split()]
    except ValueError:
        found = []
    if len(found) != 3:
        raise FormatError(f"{name}: three numbers were expected, got {text!r}")
    return found


def _place_lines(affine: Array) -> tuple[str, ...]:
    """The lines for a place that no NRRD file has told."""
    vectors = ["(" + ",".join(f"{at:.17g}" for at in affine[:3, axis]) + ")" for axis in range(4)]
    return (
        "space: right-anterior-superior",
        f"space directions: {' '.join(vectors[:3])}",
        f"space origin: {vectors[3]}",
    )
