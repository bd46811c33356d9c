"""A picture seen and cut by everything together: network, frozen backbone, a teacher's cutter.

    adapter -> what the teacher's encoder would see -> the teacher's own cutter -> a first cut
    the first cut as earlier mask -> decoder -> the mask, and a label token for its name

A network without a teacher's maps cuts alone.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.core.protocols import PromptBatch, Seen
from wordmask.errors import CapabilityError
from wordmask.model.ovsam.blocks import resize
from wordmask.model.ovsam.decoder import OvsamCut, OvsamPrompts
from wordmask.model.ovsam.naming import Opinions
from wordmask.model.ovsam.net import Encoded, FrozenBackbone, OvsamNetwork
from wordmask.model.ovsam.plan import AWAY, FINE, FIRST_CORNER, ON_IT


class WholeSeen(NamedTuple):
    """One picture."""

    encoded: Encoded
    taught: Seen | None
    """What the teacher's cutter reads; None where the network cuts alone."""


class OvsamWhole:
    """Network, backbone and teacher; one picture at a time."""

    def __init__(
        self, network: OvsamNetwork, backbone: FrozenBackbone, teacher: MapSegmenter | None = None
    ) -> None:
        self.network, self.backbone, self.teacher = network, backbone, teacher

    def see(self, picture: Tensor) -> WholeSeen:
        """A picture (1, 3, side, side), RGB in 0..255, on the network's device."""
        view = self.backbone(picture)
        encoded = self.network.encode(view)
        if not self.network.plan.maps:
            return WholeSeen(encoded, None)
        maps = [one[0] for one in self.network.teacher_maps(encoded, view.levels)]
        return WholeSeen(encoded, self.see_maps([one.float().cpu().numpy() for one in maps]))

    def see_maps(self, maps: list[Array]) -> Seen:
        """A square picture of which only the teacher's maps are known."""
        side = self.network.plan.side
        return self._teacher().see_maps((side, side), maps)

    def first_cut(self, taught: Seen, prompts: OvsamPrompts) -> OvsamPrompts:
        """The prompts with the teacher's best cut as their earlier mask."""
        cuts = self._teacher().cut(taught, teacher_prompts(prompts))
        best = cuts.logits[np.arange(len(prompts.xy)), cuts.quality.argmax(1)]
        cells = self.network.plan.side // FINE
        made = resize(torch.from_numpy(best.astype(np.float32))[:, None], (cells, cells))
        return prompts._replace(before=made.to(prompts.xy.device))

    def cut(self, seen: WholeSeen, prompts: OvsamPrompts) -> OvsamCut:
        """One mask for each of N prompts in the picture."""
        if seen.taught is not None:
            prompts = self.first_cut(seen.taught, prompts)
        return self.network.cut(seen.encoded, self._of(len(prompts.xy)), prompts)

    def name(self, seen: WholeSeen, cut: OvsamCut) -> Opinions:
        """Two unit vectors for each cut."""
        return self.network.name(seen.encoded, self._of(len(cut.masks)), cut)

    def _teacher(self) -> MapSegmenter:
        if self.teacher is None:
            raise CapabilityError("this network corrects a teacher's cuts, and there is no teacher")
        return self.teacher

    def _of(self, count: int) -> Tensor:
        device = next(self.network.parameters()).device
        return torch.zeros(count, dtype=torch.long, device=device)


@runtime_checkable
class HasWhole(Protocol):
    """An engine whose parts can be measured one by one."""

    whole: OvsamWhole
    exponent: float
    """Of the fusion of both opinions."""
    trained_words: tuple[str, ...]


def teacher_prompts(prompts: OvsamPrompts) -> PromptBatch:
    """Prompts in pixels of the square as an engine takes them; a box's corners come first."""
    xy, kinds = prompts.xy.float().cpu().numpy(), prompts.kinds.cpu().numpy()
    boxed = kinds[:, 0] == FIRST_CORNER
    boxes = np.where(boxed[:, None], xy[:, :2].reshape(-1, 4), np.nan).astype(np.float32)
    keep = np.select([kinds[:, 2:] == ON_IT, kinds[:, 2:] == AWAY], [1, 0], -1).astype(np.int8)
    before = prompts.before[:, 0].float().cpu().numpy()
    return PromptBatch(xy[:, 2:], keep, boxes, before if before.any() else None)
