"""NIfTI: read within limits, written in the same place; what lies or is cut is refused."""

import gzip
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from scans import AFFINE, paint, write_scan
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError, MaskError, OptionError, WordmaskError
from wordmask.media.volumes.read import ReadingOptions, read_volume
from wordmask.media.volumes.write import write_segmentation

SHAPE = (6, 7, 5)
STORED = paint([], SHAPE)


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory) -> Path:
    return write_scan(tmp_path_factory.mktemp("plain") / "plain.nii", STORED)


@pytest.fixture
def scan(tmp_path):
    return write_scan(tmp_path / "scan.nii.gz", STORED)


def header_at(path, **fields):
    """The same file with other fields in its header."""
    data = gzip.decompress(path.read_bytes())
    header = nibabel.Nifti1Header(data[:348], check=False)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(gzip.compress(header.binaryblock + data[348:]))
    return path


def test_voxels_place_and_scale(tmp_path):
    path = write_scan(tmp_path / "a.nii", STORED, slope=2.0, intercept=-10.0)
    volume = read_volume(path)
    assert (volume.slope, volume.intercept) == (2, -10)
    assert (volume.affine == AFFINE).all()
    assert volume.spacing.tolist() == [2, 2, 3]
    assert (volume.values(volume.stored) == nibabel.load(path).get_fdata()).all()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_what_is_written_lies_where_the_scan_lies_to_the_byte(tmp_path, scan, suffix):
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 2:4, 1:4] = 2
    path = write_segmentation(tmp_path / f"seg{suffix}", labels, read_volume(scan), [(2, "x")])
    before, after = nibabel.load(scan), nibabel.load(path)
    assert (np.asanyarray(after.dataobj) == labels).all()
    assert after.affine.tobytes() == before.affine.tobytes()
    stored = {"datatype", "bitpix", "scl_slope", "scl_inter", "cal_max", "cal_min"}
    changed = {name for name in before.header if before.header[name].tobytes()
               != after.header[name].tobytes()}  # fmt: skip
    assert changed <= stored
    assert (after.header["sform_code"], after.header["qform_code"]) == (2, 1)
    again = write_segmentation(tmp_path / f"again{suffix}", labels, read_volume(scan), [])
    assert again.read_bytes() == path.read_bytes()


def test_extensions_and_large_numbers_are_kept(tmp_path):
    image = nibabel.Nifti1Image(STORED, AFFINE)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept"))
    nibabel.save(image, tmp_path / "a.nii")
    labels = np.full(SHAPE, 300, np.int32)
    path = write_segmentation(tmp_path / "s.nii", labels, read_volume(tmp_path / "a.nii"), [])
    found = nibabel.load(path)
    assert found.header.extensions[0].get_content().startswith(b"kept")
    assert (np.asanyarray(found.dataobj) == 300).all()
    assert found.get_data_dtype() == np.uint16


def test_nifti_2_and_big_endian(tmp_path):
    nibabel.save(nibabel.Nifti2Image(STORED, AFFINE), tmp_path / "a.nii")
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nibabel.save(nibabel.Nifti1Image(STORED, AFFINE, header), tmp_path / "b.nii")
    for name in ("a.nii", "b.nii"):
        volume = read_volume(tmp_path / name)
        assert (volume.stored == STORED).all()
        path = write_segmentation(tmp_path / f"s{name}", STORED > 40, volume, [])
        assert (np.asanyarray(nibabel.load(path).dataobj) == (STORED > 40)).all()
        assert type(nibabel.load(path)) is type(nibabel.load(tmp_path / name))


def test_one_of_several_volumes_is_asked_for(tmp_path):
    four = np.stack([STORED, STORED + 1, STORED + 2], 3)
    path = write_scan(tmp_path / "four.nii.gz", four)
    with pytest.raises(ImageError, match=r"3 volumes.*frame=0"):
        read_volume(path)
    with pytest.raises(ImageError, match="no volume 3"):
        read_volume(path, ReadingOptions(frame=3))
    volume = read_volume(path, ReadingOptions(frame=2))
    assert (volume.stored == STORED + 2).all()
    assert "volume 2 of 3" in volume.notes
    seg = write_segmentation(tmp_path / "seg.nii", STORED > 40, volume, [])
    assert nibabel.load(seg).shape == SHAPE


def test_a_slope_that_is_no_number_is_said(scan):
    (note,) = read_volume(header_at(scan, scl_slope=np.nan)).notes
    assert "slope is nan" in note
    with pytest.raises(FormatError, match="intercept"):
        read_volume(header_at(scan, scl_slope=2, scl_inter=np.nan))


def test_two_places_and_none_are_said(scan):
    assert "differ by 7 mm" in read_volume(header_at(scan, qoffset_x=37)).notes[0]
    assert "does not say where" in read_volume(header_at(scan, qform_code=0, sform_code=0)).notes[0]


def test_no_numbers_are_said(tmp_path):
    values = STORED.astype(np.float32)
    values[0, 0, 0] = np.nan
    (note,) = read_volume(write_scan(tmp_path / "a.nii", values)).notes
    assert "no numbers" in note


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "limit is 134 M", id="huge"),
        pytest.param({"dim": [3, 0, 7, 5, 1, 1, 1, 1]}, "at least one", id="no side"),
        pytest.param({"dim": [3, -6, 7, 5, 1, 1, 1, 1]}, "at least one", id="negative"),
        pytest.param({"dim": [9, 6, 7, 5, 1, 1, 1, 1]}, "dimensions", id="nine dimensions"),
        pytest.param({"dim": [3, 500, 500, 500, 1, 1, 1, 1]}, "times as much", id="a bomb"),
        pytest.param({"dim": [3, 7, 7, 5, 1, 1, 1, 1]}, "is cut", id="cut"),
        pytest.param({"datatype": 12345}, "12345", id="unknown kind"),
        pytest.param({"datatype": 32, "bitpix": 64}, "complex", id="complex"),
        pytest.param({"vox_offset": 4}, "in the header", id="offset in the header"),
        pytest.param({"vox_offset": np.nan}, "in the header", id="no offset"),
        pytest.param({"srow_x": np.nan}, "lies nowhere", id="place that is no number"),
        pytest.param({"srow_x": 0}, "lies nowhere", id="flat place"),
        pytest.param({"magic": b"ni1"}, "without its voxels", id="half of a pair"),
    ],
)
def test_headers_that_lie_are_refused(scan, fields, message):
    with pytest.raises((FormatError, ImageError), match=message):
        read_volume(header_at(scan, **fields))


@pytest.mark.parametrize("esize", [0, 7, -16, 2**31 - 1, 24])
def test_extensions_of_a_strange_size_are_refused(scan, esize):
    data = bytearray(gzip.decompress(scan.read_bytes()))
    start = (bytes([1, 0, 0, 0]) + int(esize).to_bytes(4, "little", signed=True) + bytes(60))[:64]
    data[348:352] = start
    scan.write_bytes(gzip.compress(bytes(data)))
    header_at(scan, vox_offset=352 + 60)
    with pytest.raises(FormatError, match="esize"):
        read_volume(scan)


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 351), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_header_gives_a_volume_or_an_error_of_ours(plain_file, changes):
    path = plain_file.with_name("changed.nii")
    data = bytearray(plain_file.read_bytes())
    for place, value in changes:
        data[place] = value
    path.write_bytes(data)
    try:
        volume = read_volume(path, ReadingOptions(max_voxels="100000"))
    except WordmaskError:
        return
    assert volume.stored.size <= 100_000


def test_a_bomb_costs_no_memory(tmp_path):
    """40 kB of gzip that promise 210 MB: refused by what the header says, before inflating it."""
    header = nibabel.Nifti1Header()
    header.set_data_shape((474, 474, 474))
    header.set_data_dtype(np.int16)
    header["magic"], header["vox_offset"] = b"n+1", 352
    bomb = tmp_path / "bomb.nii.gz"
    with gzip.open(bomb, "wb", 9) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(4):
            file.write(bytes(10_500_000))
    tracemalloc.start()
    with pytest.raises(ImageError, match="max_ratio"):
        read_volume(bomb)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    with pytest.raises(ImageError, match="max_inflated"):
        read_volume(bomb, ReadingOptions(max_inflated="100MB"))


def test_cut_and_strange_files_are_refused(tmp_path, scan):
    data = scan.read_bytes()
    scan.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="cut"):
        read_volume(scan)
    for content in (b"", b"\x1f\x8b", b"\x1f\x8bxxxxx", b"hello" * 100, data[:200]):
        scan.write_bytes(content)
        with pytest.raises(FormatError):
            read_volume(scan)
    with pytest.raises(ImageError, match="there is no volume"):
        read_volume(tmp_path / "nowhere.nii")


def test_labels_of_another_shape_and_unknown_suffixes_are_refused(tmp_path, scan):
    volume = read_volume(scan)
    with pytest.raises(MaskError, match="labels are"):
        write_segmentation(tmp_path / "a.nii", np.zeros((2, 2, 2), np.uint8), volume, [])
    with pytest.raises(FormatError, match="suffix"):
        write_segmentation(tmp_path / "a.png", np.zeros(SHAPE, np.uint8), volume, [])
    with pytest.raises(FormatError, match="refers to the DICOM"):
        write_segmentation(tmp_path / "a.dcm", np.ones(SHAPE, np.uint8), volume, [(1, "a")])
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_limits_are_amounts():
    assert ReadingOptions().limits.max_inflated == 512 << 20
    assert ReadingOptions(max_inflated="2GB", max_voxels="64^3").limits.max_voxels == 64**3
    with pytest.raises(OptionError):
        _ = ReadingOptions(max_voxels="many").limits


def test_a_volume_of_no_file_is_written_with_its_affine(tmp_path):
    volume = Volume(STORED, AFFINE)
    path = write_segmentation(tmp_path / "a.nii.gz", STORED > 40, volume, [])
    assert np.allclose(nibabel.load(path).affine, AFFINE)
