"""One volume, many clicks: objects that can be gone back to, undo and redo."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.prompts import Text, Words
from wordmask.core.volume import Plane, Volume
from wordmask.errors import PromptError
from wordmask.tasks.segment import SegmentOptions, segment_view
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.solid.shown import ShownObject, VolumePrompt, objects_of
from wordmask.tasks.volume import Solid, SolidMaker, VolumeResult

KEPT = 32  # solids of earlier states that are kept, so that undo and redo make nothing again


@dataclass(frozen=True)
class _Shown:
    """Everything shown so far, in order, and which object is being worked on."""

    prompts: tuple[VolumePrompt, ...] = ()
    current: int = 1


class VolumeSession:
    """Clicks, boxes, words and painted slices for the objects of one volume.

    What is shown is for the current object until `go_to` names another one, a new one or one of
    before. Only the objects that a step is about are made again.
    """

    def __init__(
        self, volume: Volume, models: Models, options: VolumeOptions | None = None
    ) -> None:
        self.volume = volume
        self._maker = SolidMaker(volume, models, options or VolumeOptions())
        self._done, self._undone = [_Shown()], list[_Shown]()
        self._solids: OrderedDict[tuple[Any, ...], Solid] = OrderedDict()

    @property
    def current(self) -> int:
        """The number of the object that is being worked on."""
        return self._done[-1].current

    @property
    def objects(self) -> tuple[int, ...]:
        """The numbers of all objects shown so far."""
        return tuple(dict.fromkeys(prompt.id for prompt in self._done[-1].prompts))

    @property
    def result(self) -> VolumeResult:
        """All objects as they are now; nothing before the first click."""
        return self._answer(self._done[-1])

    def _answer(self, state: _Shown) -> VolumeResult:
        prompts = state.prompts
        planes = self._maker.options.planes_of(self.volume)
        shown = objects_of(prompts, self.volume, planes) if prompts else []
        solids = []
        for one in shown:
            if (key := _key(one)) not in self._solids:
                self._solids[key] = self._maker.make(one)
                while len(self._solids) > KEPT:
                    self._solids.popitem(last=False)
            solids.append(self._solids[key])
        return self._maker.result(solids)

    def click(
        self, voxel: Sequence[int], *, keep: bool = True, plane: Plane | None = None
    ) -> VolumeResult:
        """A voxel (i, j, k) of the current object, or one that is not of it."""
        i, j, k = (int(at) for at in voxel)
        return self._add(VolumePrompt((i, j, k), keep, plane=plane, id=self.current))

    def box(self, box: Sequence[int], *, plane: Plane | None = None) -> VolumeResult:
        """A box i0 j0 k0 i1 j1 k1 around the current object, one voxel thick in its slice."""
        i0, j0, k0, i1, j1, k1 = (int(at) for at in box)
        return self._add(VolumePrompt(box=(i0, j0, k0, i1, j1, k1), plane=plane, id=self.current))

    def paint(self, mask: Array, *, plane: Plane, index: int) -> VolumeResult:
        """The mask (rows, columns) of the current object in a slice, as the slice is shown."""
        mask = np.array(mask, bool)
        return self._add(VolumePrompt(mask=mask, plane=plane, index=index, id=self.current))

    def segment(self, words: Words, *, plane: Plane, index: int) -> VolumeResult:
        """What the words name in a slice; each region becomes an object of its own."""
        named = prompts_of_words(self._maker, Text.of(words), plane, index)
        free = max(self.objects, default=0) + 1
        renumbered = [replace(prompt, id=free + number) for number, prompt in enumerate(named)]
        return self._add(*renumbered) if renumbered else self.result

    def go_to(self, id: int) -> None:
        """Work on the object of that number from here on: a new one or one of before."""
        if id < 1:
            raise PromptError(f"objects are numbered from 1, got {id}")
        self._push(replace(self._done[-1], current=id))

    def remove(self, id: int) -> VolumeResult:
        """Forget all that was shown of an object."""
        kept = tuple(prompt for prompt in self._done[-1].prompts if prompt.id != id)
        return self._push(replace(self._done[-1], prompts=kept))

    def undo(self) -> VolumeResult:
        """Take the last step back, if there is one."""
        if len(self._done) > 1:
            self._undone.append(self._done.pop())
        return self.result

    def redo(self) -> VolumeResult:
        """Do again what was taken back last, if anything was."""
        if self._undone:
            self._done.append(self._undone.pop())
        return self.result

    def _add(self, *prompts: VolumePrompt) -> VolumeResult:
        state = self._done[-1]
        return self._push(replace(state, prompts=(*state.prompts, *prompts)))

    def _push(self, state: _Shown) -> VolumeResult:
        """The next step; one that cannot be answered leaves the session as it was."""
        found = self._answer(state)
        self._done.append(state)
        self._undone.clear()
        return found


def _key(shown: ShownObject) -> tuple[Any, ...]:
    """What decides a solid: its own prompts, and the clicks on other objects beside it."""
    own = tuple(id(prompt) for prompt in shown.prompts)
    planes = shown.planes.values()
    return own, tuple(what.points for slices in planes for what in slices.values())


def prompts_of_words(
    maker: SolidMaker, words: Text, plane: Plane, index: int, options: SegmentOptions | None = None
) -> list[VolumePrompt]:
    """The regions that words name in a slice as masks of objects 1, 2, ..., best first."""
    views = maker.views(plane)
    if not 0 <= index < views.count:
        raise PromptError(f"there is no {plane} slice {index}; they are 0 to {views.count - 1}")
    result = segment_view(views.view(index), words, options or SegmentOptions())
    masks = result.masks.resize(views.size)
    return [
        VolumePrompt(mask=masks.one(row), plane=plane, index=index, id=number, name=name)
        for number, (row, name) in enumerate(zip(range(len(result)), result.names, strict=True), 1)
        if masks.one(row).any()
    ]
