"""Text files of regions, written as the regions come: GeoJSON (RFC 7946), and our own JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core import rle
from wordmask.core.result import Result
from wordmask.errors import FormatError, Mend
from wordmask.media.formats import own
from wordmask.media.formats.records import FormatOptions, Named
from wordmask.media.rasters.place import to_wgs84, turn
from wordmask.media.rasters.shapes import MapFile, MapRegion, RasterFacts

DIGITS = 9  # of a degree: a tenth of a millimetre


class _JsonList(MapFile):
    """A JSON object whose last member is a list, a member of it a line."""

    def __init__(self, path: Path, facts: RasterFacts, head: dict[str, Any], member: str) -> None:
        super().__init__(path, facts)
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write(f"{_dump(head)[:-1]}, {_dump(member)}: [")
        self._first = True

    def _add_line(self, value: dict[str, Any]) -> None:
        self._file.write(("\n" if self._first else ",\n") + _dump(value))
        self._first = False

    def finish(self) -> None:
        self._file.write("\n]}\n")
        self._file.close()

    def discard(self) -> None:
        self._file.close()


class GeoJson(_JsonList):
    """A feature collection in longitude and latitude."""

    suffix, takes = ".geojson", "pieces"

    def __init__(self, path: Path, facts: RasterFacts) -> None:
        check_place(facts)
        members = {"absent": [word.phrase for word in facts.absent], "made_by": facts.made_by}
        head = {"type": "FeatureCollection", "name": facts.name, "wordmask": members}
        super().__init__(path, facts, head, "features")

    def add(self, region: MapRegion) -> None:
        place = self.facts.place
        if place is None:
            return
        polygons: list[Any] = []
        for piece in region.pieces:
            for part in to_wgs84(place.crs, [place.to_map(ring) for ring in piece]):
                rings = [np.round(ring, DIGITS) for ring in turn(part)]
                polygons.append([[*ring.tolist(), ring[0].tolist()] for ring in rings])
        single = len(polygons) == 1
        shape = {
            "type": "Polygon" if single else "MultiPolygon",
            "coordinates": polygons[0] if single else polygons,
        }
        values = {"name": region.name or None, "score": round(region.score, 4)}
        values["area_px"] = region.area
        feature = {"type": "Feature", "id": region.number, "properties": values, "geometry": shape}
        self._add_line(feature)


class RegionJson(_JsonList):
    """Our own JSON, as of any other picture; the regions stand in the order in which they came."""

    suffix, takes = ".wordmask.json", "runs"

    def __init__(self, path: Path, facts: RasterFacts) -> None:
        nothing = Result.nothing(
            facts.size, facts.words, absent=facts.absent, made_by=facts.made_by
        )
        head = own.encode(Named(facts.name, nothing), FormatOptions())
        del head["regions"]
        super().__init__(path, facts, head, "regions")

    def add(self, region: MapRegion) -> None:
        counts = region.runs if region.runs is not None else np.zeros(0, np.int64)
        row = {
            "label": region.name or None,
            "score": round(region.score, 4),
            "box": list(region.box),
            "area": region.area,
            "track": None,
            "why": None,
            "mask": {"size": list(self.facts.size), "counts": rle.pack(counts)},
        }
        self._add_line(row)


def check_place(facts: RasterFacts) -> None:
    """Raise where GeoJSON cannot say where the regions are."""
    if facts.place is None or facts.place.crs is None:
        raise FormatError(
            f"{facts.name} names no CRS, so nobody knows where it lies; GeoJSON is in longitude "
            "and latitude; say the CRS, or write a .gpkg, which may leave it open",
            mend=Mend("crs", "EPSG:32633"),
        )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
