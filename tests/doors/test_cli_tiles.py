"""`--tiles`: rasters and pictures of any size, from the command line to the map."""

import json
import resource
import signal
import sqlite3
import subprocess
import time

import numpy as np
import pytest
import rasterio
from PIL import Image as Pillow

import wordmask
from commands import RUN, names, run_apart, run_here
from maps import lawn, write_lawn, write_raster
from wordmask.engines.options import EngineOptions
from wordmask.jobs.pictures import ResultOptions
from wordmask.jobs.rasters import RasterSetup, segment_rasters
from wordmask.lab.bench.photographs import photograph
from wordmask.tasks.segment import SegmentOptions

TILES = ("--tiles", "--tile-side", 96, "--overlap", 32, "-m", "fake")
# What a tile cuts off may look like several things that touch: not here.
SOLID = (*TILES, "--no-instances")
GEO_TAGS = (33550, 33922, 34735, 34736, 34737)


def layers(path) -> list[tuple]:
    return sqlite3.connect(path).execute("SELECT name, area_px FROM regions").fetchall()


def tags(path) -> dict[int, object]:
    with Pillow.open(path) as picture:
        return {number: picture.tag_v2.get(number) for number in GEO_TAGS}


def setup(folder, **tiling) -> RasterSetup:
    options = wordmask.TileOptions(**({"tile_side": 96, "overlap": 32} | tiling))
    outputs = ResultOptions(output_dir=folder, format=("json",))
    return RasterSetup("fake", outputs=outputs, tiling=options)


@pytest.mark.parametrize("how", ["unified", "guided"])
@pytest.mark.parametrize(("side", "overlap"), [(96, 32), (128, 64), (100, 20)])
def test_a_mosaic_of_tiles_is_one_picture(tmp_path, how, side, overlap):
    """At one cell a pixel, so that the engine sees the same in a tile as in the picture."""
    path = write_lawn(tmp_path / "map.tif")
    models = wordmask.load("fake", options=EngineOptions(input_side=256))
    options = SegmentOptions(how=how, instances=False, min_region_size=20)
    whole = wordmask.segment(lawn(), ["red", "blue", "white"], model=models, options=options)
    given = setup(tmp_path / "out", tile_side=side, overlap=overlap)
    *_, last = segment_rasters([path], ("red", "blue", "white"), options, given, models)
    assert last.answer.counts == {"blue": 1, "red": 4}
    assert [word.phrase for word in last.answer.absent] == ["white"]
    mosaic = wordmask.read_result(last.answer.files[0])
    overlaps = whole.masks.iou(mosaic.masks)
    assert (overlaps.max(0) == 1).all()
    assert (overlaps.max(1) == 1).all()
    assert (whole.label_map() == mosaic.label_map()).all()


def test_a_map_is_written_as_the_name_says_and_the_notes_go(tmp_path, capsys):
    path = write_lawn(tmp_path / "map.tif")
    assert run_here("segment", path, "red, blue, white", *SOLID, "-o", tmp_path / "roofs.gpkg") == 0
    assert sorted({name for name, _ in layers(tmp_path / "roofs.gpkg")}) == ["blue", "red"]
    printed = capsys.readouterr()
    assert "1 blue, 4 red     not here: white" in printed.out
    assert "roofs.gpkg" in printed.out
    assert names(tmp_path) == ["map.tif", "roofs.gpkg"]


def test_all_formats_hold_the_same_and_masks_keep_the_place_to_the_byte(tmp_path):
    path = write_lawn(tmp_path / "map.tif")
    formats = ("-f", "gpkg,geojson,masks,json")
    assert run_here("segment", path, "red,blue", *TILES, *formats, "-o", tmp_path / "out") == 0
    made = tmp_path / "out"
    result = wordmask.read_result(made / "map.wordmask.json")
    assert sorted(layers(made / "map.gpkg")) == sorted(
        zip(result.names, result.masks.areas.tolist(), strict=True)
    )
    features = json.loads((made / "map.geojson").read_text())["features"]
    assert len(features) == len(result)
    with rasterio.open(made / "map.masks.tif") as file:
        assert (file.read(1).astype(int) - 1 == result.label_map()).all()
    assert tags(made / "map.masks.tif") == tags(path)


def test_a_plain_picture_becomes_own_json(tmp_path):
    Pillow.fromarray(lawn()).save(tmp_path / "lawn.png")
    assert run_here("segment", tmp_path / "lawn.png", "red", *SOLID) == 0
    result = wordmask.read_result(tmp_path / "lawn.wordmask.json")
    assert result.size == (256, 256)
    assert len(result) == 4
    assert run_here("segment", tmp_path / "lawn.png", "red", *TILES, "-f", "gpkg") == 0
    base = sqlite3.connect(tmp_path / "lawn.gpkg")
    assert base.execute("SELECT srs_id FROM gpkg_contents").fetchone() == (-1,)


def test_everything_in_tiles_has_no_names(tmp_path):
    path = write_lawn(tmp_path / "map.tif", 160)
    options = ("--points-per-side", 6, "-o", tmp_path / "all.gpkg")
    assert run_here("everything", path, *TILES, *options) == 0
    assert {name for name, _ in layers(tmp_path / "all.gpkg")} == {None}


def test_nodata_is_left_out_and_a_raster_of_it_is_nothing(tmp_path, capsys):
    bands = lawn().transpose(2, 0, 1)
    bands[:, :, :60] = 0
    path = write_raster(tmp_path / "half.tif", bands, nodata=0)
    assert run_here("segment", path, "red, black", *TILES, "-f", "json") == 0
    result = wordmask.read_result(tmp_path / "half.wordmask.json")
    assert result.masks.boxes[:, 0].min() == 60
    assert set(result.names) == {"red"}
    empty = write_raster(tmp_path / "none.tif", np.zeros((3, 128, 128), np.uint8), nodata=0)
    assert run_here("segment", empty, "red", *TILES) == 0
    assert "holds no valid pixel" in capsys.readouterr().out
    assert layers(tmp_path / "none.gpkg") == []


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        pytest.param(("-o", "x.geojson"), "names no CRS", id="no CRS for GeoJSON"),
        pytest.param(("--bands", "7"), "--bands must be one or three", id="no such band"),
        pytest.param(("--overlap", "90"), "--overlap must be at most half", id="overlap"),
        pytest.param(("-f", "overlay,coco"), "is written as gpkg", id="format"),
        pytest.param(("-o", "x.gpkg", "-f", "masks"), "x.gpkg may hold gpkg; got masks", id="file"),
        pytest.param(("-o", "x.tif", "-f", "masks,json"), "one file, for 2", id="one file"),
        pytest.param(("--crs", "nowhere"), "--crs must be one such as", id="CRS"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    tmp_path, capsys, monkeypatch, extra, message
):
    monkeypatch.chdir(tmp_path)
    path = write_lawn(tmp_path / "map.tif", 128, crs=None)
    assert run_here("segment", path, "red", *TILES, *extra) == 2
    assert message in capsys.readouterr().err
    assert names(tmp_path) == ["map.tif"]


def test_a_crs_that_is_given_makes_geojson_of_a_raster_without_one(tmp_path):
    path = write_lawn(tmp_path / "map.tif", 128, crs=None)
    output = ("--crs", "EPSG:32633", "-o", tmp_path / "x.geojson", "-f", "geojson")
    assert run_here("segment", path, "red", *TILES, *output) == 0
    assert len(json.loads((tmp_path / "x.geojson").read_text())["features"]) > 1


def test_formats_of_maps_without_tiles_say_so(tmp_path, capsys):
    path = write_lawn(tmp_path / "map.tif", 128)
    assert run_here("segment", path, "red", "-m", "fake", "-f", "gpkg") == 2
    assert "give --tiles" in capsys.readouterr().err


def test_one_bad_raster_of_many_is_passed_over_and_what_is_done_is_skipped(tmp_path, capsys):
    write_lawn(tmp_path / "b.tif", 128)
    (tmp_path / "a.tif").write_bytes(b"II*\0 cut")
    write_lawn(tmp_path / "c.tif", 128)
    assert run_here("segment", tmp_path, "red", *TILES, "-o", tmp_path / "out") == 5
    printed = capsys.readouterr()
    assert "a.tif" in printed.err
    assert "9 tiles: 8 done, 1 failed" in printed.err
    assert names(tmp_path / "out") == ["b.gpkg", "c.gpkg"]
    assert run_here("segment", tmp_path, "red", *TILES, "-o", tmp_path / "out") == 5
    assert "made before" in capsys.readouterr().err


def test_the_raster_is_never_its_own_map(tmp_path, capsys):
    path = write_lawn(tmp_path / "map.tif", 128)
    before = path.read_bytes()
    assert run_here("segment", path, "red", *TILES, "-o", path) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_file_of_a_persons_is_not_replaced(tmp_path, capsys):
    path = write_lawn(tmp_path / "map.tif", 128)
    (tmp_path / "map.gpkg").write_text("mine")
    assert run_here("segment", path, "red", *TILES) == 2
    assert "map.gpkg is there already" in capsys.readouterr().err
    assert (tmp_path / "map.gpkg").read_text() == "mine"


def test_a_georeferenced_tiff_without_rasterio_names_the_extra(tmp_path, capsys, monkeypatch):
    for module in ("read", "plain"):
        monkeypatch.setattr(f"wordmask.media.rasters.{module}.find_spec", lambda _: None)
    path = write_lawn(tmp_path / "map.tif", 128)
    assert run_here("segment", path, "red", *TILES) == 3
    assert "pip install 'wordmask[geo]'" in capsys.readouterr().err
    Pillow.fromarray(lawn(128)).save(tmp_path / "plain.tif")
    assert run_here("segment", tmp_path / "plain.tif", "red", *TILES) == 0


def test_a_run_that_was_killed_goes_on_and_ends_the_same(tmp_path):
    path = write_lawn(tmp_path / "map.tif", 384)
    tiles = ("--tiles", "--tile-side", 64, "--overlap", 32, "-m", "fake")
    command = ("segment", path, "red, blue", *tiles)
    run = subprocess.Popen([*RUN, *map(str, command), "-o", str(tmp_path / "a.gpkg")])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.poll() is None:
        notes = list(tmp_path.glob(".map.*.tiles.jsonl"))
        if notes and notes[0].read_bytes().count(b"\n") > 8:
            break
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    (notes,) = tmp_path.glob(".map.*.tiles.jsonl")
    with notes.open("ab") as file:
        file.write(b'{"tile": 300, "bo')  # the line that the kill cut short
    assert not (tmp_path / "a.gpkg").exists()
    again = run_apart(*command, "-o", tmp_path / "a.gpkg")
    assert again.returncode == 0
    assert "made before" in again.stderr
    assert run_apart(*command, "-o", tmp_path / "b.gpkg").returncode == 0
    assert layers(tmp_path / "a.gpkg") == layers(tmp_path / "b.gpkg")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["x.gpkg", "x.geojson"])
def test_a_full_disk_leaves_no_half_a_file(tmp_path, capsys, name):
    values = np.kron(np.indices((32, 32)).sum(0) % 2, np.ones((8, 8))).astype(bool)
    pixels = np.where(values[..., None], (220, 20, 20), (30, 160, 60)).astype(np.uint8)
    path = write_raster(tmp_path / "map.tif", pixels.transpose(2, 0, 1))
    wide = ("--tiles", "--tile-side", 256, "-m", "fake", "--how", "unified", "--min-region-size", 1)
    given = ("segment", path, "red, green", *wide)
    assert run_here(*given, "-o", tmp_path / "first" / name) == 0
    size = (tmp_path / "first" / name).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
        code = run_here(*given, "-o", tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert code == 4
    assert name in capsys.readouterr().err
    assert not (tmp_path / name).exists()
    assert not list(tmp_path.glob(".x*"))


def test_the_python_function_gives_counts_files_and_what_is_not_there(tmp_path):
    path = write_lawn(tmp_path / "map.tif")
    tiling = wordmask.TileOptions(tile_side=128, overlap=32, tolerance=1.0)
    answer = wordmask.segment_raster(
        path,
        ["red", "white"],
        tmp_path / "x.gpkg",
        model="fake",
        options=SegmentOptions(instances=False),
        tiling=tiling,
    )
    assert answer.counts == {"red": 4}
    assert answer.absent[0].phrase == "white"
    assert answer.files == (tmp_path / "x.gpkg",)
    assert answer.tiles == 9
    exact = wordmask.segment_raster(path, "red", tmp_path / "y.gpkg", model="fake")
    sizes = [one.files[0].stat().st_size for one in (answer, exact)]
    assert sizes[0] <= sizes[1]


def test_a_network_finds_in_tiles_nearly_what_it_finds_in_the_picture(tmp_path):
    """Its context changes with the window, so that the mosaic is the picture only nearly."""
    cat = photograph("chelsea.png")
    Pillow.fromarray(cat.pixels).save(tmp_path / "cat.png")
    whole = wordmask.segment(cat, ["cat"], model="mini")
    tiling = wordmask.TileOptions(tile_side=300, overlap=140)
    answer = wordmask.segment_raster(
        tmp_path / "cat.png", ["cat"], tmp_path / "cat.json", model="mini", tiling=tiling
    )
    mosaic = wordmask.read_result(answer.files[0])
    assert answer.tiles == 2
    assert whole[0].masks.iou(mosaic.masks).max() > 0.8
