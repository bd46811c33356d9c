"""A GeoPackage (OGC 12-128, version 1.3): polygons in the raster's own CRS, with Python's sqlite3.

It is written beside its final name and placed when it is whole, so it needs no journal.
"""

import sqlite3
import struct
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OutputError
from wordmask.media.rasters.place import PICTURE, Georeference, turn
from wordmask.media.rasters.shapes import MapFile, MapRegion, RasterFacts
from wordmask.ops.tracing import Piece

APPLICATION, VERSION = 0x47504B47, 10300  # "GPKG"
TABLE = "regions"
UNDEFINED, OWN = -1, 100_000  # srs_id of an unknown CRS, and of one without an EPSG code
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE regions (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom MULTIPOLYGON, name TEXT, score REAL,
  area_px INTEGER);
"""
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
# These three rows are in every GeoPackage.
_SYSTEMS = (
    ("WGS 84 geodetic", 4326, "EPSG", 4326, _WGS84, "longitude and latitude in degrees"),
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic"),
)


class GeoPackage(MapFile):
    """One layer, `regions`: a multipolygon a region, with its name, score and area in pixels."""

    suffix, takes = ".gpkg", "pieces"

    def __init__(self, path: Path, facts: RasterFacts) -> None:
        super().__init__(path, facts)
        self._place = facts.place or Georeference(PICTURE)
        self._bounds: Array = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._base = sqlite3.connect(path, isolation_level=None)
        try:
            self._srs_id = self._make_tables()
        except BaseException:
            self.discard()
            raise

    def add(self, region: MapRegion) -> None:
        pieces = [turn([self._place.to_map(ring) for ring in piece]) for piece in region.pieces]
        outlines = np.concatenate([piece[0] for piece in pieces])
        bounds = np.r_[outlines.min(0), outlines.max(0)]
        self._bounds = np.r_[
            np.minimum(self._bounds[:2], bounds[:2]), np.maximum(self._bounds[2:], bounds[2:])
        ]
        shape = geometry(pieces, self._srs_id, bounds)
        row = (region.number, shape, region.name or None, round(region.score, 4), region.area)
        self._do(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?)", row)

    def finish(self) -> None:
        bounds = self._bounds.tolist() if np.isfinite(self._bounds).all() else [None] * 4
        self._do("UPDATE gpkg_contents SET min_x=?, min_y=?, max_x=?, max_y=?", bounds)
        self._do("COMMIT")
        self._base.close()

    def discard(self) -> None:
        self._base.close()

    def _make_tables(self) -> int:
        self._do("PRAGMA journal_mode = OFF")
        self._do("PRAGMA synchronous = OFF")
        self._do(f"PRAGMA application_id = {APPLICATION}")
        self._do(f"PRAGMA user_version = {VERSION}")
        self._do("BEGIN")
        for statement in _TABLES.split(";"):
            self._do(statement)
        own = _system(self._place.crs)
        systems = [*_SYSTEMS, *([own] if own[1] not in (4326, UNDEFINED) else [])]
        for row in systems:
            self._do("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", row)
        srs_id = int(own[1])
        contents = (TABLE, "features", TABLE, _describe(self.facts), srs_id)
        self._do(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
            "VALUES (?, ?, ?, ?, ?)",
            contents,
        )
        columns = (TABLE, "geom", "MULTIPOLYGON", srs_id, 0, 0)
        self._do("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", columns)
        return srs_id

    def _do(self, statement: str, values: Any = ()) -> None:
        try:
            self._base.execute(statement, values)
        except sqlite3.Error as error:
            if "full" in str(error) or "I/O" in str(error):
                raise OSError(ENOSPC, f"the disk is full ({error})") from error
            raise OutputError(f"{self.path.name} cannot be written: {error}") from error


def geometry(pieces: list[Piece], srs_id: int, bounds: Array) -> bytes:
    """A GeoPackage blob: its header with the bounds, then a multipolygon as well-known binary."""
    x0, y0, x1, y1 = bounds.tolist()
    head = struct.pack("<2sBBi4d", b"GP", 0, 0b011, srs_id, x0, x1, y0, y1)  # little endian, xy
    parts = [head, struct.pack("<BII", 1, 6, len(pieces))]
    for piece in pieces:
        parts.append(struct.pack("<BII", 1, 3, len(piece)))
        for ring in piece:
            closed = np.concatenate([ring, ring[:1]]).astype("<f8")
            parts += [struct.pack("<I", len(closed)), closed.tobytes()]
    return b"".join(parts)


def _system(crs: Any) -> tuple[Any, ...]:
    """The row of gpkg_spatial_ref_sys for a CRS of rasterio's."""
    if crs is None:
        return _SYSTEMS[1]
    text = crs.to_wkt()
    name = text.split('"')[1] if '"' in text else "the raster's own"
    code = crs.to_epsg()
    if code is not None and type(crs).from_epsg(code) == crs:
        return (name, code, "EPSG", code, text, None)
    return (name, OWN, "NONE", OWN, text, "the raster's own")


def _describe(facts: RasterFacts) -> str:
    absent = ", ".join(word.phrase for word in facts.absent)
    parts = [f"regions of {facts.name}", f"made by {', '.join(facts.made_by)}"]
    return "; ".join([*parts, f"not there: {absent}"] if absent else parts)
