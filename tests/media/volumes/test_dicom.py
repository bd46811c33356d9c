"""DICOM series: put in order by where slices lie; what is no volume is refused by name."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from scans import paint, write_series
from wordmask.errors import FormatError, ImageError, MaskError
from wordmask.media.volumes.read import ReadingOptions, read_volume
from wordmask.media.volumes.write import SegmentName, write_segmentation

TRAPS = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests"
STORED = paint([], (6, 7, 5))


@pytest.fixture
def series(tmp_path):
    return write_series(tmp_path / "ct", STORED)


def files(folder):
    """The slices from the feet to the head."""
    return sorted(folder.iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2])


def change(path, **fields):
    one = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(one, name, value)
    if "PixelPaddingValue" in fields:
        one["PixelPaddingValue"].VR = "SS"
    one.save_as(path)


def test_order_and_spacing_come_from_positions(series):
    volume = read_volume(series)
    assert (volume.stored == STORED).all()
    assert volume.spacing.tolist() == [2, 2, 3]
    assert volume.affine.tolist() == [[-2, 0, 0, 30], [0, -2, 0, 40], [0, 0, 3, 5], [0, 0, 0, 1]]
    assert (volume.modality, volume.intercept) == ("CT", -1024)


def test_padding_inverted_and_other_files(series):
    for path in series.iterdir():
        change(path, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    (series / "readme.txt").write_text("hello")
    volume = read_volume(series)
    assert (volume.padding, volume.inverted) == (-2000, True)
    assert "1 files in ct are no slices" in volume.notes


def test_slices_of_different_slopes_are_scaled(series):
    change(files(series)[2], RescaleSlope=2)
    volume = read_volume(series)
    assert volume.slope == 1
    assert volume.stored[..., 2] == pytest.approx(STORED[..., 2] * 2.0 - 1024)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ImagePositionPatient": [-30, -40, 4]}, r"gap: two slices lie 4 mm.*000.dcm, 002.dcm"),
        ({"ImagePositionPatient": [-30, -40, 8]}, "at one place: .*dcm, .*dcm"),
        ({"ImagePositionPatient": [-25, -40, 5]}, "off one line"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}, "2 orientations"),
        ({"PixelSpacing": [1, 1]}, "2 pixel spacings"),
        ({"Columns": 7}, "2 sizes"),
        ({"SeriesInstanceUID": "1.2.3"}, "several series"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"NumberOfFrames": 4}, "many frames"),
        ({"PixelData": bytes(20)}, "is cut"),
        ({"PixelSpacing": None}, "does not say where it lies"),
    ],
)
def test_what_is_no_volume_is_refused(series, fields, message):
    change(files(series)[0], **fields)
    with pytest.raises((ImageError, FormatError), match=message):
        read_volume(series)


def test_a_missing_slice_is_a_gap(series):
    files(series)[2].unlink()
    with pytest.raises(ImageError, match="gap"):
        read_volume(series)


def test_a_cut_file_is_named(series):
    path = files(series)[3]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError, match=path.name):
        read_volume(series)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises((FormatError, ImageError), match=path.name):
        read_volume(series)


def test_one_series_of_several_is_chosen(series, tmp_path):
    write_series(tmp_path / "other", STORED + 1, SeriesNumber=9)
    for path in (tmp_path / "other").iterdir():
        path.rename(series / f"b{path.name}")
    with pytest.raises(ImageError, match=r"3: .*5 slices; 9: .*5 slices.*set series=UID"):
        read_volume(series)
    assert (read_volume(series, ReadingOptions(series="9")).stored == STORED + 1).all()
    with pytest.raises(ImageError, match="no series '4'"):
        read_volume(series, ReadingOptions(series="4"))


def test_limits_hold_before_pixels_are_read(series):
    with pytest.raises(ImageError, match="max_voxels"):
        read_volume(series, ReadingOptions(max_voxels="100"))


def test_a_file_or_a_folder_without_slices(series, tmp_path):
    with pytest.raises(ImageError, match="name the folder"):
        read_volume(files(series)[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no DICOM"):
        read_volume(tmp_path / "empty")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("77654033/CR1", "has no ImagePositionPatient"),
        ("77654033/CR2", "has no ImagePositionPatient"),
        ("77654033/CR3", "has no ImagePositionPatient"),
        ("77654033/CT2", "202.5 mm apart.*17106, 17136"),
        ("98892001/CT2N", "2 orientations"),
        ("98892003/MR1", "several series"),
        ("98892003/MR2", "several series"),
        ("98892003/MR700", "7 orientations"),
        ("TINY_ALPHA", "no DICOM slices"),
        ("TINY_ALPHA/PT000000/ST000000/SE000000", "has no ImagePositionPatient"),
        ("77654033", "no DICOM slices"),
        (".", "no DICOM slices"),
    ],
)
def test_the_traps_of_pydicom(folder, message):
    with pytest.raises(ImageError, match=message):
        read_volume(TRAPS / folder)


def test_planes_of_one_series_are_refused_after_it_was_chosen():
    uid = "1.3.6.1.4.1.5962.1.1.0.0.0.1196533885.18148.0.136"
    with pytest.raises(ImageError, match="3 orientations"):
        read_volume(TRAPS / "98892003/MR2", ReadingOptions(series=uid))


def test_a_series_whose_numbers_run_the_other_way():
    """CT5N: z falls as the instance number rises."""
    volume = read_volume(TRAPS / "98892001/CT5N")
    assert volume.shape == (16, 16, 5)
    assert volume.affine[2].tolist() == pytest.approx([0, 0, 2.5, -1.2375])
    assert (volume.intercept, volume.padding) == (-1024, -2000)
    names = [path.name for path in volume.geometry.paths]
    numbers = [int(one.InstanceNumber) for one in volume.geometry.slices]
    assert numbers == [10, 9, 8, 7, 6], names


# ---- DICOM-SEG


def test_a_segmentation_refers_to_its_slices_and_keeps_empty_ones(series, tmp_path):
    labels = np.zeros(STORED.shape, np.uint8)
    labels[1:3, 2:5, 1] = 1
    labels[4, 1, 2:4] = 2
    segments = [SegmentName(1, "liver"), SegmentName(2, "spleen")]
    path = write_segmentation(tmp_path / "seg.dcm", labels, read_volume(series), segments)
    seg = pydicom.dcmread(path)
    assert [one.SegmentLabel for one in seg.SegmentSequence] == ["liver", "spleen"]
    assert seg.NumberOfFrames == 10
    assert "not for diagnosis" in seg.SeriesDescription
    frames = seg.pixel_array.reshape(2, 5, 7, 6)
    places = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in seg.PerFrameFunctionalGroupsSequence[:5]
    ]
    order = np.argsort(places)
    for number in (1, 2):
        found = frames[number - 1][order].transpose(2, 1, 0)
        assert (found == (labels == number)).all()


def test_a_segmentation_of_nothing_is_refused(series, tmp_path):
    with pytest.raises(MaskError, match="at least one object"):
        write_segmentation(
            tmp_path / "seg.dcm", np.zeros(STORED.shape, np.uint8), read_volume(series), []
        )
    assert not (tmp_path / "seg.dcm").exists()
