"""Public data sets with label maps for every pixel, read from the folders of their makers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError, InputError
from wordmask.lab.data import class_names as names
from wordmask.lab.data.readers import from_labels, pictures
from wordmask.lab.data.sample import VOID, Dataset, Sample, check_names, label_values


def read_list(path: Path) -> list[str]:
    """The first word of every line of an official list of pictures."""
    if not path.is_file():
        raise InputError(f"{path} is not there; it lists the pictures of the split")
    return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]


def label_set(
    name: str, classes: tuple[str, ...], files: Iterable[tuple[str, Path, Path]], **columns: Any
) -> Dataset:
    """A set with a label map for each picture, given as (name, picture, label map)."""
    samples = [Sample(stem, picture, labels) for stem, picture, labels in files]
    needed = [path for sample in samples for path in (sample.picture, sample.labels) if path]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        raise FormatError(f"{name}: {len(missing)} files are missing, the first is {missing[0]}")
    return Dataset(name, classes, check_names(samples, name), from_labels, **columns)


def voc(root: Path, *, background: bool) -> Dataset:
    """PASCAL VOC 2012 validation, 1,449 pictures. VOC20 does not score the background."""
    stems = read_list(root / "ImageSets/Segmentation/val.txt")
    pairs = [(s, root / f"JPEGImages/{s}.jpg", root / f"SegmentationClass/{s}.png") for s in stems]
    source = "PASCAL VOC 2012 validation (Everingham et al. 2010)"
    if background:
        return label_set(
            "voc21",
            ("background", *names.VOC),
            pairs,
            background=0,
            values=label_values(21),
            source=source,
        )
    return label_set(
        "voc20", names.VOC, pairs, values=label_values(20, first=1, void=(0, 255)), source=source
    )


def context(root: Path, *, background: bool) -> Dataset:
    """PASCAL Context validation, 59 classes, 60 with the background."""
    stems = read_list(root / "ImageSets/SegmentationContext/val.txt")
    pairs = [
        (s, root / f"JPEGImages/{s}.jpg", root / f"SegmentationClassContext/{s}.png") for s in stems
    ]
    source = "PASCAL Context validation (Mottaghi et al. 2014)"
    if background:
        classes = ("background", *names.CONTEXT)
        return label_set(
            "context60", classes, pairs, background=0, values=label_values(60), source=source
        )
    return label_set(
        "context59",
        names.CONTEXT,
        pairs,
        values=label_values(59, first=1, void=(0, 255)),
        source=source,
    )


def coco_stuff(root: Path) -> Dataset:
    """COCO-Stuff 164k validation: 80 things and 91 kinds of stuff.

    Reads the original maps and the converted ones, `_labelTrainIds`.
    """
    folder = root / "annotations/val2017"
    converted = sorted(folder.glob("*_labelTrainIds.png"))
    suffix = "_labelTrainIds.png" if converted else ".png"
    stems = [path.name.removesuffix(suffix) for path in converted or sorted(folder.glob("*.png"))]
    pairs = [(s, root / f"images/val2017/{s}.jpg", folder / f"{s}{suffix}") for s in stems]
    # The original maps hold COCO's ids less 1: things 0-89 with gaps, stuff 91-181.
    things = [number - 1 for number in range(1, 91) if number not in names.COCO_GAPS]
    original = {value: index for index, value in enumerate([*things, *range(91, 182)])} | {
        255: VOID
    }
    return label_set(
        "coco-stuff",
        (*names.COCO, *names.COCO_STUFF),
        pairs,
        values=label_values(171) if converted else original,
        source="COCO-Stuff 164k validation (Caesar et al. 2018)",
    )


def ade20k(root: Path) -> Dataset:
    """ADE20K validation, 150 classes; 0 in the maps is "something else" and not scored."""
    stems = pictures(root / "images/validation")
    pairs = [(s, path, root / f"annotations/validation/{s}.png") for s, path in stems.items()]
    source = "ADE20K validation (Zhou et al. 2017)"
    return label_set(
        "ade20k", names.ADE20K, pairs, values=label_values(150, first=1, void=(0,)), source=source
    )


def cityscapes(root: Path) -> Dataset:
    """Cityscapes validation, the 19 classes that are scored."""
    suffix = "_leftImg8bit.png"
    found = sorted((root / "leftImg8bit/val").glob(f"*/*{suffix}"))
    stems = [
        path.relative_to(root / "leftImg8bit/val").as_posix().removesuffix(suffix) for path in found
    ]
    maps = [root / f"gtFine/val/{stem}_gtFine_labelIds.png" for stem in stems]
    values = dict.fromkeys(range(34), VOID) | {
        value: k for k, value in enumerate(names.CITYSCAPES.values())
    }
    source = "Cityscapes validation (Cordts et al. 2016)"
    return label_set(
        "cityscapes",
        tuple(names.CITYSCAPES),
        zip(stems, found, maps, strict=True),
        values=values,
        source=source,
    )


def camvid(root: Path) -> Dataset:
    """CamVid's test frames with 11 classes, in the layout of the SegNet tutorial."""
    pairs = [(s, path, root / f"testannot/{s}.png") for s, path in pictures(root / "test").items()]
    source = "CamVid test (Brostow et al. 2008), 11 classes as in SegNet"
    return label_set(
        "camvid", names.CAMVID, pairs, values=label_values(11, void=(11, 255)), source=source
    )


def nyu(root: Path) -> Dataset:
    """NYU Depth v2 with 40 classes, exported from the .mat; three catch-alls are not scored."""
    found = pictures(root / "rgb")
    stems = read_list(root / "test.txt") if (root / "test.txt").is_file() else list(found)
    missing = [stem for stem in stems if stem not in found]
    if missing:
        raise FormatError(f"nyu: {root / 'rgb'} has no picture {missing[0]}")
    pairs = [(s, found[s], root / f"label40/{s}.png") for s in stems]
    values: Mapping[int, int] = label_values(37, first=1, void=(0, 38, 39, 40, 255))
    source = "NYU Depth v2 (Silberman et al. 2012), 40 classes less three catch-alls"
    data = label_set("nyu", names.NYU40[:37], pairs, values=values, source=source, per_metre=1000.0)
    samples = []
    for sample in data.samples:
        depth = root / f"depth/{sample.name}.png"
        samples.append(replace(sample, depth=depth if depth.is_file() else None))
    return replace(data, samples=tuple(samples))
