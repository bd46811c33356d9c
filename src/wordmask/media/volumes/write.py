"""A segmentation as a file in the place of its volume: the suffix says which format."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, MaskError
from wordmask.media.volumes.dicom_seg import write_dicom_seg
from wordmask.media.volumes.nifti import write_nifti
from wordmask.media.volumes.nrrd import write_nrrd

WRITERS: dict[str, Callable[[Path, Array, Volume], None]] = {
    ".nii.gz": write_nifti,
    ".nii": write_nifti,
    ".nrrd": write_nrrd,
}
DICOM = (".dcm",)
SUFFIXES = (*WRITERS, *DICOM)


class SegmentName(NamedTuple):
    """What one number of a segmentation stands for."""

    number: int
    name: str


def suffix_of(path: Path) -> str:
    """The suffix of a format that is written, or an error that names them."""
    found = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if found is None:
        raise FormatError(
            f"{path} has no suffix of a segmentation: {', '.join(WRITERS)}, "
            f"or {DICOM[0]} (DICOM-SEG)"
        )
    return found


def write_segmentation(
    path: Path, labels: Array, volume: Volume, segments: Sequence[SegmentName]
) -> Path:
    """Numbers (I, J, K), 0 for none, in the volume's place."""
    if labels.shape != volume.shape:
        raise MaskError(f"the labels are {labels.shape}, their volume is {volume.shape}")
    suffix = suffix_of(path)
    kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
    labels = labels.astype(kind, copy=False)
    if suffix in DICOM:
        write_dicom_seg(path, labels, volume, segments)
    else:
        WRITERS[suffix](path, labels, volume)
    return path
