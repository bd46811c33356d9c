"""NRRD: text before voxels."""

import gzip

import pytest

from scans import AFFINE, paint
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError
from wordmask.media.volumes.read import read_volume
from wordmask.media.volumes.write import write_segmentation

STORED = paint([], (4, 5, 6))
PLACE = (
    "space: left-posterior-superior\n"
    "space directions: (2,0,0) (0,2.0,0) (0,0,3)\nspace origin: (-30,40,5)\n"
)


def write(path, head=PLACE, sizes="4 5 6", kind="short", encoding="raw", data=None):
    data = STORED.tobytes("F") if data is None else data
    text = (
        f"NRRD0005\n# drawn\ntype: {kind}\ndimension: 3\nsizes: {sizes}\n{head}"
        f"endian: little\nencoding: {encoding}\n\n"
    )
    path.write_bytes(text.encode() + (gzip.compress(data) if encoding == "gzip" else data))
    return path


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_voxels_and_place(tmp_path, encoding):
    volume = read_volume(write(tmp_path / "a.nrrd", encoding=encoding))
    assert (volume.stored == STORED).all()
    assert volume.affine.tolist() == [[-2, 0, 0, 30], [0, -2, 0, -40], [0, 0, 3, 5], [0, 0, 0, 1]]


def test_a_segmentation_keeps_the_lines_about_its_place(tmp_path):
    volume = read_volume(write(tmp_path / "a.nrrd"))
    path = write_segmentation(tmp_path / "s.nrrd", STORED > 40, volume, [])
    for line in PLACE.splitlines():
        assert line.encode() in path.read_bytes()
    again = read_volume(path)
    assert (again.stored == (STORED > 40)).all()
    assert (again.affine == volume.affine).all()


def test_a_place_that_no_nrrd_told(tmp_path):
    path = write_segmentation(tmp_path / "s.nrrd", STORED > 40, Volume(STORED, AFFINE), [])
    assert (read_volume(path).affine == AFFINE).all()


def test_spacing_alone_is_said(tmp_path):
    volume = read_volume(write(tmp_path / "a.nrrd", "spacings: 1 2 3\n"))
    assert volume.spacing.tolist() == [1, 2, 3]
    assert "only the spacing" in volume.notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": PLACE + "data file: a.raw\n"}, "another file"),
        ({"kind": "block"}, "plain numbers"),
        ({"sizes": "4 5 -6"}, "sizes are"),
        ({"sizes": "4 5"}, "2 dimensions"),
        ({"sizes": "30000 30000 30000"}, "limit"),
        ({"sizes": "4 5 7"}, "cut"),
        ({"sizes": "400 400 400", "encoding": "gzip"}, "times as much"),
        ({"encoding": "bzip2"}, "only raw and gzip"),
        ({"head": PLACE.replace("left-posterior-superior", "scanner-xyz")}, "space"),
        ({"head": PLACE.replace("(2,0,0)", "(2,x,0)")}, "three numbers"),
        ({"head": PLACE.replace("(2,0,0)", "none")}, "space directions"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, changes, message):
    with pytest.raises((FormatError, ImageError), match=message):
        read_volume(write(tmp_path / "a.nrrd", **changes))


def test_a_header_without_an_end_is_refused(tmp_path):
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\ntype: short\n")
    with pytest.raises(FormatError, match="no end"):
        read_volume(tmp_path / "a.nrrd")
