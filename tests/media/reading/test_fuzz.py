"""500 odd pictures: each reads, or an error names it. Nothing else may happen."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

from wordmask.errors import ImageError
from wordmask.media.reading.read import read, read_all

ODD = runpy.run_path(str(Path(__file__).parents[2] / "odd_pictures.py"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> list[Path]:
    return ODD["make"](tmp_path_factory.mktemp("odd"))


def outcome(path: Path) -> str:
    try:
        pixels = read(path).pixels
    except ImageError as error:
        return "refused" if str(path) in str(error) else f"not named: {error}"
    return (
        "read"
        if pixels.dtype == np.uint8 and pixels.shape[2] == 3
        else f"odd pixels: {pixels.shape}"
    )


def test_every_odd_picture_reads_or_is_named(odd, capsys):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        outcomes = {path.name: outcome(path) for path in odd}
    assert set(outcomes.values()) == {"read", "refused"}
    assert [name for name, how in outcomes.items() if " fine" in name and how != "read"] == []
    assert sum(how == "refused" for how in outcomes.values()) > 250
    assert said == []
    # libtiff writes what it stumbles over straight to the process, where Python cannot silence
    # it; nothing else speaks.
    assert capsys.readouterr() == ("", "")


def test_a_folder_of_odd_pictures_is_gone_through_to_its_end(odd):
    items = list(read_all(odd[0].parent))
    assert {item.path for item in items} == set(odd)
    assert all((item.image is None) != (item.error is None) for item in items)
    assert all(item.name in str(item.error) for item in items if item.error)


def test_the_same_seed_makes_the_same_pictures(tmp_path):
    first, second = (ODD["make"](tmp_path / name, 120, seed=3) for name in "ab")
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("name", sorted(ODD["STRANGERS"]))
def test_what_is_no_picture_is_refused_whatever_its_name(name, tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(ODD["STRANGERS"][name])
    with pytest.raises(ImageError, match=r"scan\.png is"):
        read(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_picture_cut_anywhere_in_its_pixels_is_an_error_not_half_grey(kind):
    whole = ODD["encoded"](kind, "RGB", (64, 48))
    for share in (0.5, 0.8, 0.95):
        with pytest.raises(ImageError):
            read(whole[: int(len(whole) * share)])


def test_a_cut_progressive_jpeg_is_an_error():
    whole = ODD["encoded"]("JPEG", progressive=True)
    with pytest.raises(ImageError):
        read(whole[:-40])


def test_one_flipped_bit_anywhere_in_a_png_is_an_error():
    whole = ODD["encoded"]("PNG", "L", (8, 8))
    for at in range(len(whole)):
        with pytest.raises(ImageError):
            read(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
