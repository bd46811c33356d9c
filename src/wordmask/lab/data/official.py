"""Public data sets read from the folders that their makers give them, label maps for every pixel."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError, InputError
from wordmask.lab.data import class_names as names
from wordmask.lab.data.readers import from_labels, pictures
from wordmask.lab.data.sample import VOID, Dataset, Sample, check_names, label_values


def listed(path: Path) -> list[str]:
    """The first word of every line of an official list of pictures."""
    if not path.is_file():
        raise InputError(f"{path} is not there; it lists the pictures of the split")
    return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]


def labelled(name: str, classes: tuple[str, ...], pairs: Iterable[tuple[str, Path, Path]], **columns: Any) -> Dataset:
    """A set with a label map for each picture: (name, picture, label map). Maps that are not there are an error."""
    samples = [Sample(stem, picture, labels) for stem, picture, labels in pairs]
    gone = [path for sample in samples for path in (sample.picture, sample.labels) if path and not path.is_file()]
    if gone:
        raise FormatError(f"{name}: {len(gone)} files are missing, the first is {gone[0]}")
    return Dataset(name, classes, check_names(samples, name), from_labels, **columns)


def voc(root: Path, *, background: bool) -> Dataset:
    """PASCAL VOC 2012 validation, 1,449 pictures. VOC20 does not score the background, VOC21 does."""
    stems = listed(root / "ImageSets/Segmentation/val.txt")
    pairs = [(s, root / f"JPEGImages/{s}.jpg", root / f"SegmentationClass/{s}.png") for s in stems]
    source = "PASCAL VOC 2012 validation (Everingham et al. 2010)"
    if background:
        return labelled(
            "voc21", ("background", *names.VOC), pairs, background=0, values=label_values(21), source=source
        )
    return labelled("voc20", names.VOC, pairs, values=label_values(20, first=1, void=(0, 255)), source=source)


def context(root: Path, *, background: bool) -> Dataset:
    """PASCAL Context validation, 59 classes, 60 with the background."""
    stems = listed(root / "ImageSets/SegmentationContext/val.txt")
    pairs = [(s, root / f"JPEGImages/{s}.jpg", root / f"SegmentationClassContext/{s}.png") for s in stems]
    source = "PASCAL Context validation (Mottaghi et al. 2014)"
    if background:
        classes = ("background", *names.CONTEXT)
        return labelled("context60", classes, pairs, background=0, values=label_values(60), source=source)
    return labelled("context59", names.CONTEXT, pairs, values=label_values(59, first=1, void=(0, 255)), source=source)


def coco_stuff(root: Path) -> Dataset:
    """COCO-Stuff 164k validation: 80 things and 91 stuffs. Both the original maps and `_labelTrainIds` are read."""
    folder = root / "annotations/val2017"
    trained = sorted(folder.glob("*_labelTrainIds.png"))
    suffix = "_labelTrainIds.png" if trained else ".png"
    stems = [path.name.removesuffix(suffix) for path in trained or sorted(folder.glob("*.png"))]
    pairs = [(s, root / f"images/val2017/{s}.jpg", folder / f"{s}{suffix}") for s in stems]
    # The original maps hold COCO's numbers less one: things 0-89 with gaps, stuff 91-181.
    things = [number - 1 for number in range(1, 91) if number not in names.COCO_GAPS]
    original = {value: index for index, value in enumerate([*things, *range(91, 182)])} | {255: VOID}
    return labelled(
        "coco-stuff",
        (*names.COCO, *names.COCO_STUFF),
        pairs,
        values=label_values(171) if trained else original,
        source="COCO-Stuff 164k validation (Caesar et al. 2018)",
    )


def ade20k(root: Path) -> Dataset:
    """ADE20K validation, 150 classes; 0 in the maps is "something else" and not scored."""
    stems = pictures(root / "images/validation")
    pairs = [(s, path, root / f"annotations/validation/{s}.png") for s, path in stems.items()]
    source = "ADE20K validation (Zhou et al. 2017)"
    return labelled("ade20k", names.ADE20K, pairs, values=label_values(150, first=1, void=(0,)), source=source)


def cityscapes(root: Path) -> Dataset:
    """Cityscapes validation, the 19 classes that are scored."""
    suffix = "_leftImg8bit.png"
    found = sorted((root / "leftImg8bit/val").glob(f"*/*{suffix}"))
    stems = [path.relative_to(root / "leftImg8bit/val").as_posix().removesuffix(suffix) for path in found]
    maps = [root / f"gtFine/val/{stem}_gtFine_labelIds.png" for stem in stems]
    values = dict.fromkeys(range(34), VOID) | {value: k for k, value in enumerate(names.CITYSCAPES.values())}
    source = "Cityscapes validation (Cordts et al. 2016)"
    return labelled(
        "cityscapes", tuple(names.CITYSCAPES), zip(stems, found, maps, strict=True), values=values, source=source
    )


def camvid(root: Path) -> Dataset:
    """CamVid's test frames with 11 classes, in the layout of the SegNet tutorial."""
    pairs = [(s, path, root / f"testannot/{s}.png") for s, path in pictures(root / "test").items()]
    source = "CamVid test (Brostow et al. 2008), 11 classes as in SegNet"
    return labelled("camvid", names.CAMVID, pairs, values=label_values(11, void=(11, 255)), source=source)


def nyu(root: Path) -> Dataset:
    """NYU Depth v2 with 40 classes, exported from the .mat; the three catch-all classes are not scored."""
    found = pictures(root / "rgb")
    stems = listed(root / "test.txt") if (root / "test.txt").is_file() else list(found)
    gone = [stem for stem in stems if stem not in found]
    if gone:
        raise FormatError(f"nyu: {root / 'rgb'} has no picture {gone[0]}")
    pairs = [(s, found[s], root / f"label40/{s}.png") for s in stems]
    values: Mapping[int, int] = label_values(37, first=1, void=(0, 38, 39, 40, 255))
    source = "NYU Depth v2 (Silberman et al. 2012), 40 classes less three catch-alls"
    data = labelled("nyu", names.NYU40[:37], pairs, values=values, source=source, per_metre=1000.0)
    depths = [root / f"depth/{sample.name}.png" for sample in data.samples]
    samples = [replace(s, depth=d if d.is_file() else None) for s, d in zip(data.samples, depths, strict=True)]
    return replace(data, samples=tuple(samples))
