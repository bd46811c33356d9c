"""Pictures whose pixels are numbers: region ids in 16 or 24 bits, and Pascal VOC's two pictures."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, InputError
from wordmask.files import atomic, write_text
from wordmask.media.formats import own, parsing
from wordmask.media.formats.records import (
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)
from wordmask.media.formats.yolo import read_words, write_words

VOID = 255  # VOC: pixels that are not scored; here, regions without a name


# ---- region ids, with the rest in JSON beside them


def write_ids(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    """Region k is the value k + 1, no region is 0; the rest goes into JSON beside the picture.

    Up to 65,535 regions in 16 bits of grey, beyond as R + 256 G + 65536 B.
    """
    (item,) = items
    ids = _id_map(item.result)
    if len(item.result) < 1 << 16:
        picture = Pil.fromarray(ids.astype(np.uint16))
    elif len(item.result) < 1 << 24:
        picture = Pil.fromarray(np.stack([ids, ids >> 8, ids >> 16], 2).astype(np.uint8))
    else:
        raise FormatError(
            f"a picture of ids holds 16,777,215 regions, got {len(item.result):,}; use json"
        )
    beside = path.with_suffix(".json")
    write_text(beside, parsing.dump_json(own.encode(item, options, masks=False)))
    with atomic(path) as part:
        picture.save(part, "PNG")
    return [path, beside]


def read_ids(path: Path, options: FormatOptions) -> list[Named]:
    """The regions; without the JSON beside the picture, one unnamed region for each id."""
    ids = read_numbers(path, options).astype(np.int64)
    if ids.ndim == 3:
        ids = ids[..., 0] + 256 * ids[..., 1] + 65536 * ids[..., 2]
    masks, values = Masks.from_label_map(ids - 1)
    beside = path.with_suffix(".json")
    if not beside.exists():
        return [Named(path.name.removesuffix(".masks.png"), Result.of(masks, options.names))]
    value = parsing.read_json(beside, options)
    regions = value.get("regions") if isinstance(value, dict) else None
    count = len(regions) if isinstance(regions, list) else 0
    if len(values) and values[-1] >= count:
        raise FormatError(
            f"{path.name} has id {values[-1] + 1}, {beside.name} lists {count} regions"
        )
    rows = np.full(count, -1)
    rows[values] = np.arange(len(values))
    # A region that others hide has no pixel: its row is -1, which is the empty mask at the end.
    padded = Masks.concatenate([masks, Masks.from_dense(np.zeros((1, *masks.size), bool))])
    return [own.decode(value, beside.name, options, masks=padded[rows])]


# ---- Pascal VOC


def write_voc(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    """Beside `path`: SegmentationClass/NAME.png, SegmentationObject/NAME.png and labels.txt."""
    (item,) = items
    result = item.result
    if len(result) >= VOID or len(result.vocabulary) >= VOID:
        raise FormatError(
            f"VOC holds 254 regions and 254 words, got {len(result)} and "
            f"{len(result.vocabulary)}; use masks or coco"
        )
    ids = _id_map(result)
    # By id: 0 is the background.
    classes = np.append(0, np.where(result.label_ids == UNNAMED, VOID, result.label_ids + 1))
    pictures = {
        "SegmentationClass": classes[ids].astype(np.uint8),
        "SegmentationObject": ids.astype(np.uint8),
    }
    written = [write_words(path.parent / "labels.txt", ["background", *result.vocabulary])]
    for folder, pixels in pictures.items():
        target = path.parent / folder / f"{voc_stem(path)}.png"
        write_palette(pixels, target)
        written.append(target)
    return written


def write_palette(pixels: Array, path: Path) -> None:
    picture = Pil.fromarray(pixels).convert("P")
    picture.putpalette(voc_colours().ravel().tolist())
    with atomic(path) as part:
        picture.save(part, "PNG")


def read_voc(path: Path, options: FormatOptions) -> list[Named]:
    """One picture of the pair by the name that was written, or all of a folder."""
    root = path if path.is_dir() else path.parent
    root = root.parent if root.name in ("SegmentationClass", "SegmentationObject") else root
    if path.is_dir():
        stems = sorted(file.stem for file in (root / "SegmentationObject").glob("*.png"))
    else:
        stems = [voc_stem(path)]
    return [_read_pair(root, stem, options) for stem in stems]


def voc_stem(path: Path) -> str:
    return path.name.removesuffix(".png").removesuffix(".voc")


def voc_colours() -> Array:
    """(256, 3) uint8: the palette of the VOC development kit.

    The bits of the index go to red, green and blue in turn, the lowest to each channel's highest
    bit.
    """
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (index >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours


def _read_pair(root: Path, stem: str, options: FormatOptions) -> Named:
    classes = read_numbers(root / "SegmentationClass" / f"{stem}.png", options)
    objects = read_numbers(root / "SegmentationObject" / f"{stem}.png", options)
    if classes.shape != objects.shape or classes.ndim != 2:
        raise FormatError(
            f"{stem}: the class and object pictures are {classes.shape} and {objects.shape}"
        )
    listed = root / "labels.txt"
    found = read_words(listed, options)[1:] if listed.exists() else []
    words = WordIds(options.names or found).words
    regions = RegionList((classes.shape[0], classes.shape[1]), stem, options)
    things = np.where((objects == 0) | (objects == VOID), -1, objects.astype(np.int64))
    masks, _ = Masks.from_label_map(things)
    for index in range(len(masks)):
        x0, y0, x1, y1 = masks.boxes[index].tolist()
        label = int(np.bincount(classes[y0:y1, x0:x1][masks.crops[index]]).argmax())
        label = UNNAMED if label in (0, VOID) else label - 1
        if label >= len(words):
            raise FormatError(
                f"{stem}: class {label + 1}, but there are {len(words)} words; give options.names"
            )
        regions.add(partial(masks.__getitem__, index), RegionFacts(label))
    return regions.build(stem, words)


# ---- both


def _id_map(result: Result) -> Array:
    """(H, W) int64: row + 1 of the best region at each pixel, 0 where there is none."""
    ids = np.zeros(result.size, np.int64)
    for row in range(len(result) - 1, -1, -1):
        result.masks.paint(ids, row, row + 1)
    return ids


def read_numbers(path: Path, options: FormatOptions) -> Array:
    """The numbers of a PNG as they stand: (H, W), or (H, W, 3) for RGB."""
    try:
        with warnings.catch_warnings():
            # Pillow's warning is not needed: our own limit follows.
            warnings.simplefilter("ignore", Pil.DecompressionBombWarning)
            with Pil.open(path, formats=["PNG"]) as picture:
                options.limits.check_size(path.name, *picture.size)
                if picture.mode not in ("L", "P", "I", "I;16", "RGB"):
                    raise FormatError(
                        f"{path.name} is {picture.mode}; a picture of ids is grey, palette or RGB"
                    )
                return np.asarray(picture)
    except InputError:  # itself a ValueError
        raise
    except (OSError, SyntaxError, ValueError, Pil.DecompressionBombError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from None
