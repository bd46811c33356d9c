"""The whole: a frozen backbone's levels -> an embedding to cut by -> masks -> names.

levels = backbone(pictures)                      frozen, not a part of this network
embedding = adapter(levels)                      SAM2CLIP, trained first, then frozen
cut = decoder(embedding, prompts)                CLIP2SAM, perhaps on top of a teacher's cut
opinions = names(pyramid, word cells, cut)
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from wordmask.model.ovsam.adapter import Sam2Clip, TeacherMaps
from wordmask.model.ovsam.blocks import resize
from wordmask.model.ovsam.decoder import Clip2Sam, OvsamCut, OvsamPrompts
from wordmask.model.ovsam.naming import NameHead, Opinions
from wordmask.model.ovsam.plan import STRIDE, OvsamPlan


class BackboneView(NamedTuple):
    """What a frozen backbone sees in B square pictures."""

    levels: list[Tensor]
    """Four maps, the finest first."""
    dense: Tensor | None = None
    """(B, words, h, w) cells that match words, if it was trained for that."""


class FrozenBackbone(Protocol):
    """A network that is never trained here."""

    name: str
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    dense_width: int
    """Dimensions of the cells that match words, 0 if there are none."""

    def __call__(self, pictures: Tensor) -> BackboneView:
        """(B, 3, side, side) RGB in 0..255."""
        ...


class Encoded(NamedTuple):
    """What all prompts of B pictures read."""

    embedding: Tensor
    pyramid: list[Tensor]
    cells: Tensor


class OvsamNetwork(nn.Module):
    """Everything that is learned."""

    def __init__(self, plan: OvsamPlan) -> None:
        super().__init__()
        self.plan = plan
        self.adapter, self.decoder, self.names = Sam2Clip(plan), Clip2Sam(plan), NameHead(plan)
        self.outputs = TeacherMaps(plan, plan.maps)
        if plan.maps:
            self.decoder.start_with_no_mask()

    def embed(self, levels: Sequence[Tensor]) -> Tensor:
        """What prompts are cut by."""
        embedding: Tensor = self.adapter(levels, self.plan.side // STRIDE)
        return embedding

    def encode(self, view: BackboneView) -> Encoded:
        """Once for each picture."""
        cells = self.names.word_cells(view.levels, view.dense)
        return Encoded(self.embed(view.levels), self.names.pyramid(view.levels), cells)

    def teacher_maps(self, encoded: Encoded, levels: Sequence[Tensor]) -> list[Tensor]:
        """What the teacher's cutter reads; nothing where the decoder cuts alone."""
        made: list[Tensor] = self.outputs(encoded.embedding, levels)
        return made

    def cut(self, encoded: Encoded, of: Tensor, prompts: OvsamPrompts) -> OvsamCut:
        """One mask for each of N prompts; `of` (N,) says which picture is its.

        Where a teacher cuts first, its cut is the prompts' earlier mask, and is corrected.
        """
        found: OvsamCut = self.decoder(encoded.embedding[of], prompts)
        if not self.plan.maps:
            return found
        first = resize(prompts.before, (found.masks.shape[1], found.masks.shape[2]))
        return found._replace(masks=found.masks + first[:, 0])

    def name(self, encoded: Encoded, of: Tensor, cut: OvsamCut) -> Opinions:
        """Two unit vectors for each cut."""
        found: Opinions = self.names(encoded.pyramid, encoded.cells, of, cut.masks, cut.label)
        return found
