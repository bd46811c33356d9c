"""What the two stages of Open-Vocabulary SAM are judged by, as lines for a person."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.lab.data.sample import Dataset
from wordmask.lab.training.objective_distill import DistillObjective
from wordmask.lab.training.objective_recognise import RecogniseObjective, embed_words
from wordmask.lab.training.ovsam_figures import (
    WAYS,
    MeasuredThings,
    fit_exponent,
    judge_maps,
    judge_things,
    measure_things,
    named_right,
    paired_interval,
)
from wordmask.lab.training.ovsam_samples import ThingReader

MOST_JUDGED = 150  # pictures
MOST_FITTED = 150  # pictures whose things fit the exponent


def distill_lines(objective: DistillObjective, teacher: MapSegmenter) -> Iterator[str]:
    """Masks by the teacher's own cutter from three kinds of maps.

    They are the mean of its maps (blind), the adapter's, and its own.
    """
    objective.adapter.eval()
    device = next(objective.adapter.parameters()).device
    found: dict[str, dict[str, list[Array]]] = {}
    for source in objective.reader.held[:MOST_JUDGED]:
        things = objective.reader.read(source)
        if things.is_whole or not len(things.masks):
            continue
        own = objective.dump.teach(things.pixels)
        pictures = torch.from_numpy(things.pixels).permute(2, 0, 1)[None].to(device)
        with torch.no_grad():
            adapted = [one[0].cpu().numpy() for one in objective.see(pictures)]
        means = zip(objective.means, own, strict=True)
        blind = [
            np.broadcast_to(m[:, None, None], one.shape).astype(np.float32) for m, one in means
        ]
        for name, maps in (("blind", blind), ("adapter", adapted), ("teacher", own)):
            for way, iou in judge_maps(teacher, maps, things).items():
                found.setdefault(name, {}).setdefault(way, []).append(iou)
    if not found:
        yield "no held-out picture has a mask, so clicks were not judged"
        return
    mean = {
        name: {way: float(np.concatenate(rows).mean()) for way, rows in ways.items()}
        for name, ways in found.items()
    }
    count = sum(map(len, found["teacher"]["click"]))
    yield f"{'':10} click   box     ({count} things, mean IoU by the teacher's cutter)"
    for name, ways in mean.items():
        yield f"{name:10} {ways['click']:.3f}   {ways['box']:.3f}"
    blind_click, own_click = mean["blind"]["click"], mean["teacher"]["click"]
    click = mean["adapter"]["click"]
    gap = (click - blind_click) / max(own_click - blind_click, 1e-6)
    yield f"clicks: {click / max(own_click, 1e-6):.2f} of the teacher's, {gap:.0%} of the gap"


def find_exponent(objective: RecogniseObjective) -> float:
    """The fusion's exponent by which things of words that training never named are named best.

    Without such words the held-out pictures decide.
    """
    reader, withheld = objective.reader, objective.options.without_words
    every = ThingReader(reader.sets, reader.side)
    every_texts = embed_words(every.phrases, objective.embed_texts)
    sources = reader.learn if withheld else reader.held
    things = measure_things(objective.network, objective.backbone, every, sources[:MOST_FITTED])
    if withheld:
        things = things.of_words([every.numbers[one] for one in withheld if one in every.numbers])
    return fit_exponent(things, *every_texts) if len(things.words) else 0.5


def recognise_lines(
    objective: RecogniseObjective, sets: Sequence[Dataset], exponent: float
) -> Iterator[str]:
    """Cuts and names of the pictures to judge by, words that training named and others apart."""
    reader = objective.reader
    every = ThingReader([*reader.sets, *sets], reader.side)
    texts, starts = embed_words(every.phrases, objective.embed_texts)
    things = measure_things(objective.network, objective.backbone, every, reader.held[:MOST_JUDGED])
    scale, withheld = objective.plan.scale, set(objective.options.without_words)
    figures = judge_things(things, texts, starts, scale, exponent)
    yield f"{len(things.words)} things; exponent {exponent:.2f}"
    yield "masks: " + ", ".join(f"{way} {figures[f'{way}_iou']:.3f}" for way in WAYS)
    groups = {
        "base words": [k for k, one in enumerate(every.words) if one not in withheld],
        "novel words": [k for k, one in enumerate(every.words) if one in withheld],
    }
    yield f"{'named right':24} roi     pooled  fused"
    for name, rows in groups.items():
        some = things.of_words(rows)
        if not len(some.words):
            continue
        told = judge_things(some, texts, starts, scale, exponent)
        for way in WAYS:
            values = "   ".join(f"{told[f'{way}_{one}']:.3f}" for one in ("roi", "pooled", "fused"))
            yield f"{f'{name}, {way} ({len(some.words)})':24} {values}"
    yield from _difference_line(things, texts, starts, exponent)


def _difference_line(
    things: MeasuredThings, texts: Tensor, starts: Tensor, exponent: float
) -> Iterator[str]:
    known = things.words >= 0
    if not bool(known.any()):
        return
    first, second = (
        named_right(things, texts, starts, name, exponent).mean(0) for name in ("pooled", "fused")
    )
    mean, low, high = paired_interval(first, second, things.picture[known.numpy()])
    yield f"fused - pooled: {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f}, by picture)"
