"""What a person shows in a volume: clicks, boxes, masks of slices, each for one object."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from wordmask.core.image import Array
from wordmask.core.prompts import Boxes, Points
from wordmask.core.volume import PLANES, Plane, Slicing, Volume
from wordmask.errors import PromptError
from wordmask.tasks.click import Click

DIFFERENT = 0.15  # of the range of values, from which two clicks are on unlike things
Voxel = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class VolumePrompt:
    """One thing shown: a voxel that is of the object or is not, a box, or the mask of a slice.

    Without `plane` a click is looked at in the planes that the options name. A box i0 j0 k0 i1 j1
    k1, with exclusive ends, lies in the slice in which it is one voxel thick, or in the middle
    slice of `plane` if it is thick everywhere. A mask is (rows, columns) bool of slice `index` of
    `plane`, as that slice is shown.
    """

    voxel: Voxel | None = None
    keep: bool = True
    box: tuple[int, int, int, int, int, int] | None = None
    mask: Array | None = None
    plane: Plane | None = None
    index: int | None = None
    id: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        given = [part for part in (self.voxel, self.box, self.mask) if part is not None]
        if len(given) != 1:
            raise PromptError("show one thing at a time: a voxel, a box, or the mask of a slice")
        if self.plane is not None and self.plane not in PLANES:
            raise PromptError(f"plane must be one of {', '.join(PLANES)}; got {self.plane!r}")
        if self.mask is not None and (self.plane is None or self.index is None):
            raise PromptError("the mask of a slice needs its plane and its index")
        if self.box is not None and any(
            first >= last for first, last in zip(self.box[:3], self.box[3:], strict=True)
        ):
            raise PromptError(
                f"box {list(self.box)} is empty; give i0,j0,k0,i1,j1,k1 with exclusive ends"
            )
        if not 1 <= self.id <= 65535:
            raise PromptError(f"objects are numbered 1 to 65535, got {self.id}")

    def describe(self) -> str:
        """The prompt as a report says it."""
        where = f" in {self.plane} slices" if self.plane else ""
        if self.voxel is not None:
            kind = "click" if self.keep else "not"
            return f"{kind} {','.join(map(str, self.voxel))}{where}"
        if self.box is not None:
            return f"box {','.join(map(str, self.box))}{where}"
        return f"mask of {self.plane} slice {self.index}"


@dataclass(frozen=True, eq=False)
class SliceShown:
    """All that is shown of one object in one slice. Points and box in pixels of its picture."""

    points: tuple[tuple[float, float, bool], ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask: Array | None = None  # (rows, columns) of voxels

    @property
    def is_positive(self) -> bool:
        """Whether it says what the object is, not only what it is not."""
        return (
            self.box is not None or self.mask is not None or any(point[2] for point in self.points)
        )

    def to_click(self) -> Click:
        box = None if self.box is None else Boxes(np.array([self.box], np.float32))
        return Click(Points.of(self.points) if self.points else None, box)


@dataclass(frozen=True, eq=False)
class ShownObject:
    """One object, and where it is shown: plane -> slice -> what is shown there."""

    id: int
    name: str = ""
    planes: dict[Plane, dict[int, SliceShown]] = field(default_factory=dict)
    inside: tuple[Voxel, ...] = ()
    outside: tuple[Voxel, ...] = ()
    prompts: tuple[VolumePrompt, ...] = ()


def objects_of(
    prompts: Iterable[VolumePrompt], volume: Volume, planes: tuple[Plane, ...]
) -> list[ShownObject]:
    """The objects in the order in which they were first shown."""
    groups: dict[int, list[VolumePrompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.id, []).append(prompt)
    objects = [_object(id, group, volume, planes) for id, group in groups.items()]
    return [_beside_others(one, objects, volume) for one in objects]


def _beside_others(one: ShownObject, objects: list[ShownObject], volume: Volume) -> ShownObject:
    """What is clicked on for another object in the same slice is not this one.

    Objects of one value are not told so: where they touch, an engine would cut them worse.
    """
    objects = [other for other in objects if other is not one and _differ(one, other, volume)]
    planes = {}
    for plane, slices in one.planes.items():
        planes[plane] = dict(slices)
        for index, what in slices.items():
            there = [other.planes.get(plane, {}).get(index) for other in objects]
            points = [point for what in there if what is not None for point in what.points]
            negative = tuple((x, y, False) for x, y, keep in points if keep)
            planes[plane][index] = replace(what, points=(*what.points, *negative))
    return replace(one, planes=planes)


def _differ(one: ShownObject, other: ShownObject, volume: Volume) -> bool:
    """Whether the clicks on two objects meet other values."""
    if not one.inside or not other.inside:
        return False
    means = []
    for shown in (one, other):
        patches = [volume.stored[tuple(slice(max(0, at - 1), at + 2) for at in voxel)]
                   for voxel in shown.inside]  # fmt: skip
        means.append(np.mean([volume.values(patch).mean() for patch in patches]))
    low, high = np.percentile(volume.sample, (1, 99))
    return bool(abs(means[0] - means[1]) > DIFFERENT * (high - low))


def _object(
    id: int, prompts: list[VolumePrompt], volume: Volume, planes: tuple[Plane, ...]
) -> ShownObject:
    shown: dict[Plane, dict[int, SliceShown]] = {}
    for prompt in prompts:
        for plane, index, what in _places(prompt, volume, planes):
            slices = shown.setdefault(plane, {})
            slices[index] = _join(slices.get(index), what)
    shown = {
        plane: slices
        for plane, slices in shown.items()
        if any(what.is_positive for what in slices.values())
    }
    if not shown:
        raise PromptError(
            f"object {id} is only shown by what it is not; click on what it is, or draw a box"
        )
    voxels = [(prompt.voxel, prompt.keep) for prompt in prompts if prompt.voxel is not None]
    return ShownObject(
        id,
        next((prompt.name for prompt in prompts if prompt.name), ""),
        shown,
        tuple(voxel for voxel, keep in voxels if keep),
        tuple(voxel for voxel, keep in voxels if not keep),
        tuple(prompts),
    )


def _places(
    prompt: VolumePrompt, volume: Volume, planes: tuple[Plane, ...]
) -> Iterable[tuple[Plane, int, SliceShown]]:
    """In which slices a prompt is seen, and how."""
    if prompt.voxel is not None:
        volume.check_inside(prompt.voxel)
        for plane in (prompt.plane,) if prompt.plane else planes:
            slicing = volume.slicing(plane)
            index, (x, y) = slicing.place(prompt.voxel, volume.shape)
            down, across = slicing.stretch
            yield plane, index, SliceShown(((x * across, y * down, prompt.keep),))
    elif prompt.box is not None:
        yield _place_box(prompt.box, prompt.plane, volume, planes)
    elif prompt.plane is not None and prompt.index is not None and prompt.mask is not None:
        yield prompt.plane, prompt.index, SliceShown(mask=_check_mask(prompt, volume))


def _place_box(
    box: tuple[int, ...], plane: Plane | None, volume: Volume, planes: tuple[Plane, ...]
) -> tuple[Plane, int, SliceShown]:
    first, last = box[:3], tuple(end - 1 for end in box[3:])
    volume.check_inside(first)
    volume.check_inside(last)
    thin = [name for name in PLANES if _thickness(box, volume.slicing(name)) == 1]
    chosen = plane or (thin[0] if len(thin) == 1 else planes[0])
    slicing = volume.slicing(chosen)
    corners = [slicing.place(voxel, volume.shape)[1] for voxel in (first, last)]
    index = (first[slicing.axis] + last[slicing.axis]) // 2
    down, across = slicing.stretch
    xs, ys = ([corner[at] for corner in corners] for at in (0, 1))
    # Corners are centres of voxels; the box goes around them.
    around = (
        (min(xs) - 0.5) * across, (min(ys) - 0.5) * down,
        (max(xs) + 0.5) * across, (max(ys) + 0.5) * down,
    )  # fmt: skip
    return chosen, index, SliceShown(box=around)


def _thickness(box: tuple[int, ...], slicing: Slicing) -> int:
    return box[slicing.axis + 3] - box[slicing.axis]


def _check_mask(prompt: VolumePrompt, volume: Volume) -> Array:
    slicing = volume.slicing(prompt.plane or "axial")
    size = volume.shape[slicing.rows], volume.shape[slicing.columns]
    mask = np.asarray(prompt.mask, bool)
    index = prompt.index or 0
    if mask.shape != size or not mask.any():
        raise PromptError(
            f"the mask of a {prompt.plane} slice is {size} and not empty; "
            f"got {mask.shape} with {int(mask.sum())} voxels"
        )
    if not 0 <= index < volume.shape[slicing.axis]:
        raise PromptError(
            f"there is no {prompt.plane} slice {index}; they are 0 to "
            f"{volume.shape[slicing.axis] - 1}"
        )
    return mask


def _join(old: SliceShown | None, new: SliceShown) -> SliceShown:
    if old is None:
        return new
    points = tuple(dict.fromkeys((*old.points, *new.points)))
    box = new.box if new.box is not None else old.box
    mask = new.mask if new.mask is not None else old.mask
    return replace(old, points=points, box=box, mask=mask)
