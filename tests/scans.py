"""Drawn scans: bright balls in noise, as NIfTI files and as folders of DICOM slices."""

from pathlib import Path

import nibabel
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 2, 0, -40], [0, 0, 3, 5], [0, 0, 0, 1]])


def ball(shape, centre, radius):
    grid = np.indices(shape).transpose(1, 2, 3, 0)
    return np.linalg.norm(grid - np.array(centre), axis=-1) <= radius


def paint(solids, shape=(32, 36, 24), noise=4, seed=0):
    """int16 values: air at 40, each solid at its value, a little noise."""
    values = np.full(shape, 40.0)
    for solid, value in solids:
        values[solid] = value
    return (values + np.random.default_rng(seed).normal(0, noise, shape)).round().astype(np.int16)


def write_scan(path: Path, stored, affine=AFFINE, slope=None, intercept=None) -> Path:
    """A NIfTI file with both of its places."""
    image = nibabel.Nifti1Image(stored, affine)
    image.set_sform(affine, 2)
    image.set_qform(affine, 1)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"drawn for a test"
    if slope is not None:
        image.header.set_slope_inter(slope, intercept or 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_series(folder: Path, stored, step=3.0, shuffle=True, **changes) -> Path:
    """A folder of CT slices, whose numbers say nothing of their order.

    `changes` are of all slices: name -> value.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, study, frame = (generate_uid(entropy_srcs=[str(folder), part]) for part in "abc")
    count = stored.shape[2]
    for k in range(count):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(folder), str(k)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        name = folder / f"{(k * 7) % count if shuffle else k:03d}.dcm"
        one = FileDataset(str(name), {}, file_meta=meta, preamble=bytes(128))
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        one.SeriesInstanceUID, one.StudyInstanceUID = series, study
        one.FrameOfReferenceUID = frame
        one.PatientID, one.PatientName, one.PatientBirthDate, one.PatientSex = "1", "Drawn", "", ""
        one.StudyID, one.StudyDate, one.StudyTime, one.AccessionNumber = "1", "", "", ""
        one.ReferringPhysicianName, one.PositionReferenceIndicator = "", ""
        one.Modality, one.SeriesNumber, one.InstanceNumber = "CT", 3, count - k
        one.Manufacturer = "drawn"
        one.ImagePositionPatient = [-30.0, -40.0, 5 + step * k]
        one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.SliceThickness = [2.0, 2.0], 99
        one.Columns, one.Rows = stored.shape[:2]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation = 15, 1
        one.RescaleSlope, one.RescaleIntercept = 1, -1024
        one.PixelData = np.ascontiguousarray(stored[:, :, k].T, "<i2").tobytes()
        for field, value in changes.items():
            setattr(one, field, value)
        one.save_as(name, enforce_file_format=True)
    return folder
