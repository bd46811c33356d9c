"""Data sets of scans: a folder of them, or the MNI152 template that comes with nilearn.

    {"name": "livers", "classes": ["liver", "spleen"],
     "volumes": "scans/*.nii.gz", "labels": "labels/{stem}.nii.gz"}

Voxels of `labels` are 0 for none, 1 for the first class and so on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.errors import FormatError, InputError
from wordmask.lab.data.sample import Dataset, Sample, Truth, check_names
from wordmask.media.volumes.read import read_volume

MNI_FILES = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
SUFFIXES = (".nii.gz", ".nii", ".nrrd")


@dataclass(frozen=True, eq=False)
class VolumeSet(Dataset):
    """Scans and the numbers of their voxels' classes."""

    share: float | None = None  # labels are shares of a class: from which they count

    def volume(self, sample: Sample) -> Volume:
        """The sample's scan."""
        return read_volume(sample.picture)

    def labels(self, sample: Sample) -> Array:
        """(I, J, K) whole numbers: 0 none, 1 the first class and so on."""
        if sample.labels is None:
            raise FormatError(f"{sample.name} has no labels")
        found = read_volume(sample.labels)
        if self.share is None:
            return np.round(found.values(found.stored)).astype(np.int32)
        values = found.values(found.stored)
        return (values > self.share * float(values.max())).astype(np.int32)


def read_volume_folder(root: Path, card: Mapping[str, Any]) -> VolumeSet:
    """The scans that a folder's card names, each with its labels."""
    pattern, labels = str(card["volumes"]), str(card.get("labels", "labels/{stem}.nii.gz"))
    if ".." in pattern or ".." in labels or Path(pattern).is_absolute():
        raise FormatError(f"{root}: volumes and labels must lie inside the folder")
    samples = []
    for path in sorted(root.glob(pattern)):
        truth = root / labels.replace("{stem}", _stem(path))
        if truth.is_file():
            samples.append(Sample(_stem(path), path, truth))
    classes = tuple(str(name) for name in card.get("classes", ()))
    name = str(card.get("name") or root.name)
    return VolumeSet(name, classes, check_names(samples, root), _no_picture)


def read_mni(folder: Path) -> VolumeSet:
    """White and grey matter of the MNI152 template: where their share is above a half."""
    scan = folder / MNI_FILES.format("t1")
    sample = Sample("white matter", scan, folder / MNI_FILES.format("wm"))
    return VolumeSet(
        "MNI152 white matter",
        ("white matter",),
        (sample,),
        _no_picture,
        source="nilearn 0.14.1, MNI ICBM152 2009a, 1 mm",
        notes=("the truth is where the share of white matter is above a half",),
        share=0.5,
    )


def open_mni(data_dir: Path) -> VolumeSet:
    """The template where nilearn is installed, or in the folder mni152 of the data sets."""
    folders = [folder for folder in (nilearn_folder(), data_dir / "mni152") if folder is not None]
    for folder in folders:
        if (folder / MNI_FILES.format("wm")).is_file():
            return read_mni(folder)
    raise InputError(
        f"MNI152 is not here: neither nilearn 0.14.1 is installed nor does {data_dir / 'mni152'} "
        f"hold {MNI_FILES.format('t1')} and {MNI_FILES.format('wm')} of its data"
    )


def nilearn_folder() -> Path | None:
    """Where nilearn's data lie, if it is installed; it is not imported."""
    found = find_spec("nilearn")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "datasets/data"


def _stem(path: Path) -> str:
    return next((path.name[: -len(end)] for end in SUFFIXES if path.name.endswith(end)), path.stem)


def _no_picture(data: Dataset, sample: Sample) -> Truth:
    raise InputError(f"{data.name} holds scans, not pictures; use the bench volume")
