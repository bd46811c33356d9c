"""A volume from a file or a folder: its content decides how it is read, not its name."""

import gzip
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from wordmask.core.options import check
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError
from wordmask.media.reading.limits import amount
from wordmask.media.volumes.dicom import is_dicom, read_dicom
from wordmask.media.volumes.limits import VolumeLimits, open_file
from wordmask.media.volumes.nifti import is_nifti, read_nifti
from wordmask.media.volumes.nrrd import MAGIC, read_nrrd


@dataclass(frozen=True)
class ReadingOptions:
    """Which volume is read, and the largest that is."""

    frame: Annotated[int, Ge(0)] | None = None
    """Of a file with several volumes (4-D) the one that is meant, counted from 0."""
    series: str = ""
    """Of a folder with several DICOM series the number or UID of one."""
    max_inflated: str = "512MiB"
    """Volumes whose voxels need more memory are refused (512MiB, 2GB)."""
    max_ratio: Annotated[int, Ge(1)] = VolumeLimits.max_ratio
    """Packed files that would become so many times larger are refused."""
    max_voxels: str = "512^3"
    """Volumes of more voxels are refused (512^3, 200M)."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def limits(self) -> VolumeLimits:
        inflated = self.max_inflated.strip()
        binary = inflated.upper().endswith("MIB")
        side, power, _ = self.max_voxels.partition("^3")
        return VolumeLimits(
            max_inflated=amount(inflated[:-3]) << 20 if binary else amount(inflated),
            max_ratio=self.max_ratio,
            max_voxels=amount(side) ** 3 if power else amount(side),
        )


def read_volume(source: str | PathLike[str], options: ReadingOptions | None = None) -> Volume:
    """NIfTI and NRRD files, folders with one series of DICOM slices."""
    options = options or ReadingOptions()
    path, limits = Path(source), options.limits
    if not path.exists():
        raise ImageError(f"there is no volume {path}; is the path right, seen from {Path.cwd()}?")
    if path.is_dir():
        return read_dicom(path, limits, options.series)
    start = _start(path)
    if start.startswith(MAGIC):
        return read_nrrd(path, limits)
    if is_nifti(start):
        return read_nifti(path, limits, options.frame)
    if is_dicom(start):
        raise ImageError(f"{path} is one DICOM file; name the folder with all slices of its series")
    raise FormatError(
        f"{path} is no volume that is read: NIfTI (.nii, .nii.gz), NRRD (.nrrd), or a folder of "
        "DICOM slices"
    )


def _start(path: Path) -> bytes:
    try:
        with open_file(path) as file:
            return bytes(file.read(132))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is cut or damaged: {error}") from error
