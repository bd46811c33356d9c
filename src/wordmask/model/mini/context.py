"""From what a classifier sees in a picture as a whole to the words that are likely in it.

Trained apart from the rest (`lab/training/objective_context.py`). The answer is a direction in the
space of words, so any word may be asked for: its log-odds are its vector times the direction.
"""

import torch
from torch import Tensor, nn

from wordmask.model.mini.classes import CLASSES
from wordmask.model.mini.constants import WORDS

SUMMARY = 2 * CLASSES  # the mean and the peak of every class's logit
HIDDEN = 384
OPINIONS = 3  # networks whose answers are averaged: each of them errs in its own way
LEFT_OUT = 0.4  # share of the inputs and of the hidden values that a training step does not see


class Opinion(nn.Module):
    """Normalised summaries (B, 2000) to (B, 257)."""

    def __init__(self) -> None:
        super().__init__()
        self.hide = nn.Linear(SUMMARY, HIDDEN)
        self.tell = nn.Linear(HIDDEN, WORDS + 1)
        self.leave_out = nn.Dropout(LEFT_OUT)

    def forward(self, summary: Tensor) -> Tensor:
        hidden = self.hide(self.leave_out(summary)).relu()
        answer: Tensor = self.tell(self.leave_out(hidden))
        return answer


class ContextNetwork(nn.Module):
    """A summary of a picture's classes to a direction in the space of words, and an offset."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(SUMMARY))
        self.register_buffer("spread", torch.ones(SUMMARY))
        self.opinions = nn.ModuleList(Opinion() for _ in range(OPINIONS))

    def forward(self, summary: Tensor) -> Tensor:
        """(B, 2000) to (B, 257); the last column is the offset of all words' log-odds."""
        return self.each(summary).mean(0)

    def each(self, summary: Tensor) -> Tensor:
        """(3, B, 257), what each network says; they learn apart."""
        normalised = (summary - self.mean) / self.spread
        return torch.stack([opinion(normalised) for opinion in self.opinions])
