"""DICOM-SEG: a segmentation that refers to the slices it was made of, by highdicom.

Slices without any object are kept, so that every reader finds as many frames as there are slices.
"""

import warnings
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, MaskError, missing_extra
from wordmask.files import atomic
from wordmask.media.volumes.dicom import DicomGeometry
from wordmask.version import __version__

# Codes of SNOMED CT for what no one has told: tissue, of the anatomical kind.
CATEGORY = ("85756007", "SCT", "Tissue")


def write_dicom_seg(
    path: Path, labels: Array, volume: Volume, segments: Sequence[tuple[int, str]]
) -> None:
    """Numbers (I, J, K) as one file; `segments` are (number, name), numbered 1, 2, ..."""
    geometry = volume.geometry
    if not isinstance(geometry, DicomGeometry):
        raise FormatError(
            f"{path.name}: DICOM-SEG refers to the DICOM slices it was made of, and {volume.name} "
            "is none; write .nii.gz instead"
        )
    if not segments:
        raise MaskError(f"{path.name}: DICOM-SEG needs at least one object, and nothing was found")
    if [number for number, _ in segments] != list(range(1, len(segments) + 1)):
        raise MaskError("objects of DICOM-SEG are numbered 1, 2, ... without gaps")
    frames = np.ascontiguousarray(labels.transpose(2, 1, 0))
    with warnings.catch_warnings():
        # highdicom complains of names and dates in slices that are as the scanner wrote them.
        warnings.simplefilter("ignore", UserWarning)
        made = _segmentation(frames, geometry.slices, [name for _, name in segments])
    with atomic(path) as part:
        made.save_as(part)


def _segmentation(frames: Array, slices: Sequence[Any], names: Sequence[str]) -> Any:
    highdicom = _highdicom()
    content = sha256(frames.tobytes() + repr(tuple(names)).encode()).hexdigest()
    return highdicom.seg.Segmentation(
        source_images=list(slices),
        pixel_array=frames,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, name) for number, name in enumerate(names, 1)],
        series_instance_uid=_uid(slices[0].SeriesInstanceUID, content, "series"),
        sop_instance_uid=_uid(slices[0].SeriesInstanceUID, content, "instance"),
        series_number=int(slices[0].get("SeriesNumber", 0) or 0) + 1000,
        instance_number=1,
        manufacturer="wordmask",
        manufacturer_model_name="wordmask",
        software_versions=__version__,
        device_serial_number="0",
        series_description="Segmentation, not for diagnosis",
        omit_empty_frames=False,
    )


def _description(number: int, name: str) -> Any:
    highdicom = _highdicom()
    from highdicom.sr import CodedConcept

    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64] or f"object {number}",
        segmented_property_category=CodedConcept(*CATEGORY),
        segmented_property_type=CodedConcept(*CATEGORY),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="wordmask",
            version=__version__,
            family=CodedConcept("123109", "DCM", "Manual Processing"),
        ),
    )


def _uid(*parts: str) -> str:
    """The same content of the same series has the same identity."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))


def _highdicom() -> Any:
    try:
        import highdicom
    except ImportError:
        raise missing_extra("highdicom (writes DICOM-SEG)", "medical") from None
    return highdicom
