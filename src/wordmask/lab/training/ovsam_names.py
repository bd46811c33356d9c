"""Names in figures: words that training named and others apart, by each opinion, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from wordmask.lab.training.ovsam_figures import (
    WAYS,
    MeasuredThings,
    named_right,
    paired_interval,
)

OPINIONS = ("roi", "pooled", "fused")
AMONG = "novel, among them"


@dataclass(frozen=True, eq=False)
class NameJudge:
    """What names are judged by."""

    texts: Tensor
    """(S, D) unit rows of every name of every word."""
    starts: Tensor
    """(S,) the word of each."""
    exponent: float
    """Of the fusion."""
    novel: tuple[int, ...]
    """Words that training never named."""

    def among(self, words: Sequence[int]) -> "NameJudge":
        """Only some words may be answered; they are numbered anew."""
        chosen = torch.tensor(list(words), dtype=torch.long)
        rows = torch.isin(self.starts, chosen)
        numbers = torch.searchsorted(chosen.sort().values, self.starts[rows])
        return replace(self, texts=self.texts[rows], starts=numbers)


def name_rows(things: MeasuredThings, judge: NameJudge) -> list[dict[str, Any]]:
    """For each group of words and each way of asking: the shares named right, and what fusing
    gains over the pooled opinion alone, with 95 % intervals over pictures."""
    every = range(int(judge.starts.max()) + 1)
    base = sorted(set(every) - set(judge.novel))
    groups: dict[str, tuple[Sequence[int], NameJudge]] = {
        "all words": (every, judge),
        "base words": (base, judge),
        "novel words": (judge.novel, judge),
        AMONG: (sorted(judge.novel), judge.among(judge.novel)),
    }
    rows = []
    for name, (words, own) in groups.items():
        some = things.of_words(words)
        if not len(some.words):
            continue
        if own is not judge:
            numbers = torch.searchsorted(torch.tensor(words), some.words)
            some = replace(some, words=numbers)
        rows += [_row(name, some, own, k) for k in range(len(WAYS))]
    return rows


def _row(name: str, things: MeasuredThings, judge: NameJudge, way: int) -> dict[str, Any]:
    right = {
        one: named_right(things, judge.texts, judge.starts, one, judge.exponent)[way]
        for one in OPINIONS
    }
    row: dict[str, Any] = {"words": name, "by": WAYS[way], "things": len(things.words)}
    for one, values in right.items():
        mean, low, high = paired_interval(torch.zeros_like(values), values, things.picture)
        row |= {one: mean, f"{one}_low": low, f"{one}_high": high}
    gain, low, high = paired_interval(right["pooled"], right["fused"], things.picture)
    return row | {"gain": gain, "gain_low": low, "gain_high": high}


def name_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as a table for a person."""
    lines = [f"{'named right':32} roi     pooled  fused   fused - pooled (95 %, by picture)"]
    for row in rows:
        head = f"{row['words']}, {row['by']} ({row['things']})"
        shares = "   ".join(f"{row[one]:.3f}" for one in OPINIONS)
        gain = f"{row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
        lines.append(f"{head:32} {shares}   {gain}")
    return lines
