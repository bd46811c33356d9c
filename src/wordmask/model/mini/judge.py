"""How good each candidate is, judged by what the cutter itself cannot see before it has cut.

The cutter estimates the IoU of its masks by one token. The masks say more: how sharp they are, how
much they agree with each other and with the prompt, whether what is inside differs from what is
around it. `MaskJudge` corrects the estimate by these facts. It is trained apart from the rest
(`lab/training/objective_judge.py`), on cuts of training pictures.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.constants import CANDIDATES

HIDDEN = 64
RING = 4  # cells at stride 8: how far around a mask its surroundings are looked at
UNSURE = 1.0  # logits nearer to 0 than this are the unsure edge of a mask
MOST = 20.0  # larger logits count as this one
LITTLE = 1e-4


class MaskJudge(nn.Module):
    """Facts about N x 3 candidates to the logits of their IoU."""

    def __init__(self) -> None:
        super().__init__()
        self.hide = nn.Linear(FACTS, HIDDEN)
        self.weigh = nn.Linear(HIDDEN, HIDDEN)
        self.tell = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)

    def forward(self, facts: Tensor) -> Tensor:
        """(N, 3, FACTS) to (N, 3); before any training the cutter's own estimate."""
        hidden = F.relu(self.weigh(F.relu(self.hide(facts))))
        judged: Tensor = self.tell(hidden)[..., 0]
        return facts[..., 0] + judged


def mask_facts(masks: Tensor, quality: Tensor, middle: Tensor, drawn: Tensor) -> Tensor:
    """(N, 3, FACTS): numbers of about unit size; the first is the cutter's estimate, a logit.

    masks (N, 3, 2h, 2w) and quality (N, 3) logits, middle (N or 1, C, h, w) the map that masks are
    made of, drawn (N, 7, h, w) the prompts as maps.
    """
    inside = (masks > 0).to(masks.dtype)
    area = inside.sum((2, 3))
    at_8 = F.avg_pool2d(inside, 2)
    facts = [
        quality,
        *_sharpness(masks, inside, area),
        *_outline(inside, area),
        *_agreement(inside, area, quality),
        *_surroundings(at_8, middle),
        *_prompt(at_8, drawn),
    ]
    return torch.stack(facts, 2)


def _sharpness(masks: Tensor, inside: Tensor, area: Tensor) -> list[Tensor]:
    """Does the mask stay the same at other thresholds?"""
    wide = (masks > -UNSURE).to(masks.dtype).sum((2, 3))
    tight = (masks > UNSURE).to(masks.dtype).sum((2, 3))
    shares = masks.sigmoid()
    expected = shares.sum((2, 3))
    shared = (shares * inside).sum((2, 3))
    sizes = masks.clamp(-MOST, MOST)
    mean = sizes.mean((2, 3))
    mean_inside = (sizes * inside).sum((2, 3)) / area.clamp(min=1)
    return [
        tight / wide.clamp(min=1),
        ((wide - tight) / area.clamp(min=1)).clamp(max=4),
        shared / (expected + area - shared).clamp(min=1),
        mean_inside / 5,
        mean / 10,
    ]


def _outline(inside: Tensor, area: Tensor) -> list[Tensor]:
    """How large it is, and of what form."""
    height, width = inside.shape[2:]
    rows = inside.amax(3).sum(2) / height
    columns = inside.amax(2).sum(2) / width
    share = area / (height * width)
    edges = [inside[:, :, 0], inside[:, :, -1], inside[..., 0], inside[..., -1]]
    touched = torch.stack([edge.amax(2) for edge in edges]).sum(0)
    return [
        (share + LITTLE).log() / 4,
        share / (rows * columns + LITTLE),
        ((columns + LITTLE) / (rows + LITTLE)).log().clamp(-4, 4),
        rows,
        columns,
        touched / 4,
    ]


def _agreement(inside: Tensor, area: Tensor, quality: Tensor) -> list[Tensor]:
    """How the other two candidates look beside this one, in turn, and which of the three it is."""
    flat = inside.flatten(2)
    both = flat @ flat.transpose(1, 2)
    iou = both / (area[:, :, None] + area[:, None] - both).clamp(min=1)
    facts = []
    for step in range(1, CANDIDATES):
        other = [(k + step) % CANDIDATES for k in range(CANDIDATES)]
        facts.append(torch.stack([iou[:, k, other[k]] for k in range(CANDIDATES)], 1))
        facts.append(((area[:, other] + 1) / (area + 1)).log().clamp(-4, 4) / 2)
        facts.append(quality[:, other])
    which = torch.eye(CANDIDATES, dtype=area.dtype, device=area.device)
    return facts + [row.expand_as(area) for row in which]


def _surroundings(at_8: Tensor, middle: Tensor) -> list[Tensor]:
    """Are the cells inside alike, and unlike those around them?"""
    size = 2 * RING + 1
    ring = (F.max_pool2d(at_8, size, stride=1, padding=RING) - at_8).clamp(min=0)
    cells = F.normalize(middle, dim=1).flatten(2).transpose(1, 2)
    within, around = _mean_cells(at_8, cells), _mean_cells(ring, cells)
    lengths = within.norm(dim=2), around.norm(dim=2)
    alike = (within * around).sum(2) / (lengths[0] * lengths[1]).clamp(min=LITTLE)
    return [10 * (1 - one) for one in (*lengths, alike)]


def _mean_cells(weights: Tensor, cells: Tensor) -> Tensor:
    """(N, 3, C): the mean of (N or 1, h w, C) under (N, 3, h, w)."""
    flat = weights.flatten(2)
    return (flat @ cells) / flat.sum(2, keepdim=True).clamp(min=LITTLE)


def _prompt(at_8: Tensor, drawn: Tensor) -> list[Tensor]:
    """Does the mask do what it was asked for? See `draw_prompts` for the maps."""
    area = at_8.sum((2, 3))
    wanted, unwanted = drawn[:, None, 0], drawn[:, None, 2]
    box, earlier, has_earlier = drawn[:, None, 4], drawn[:, None, 5], drawn[:, None, 6]
    boxed = box.amax((2, 3)).round()
    in_box = (at_8 * box).sum((2, 3))
    before = (earlier > 0).to(at_8.dtype)
    kept = (at_8 * before).sum((2, 3))
    return [
        boxed.expand_as(area),
        in_box / area.clamp(min=1),
        in_box / box.sum((2, 3)).clamp(min=1),
        _share_of(wanted, at_8),
        _share_of(unwanted, at_8),
        (wanted.sum((2, 3)) / 20).expand_as(area),
        has_earlier.amax((2, 3)).expand_as(area),
        kept / (area + before.sum((2, 3)) - kept).clamp(min=1),
    ]


def _share_of(spot: Tensor, at_8: Tensor) -> Tensor:
    """(N, 3): how much of what is drawn the mask holds; 0 where nothing is drawn."""
    share: Tensor = (spot * at_8).sum((2, 3)) / spot.sum((2, 3)).clamp(min=LITTLE)
    return share


FACTS = 1 + 5 + 6 + 3 * (CANDIDATES - 1) + CANDIDATES + 3 + 8
