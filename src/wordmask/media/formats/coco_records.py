"""COCO's JSON as typed records: parsed in one place for import, for data sets and for training.

Checked here: keys, types, ids, and that run lengths cover their picture exactly. Sizes of pictures
are left to the reader: an import takes them from the file, a data set from the picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError, MaskError
from wordmask.media.formats.outlines import Ring, ring_of
from wordmask.media.formats.parsing import check_kind, integer, number, numbers, take
from wordmask.media.formats.records import union

PictureId = int | str  # COCO's are integers; some data sets use names


class CocoPicture(NamedTuple):
    """One entry of `images`."""

    id: PictureId
    name: str  # its file_name, or the id where there is none
    entry: Mapping[str, Any]  # all that the file says: width, height, what LVIS adds


class CocoRegion(NamedTuple):
    """One entry of `annotations`."""

    id: int  # -1 = none
    picture: PictureId
    category: int
    crowd: bool  # a group, not one thing
    entry: Mapping[str, Any]

    @property
    def area(self) -> float | None:
        """Pixels, as the file gives them."""
        area = self.entry.get("area")
        return None if area is None else number(area, f"annotation {self.id}: area")


class CocoSegment(NamedTuple):
    """One entry of a panoptic picture's `segments_info`."""

    id: int  # its value in the picture of ids
    category: int
    crowd: bool


@dataclass(frozen=True)
class CocoSet:
    """A whole file of instances."""

    categories: Mapping[int, str]
    pictures: tuple[CocoPicture, ...]
    regions: tuple[CocoRegion, ...]

    def by_picture(self) -> Iterator[tuple[CocoPicture, tuple[CocoRegion, ...]]]:
        """Each picture with its regions, both in the file's order."""
        regions: dict[PictureId, list[CocoRegion]] = defaultdict(list)
        for region in self.regions:
            regions[region.picture].append(region)
        for picture in self.pictures:
            yield picture, tuple(regions[picture.id])


def parse_instances(value: Any, where: str) -> CocoSet:
    """The records in COCO's object; a region's category must be one of the file's."""
    pictures = tuple(_picture(row, where) for row in take(value, "images", list, where))
    categories = parse_categories(value, where)
    rows = take(value, "annotations", list, where)
    regions = tuple(_region(row, where, categories) for row in rows)
    return CocoSet(categories, pictures, regions)


def parse_categories(value: Mapping[str, Any], where: str) -> dict[int, str]:
    """Id and name of each category."""
    place = f"{where}: category"
    rows = check_kind(value.get("categories", []), list, f"{where}: categories")
    return {take(row, "id", int, place): take(row, "name", str, place) for row in rows}


def parse_segments(entry: Any, where: str) -> tuple[CocoSegment, ...]:
    """The segments of one annotation of a panoptic file."""
    return tuple(
        CocoSegment(
            take(row, "id", int, where),
            take(row, "category_id", int, where),
            bool(row.get("iscrowd", 0)),
        )
        for row in take(entry, "segments_info", list, where)
    )


def read_mask(entry: Any, size: Size, where: str, fill: Callable[[Ring, Size], Masks]) -> Masks:
    """The mask of an annotation in a picture of `size`.

    Run lengths must cover the picture exactly. Polygons are united, each filled by `fill`: COCO's
    own rule and ours differ by single pixels along slanted edges.
    """
    code = take(entry, "segmentation", (list, dict), where)
    if isinstance(code, dict):
        mask = Masks.from_rle([code])
        if mask.size != size:
            raise MaskError(f"the mask is of {mask.size}, the picture of {size} (height, width)")
        return mask
    rings = [ring_of(numbers(flat, where), where) for flat in code]
    return union([fill(ring, size) for ring in rings], size)


def _picture(row: Any, where: str) -> CocoPicture:
    id = take(row, "id", (int, str), f"{where}: image")
    name = check_kind(row.get("file_name", str(id)), str, f"{where}, image {id}")
    return CocoPicture(id, name, row)


def _region(row: Any, where: str, categories: Mapping[int, str]) -> CocoRegion:
    id = integer(row.get("id", -1) if isinstance(row, dict) else -1, f"{where}: annotation id")
    place = f"{where}, annotation {id}"
    picture = take(row, "image_id", (int, str), place)
    category = take(row, "category_id", int, place)
    if category not in categories:
        raise FormatError(f"{place} has category {category}, which the file does not have")
    return CocoRegion(id, picture, category, bool(row.get("iscrowd", 0)), row)
