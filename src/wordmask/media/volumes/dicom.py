"""A series of DICOM slices: put in order by where they lie, checked, and read into one volume.

The order of files and their instance numbers say nothing: slices are sorted along the normal of
their plane, and what lies between two positions is their spacing. Voxel (i, j, k) is column i of
row j of slice k. A series with a gap, a repeat or more than one orientation is refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError, Mend, missing_extra
from wordmask.media.reading.limits import human
from wordmask.media.volumes.limits import VolumeLimits

ALIKE = 1e-3  # by which the cosines of one orientation may differ
UNEVEN = 0.05  # of the spacing by which distances may differ
REPEAT_MM = 1e-3
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NAMED = 3  # files that an error names


@dataclass(frozen=True, eq=False)
class DicomGeometry:
    """The headers of the slices in their order, to which a segmentation refers."""

    slices: tuple[Any, ...]  # pydicom datasets without pixels
    paths: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class _Slice:
    """The header of one file."""

    path: Path
    header: Any

    @property
    def series(self) -> str:
        return str(self.header.get("SeriesInstanceUID", ""))

    @property
    def is_picture(self) -> bool:
        return "Rows" in self.header and "Columns" in self.header

    @property
    def position(self) -> Array:
        return np.array(self.header.ImagePositionPatient, np.float64)

    @property
    def orientation(self) -> Array:
        return np.array(self.header.ImageOrientationPatient, np.float64)


def is_dicom(start: bytes) -> bool:
    """Whether a file that starts so is DICOM."""
    return start[128:132] == b"DICM"


def read_dicom(folder: Path, limits: VolumeLimits, series: str = "") -> Volume:
    """The series in a folder; where it holds several, `series` is the number or UID of one."""
    slices, strange = _headers(folder)
    chosen = _choose_series(slices, series, folder)
    _check_alike(chosen, folder)
    ordered, step = _in_order(chosen, folder)
    first = ordered[0].header
    shape = (int(first.Columns), int(first.Rows), len(ordered))
    itemsize = 1 if int(first.get("BitsAllocated", 16)) <= 8 else 2
    limits.check_shape(folder.name, shape, itemsize)
    stored, slope, intercept = _read_pixels(ordered, shape)
    notes = [] if not strange else [f"{strange} files in {folder.name} are no slices"]
    names = {str(one.header.get("PhotometricInterpretation", "")) for one in ordered}
    padding = first.get("PixelPaddingValue")
    return Volume(
        stored,
        _affine(ordered, step),
        slope,
        intercept,
        padding=None if padding is None else float(padding),
        inverted="MONOCHROME1" in names,
        modality=str(first.get("Modality", "")),
        name=folder.name,
        geometry=DicomGeometry(
            tuple(one.header for one in ordered), tuple(one.path for one in ordered)
        ),
        notes=tuple(notes),
    )


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise missing_extra("pydicom (reads DICOM)", "medical") from None
    return pydicom


def _headers(folder: Path) -> tuple[list[_Slice], int]:
    """The slices right in the folder, and how many files are something else."""
    pydicom = _pydicom()
    found, strange = [], 0
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            if not is_dicom(file.read(132)):
                strange += 1
                continue
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            one = _Slice(path, header)
            is_picture = one.is_picture or "ImagePositionPatient" in header or one.series != ""
        except Exception as error:  # pydicom raises many kinds for what is damaged
            raise FormatError(f"{path} is cut or damaged: {error}") from error
        if not is_picture and not {"SOPClassUID", "DirectoryRecordSequence"} & set(header.dir()):
            raise FormatError(f"{path} is cut or damaged: it does not say what it is")
        found += [one] if is_picture else []
        strange += not is_picture
    if not found:
        raise ImageError(
            f"{folder} holds no DICOM slices; name the folder in which the files of one series lie"
        )
    return found, strange


def _choose_series(slices: Sequence[_Slice], series: str, folder: Path) -> list[_Slice]:
    groups: dict[str, list[_Slice]] = {}
    for one in slices:
        groups.setdefault(one.series, []).append(one)
    if len(groups) == 1 and not series:
        return list(slices)
    chosen = [
        members
        for uid, members in groups.items()
        if series in (uid, str(members[0].header.get("SeriesNumber", "")))
    ]
    if len(chosen) == 1 and series:
        return chosen[0]
    listed = "; ".join(
        f"{members[0].header.get('SeriesNumber', '?')}: {uid}, {len(members)} slices"
        for uid, members in groups.items()
    )
    problem = f"{folder} has no series {series!r}" if series else f"{folder} holds several series"
    if len(chosen) > 1:
        problem = f"{folder} has several series of the number {series}; give the UID of one"
    raise ImageError(f"{problem} ({listed})", mend=Mend("series", "UID"))


def _check_alike(slices: Sequence[_Slice], folder: Path) -> None:
    """Raise where slices have no place, several frames, other sizes or other orientations."""
    for one in slices:
        if int(one.header.get("NumberOfFrames", 1) or 1) > 1:
            raise ImageError(
                f"{one.path} holds many frames in one file, which is not read; "
                "convert it to NIfTI or to one file a slice"
            )
        missing = [
            name
            for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows")
            if not one.header.get(name)
        ]
        if missing:
            raise ImageError(f"{one.path} does not say where it lies: it has no {missing[0]}")
        if int(one.header.get("SamplesPerPixel", 1)) != 1:
            raise ImageError(f"{one.path} is a colour picture; a scan holds one number in a voxel")
    turned = _groups(slices, lambda one: one.orientation)
    if len(turned) > 1:
        _refuse(f"{folder} holds slices of {len(turned)} orientations, so they are no volume", [
            members[0] for members in turned
        ])  # fmt: skip
    sizes = _groups(slices, lambda one: np.array([one.header.Rows, one.header.Columns], float))
    spaced = _groups(slices, lambda one: np.array(one.header.PixelSpacing, float))
    for kind, groups in (("sizes", sizes), ("pixel spacings", spaced)):
        if len(groups) > 1:
            _refuse(f"{folder} holds slices of {len(groups)} {kind}", [one[0] for one in groups])


def _groups(slices: Sequence[_Slice], key: Any) -> list[list[_Slice]]:
    """Slices whose vectors are alike, together."""
    groups: list[tuple[Array, list[_Slice]]] = []
    for one in slices:
        vector = key(one)
        group = next((g for v, g in groups if np.abs(v - vector).max() <= ALIKE), None)
        if group is None:
            groups.append((vector, [one]))
        else:
            group.append(one)
    return [members for _, members in groups]


def _refuse(problem: str, slices: Sequence[_Slice]) -> None:
    names = ", ".join(one.path.name for one in slices[:NAMED])
    more = ", ..." if len(slices) > NAMED else ""
    raise ImageError(f"{problem}: {names}{more}")


def _in_order(slices: Sequence[_Slice], folder: Path) -> tuple[list[_Slice], Array]:
    """Sorted along the normal, and the step (3,) from one to the next in mm (LPS)."""
    rows, columns = np.split(slices[0].orientation, 2)
    normal = np.cross(rows, columns)
    if abs(np.linalg.norm(normal) - 1) > 0.01:
        raise FormatError(f"{slices[0].path}: its orientation is no pair of unit vectors")
    ordered = sorted(slices, key=lambda one: float(one.position @ normal))
    if len(ordered) < 2:
        raise ImageError(f"{folder} holds one slice of a series; a volume needs at least two")
    places = np.array([one.position for one in ordered])
    steps = np.diff(places @ normal)
    usual = float(np.median(steps))
    for k, step in enumerate(steps.tolist()):
        pair = ordered[k : k + 2]
        if step < REPEAT_MM:
            _refuse(f"{folder} holds two slices at one place", pair)
        if abs(step - usual) > max(UNEVEN * usual, 0.01):
            _refuse(
                f"{folder} has a gap: two slices lie {step:.4g} mm apart, the others {usual:.4g} "
                "mm; a slice is missing or strange",
                pair,
            )
    step_mm = (places[-1] - places[0]) / (len(ordered) - 1)
    straight = places[0] + np.arange(len(ordered))[:, None] * step_mm
    off = np.abs(places - straight).max(1)
    if off.max() > max(UNEVEN * usual, 0.1):
        _refuse(f"{folder}: slices lie up to {off.max():.3g} mm off one line",
                [ordered[int(off.argmax())]])  # fmt: skip
    return ordered, step_mm


def _affine(ordered: Sequence[_Slice], step: Array) -> Array:
    first = ordered[0]
    rows, columns = np.split(first.orientation, 2)
    down, across = (float(side) for side in first.header.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = rows * across, columns * down, step
    affine[:3, 3] = first.position
    return np.asarray(LPS_TO_RAS @ affine)


def _read_pixels(ordered: Sequence[_Slice], shape: tuple[int, ...]) -> tuple[Array, float, float]:
    """(I, J, K) stored values, slope and intercept; values are scaled where these differ."""
    scales = {_scale(one) for one in ordered}
    same = len(scales) == 1
    stored: Array | None = None
    for k, one in enumerate(ordered):
        pixels = _pixels(one)
        if pixels.shape != (shape[1], shape[0]):
            raise FormatError(f"{one.path} has {pixels.shape} pixels, not ({shape[1]}, {shape[0]})")
        if not same:
            slope, intercept = _scale(one)
            pixels = pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
        if stored is None:
            stored = np.zeros(shape, pixels.dtype, order="F")
        stored[:, :, k] = pixels.T
    slope, intercept = next(iter(scales)) if same else (1.0, 0.0)
    return np.zeros(shape) if stored is None else stored, slope, intercept


def _scale(one: _Slice) -> tuple[float, float]:
    slope = float(one.header.get("RescaleSlope", 1) or 1)
    return slope, float(one.header.get("RescaleIntercept", 0) or 0)


def _pixels(one: _Slice) -> Array:
    """(rows, columns) of one file, which must be whole."""
    pydicom = _pydicom()
    try:
        full = pydicom.dcmread(one.path)
        syntax = full.file_meta.TransferSyntaxUID
        if not syntax.is_encapsulated:
            wanted = full.Rows * full.Columns * (-(-full.BitsAllocated // 8))
            got = len(full.get("PixelData", b"") or b"")
            if got < wanted:
                raise FormatError(
                    f"{one.path} is cut: {human(got, 'B')} of {human(wanted, 'B')} of its pixels "
                    "are there"
                )
        return np.asarray(full.pixel_array)
    except FormatError:
        raise
    except Exception as error:  # pydicom raises many kinds; a missing decoder is one of them
        if "plugins are missing" in str(error) or "Unable to decompress" in str(error):
            raise missing_extra(
                f"a decoder for {one.path.name} ({syntax.name}; python-gdcm has it)", "medical"
            ) from error
        raise FormatError(f"{one.path} is cut or damaged: {error}") from error
