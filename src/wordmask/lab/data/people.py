"""The people of a picture in COCO's annotations: mask, box and joints of each."""

from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.poses import JOINTS
from wordmask.lab.data import polygons
from wordmask.lab.data.sample import Dataset, Sample
from wordmask.media.formats.coco_records import read_mask
from wordmask.media.formats.parsing import numbers

PERSON = "person"
SIZES = (0.8, 1.1)  # of one who is pasted, beside the other's
BESIDE = (0.2, 0.4)  # of both widths together: from middle to middle
LEAST_PIXELS = 1600  # that each must keep


class Person(NamedTuple):
    """What is known of one person."""

    mask: Array  # (H, W) bool
    box: Array  # (4,) x0 y0 x1 y1, as annotated
    joints: Array  # (17, 3) x, y and COCO's mark: 0 not labelled, 1 hidden, 2 visible
    area: float  # as annotated

    @property
    def labelled(self) -> int:
        """How many joints are labelled."""
        return int((self.joints[:, 2] > 0).sum())


def people_of(data: Dataset, sample: Sample, image: Image, least: float) -> list[Person]:
    """The people of at least `least` pixels, groups left out."""
    person = data.classes.index(PERSON) if PERSON in data.classes else None
    found = []
    for region in sample.regions:
        if region.crowd or data.values[region.category] != person:
            continue
        place = f"{sample.name}, annotation {region.id}"
        mask = read_mask(region.entry, image.size, place, polygons.fill).one(0)
        area = region.area or float(mask.sum())
        if mask.sum() < max(1.0, least):
            continue
        flat = region.entry.get("keypoints") or [0] * 3 * len(JOINTS)
        joints = numbers(flat, f"{place}: keypoints").reshape(-1, 3)
        found.append(Person(mask, box_of(mask, region.entry.get("bbox"), place), joints, area))
    return found


def box_of(mask: Array, bbox: list[float] | None, place: str) -> Array:
    """(4,) x0 y0 x1 y1 of COCO's x, y, width, height; without one, around the mask."""
    if bbox is not None:
        x, y, width, height = numbers(bbox, f"{place}: bbox")
        return np.array([x, y, x + width, y + height], np.float32)
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)


def compose_pair(
    image: Image, one: Person, other_image: Image, other: Person, seed: int
) -> tuple[Image, list[Array]] | None:
    """A second person cut from another picture and pasted in front of the first, about as large.

    The picture and both masks; None where too little of one of them would be seen.
    """
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = box_of(one.mask, None, "").astype(int).tolist()
    left, top, right, bottom = box_of(other.mask, None, "").astype(int).tolist()
    scale = rng.uniform(*SIZES) * np.sqrt((x1 - x0) * (y1 - y0) / ((right - left) * (bottom - top)))
    size_wh = (max(1, int((right - left) * scale)), max(1, int((bottom - top) * scale)))
    cut = cv2.resize(
        other_image.pixels[top:bottom, left:right], size_wh, interpolation=cv2.INTER_AREA
    )
    alpha = other.mask[top:bottom, left:right].astype(np.float32)
    alpha = cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA)
    beside = rng.choice([-1, 1]) * rng.uniform(*BESIDE) * (size_wh[0] + x1 - x0)
    corner = (int((x0 + x1 - size_wh[0]) / 2 + beside), y1 - size_wh[1])
    return _paste(image, one.mask, cut, alpha, corner)


def _paste(
    image: Image, mask: Array, cut: Array, alpha: Array, corner: tuple[int, int]
) -> tuple[Image, list[Array]] | None:
    height, width = mask.shape
    x, y = corner
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + cut.shape[1]), min(height, y + cut.shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    inner = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    share = alpha[inner][..., None]
    pixels = image.pixels.astype(np.float32)
    pixels[y0:y1, x0:x1] += (cut[inner] - pixels[y0:y1, x0:x1]) * share
    front = np.zeros_like(mask)
    front[y0:y1, x0:x1] = share[..., 0] > 0.5
    masks = [mask & ~front, front]
    if min(int(one.sum()) for one in masks) < LEAST_PIXELS:
        return None
    return Image(np.round(pixels).astype(np.uint8), image.name), masks
