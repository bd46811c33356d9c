"""NIfTI-1 and NIfTI-2: read within limits, and label maps written with the same geometry.

nibabel explains the header; it never opens the file, which it would inflate whole. Where nothing
scales the voxels they are taken as they are stored.
"""

import gzip
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, ImageError, Mend, missing_extra
from wordmask.files import atomic
from wordmask.media.volumes.limits import VolumeLimits, open_file, read_exactly

SIZES = {348: "nifti1", 540: "nifti2"}
MAGICS = {b"n+1\0": 1, b"n+2\0": 2}
PAIRS = (b"ni1\0", b"ni2\0")
MOST_EXTENSIONS = 16 << 20  # bytes
KIND = "iuf"  # of voxels: whole numbers and floats


@dataclass(frozen=True, eq=False)
class NiftiGeometry:
    """The header's bytes and what stands between it and the voxels, for files of the same place."""

    header: Any  # of nibabel
    extensions: bytes


def is_nifti(start: bytes) -> bool:
    """Whether a file that starts so is NIfTI, or the older Analyze."""
    return any(_number(start[:4], order) in SIZES for order in "<>")


def read_nifti(path: Path, limits: VolumeLimits, frame: int | None = None) -> Volume:
    """The volume; `frame` chooses one of a file that holds several."""
    name = path.name
    with open_file(path) as file:
        header = _header(file, name)
        shape = tuple(int(side) for side in header.get_data_shape())
        dtype = header.get_data_dtype()
        _check_kind(dtype, name)
        index, count = _choose(shape, frame, name)
        wanted = limits.check_shape(name, _space(shape), dtype.itemsize)
        extensions = _extensions(file, header, name)
        offset = int(header["vox_offset"]) + index * wanted
        limits.check_ratio(name, offset + wanted, path.stat().st_size)
        _skip(file, index * wanted, name)
        data = read_exactly(file, wanted, name)
    stored = np.frombuffer(data, dtype).reshape(_space(shape), order="F")
    slope, intercept, notes = _scaling(header, name)
    affine = _affine(header, name)
    if count > 1:
        notes = (*notes, f"volume {index} of {count}")
    if dtype.kind == "f" and not np.isfinite(stored[:: max(1, stored.shape[0] // 8)]).all():
        notes = (*notes, "some voxels are no numbers; they are taken for 0")
    return Volume(
        stored,
        affine,
        slope,
        intercept,
        name=name,
        geometry=NiftiGeometry(header, extensions),
        notes=(*notes, *_disagreement(header)),
    )


def write_nifti(path: Path, labels: Array, volume: Volume) -> None:
    """Whole numbers (I, J, K) in the volume's place.

    After a NIfTI file its header is kept byte for byte, but for what says how voxels are stored.
    """
    nibabel = _nibabel()
    geometry = volume.geometry
    if isinstance(geometry, NiftiGeometry):
        header, extensions = geometry.header.copy(), geometry.extensions
        header["cal_min"] = header["cal_max"] = 0
        header["intent_code"] = 0
        if len(header.get_data_shape()) > 3:
            header["dim"] = [3, *labels.shape, 1, 1, 1, 1]
    else:
        header, extensions = nibabel.Nifti1Header(), bytes(4)
        header.set_data_shape(labels.shape)
        header.set_sform(volume.affine, 1)
        header.set_qform(volume.affine, 1)
        header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    header["scl_slope"], header["scl_inter"] = 1, 0
    size = header.sizeof_hdr
    header["magic"] = next(magic for magic, kind in MAGICS.items() if kind == 1 + (size == 540))
    header["vox_offset"] = size + len(extensions)
    head = header.binaryblock + extensions
    data = np.asfortranarray(labels, header.get_data_dtype())
    with atomic(path) as part, part.open("wb") as raw:
        if path.name.endswith(".gz"):
            # Without name and time in it the same labels give the same bytes.
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
                _write_all(file, head, data)
        else:
            _write_all(raw, head, data)


def _write_all(file: Any, head: bytes, data: Array) -> None:
    file.write(head)
    for index in range(data.shape[2]):
        file.write(data[:, :, index].tobytes("F"))


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError:
        raise missing_extra("nibabel (reads NIfTI)", "medical") from None
    return nibabel


def _header(file: Any, name: str) -> Any:
    nibabel = _nibabel()
    start = bytes(read_exactly(file, 4, name))
    order = next((order for order in "<>" if _number(start, order) in SIZES), None)
    if order is None:
        raise FormatError(f"{name} is no NIfTI file: it starts with {start!r}")
    size = _number(start, order)
    block = start + bytes(read_exactly(file, size - 4, name))
    magic = block[344:348] if size == 348 else block[4:8]
    if magic in PAIRS or magic not in MAGICS:
        raise FormatError(
            f"{name} is a header without its voxels, or Analyze, which does not say where it lies; "
            "convert it to NIfTI in one file (.nii)"
        )
    kind = nibabel.Nifti1Header if size == 348 else nibabel.Nifti2Header
    header = kind(block, endianness=order, check=False)
    try:
        header.get_data_dtype()
        header.get_data_shape()
    except KeyError as error:
        raise FormatError(f"{name} holds voxels of an unknown kind ({error})") from error
    except nibabel.spatialimages.HeaderDataError as error:
        raise FormatError(f"{name}: {error}") from error
    if not 1 <= int(header["dim"][0]) <= 7:
        raise FormatError(f"{name} is said to have {header['dim'][0]} dimensions, 1 to 7 can be")
    return header


def _number(start: bytes, order: str) -> int:
    return int.from_bytes(start, "little" if order == "<" else "big", signed=True)


def _check_kind(dtype: Any, name: str) -> None:
    if dtype.kind not in KIND or dtype.itemsize > 8:
        raise ImageError(
            f"{name} holds {dtype} voxels; a scan holds one number in each, "
            "so convert complex or colour ones first"
        )


def _space(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The three sides: a file may leave out the last ones."""
    return (*shape, 1, 1, 1)[:3]


def _choose(shape: tuple[int, ...], frame: int | None, name: str) -> tuple[int, int]:
    """Which volume of the file is meant, and how many there are."""
    count = int(np.prod([max(side, 0) for side in shape[3:]], dtype=object)) if shape[3:] else 1
    if frame is None and count > 1:
        raise ImageError(
            f"{name} holds {count:,} volumes; say which one is meant (0 to {count - 1:,})",
            mend=Mend("frame", "0"),
        )
    if frame is not None and not 0 <= frame < count:
        raise ImageError(
            f"{name} has no volume {frame}; it holds {count:,}, counted from 0",
            mend=Mend("frame", "0"),
        )
    return frame or 0, count


def _extensions(file: Any, header: Any, name: str) -> bytes:
    """The bytes between header and voxels, each extension checked for its length."""
    offset = header["vox_offset"]
    if not isfinite(float(offset)) or not header.sizeof_hdr <= offset:
        raise FormatError(f"{name}: its voxels are said to start at byte {offset}, in the header")
    room = int(offset) - header.sizeof_hdr
    if room > MOST_EXTENSIONS:
        raise FormatError(f"{name} has {room:,} bytes of extensions; at most {MOST_EXTENSIONS:,}")
    found = bytes(read_exactly(file, room, name))
    place, order = 4, ">" if header.endianness == ">" else "<"
    while found[:1] not in (b"", b"\0") and place + 8 <= room:
        size = _number(found[place : place + 4], order)
        if size < 8 or size % 16 or place + size > room:
            raise FormatError(
                f"{name}: an extension of the header says that it has {size} bytes (esize); it "
                "must be a multiple of 16 that fits before the voxels"
            )
        place += size
    return found


def _skip(file: Any, count: int, name: str) -> None:
    """Pass over earlier volumes, in pieces."""
    while count:
        piece = min(count, 1 << 24)
        read_exactly(file, piece, name)
        count -= piece


def _scaling(header: Any, name: str) -> tuple[float, float, tuple[str, ...]]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0:
        return 1.0, 0.0, ()
    if not isfinite(slope):
        return 1.0, 0.0, (f"its slope is {slope:g}: values are taken as they are stored",)
    if not isfinite(intercept):
        raise FormatError(f"{name}: its slope is {slope:g}, but its intercept is {intercept:g}")
    return slope, intercept, ()


def _affine(header: Any, name: str) -> Array:
    """By nibabel's rule: sform, else qform, else the spacing alone."""
    try:
        with np.errstate(all="ignore"):  # of a place that is none the volume is refused
            return np.asarray(header.get_best_affine(), np.float64)
    except Exception as error:  # nibabel raises several kinds for quaternions that are none
        raise FormatError(f"{name}: its place cannot be told: {error}") from error


def _disagreement(header: Any) -> tuple[str, ...]:
    """A note where the file says two things about its place, or nothing."""
    codes = int(header["sform_code"]), int(header["qform_code"])
    if codes == (0, 0):
        return ("it does not say where it lies: only the spacing of its voxels is known",)
    if 0 in codes:
        return ()
    try:
        other = header.get_qform()
    except Exception:  # a quaternion that is none: the sform counts
        return ("its qform cannot be read; the sform counts",)
    with np.errstate(all="ignore"):
        off = float(np.abs(header.get_sform() - other).max())
    return (f"its sform and qform differ by {off:.3g} mm; the sform counts",) if off > 0.01 else ()
