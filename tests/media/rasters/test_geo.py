import numpy as np
import pytest
import rasterio
from PIL import Image as Pillow
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import Affine, from_gcps

from maps import UTM33, lawn, write_lawn, write_raster
from wordmask.errors import ImageError, OptionError
from wordmask.media.rasters.geo import BandChoice, GeoRaster
from wordmask.media.rasters.plain import PlainRaster, has_place
from wordmask.media.rasters.read import open_raster
from wordmask.media.rasters.scaling import Scale

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def opened(path, **choice) -> GeoRaster:
    return GeoRaster(path, path.name, BandChoice(**choice))


def whole(raster) -> np.ndarray:
    height, width = raster.size
    return raster.read((0, 0, width, height))


def test_windows_are_the_pixels_and_the_place_is_the_files(tmp_path):
    raster = opened(write_lawn(tmp_path / "map.tif", 96))
    pixels, valid = raster.read((10, 20, 40, 60))
    assert (pixels == lawn(96)[20:60, 10:40]).all()
    assert valid is None
    assert raster.place.crs.to_epsg() == 32633
    assert raster.place.to_map(np.array([[0, 0], [2, 4]])).tolist() == [
        [390_000, 5_820_000],
        [390_001, 5_819_998],
    ]


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64", "uint32"])
def test_other_depths_are_scaled_by_percentiles_the_same_everywhere(tmp_path, dtype):
    ramp = np.linspace(100, 1100, 64 * 64).reshape(1, 64, 64).astype(dtype)
    raster = opened(write_raster(tmp_path / "map.tif", ramp), cut_percent=10)
    pixels, _ = whole(raster)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]
    assert abs(int(pixels[32, 0, 0]) - 128) <= 3
    assert (raster.read((0, 32, 64, 64))[0] == pixels[32:]).all()
    assert raster.notes[0].startswith("scaled to 8 bits: ")


def test_nodata_and_nan_do_not_count(tmp_path):
    values = np.random.default_rng(0).normal(50, 5, (1, 64, 64)).astype("float32")
    values[0, :10] = -9999
    values[0, :, :10] = np.nan
    raster = opened(write_raster(tmp_path / "map.tif", values, nodata=-9999))
    pixels, valid = whole(raster)
    assert not valid[:10].any()
    assert not valid[:, :10].any()
    assert valid[10:, 10:].all()
    assert 30 < pixels[10:, 10:].std() < 120  # the -9999 have not spoilt the scale


def test_few_valid_pixels_between_the_samples_still_set_the_scale(tmp_path):
    values = np.full((1, 3000, 3000), -1, "int16")
    values[0, 1333:1343, 333:343] = np.arange(1000, 1100).reshape(10, 10)
    raster = opened(write_raster(tmp_path / "map.tif", values, nodata=-1, compress="deflate"))
    pixels, _ = raster.read((333, 1333, 343, 1343))
    assert pixels.min() == 0
    assert pixels.max() == 255


def test_the_scale_of_a_raster_with_pyramids_comes_from_them(tmp_path):
    values = np.linspace(0, 4000, 2048 * 64).reshape(1, 2048, 64).astype("uint16")
    path = write_raster(tmp_path / "map.tif", values)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    assert opened(path, cut_percent=0).read((0, 1024, 64, 1025))[0].mean() == pytest.approx(
        128, abs=3
    )


def test_red_green_and_blue_are_found_by_what_the_file_says(tmp_path):
    bands = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30, 40)])
    path = write_raster(tmp_path / "bgrn.tif", bands, photometric="minisblack")
    with rasterio.open(path, "r+") as file:
        names = ("blue", "green", "red", "undefined")
        file.colorinterp = [ColorInterp[name] for name in names]
    assert whole(opened(path))[0][0, 0].tolist() == [30, 20, 10]
    assert whole(opened(path, bands="4"))[0][0, 0].tolist() == [40, 40, 40]
    assert whole(opened(path, bands="4, 3,2"))[0][0, 0].tolist() == [40, 30, 20]


@pytest.mark.parametrize(("count", "grey"), [(2, False), (5, False), (1, True)])
def test_bands_of_which_nobody_knows_the_meaning_are_asked_for(tmp_path, count, grey):
    bands = np.zeros((count, 8, 8), np.uint16)
    path = write_raster(tmp_path / "map.tif", bands, photometric="minisblack")
    if grey:
        assert opened(path).bands == (1,)
        return
    with pytest.raises(OptionError, match=f"map.tif has {count} bands") as error:
        opened(path)
    assert error.value.mend.option == "bands"


@pytest.mark.parametrize("bands", ["0", "4", "1,2", "x", "1,2,9", "-1", "1,,2"])
def test_bands_that_are_not_there_are_refused(tmp_path, bands):
    with pytest.raises(OptionError, match="one or three numbers from 1 to 3"):
        opened(write_lawn(tmp_path / "map.tif", 32), bands=bands)


def test_a_palette_is_looked_up(tmp_path):
    path = write_raster(tmp_path / "map.tif", np.array([[[0, 7]]], np.uint8))
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {0: (1, 2, 3, 255), 7: (200, 100, 50, 255)})
    assert whole(opened(path))[0][0].tolist() == [[1, 2, 3], [200, 100, 50]]


def test_a_cut_file_is_named(tmp_path):
    path = tmp_path / "map.tif"
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    Pillow.fromarray(noise).save(path)  # the header comes first
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(ImageError, match="is cut or broken"):
        whole(opened(path))


@pytest.mark.parametrize("content", [b"", b"II*\0", b"no picture", b"<VRTDataset/>"])
def test_what_is_no_raster_is_named(tmp_path, content):
    path = tmp_path / "map.tif"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="map"):
        open_raster(path, path.name, BandChoice())


def test_swapped_axes_are_named(tmp_path):
    swapped = Affine(-1e-5, 0, 52.5, 0, 1e-5, 113.4)
    path = write_lawn(tmp_path / "map.tif", 32, crs="EPSG:4326", transform=swapped)
    with pytest.raises(ImageError, match="no latitudes; are x and y swapped"):
        opened(path)


def test_an_affine_onto_a_line_and_control_points_are_named(tmp_path):
    flat = Affine(1, 1, 0, 1, 1, 0)
    with pytest.raises(ImageError, match="onto a line"):
        opened(write_lawn(tmp_path / "flat.tif", 32, transform=flat))
    points = [GroundControlPoint(0, 0, 1, 1), GroundControlPoint(9, 9, 2, 3)]
    points.append(GroundControlPoint(0, 9, 2, 1))
    assert from_gcps(points)
    path = write_lawn(tmp_path / "gcps.tif", 32, transform=None, crs=None)
    with rasterio.open(path, "r+") as file:
        file.gcps = (points, UTM33)
    with pytest.raises(ImageError, match="warp it first"):
        opened(path)


def test_a_picture_that_lies_nowhere_has_no_place_unless_a_crs_is_given(tmp_path):
    path = write_lawn(tmp_path / "map.tif", 32, crs=None, transform=None)
    assert opened(path).place is None
    assert opened(path, crs="EPSG:3857").place.crs.to_epsg() == 3857
    with pytest.raises(OptionError, match="crs must be one such as"):
        opened(path, crs="EPSG:nowhere")


def test_a_plain_picture_is_read_by_pillow_where_there_is_no_rasterio(tmp_path, monkeypatch):
    path = write_lawn(tmp_path / "map.png", 32, driver="PNG", crs=None, transform=None)
    monkeypatch.setattr("wordmask.media.rasters.read.find_spec", lambda _: None)
    raster = open_raster(path, path.name, BandChoice())
    assert isinstance(raster, PlainRaster)
    assert (raster.read((3, 4, 30, 20))[0] == lawn(32)[4:20, 3:30]).all()
    assert any("decoded whole" in note for note in raster.notes)


@pytest.mark.parametrize("profile", [{}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}])
def test_a_tiff_tells_that_it_has_a_place(tmp_path, profile):
    assert has_place(write_lawn(tmp_path / "map.tif", 16, **profile))
    nowhere = write_lawn(tmp_path / "plain.tif", 16, crs=None, transform=None, **profile)
    assert not has_place(nowhere)


def test_a_scale_of_one_value_is_no_division_by_zero():
    values = np.full((1, 4, 4), 7.0)
    scale = Scale.of_samples([(values, np.ones((4, 4), bool))], 2.0)
    assert scale.apply(values).max() == 0
    assert Scale.of_samples([(values, np.zeros((4, 4), bool))], 2.0) is None
