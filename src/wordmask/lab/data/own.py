"""Anybody's own pictures with their annotations, as a data set, whatever the format.

A folder with `dataset.json` or a public set's name (`open_data`), a file or a folder of files in
any format that results are read from (COCO, YOLO, LabelMe, Label Studio, VOC, own JSON), or a
folder whose folders of pictures are named by what the pictures show.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, InputError, Mend
from wordmask.lab.data import names, open_data
from wordmask.lab.data.files import MAX_JSON
from wordmask.lab.data.folder import CARD
from wordmask.lab.data.readers import PICTURES
from wordmask.lab.data.sample import VOID, Dataset, Sample, Truth, check_names
from wordmask.lab.data.storages import DataAddress, is_address
from wordmask.lab.data.stored import StoredData
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named
from wordmask.media.formats.pictures import picture_size

BESIDE = ("", "images", "../images")  # where pictures lie, seen from their annotations


def open_own(place: DataAddress, images: DataAddress | None = None) -> Dataset:
    """The data set at `place`; `images` is the folder of the pictures where it lies elsewhere.

    Either may be on a storage (`storages.py`); what is needed of it is copied into the cache.
    """
    stored = StoredData.at(str(place)) if is_address(place) else None
    path = Path(place) if stored is None else stored.copy()
    if str(place) in names() or (path / CARD).is_file():
        return open_data(path)
    if not path.exists():
        raise InputError(f"there is nothing at {place}", mend=Mend("data", "FILE"))
    if path.is_dir() and _is_album(path):
        return _open_album(path)
    options = FormatOptions(max_bytes=MAX_JSON, max_mask_bytes=2 * MAX_JSON)
    named = formats.load_named(path, None, options)
    pictures = [one.name for one in named]
    if images is not None:
        folders = [_folder_of(images, pictures)]
    else:
        root = path if path.is_dir() else path.parent
        folders = [root / part for part in BESIDE]
        if stored is not None:
            stored.copy_pictures(pictures, BESIDE)
    return results_as_data(named, path.stem, folders)


def _folder_of(images: DataAddress, pictures: Sequence[str]) -> Path:
    """A folder of pictures; of one on a storage those that are named are copied."""
    if not is_address(images):
        return Path(images)
    stored = StoredData.at(str(images), is_folder=True)
    stored.copy_pictures(pictures, (".",))
    return stored.local


def results_as_data(named: Sequence[Named], name: str, folders: Sequence[Path]) -> Dataset:
    """Results of pictures as a data set; each picture is looked for in the folders."""
    words = tuple(dict.fromkeys(word for one in named for word in one.result.vocabulary))
    by_name = {one.name: one for one in named}
    if len(by_name) < len(named):
        raise FormatError(f"{name}: {len(named) - len(by_name)} pictures are annotated twice")
    samples = [Sample(one.name, _find_picture(one.name, folders)) for one in named]
    numbers = np.array([*range(len(words)), UNNAMED], np.int32)

    def read(data: Dataset, sample: Sample) -> Truth:
        return _read_truth(by_name[sample.name], words, numbers)

    return Dataset(name, words, check_names(samples, name), read)


def _read_truth(named: Named, words: tuple[str, ...], numbers: np.ndarray) -> Truth:
    """In the words of the whole set; groups are not scored, nor what no region covers."""
    result = named.result
    own = [words.index(word) for word in result.vocabulary]
    label_ids = numbers[np.array([*own, UNNAMED])[result.label_ids]]
    crowd = np.array(named.crowd, bool) if named.crowd else np.zeros(len(result), bool)
    same = Result.of(result.masks, words, scores=result.scores, label_ids=label_ids)
    labels = same[~crowd].label_map()
    groups = result.masks[crowd].union()
    return Truth(same[~crowd], np.where(groups, VOID, labels), same[crowd], exhaustive=True)


def _find_picture(name: str, folders: Sequence[Path]) -> Path:
    """Where the picture lies; where nothing lies, the likeliest place, which a check will name."""
    # A bare name may be another picture's, so it counts where no folder has the whole one.
    places = [folder / part for part in (name, Path(name).name) for folder in folders]
    return next((place for place in places if place.is_file()), places[0])


def _is_album(folder: Path) -> bool:
    """Whether a folder holds nothing but folders, and those hold pictures."""
    inside = [one for one in folder.iterdir() if not one.name.startswith(".")]
    return bool(inside) and all(
        one.is_dir() and any(file.suffix.lower() in PICTURES for file in one.iterdir())
        for one in inside
    )


def _open_album(folder: Path) -> Dataset:
    """Pictures that are named as a whole: by the folder in which each lies."""
    albums = sorted(one for one in folder.iterdir() if one.is_dir())
    words = tuple(one.name.replace("_", " ") for one in albums)
    if set(words) == {"images", "labels"}:
        raise FormatError(f"{folder} has label maps but no {CARD} that names their values")
    word_of: Mapping[str, int] = {one.name: number for number, one in enumerate(albums)}
    samples = [
        Sample(f"{album.name}/{file.name}", file)
        for album in albums
        for file in sorted(album.iterdir())
        if file.suffix.lower() in PICTURES
    ]

    def read(data: Dataset, sample: Sample) -> Truth:
        height, width = picture_size(sample.picture)
        whole = Masks.from_dense(np.ones((1, height, width), bool))
        label_ids = [word_of[sample.name.split("/")[0]]]
        return Truth(Result.of(whole, words, label_ids=label_ids))

    return Dataset(folder.name, words, check_names(samples, folder), read, notes=(WHOLE,))


WHOLE = "pictures are named as a whole"
