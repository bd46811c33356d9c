"""The losses of one step of `mini`: from a batch to one number, and its parts for the log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor

from wordmask.core.options import check
from wordmask.lab.training.batches import TrainingBatch
from wordmask.lab.training.loop import Step
from wordmask.lab.training.losses import (
    CutLoss,
    contrast,
    cut_loss,
    depth_loss,
    no_cuts,
)
from wordmask.lab.training.losses_words import WordLosses, read_points
from wordmask.lab.training.mistakes import Prompts, correct_some
from wordmask.model.mini.constants import BOTTOM_RIGHT, NOTHING, TOP_LEFT
from wordmask.model.mini.decoder import Decoder, PromptMaps
from wordmask.model.mini.net import Adapter, Features, MiniNetwork

Run = Callable[..., list[Tensor]]  # a network and its inputs -> its outputs in fp32
CutMaps = tuple[Tensor, Tensor]  # coarse and fine, of all pictures
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class LossWeights:
    """How much each part counts."""

    points: Weight = 1.0
    regions: Weight = 0.6
    inside: Weight = 0.4
    masks: Weight = 1.5
    quality: Weight = 2.0
    depth: Weight = 0.15
    captions: Weight = 0.05
    adapter: Weight = 1.0
    sharpened: Annotated[int, Ge(0)] = 18
    """How many teachers' boxes per step the decoder turns into masks."""

    def __post_init__(self) -> None:
        check(self)


class MiniLosses:
    """Compares the network with the rows of labels."""

    def __init__(
        self, network: MiniNetwork, adapter: Adapter, words: WordLosses, weights: LossWeights
    ) -> None:
        self.network, self.adapter, self.words, self.weights = network, adapter, words, weights

    def __call__(
        self, batch: TrainingBatch, words: Tensor, step: Step, *, sharpen: bool
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss, and its parts for the log.

        `words`: (V, 256) the vectors of this step. `sharpen`: the decoder turns teachers' boxes
        into masks. Several processes have the same loss as one, but for BatchNorms and captions,
        which each process compares among its own pictures.
        """
        w, run = self.weights, step.run
        self.words.follow(batch.pictures.device)
        pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
        f = Features(*run(self.network, pictures))
        text = self.adapter(words)
        answers = read_points(f.vectors, f.none, batch, text, self.network.scale())
        parts = {"points": w.points * self.words.points(answers.logits, batch, step)}
        gate = torch.ones(batch.region_points.shape[:3], device=words.device)
        if sharpen:
            gate, trusted = sharpen_boxes(
                self.network.decoder, (f.coarse, f.fine), batch, w.sharpened, run
            )
            parts["inside"] = w.inside * self.words.inside(
                answers.region_logits, batch, trusted, step
            )
        parts["regions"] = w.regions * self.words.regions(answers, batch, gate, step)
        cut = self._cut(f, batch, step)
        parts["masks"] = w.masks * cut.masks
        parts["quality"] = w.quality * cut.quality
        parts["depth"] = w.depth * depth_loss(f.depth[:, 0], batch.depth, step.mean)
        has_caption = batch.captions.abs().sum(1) > 0
        parts["captions"] = f.whole.sum() * 0
        if int(has_caption.sum()) > 1:
            captions = batch.captions[has_caption]
            parts["captions"] = w.captions * contrast(f.whole[has_caption], captions)
        parts["adapter"] = w.adapter * (1 - (text * words).sum(1)).mean()
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | {"iou": float(cut.iou)}

    def _cut(self, f: Features, batch: TrainingBatch, step: Step) -> CutLoss:
        """The losses of all prompted masks."""
        if not len(batch.cut_of):
            return no_cuts(f.coarse, step.mean)
        return prompted_cut_loss(self.network.decoder, (f.coarse, f.fine), batch, step)


def prompt_maps(decoder: Decoder, maps: CutMaps, of: Tensor, run: Run) -> PromptMaps:
    """Made once a picture, and given to each prompt: `of` (N,) says which picture is its."""
    return PromptMaps(*(one[of] for one in run(decoder.prepare, *maps)))


def sharpen_boxes(
    decoder: Decoder, maps: CutMaps, batch: TrainingBatch, most: int, run: Run
) -> tuple[Tensor, Tensor]:
    """Masks that the decoder makes of at most so many of the teachers' boxes, at the points of
    regions.

    Two of (B, R, K): how much each point counts, and whether it may be trusted to show the word.
    """
    device = batch.region_boxes.device
    gate = torch.ones(batch.region_points.shape[:3], device=device)
    trusted = torch.zeros_like(gate, dtype=torch.bool)
    boxed = (batch.region_boxes[..., 2] > batch.region_boxes[..., 0]).nonzero()
    chosen = torch.randperm(len(boxed))[:most]
    boxed = boxed[chosen.to(device)]
    if not len(boxed):
        return gate, trusted
    of, k = boxed[:, 0], boxed[:, 1]
    xy = batch.region_boxes[of, k].unflatten(1, (2, 2))
    kind = torch.tensor([TOP_LEFT, BOTTOM_RIGHT], device=device).expand(len(of), 2)
    before = torch.zeros(len(of), 1, *maps[0].shape[2:], device=device)
    with torch.no_grad():
        of_boxes = prompt_maps(decoder, maps, of, run)
        masks, quality = run(decoder, of_boxes, xy, kind, before)
        best = masks[torch.arange(len(of)), quality.argmax(1)][:, None]
        where = batch.region_points[of, k] / batch.pictures.shape[-1] * 2 - 1
        inside = F.grid_sample(best, where[:, None], align_corners=False)[:, 0, 0].sigmoid()
    gate[of, k] = inside
    trusted[of, k] = (inside > 0.75) & (quality.sigmoid().amax(1) > 0.7)[:, None]
    return gate, trusted


def prompted_cut_loss(
    decoder: Decoder, cut_maps: CutMaps, batch: TrainingBatch, step: Step
) -> CutLoss:
    """The losses of a batch's prompts, some of which are corrected after the decoder's answers."""

    def answer(maps: PromptMaps, prompts: Prompts) -> list[Tensor]:
        used = (prompts.kinds > NOTHING).any(0)
        xy, kinds = prompts.xy[:, used], prompts.kinds[:, used]
        return step.run(decoder, maps, xy, kinds, prompts.before)

    maps = prompt_maps(decoder, cut_maps, batch.cut_of, step.run)
    prompts = Prompts(batch.cut_points, batch.cut_kinds, batch.cut_before[:, None])
    prompts = correct_some(answer, maps, prompts, batch.cut_masks)
    masks, quality = answer(maps, prompts)
    return cut_loss(masks, quality, batch.cut_masks, step.mean)
