"""What an index keeps of a region and of a picture, and how that becomes columns."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array

REGIONS, PICTURES = "regions", "pictures"  # the two tables


class RegionRow(NamedTuple):
    """One region. What a picture's file says stands with each of its regions, to filter by."""

    key: str  # content of the picture and number of the region: the same whenever it is made
    picture: str  # sha256 of the file
    region: int  # its number in the picture
    path: str
    album: str  # the folder's name
    date: str | None  # "2024-05-01T12:30:00", when it was taken
    latitude: float | None
    longitude: float | None
    keywords: str  # "|beach|dog|", as LIKE '%|dog|%' finds them
    width: int  # of the picture
    height: int
    x0: int
    y0: int
    x1: int
    y1: int
    area: int
    share: float  # of the picture
    quality: float  # the segmenter's estimate of the IoU
    mask: str  # COCO's compressed run lengths
    name: str  # the best of `names`
    name_score: float
    names: tuple[str, ...]
    name_scores: tuple[float, ...]
    vector: Array  # (D,) unit


class PictureRow(NamedTuple):
    """One file. A copy of it has a row of its own, and shares its regions."""

    path: str
    picture: str  # sha256
    bytes: int
    mtime: int  # nanoseconds
    album: str
    date: str | None
    latitude: float | None
    longitude: float | None
    keywords: str
    width: int
    height: int
    regions: int  # how many it has
    vector: Array  # (D,) unit, of the picture as a whole


class KnownFile(NamedTuple):
    """What tells whether a file has changed, of its row."""

    picture: str
    bytes: int
    mtime: int
    regions: int


def region_key(picture: str, number: int) -> str:
    return f"{picture[:32]}-{number:04d}"


@cache
def schema_of(table: str, dims: int, about: str) -> Any:
    """The Arrow schema of a table; `about` travels in its metadata."""
    import pyarrow as pa

    integer, real, text = pa.int64(), pa.float32(), pa.string()
    kinds = {
        "regions": {
            "key": text, "picture": text, "region": integer, "path": text, "album": text,
            "date": text, "latitude": pa.float64(), "longitude": pa.float64(),
            "keywords": text,
            "width": integer, "height": integer,
            "x0": integer, "y0": integer, "x1": integer, "y1": integer,
            "area": integer, "share": real, "quality": real, "mask": text,
            "name": text, "name_score": real,
            "names": pa.list_(text), "name_scores": pa.list_(real),
        },
        "pictures": {
            "path": text, "picture": text, "bytes": integer, "mtime": integer, "album": text,
            "date": text, "latitude": pa.float64(), "longitude": pa.float64(),
            "keywords": text,
            "width": integer, "height": integer, "regions": integer,
        },
    }[table]  # fmt: skip
    fields = [*kinds.items(), ("vector", pa.list_(pa.float16(), dims))]
    return pa.schema(fields, metadata={"wordmask": about})


def to_arrow(rows: Sequence[RegionRow] | Sequence[PictureRow], schema: Any) -> Any:
    """The rows as an Arrow table; vectors in 16 bits."""
    import pyarrow as pa

    columns: dict[str, Any] = {
        name: [getattr(row, name) for row in rows] for name in schema.names if name != "vector"
    }
    dims = schema.field("vector").type.list_size
    flat = np.array([row.vector for row in rows], np.float16).reshape(-1)
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float16()), dims)
    return pa.table(columns, schema=schema)


def vectors_of(table: Any) -> Array:
    """(N, D) float32 of the column `vector`."""
    column = table["vector"].combine_chunks()
    flat = np.asarray(column.flatten()).astype(np.float32)
    return flat.reshape(len(table), column.type.list_size)


def to_regions(table: Any) -> list[RegionRow]:
    vectors = vectors_of(table)
    rows = table.select([name for name in RegionRow._fields if name != "vector"]).to_pylist()
    return [
        RegionRow(
            **row
            | {"names": tuple(row["names"]), "name_scores": tuple(row["name_scores"])}
            | {"vector": vector}
        )
        for row, vector in zip(rows, vectors, strict=True)
    ]


def to_pictures(table: Any) -> list[PictureRow]:
    vectors = vectors_of(table)
    rows = table.select([name for name in PictureRow._fields if name != "vector"]).to_pylist()
    return [PictureRow(**row, vector=vector) for row, vector in zip(rows, vectors, strict=True)]
