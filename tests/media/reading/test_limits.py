"""Limits are checked before anything is decoded; errors name the option that raises the limit."""

import base64
import json
import runpy
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.image import Image
from wordmask.errors import ImageError, OptionError
from wordmask.media.reading.limits import Limits, VideoLimits, amount, human
from wordmask.media.reading.read import read, read_all, read_noted

ODD = runpy.run_path(str(Path(__file__).parents[2] / "odd_pictures.py"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50MP", 50_000_000),
        ("3 GP", 3 * 10**9),
        ("25mb", 25_000_000),
        ("1.5G", 15 * 10**8),
        ("16,384 px", 16384),
        ("9", 9),
    ],
)
def test_amounts_are_read_as_people_write_them(text, number):
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "many", "-5", "5 apples", "1e9", "."])
def test_what_is_no_amount_is_an_option_error(text):
    with pytest.raises(OptionError, match="50MP"):
        amount(text)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (999, "999 P"),
        (1000, "1 kP"),
        (50_000_000, "50 MP"),
        (178_956_970, "179 MP"),
        (2_516_582_400, "2.52 GP"),
    ],
)
def test_amounts_are_said_shortly(count, said):
    assert human(count, "P") == said


@given(st.integers(1, 10**14))
def test_the_amount_that_an_error_advises_is_enough(pixels):
    limits = Limits(max_pixels=max(1, pixels - 1), max_side=2**60)
    if pixels == 1:
        limits.check_size("a", pixels, 1)
        return
    with pytest.raises(ImageError) as refused:
        limits.check_size("a", pixels, 1)
    advised = refused.value.mend
    assert advised.option == "max_pixels"
    Limits(max_pixels=amount(advised.example), max_side=2**60).check_size("a", pixels, 1)


def test_the_error_names_the_picture_what_it_has_and_the_option():
    with pytest.raises(ImageError) as refused:
        Limits().check_size("scan.tiff", 61_440, 40_960)
    assert refused.value.message == "scan.tiff is 61,440 x 40,960 (2.52 GP); the limit is 50 MP"
    assert refused.value.mend == ("max_pixels", "3GP")


@pytest.mark.parametrize(
    "field", ["max_bytes", "max_pixels", "max_side", "max_frames", "max_pages"]
)
def test_a_limit_of_nothing_is_refused(field):
    with pytest.raises(OptionError, match=field):
        Limits(**{field: 0})


def test_a_format_nobody_knows_cannot_be_allowed():
    with pytest.raises(OptionError, match="EPS"):
        Limits(formats=("PNG", "EPS"))


def test_the_server_reads_fewer_formats_and_single_pages():
    with pytest.raises(ImageError, match="BMP, which is not read here; send JPEG, PNG"):
        read(ODD["encoded"]("BMP"), Limits.server())
    pages = BytesIO()
    ODD["picture"]().save(pages, "TIFF", save_all=True, append_images=[ODD["picture"]()])
    assert read_noted(pages.getvalue()).notes == ("the first of 2 pages",)
    with pytest.raises(ImageError, match="over 1 pages; the limit is 1; set max_pages=2"):
        read(pages.getvalue(), Limits.server())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "HEIF"])
@pytest.mark.parametrize(
    ("limits", "option"),
    [
        pytest.param(Limits(max_pixels=63 * 64), "max_pixels=", id="pixels"),
        pytest.param(Limits(max_side=63), "max_side=64", id="side"),
        pytest.param(Limits(max_bytes=60), "max_bytes=", id="bytes"),
    ],
)
def test_each_limit_holds_for_each_format_and_its_edge_passes(kind, limits, option):
    if kind == "HEIF":
        pytest.importorskip(
            "pillow_heif", reason="HEIC needs the plug-in pillow-heif"
        ).register_heif_opener()
    data = ODD["encoded"](kind, "RGB", (64, 64))
    with pytest.raises(ImageError, match=option):
        read(data, limits)
    edge = Limits(max_pixels=64 * 64, max_side=64, max_bytes=len(data), max_frames=1, max_pages=1)
    assert read(data, edge).size == (64, 64)


def test_the_cap_holds_on_every_way_in(tmp_path):
    path, limits = tmp_path / "a.png", Limits(max_pixels=100)
    data = ODD["encoded"]("PNG", size_wh=(11, 10))
    path.write_bytes(data)
    ways = [
        path,
        str(path),
        data,
        bytearray(data),
        memoryview(data),
        BytesIO(data),
        ODD["picture"](size_wh=(11, 10)),
    ]
    ways += [
        np.zeros((10, 11), np.uint8),
        Image(np.zeros((10, 11, 3), np.uint8)),
        base64.b64decode(base64.b64encode(data)),
    ]
    for way in ways:
        with pytest.raises(ImageError, match="max_pixels=110P"):
            read(way, limits)
    ways[5] = BytesIO(data)
    for item in read_all([tmp_path, *ways[2:]], limits):
        assert "max_pixels" in str(item.error)


@pytest.mark.parametrize(
    ("build", "option"),
    [
        pytest.param("png_bomb(8500, 6000)", "max_pixels=51MP", id="51 MP PNG"),
        pytest.param("png_bomb(14920, 12000)", "max_pixels=180MP", id="179 MP PNG"),
        pytest.param("gif_frames(10_000)", "max_frames=", id="10,000-frame GIF"),
        pytest.param("webp_frames(10_000)", "max_frames=", id="10,000-frame WebP"),
        pytest.param("looped_tiff()", "ring", id="looped TIFF"),
        pytest.param("gif_wide()", "max_pixels=5GP", id="GIF with a frame beyond its canvas"),
    ],
)
def test_bombs_are_refused_before_they_are_decoded(build, option, tmp_path):
    """In a process of its own, whose peak memory is taken before and after."""
    path = tmp_path / "bomb.png"
    path.write_bytes(eval(build, dict(ODD)))
    code = f"""
import json, re, runpy
from wordmask.errors import ImageError
from wordmask.media.reading.read import read
odd = runpy.run_path({str(Path(__file__).parents[2] / "odd_pictures.py")!r})
read(odd["encoded"]("PNG"))  # the libraries are loaded
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
before, said = peak(), []
for source in ({str(path)!r}, open({str(path)!r}, "rb")):
    try:
        read(source)
    except ImageError as error:
        said.append(str(error))
print(json.dumps([said, peak() - before]))
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc, which only Linux has")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, grown = json.loads(done.stdout)
    assert len(said) == 2
    assert all(option in one for one in said)
    assert grown < 50e6


def test_a_picture_over_pillows_own_limit_reads_when_ours_is_raised(monkeypatch):
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 50)  # from 100 on, Pillow itself would refuse
    data = ODD["encoded"]("PNG", size_wh=(20, 20))
    assert read(data).size == (20, 20)
    from PIL import Image as Pillow

    assert Pillow.MAX_IMAGE_PIXELS == 50


@pytest.mark.parametrize(
    ("check", "said"),
    [
        pytest.param(
            lambda: VideoLimits(max_bytes=10).check_bytes("a.mp4", 11),
            "a.mp4 has 11 B; the limit is 10 B; set max_bytes=11B",
            id="bytes",
        ),
        pytest.param(
            lambda: VideoLimits(max_seconds=5).check_seconds("a.mp4", 6.4),
            "a.mp4 is longer than 5 s; set max_seconds=7",
            id="seconds",
        ),
        pytest.param(
            lambda: VideoLimits.server().check_frame("a.mp4", 7680, 4320),
            "a.mp4 has frames of 7,680 x 4,320 (33.2 MP); the limit is 9.44 MP; "
            "set max_pixels=34MP",
            id="pixels of a frame",
        ),
    ],
)
def test_limits_of_videos(check, said):
    with pytest.raises(ImageError) as refused:
        check()
    assert str(refused.value) == said


def test_a_video_limit_of_nothing_is_refused():
    with pytest.raises(OptionError, match="max_seconds"):
        VideoLimits(max_seconds=0)
