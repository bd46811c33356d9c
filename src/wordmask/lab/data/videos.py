"""Videos as folders of frames, and the small sets on which clicks are measured."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError, missing_extra
from wordmask.lab.data.files import check_size, label_map
from wordmask.lab.data.official import read_list
from wordmask.lab.data.readers import from_objects, pictures
from wordmask.lab.data.sample import VOID, Dataset, Sample, Truth, check_names
from wordmask.media.formats.pictures import picture_size

OBJECT = ("background", "object")


def davis(root: Path, *, year: int) -> Dataset:
    """DAVIS validation at 480p: one object in 2016, several in 2017."""
    names = read_list(root / f"ImageSets/{year}/val.txt")
    # 2016 lists pairs of files, 2017 names of videos.
    videos = sorted({Path(name).parts[-2] if "/" in name else name for name in names})
    samples = _frames(root / "JPEGImages/480p", root / "Annotations/480p", videos)
    reader = _as_one_object if year == 2016 else from_objects
    source = f"DAVIS {year} validation (Perazzi et al. 2016; Pont-Tuset et al. 2017)"
    return Dataset(f"davis{year % 100}", OBJECT, check_names(samples, root), reader, 0, source)


def video_folders(root: Path) -> Dataset:
    """MOSE, MOSEv2, YouTube-VOS, LVOS, SA-V: JPEGImages/<video>/*.jpg, Annotations/<video>/*.png.

    Not every frame needs annotations. SA-V keeps a folder for each object, whose masks are joined:
    Annotations_6fps/<video>/<object>/*.png.
    """
    frames = _first(root, ("JPEGImages", "JPEGImages_24fps"))
    masks = _first(root, ("Annotations", "Annotations_6fps"))
    videos = sorted(path.name for path in masks.iterdir() if path.is_dir())
    samples = _frames(frames, masks, videos)
    apart = any(path.is_dir() for video in videos[:1] for path in (masks / video).iterdir())
    return Dataset(
        root.name, OBJECT, check_names(samples, root), _apart if apart else from_objects, 0
    )


def click_set(root: Path, *, name: str) -> Dataset:
    """GrabCut, Berkeley and DAVIS pictures with one object each: pictures beside masks."""
    found = _first(root, ("data_GT", "images", "img"))
    masks = pictures(_first(root, ("boundary_GT", "masks", "gt")))
    samples = []
    for stem, path in pictures(found).items():
        if stem in masks:
            samples.append(Sample(stem, path, masks[stem]))
    return Dataset(name, OBJECT, check_names(samples, root), _grey, 0)


def sbd(root: Path) -> Dataset:
    """SBD validation: every object of a picture, from MATLAB files."""
    stems = read_list(root / "val.txt")
    samples = [Sample(stem, root / f"img/{stem}.jpg", root / f"inst/{stem}.mat") for stem in stems]
    return Dataset(
        "sbd",
        OBJECT,
        check_names(samples, root),
        _matlab,
        0,
        "SBD validation (Hariharan et al. 2011)",
    )


def _frames(frames: Path, masks: Path, videos: Iterable[str]) -> list[Sample]:
    samples = []
    for video in videos:
        for stem, path in pictures(frames / video).items():
            labels = masks / video / f"{stem}.png"
            found = labels if labels.is_file() or _parts(labels) else None
            samples.append(Sample(f"{video}/{stem}", path, found, sequence=video))
    return samples


def _parts(labels: Path) -> list[Path]:
    """SA-V's masks of one frame, one file for each object."""
    return sorted(labels.parent.glob(f"*/{labels.name}"))


def _as_one_object(data: Dataset, sample: Sample) -> Truth:
    """All that moves is one object."""
    truth = from_objects(data, sample)
    return _one(truth.result.masks.union(), data)


def _grey(data: Dataset, sample: Sample) -> Truth:
    """A mask in greys: 0 outside, 128 not scored, brighter inside."""
    if sample.labels is None:
        raise FormatError(f"{sample.name} has no mask")
    raw = label_map(sample.labels)
    check_size(sample.labels, raw.shape, picture_size(sample.picture))
    inside = raw == raw.max() if raw.max() in (1, 255) else raw > 128
    return _one(inside, data, void=raw == 128)


def _one(inside: Array, data: Dataset, void: Array | None = None) -> Truth:
    labels = inside.astype(np.int32)
    if void is not None:
        labels[void] = VOID
    masks = Masks.from_dense(inside)
    kept = masks.areas > 0
    ones = [1] * int(kept.sum())
    result = Result.of(masks[kept], data.classes, label_ids=ones, track_ids=ones)
    return Truth(result, labels)


def _apart(data: Dataset, sample: Sample) -> Truth:
    """SA-V: each object has a file of its own."""
    size = picture_size(sample.picture)
    parts = _parts(sample.labels) if sample.labels else []
    if not parts:
        return Truth(Result.nothing(size, data.classes))
    dense = [label_map(path) > 0 for path in parts]
    for path, mask in zip(parts, dense, strict=True):
        check_size(path, mask.shape, size)
    masks = Masks.from_dense(np.stack(dense))
    track_ids = [int(path.parent.name) for path in parts]
    result = Result.of(masks, data.classes, label_ids=[1] * len(parts), track_ids=track_ids)
    return Truth(result, masks.union().astype(np.int32))


def _matlab(data: Dataset, sample: Sample) -> Truth:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise missing_extra("scipy, which reads MATLAB files,", "matlab") from None
    path = sample.labels
    if path is None or not path.is_file():
        raise FormatError(f"{sample.name} has no {path}")
    ids = np.asarray(loadmat(str(path))["GTinst"]["Segmentation"][0, 0], np.int32)
    check_size(path, ids.shape, picture_size(sample.picture))
    masks, values = Masks.from_label_map(np.where((ids == 0) | (ids == 255), VOID, ids))
    labels = np.where(ids == 255, VOID, (ids > 0).astype(np.int32))
    ones = [1] * len(values)
    return Truth(Result.of(masks, data.classes, label_ids=ones, track_ids=values), labels)


def _first(root: Path, choices: tuple[str, ...]) -> Path:
    for choice in choices:
        if (root / choice).is_dir():
            return root / choice
    raise FormatError(f"{root} has none of the folders {', '.join(choices)}")
