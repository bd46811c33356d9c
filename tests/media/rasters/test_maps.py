"""Map files: what other programs read of them, and that they hold what was found."""

import json
import resource
import signal
import sqlite3
import struct
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from drawing import draw
from maps import NORTH_UP, UTM33
from wordmask.core.result import Absent
from wordmask.errors import FormatError, OutputError
from wordmask.files import atomic
from wordmask.media.rasters.geojson import GeoJson
from wordmask.media.rasters.gpkg import GeoPackage
from wordmask.media.rasters.masks import MaskRaster
from wordmask.media.rasters.place import Georeference, to_wgs84, turn
from wordmask.media.rasters.shapes import MapRegion, RasterFacts
from wordmask.ops.tiles import Share, WholeRegions, lay_tiles
from wordmask.ops.tracing import corners_of, pieces_of

RING = draw("#####.", "#...#.", "#.#.#.", "#...#.", "#####.", ".....#")


def place(crs=UTM33, affine=NORTH_UP) -> Georeference:
    return Georeference(tuple(affine)[:6], None if crs is None else CRS.from_string(crs))


def facts(where=None) -> RasterFacts:
    absent = (Absent("lake", 0.1, 0.4),)
    return RasterFacts("map.tif", RING.shape, where, ("roof", "lake"), absent, ("fake",))


def region(number=1) -> MapRegion:
    pieces = pieces_of(corners_of(RING))
    return MapRegion(number, "roof", 0.75, int(RING.sum()), (0, 0, 6, 6), pieces, None)


def write(kind, path, where):
    file = kind(path, facts(where))
    file.add(region())
    file.finish()
    return path


def read_blob(blob):
    """Polygons of a GeoPackage blob, srs_id and bounds, read as the standard says."""
    magic, version, flags, srs_id = struct.unpack_from("<2sBBi", blob)
    assert (magic, version, flags) == (b"GP", 0, 3)
    x0, x1, y0, y1 = struct.unpack_from("<4d", blob, 8)
    order, kind, count = struct.unpack_from("<BII", blob, 40)
    assert (order, kind) == (1, 6)
    at, polygons = 49, []
    for _ in range(count):
        order, kind, rings = struct.unpack_from("<BII", blob, at)
        assert (order, kind) == (1, 3)
        at += 9
        polygons.append([])
        for _ in range(rings):
            (points,) = struct.unpack_from("<I", blob, at)
            polygons[-1].append(np.frombuffer(blob, "<f8", 2 * points, at + 4).reshape(-1, 2))
            at += 4 + 16 * points
    assert at == len(blob)
    return polygons, srs_id, (x0, y0, x1, y1)


def area(ring) -> float:
    x, y = (np.asarray(ring) - np.asarray(ring)[0]).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2


def test_a_geopackage_has_the_tables_and_the_numbers_of_the_standard(tmp_path):
    base = sqlite3.connect(write(GeoPackage, tmp_path / "map.gpkg", place()))
    assert base.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47
    assert base.execute("PRAGMA user_version").fetchone()[0] == 10300
    assert base.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert base.execute("PRAGMA foreign_key_check").fetchall() == []
    systems = dict(base.execute("SELECT srs_id, definition FROM gpkg_spatial_ref_sys"))
    assert set(systems) == {-1, 0, 4326, 32633}
    assert CRS.from_wkt(systems[32633]) == CRS.from_string(UTM33)
    row = base.execute("SELECT * FROM gpkg_contents").fetchone()
    assert row[:4] == (
        "regions",
        "features",
        "regions",
        "regions of map.tif; made by fake; not there: lake",
    )
    assert row[5:] == (390_000, 5_820_000 - 3, 390_000 + 3, 5_820_000, 32633)
    columns = base.execute("SELECT * FROM gpkg_geometry_columns").fetchone()
    assert columns == ("regions", "geom", "MULTIPOLYGON", 32633, 0, 0)


def test_polygons_with_holes_lie_where_the_pixels_are(tmp_path):
    base = sqlite3.connect(write(GeoPackage, tmp_path / "map.gpkg", place()))
    fid, blob, *values = base.execute("SELECT * FROM regions").fetchone()
    assert (fid, *values) == (1, "roof", 0.75, int(RING.sum()))
    polygons, srs_id, bounds = read_blob(blob)
    assert srs_id == 32633
    assert bounds == (390_000, 5_819_997, 390_003, 5_820_000)
    assert sorted(map(len, polygons)) == [1, 1, 2]
    assert sum(area(ring) for rings in polygons for ring in rings) == RING.sum() * 0.25
    for outline, *holes in polygons:
        assert area(outline) > 0
        assert all(area(hole) < 0 for hole in holes)
        assert all((ring[0] == ring[-1]).all() for ring in (outline, *holes))


@pytest.mark.parametrize(
    ("where", "code"),
    [
        pytest.param(None, -1, id="a picture that lies nowhere"),
        pytest.param(place(None), -1, id="an affine without a CRS"),
        pytest.param(place("EPSG:4326"), 4326, id="degrees"),
        pytest.param(
            place("+proj=laea +lat_0=11 +lon_0=22 +datum=WGS84 +units=m"), 100_000, id="no code"
        ),
    ],
)
def test_every_crs_has_its_row(tmp_path, where, code):
    base = sqlite3.connect(write(GeoPackage, tmp_path / "map.gpkg", where))
    assert base.execute("SELECT srs_id FROM gpkg_contents").fetchone() == (code,)
    known = [row[0] for row in base.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")]
    assert code in known
    assert len(known) == len(set(known))
    if where is None:
        assert base.execute("SELECT min_y, max_y FROM gpkg_contents").fetchone() == (-6, 0)


def test_geojson_is_in_degrees_longitude_first_outlines_counter_clockwise(tmp_path):
    value = json.loads(write(GeoJson, tmp_path / "map.geojson", place()).read_text())
    assert value["type"] == "FeatureCollection"
    assert "crs" not in value
    assert value["wordmask"]["absent"] == ["lake"]
    (feature,) = value["features"]
    assert feature["properties"] == {"name": "roof", "score": 0.75, "area_px": int(RING.sum())}
    polygons = feature["geometry"]["coordinates"]
    for outline, *holes in polygons:
        assert area(outline) > 0
        assert all(area(hole) < 0 for hole in holes)
        assert outline[0] == outline[-1]
    longitude, latitude = polygons[0][0][0]
    assert 13.3 < longitude < 13.4
    assert 52.5 < latitude < 52.6
    back = transform_geom("EPSG:4326", UTM33, feature["geometry"])["coordinates"]
    total = sum(area(ring) for rings in back for ring in rings)
    assert total == pytest.approx(RING.sum() * 0.25, rel=1e-3)


@pytest.mark.parametrize("where", [None, place(None)])
def test_geojson_of_what_names_no_crs_is_asked_for(tmp_path, where):
    with pytest.raises(FormatError, match="names no CRS") as error:
        GeoJson(tmp_path / "map.geojson", facts(where))
    assert error.value.mend.option == "crs"
    assert not (tmp_path / "map.geojson").exists()


def test_what_crosses_the_antimeridian_is_two_polygons():
    ring = np.array([[1_000_000, 8_000_000], [1_000_000, 7_900_000], [400_000, 7_900_000.0]])
    parts = to_wgs84(CRS.from_epsg(32701), [ring])
    assert len(parts) == 1
    parts = to_wgs84(CRS.from_epsg(32701), [ring - [800_000, 0]])
    longitudes = [part[0][:, 0] for part in parts]
    assert len(parts) == 2
    assert all(line.min() >= 0 or line.max() <= 0 for line in longitudes)


def test_turning_makes_any_winding_that_of_a_map():
    square = np.array([[0, 0], [0, 1], [1, 1], [1, 0.0]])
    for ring in (square, square[::-1]):
        outline, hole = turn([ring, ring])
        assert area(np.r_[outline, outline[:1]]) == 1
        assert area(np.r_[hole, hole[:1]]) == -1


@pytest.mark.parametrize("is_point", [False, True])
@pytest.mark.parametrize("affine", [NORTH_UP, rasterio.Affine(0.3, 0.1, 7, 0.1, -0.3, 9)])
def test_masks_keep_affine_and_crs_and_the_best_score_wins(tmp_path, affine, is_point):
    where = Georeference(tuple(affine)[:6], CRS.from_string(UTM33), is_point)
    file = MaskRaster(tmp_path / "map.tif", facts(where))
    regions = WholeRegions((), np.array([0, 1, -1]), np.array([0.4, 0.9, 0.2], np.float32))
    crops = [np.ones((4, 4), bool), np.ones((2, 2), bool), np.ones((1, 6), bool)]
    corners = [(0, 0), (1, 1), (0, 5)]
    rows = zip(range(3), corners, crops, strict=True)
    shares = [Share(number, corner, crop, True) for number, corner, crop in rows]
    file.add_tile(lay_tiles(RING.shape, 64, 8)[0], shares, regions)
    file.finish()
    with rasterio.open(tmp_path / "map.tif") as read:
        expected = draw_numbers("111100", "122100", "122100", "111100", "000000", "111111")
        assert (read.read(1) == expected).all()
        assert read.nodata == 0
        assert json.loads(read.tags()["WORDMASK_WORDS"]) == ["roof", "lake"]
        assert read.tags()["AREA_OR_POINT"] == ("Point" if is_point else "Area")
        assert read.transform == affine
        assert read.crs.to_wkt() == CRS.from_string(UTM33).to_wkt()


def draw_numbers(*rows: str) -> np.ndarray:
    return np.array([[int(character) for character in row] for row in rows])


@pytest.mark.parametrize("limit", [200, 3_000, 12_000])
def test_masks_on_a_full_disk_are_an_error(tmp_path, limit):
    noise = np.random.default_rng(0).random((600, 600)) > 0.5
    regions = WholeRegions((), np.array([0]), np.array([0.4], np.float32))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        with pytest.raises(OutputError, match="disk full"):
            write_masks(tmp_path / "map.tif", noise, regions)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(tmp_path.iterdir()) == []


def write_masks(path, mask, regions) -> None:
    with atomic(path) as part:
        file = MaskRaster(part, replace(facts(place()), size=mask.shape))
        tile = lay_tiles(mask.shape, 1024, 8)[0]
        file.add_tile(tile, [Share(0, (0, 0), mask, True)], regions)
        file.finish()
