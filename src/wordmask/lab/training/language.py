"""The vectors of the words that training knows, and of the captions of its pictures."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wordmask.files import atomic
from wordmask.lab.data.packs import Packs
from wordmask.lab.training.vocabulary import TEMPLATES, Whitening, phrases, unit_rows
from wordmask.model.mini.constants import WORDS
from wordmask.model.minilm import embed, find_minilm

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, eq=False)
class Language:
    """Whitened vectors; made once, then kept beside the checkpoints."""

    whitening: Whitening
    words: list[Floats]
    """For each word (variants, 256), in the order of `vocabulary.phrases`."""
    captions: dict[str, Floats]
    """"set/stem" -> (captions, 256)"""

    def draw(self, rng: np.random.Generator) -> Tensor:
        """(V, 256) one vector a word: with even odds as the engine makes it, or one variant."""
        rows = []
        for variants in self.words:
            if rng.random() < 0.5:
                rows.append(variants[: len(TEMPLATES)].mean(0))
            else:
                rows.append(variants[rng.integers(len(variants))])
        return torch.from_numpy(unit_rows(np.stack(rows)))


def embed_sentences(lines: Sequence[str]) -> Floats:
    """(N, 384) vectors of the sentence encoder."""
    return embed(lines, find_minilm())


def build_language(
    packs: Packs,
    words: Sequence[str],
    kept: Path,
    whitening: Whitening | None = None,
    embed_lines: Embed = embed_sentences,
) -> Language:
    """Embed words and captions with the sentence encoder and whiten them.

    The whitening is fitted to the words' phrases and the usual words of captions, unless it is
    given: a network that has been trained needs the one that it was trained with. The vectors
    before whitening are cached in `kept`.
    """
    names = [phrases(one) for one in words]
    captions = {f"{one.set}/{one.stem}": one.captions for one in packs.records if one.captions}
    flat = [phrase for variants in names for phrase in variants]
    lines = [line for several in captions.values() for line in several]
    rows = _embed_once([*flat, *lines, *caption_words(packs)], kept, embed_lines)
    of_words, of_captions, of_usual_words = np.split(rows, [len(flat), len(flat) + len(lines)])
    if whitening is None:
        whitening = Whitening.fit(np.concatenate([of_usual_words, of_words]), WORDS)
    word_groups = _groups(whitening(of_words), [len(variants) for variants in names])
    counts = [len(several) for several in captions.values()]
    caption_groups = _groups(whitening(of_captions), counts)
    return Language(whitening, word_groups, dict(zip(captions, caption_groups, strict=True)))


def _embed_once(lines: list[str], kept: Path, embed_lines: Embed) -> Floats:
    """(N, 384) vectors of the lines, from the file if it has as many."""
    if kept.exists():
        with np.load(kept) as file:
            rows: Floats = file["rows"].astype(np.float32)
        if len(rows) == len(lines):
            return rows
    made = embed_lines(lines).astype(np.float16)
    with atomic(kept) as part:
        np.savez(part, rows=made)
    return made.astype(np.float32)


def _groups(rows: Floats, counts: list[int]) -> list[Floats]:
    """The rows cut into groups of so many."""
    ends = np.cumsum(counts, dtype=np.int64)
    return [rows[end - count : end] for end, count in zip(ends, counts, strict=True)]


def caption_words(packs: Packs, at_least: int = 2) -> list[str]:
    """Words of three letters or more that captions use `at_least` times: usual words."""
    count: dict[str, int] = defaultdict(int)
    for record in packs.records:
        for caption in record.captions:
            for one in caption.lower().replace(".", " ").replace(",", " ").split():
                if one.isalpha() and len(one) > 2:
                    count[one] += 1
    return sorted(one for one, times in count.items() if times >= at_least)
