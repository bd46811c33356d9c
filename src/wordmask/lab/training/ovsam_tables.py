"""What the two stages of Open-Vocabulary SAM are judged by, as lines for a person."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.lab.data.sample import Dataset
from wordmask.lab.training.objective_distill import DistillObjective
from wordmask.lab.training.objective_recognise import RecogniseObjective, embed_words
from wordmask.lab.training.ovsam_figures import (
    WAYS,
    fit_exponent,
    judge_maps,
    measure_things,
)
from wordmask.lab.training.ovsam_names import NameJudge, name_lines, name_rows
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
    """The fusion's exponent, by which things that training never named are named best.

    They are those of pictures that were not learned from, and those of withheld words in any
    picture; these words weigh as much as the others.
    """
    reader = objective.reader
    every = ThingReader(reader.sets, reader.side)
    texts, starts = embed_words(every.phrases, objective.embed_texts)
    things = measure_things(objective.whole, every, reader.fit[:MOST_FITTED])
    withheld = objective.options.without_words
    novel = [every.numbers[one] for one in withheld if one in every.numbers]
    if novel:
        more = measure_things(objective.whole, every, reader.learn[:MOST_FITTED])
        things = things.join(more.of_words(novel))
    return fit_exponent(things, texts, starts, novel)


def recognise_lines(
    objective: RecogniseObjective, sets: Sequence[Dataset], exponent: float
) -> Iterator[str]:
    """Cuts and names of the pictures to judge by, words that training named and others apart."""
    reader = objective.reader
    every = ThingReader([*reader.sets, *sets], reader.side)
    texts, starts = embed_words(every.phrases, objective.embed_texts)
    things = measure_things(objective.whole, every, reader.held[:MOST_JUDGED])
    yield f"{len(things.words)} things; exponent {exponent:.2f}"
    if not len(things.words):
        return
    yield "masks: " + ", ".join(
        f"{way} {float(things.iou[k].mean()):.3f}" for k, way in enumerate(WAYS)
    )
    novel = [every.numbers[one] for one in every.words if one not in reader.numbers]
    yield from name_lines(name_rows(things, NameJudge(texts, starts, exponent, tuple(novel))))
