"""How objects are followed, beyond the bench `video`: refined, several at once, corrected.

Refined: whether the segmenter's cuts make a tracker better, video by video. Several: the videos
side by side as one. Clicks: a person clicks where the worst frame is most wrong, and again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.result import Result
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import open_pack
from wordmask.lab.data import Dataset
from wordmask.lab.data.sample import Sample
from wordmask.lab.metrics import video as metrics
from wordmask.lab.metrics.clicks import next_click
from wordmask.tasks.track import FramePrompt, Query, TrackOptions, track

Part = Literal["refine", "several", "clicks"]
WAYS: Mapping[str, TrackOptions] = {
    "plain": TrackOptions(),
    "every frame": TrackOptions(refine_every=1),
    "every 5th": TrackOptions(refine_every=5),
    "below .6": TrackOptions(refine_below=0.6),
}
LEVELS = (0.7, 0.8)  # mean J&F for which clicks are counted


@dataclass(frozen=True)
class FollowingOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs")
    """Folder in which the data sets lie."""
    sets: tuple[str, ...] = ("eval/davis",)
    """The data sets, each a folder in it, with one object a video."""
    parts: tuple[Part, ...] = ("refine", "several", "clicks")
    """What to measure."""
    model: str = "mini"
    """Engine, or several joined by +."""
    clicks: Annotated[int, Ge(1)] = 5
    """Clicks of a person on one video."""
    frames: Annotated[int, Ge(0)] = 0
    """At most so many frames of each video; 0 = all."""


@dataclass(frozen=True, eq=False)
class VideoClip:
    """A video with the true mask (H, W) bool of its one object in every frame."""

    name: str
    images: Sequence[Image]
    truths: Sequence[Array]


class FollowingSuite(Suite[FollowingOptions]):
    name = "following"
    about = "objects followed: refined by the segmenter, several at once, corrected by clicks"
    options = FollowingOptions

    def run(self, kit: SuiteKit[FollowingOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        sets = [open_pack(options.data, name) for name in options.sets]
        clips = [clip for data in sets for clip in read_clips(data, options.frames)]
        tables, verdicts = {}, []
        if "refine" in options.parts:
            rows = [_measure_ways(clip, models, kit) for clip in clips]
            tables["J&F, refined by the segmenter"] = FindingTable.of(rows)
            verdicts += [_tell_losses(way, rows) for way in WAYS if way != "plain"]
        if "several" in options.parts:
            tables["several objects, the videos side by side"] = FindingTable.of(
                list(_measure_several(clips, models, kit))
            )
        if "clicks" in options.parts:
            rows = [_measure_clicks(clip, models, kit) for clip in clips]
            tables["J&F after each click on the worst frame"] = FindingTable.of(rows)
            verdicts += [_count_clicks(rows, level, options.clicks) for level in LEVELS]
        return Findings(
            metrics={"videos": len(clips)},
            tables=tables,
            verdicts=verdicts,
            models=[models],
            data=sets,
        )


def read_clips(data: Dataset, most: int) -> Iterator[VideoClip]:
    """The videos of a data set, whole or their first frames."""
    for name, samples in _videos_of(data).items():
        chosen = samples[: most or None]
        truths = [data.truth(sample).result.masks.union() for sample in chosen]
        yield VideoClip(name, [data.image(sample) for sample in chosen], truths)


def _videos_of(data: Dataset) -> Mapping[str, Sequence[Sample]]:
    """Frames by their video: in folders, or called VIDEO_NUMBER."""
    found = data.sequences()
    if found:
        return found
    names = groupby(data.samples, key=lambda sample: sample.name.rpartition("_")[0])
    return {name: tuple(samples) for name, samples in names}


def follow(
    clip: VideoClip, prompts: Sequence[FramePrompt], models: Models, options: TrackOptions
) -> list[Result]:
    query = Query(None, tuple(prompts))
    return [result for _, result in track(clip.images, query, models, options)]


def mask_of(result: Result, id: int) -> Array:
    """(H, W) bool: the object where it is in the frame."""
    ids = np.zeros(0) if result.track_ids is None else result.track_ids
    return result.masks[np.flatnonzero(ids == id)].union()


def mean_jf(truths: Sequence[Array], masks: Sequence[Array]) -> float:
    """As DAVIS has it: without the first frame, which is given, and the last."""
    pairs = list(zip(truths, masks, strict=True))[1:]
    pairs = pairs[:-1] if len(pairs) > 1 else pairs
    values = [(metrics.region(*pair), metrics.boundary(*pair)) for pair in pairs]
    return float(np.mean(values))


# ---- refined


def _measure_ways(
    clip: VideoClip, models: Models, kit: SuiteKit[FollowingOptions]
) -> dict[str, str | float]:
    kit.say(f"{clip.name}: refined")
    first = FramePrompt(0, mask=clip.truths[0], id=1)
    row: dict[str, str | float] = {"video": clip.name, "frames": len(clip.images)}
    for way, options in WAYS.items():
        results = follow(clip, [first], models, options)
        row[way] = round(mean_jf(clip.truths, [mask_of(one, 1) for one in results]), 4)
    return row


def _tell_losses(way: str, rows: Sequence[Mapping[str, str | float]]) -> str:
    gains = {str(row["video"]): float(row[way]) - float(row["plain"]) for row in rows}
    mean = np.mean(list(gains.values()))
    lost = [f"{name} {gain:+.3f}" for name, gain in gains.items() if gain < -0.001]
    return (
        f"refined {way}: {mean:+.4f} on the mean of {len(rows)}; lost: {', '.join(lost) or 'none'}"
    )


# ---- several at once


def _measure_several(
    clips: Sequence[VideoClip], models: Models, kit: SuiteKit[FollowingOptions]
) -> Iterator[dict[str, str | float]]:
    """Each object alone and together with the others, in the same wide frames."""
    clips = [clip for clip in clips if clip.truths[0].shape == clips[0].truths[0].shape]
    wide, truths = lay_side_by_side(clips)
    shown = [FramePrompt(0, mask=one[0], id=id) for id, one in enumerate(truths, 1)]
    kit.say(f"{len(clips)} videos side by side")
    start = perf_counter()
    together = follow(wide, shown, models, TrackOptions())
    all_s = perf_counter() - start
    alone_s = 0.0
    for id, (clip, own) in enumerate(zip(clips, truths, strict=True), 1):
        start = perf_counter()
        alone = follow(wide, [shown[id - 1]], models, TrackOptions())
        alone_s += perf_counter() - start
        yield {
            "object": clip.name,
            "alone": round(mean_jf(own, [mask_of(one, id) for one in alone]), 4),
            "together": round(mean_jf(own, [mask_of(one, id) for one in together]), 4),
        }
    yield {"object": "seconds a frame", "alone": alone_s / len(wide.images) / len(clips),
           "together": all_s / len(wide.images)}  # fmt: skip


def lay_side_by_side(clips: Sequence[VideoClip]) -> tuple[VideoClip, list[list[Array]]]:
    """One wide clip, as long as the shortest, and for each object its truth in it."""
    count = min(len(clip.images) for clip in clips)
    frames = [
        Image(np.concatenate([clip.images[k].pixels for clip in clips], 1)) for k in range(count)
    ]
    truths = []
    for own in range(len(clips)):
        parts = [
            [clip.truths[k] & (place == own) for place, clip in enumerate(clips)]
            for k in range(count)
        ]
        truths.append([np.concatenate(part, 1) for part in parts])
    everything = [np.logical_or.reduce([own[k] for own in truths]) for k in range(count)]
    return VideoClip("side by side", frames, everything), truths


# ---- corrected by clicks


def _measure_clicks(
    clip: VideoClip, models: Models, kit: SuiteKit[FollowingOptions]
) -> dict[str, str | float]:
    kit.say(f"{clip.name}: clicks")
    row: dict[str, str | float] = {"video": clip.name}
    prompts: list[FramePrompt] = []
    frame, masks = 0, [np.zeros_like(truth) for truth in clip.truths]
    for number in range(1, kit.options.clicks + 1):
        click = next_click(clip.truths[frame], masks[frame])
        if click is not None:
            prompts.append(FramePrompt.of(frame, [(click.x, click.y, click.keep)], id=1))
        masks = [mask_of(one, 1) for one in follow(clip, prompts, models, TrackOptions())]
        row[f"{number}"] = round(mean_jf(clip.truths, masks), 4)
        worth = [metrics.region(*pair) for pair in zip(clip.truths, masks, strict=True)]
        frame = int(np.argmin(worth))
    return row


def _count_clicks(rows: Sequence[Mapping[str, str | float]], level: float, most: int) -> str:
    """How many clicks a video needs on average; one that never gets there counts as one more."""
    needed = []
    for row in rows:
        values = [float(row[f"{number}"]) for number in range(1, most + 1)]
        reached = [number for number, value in enumerate(values, 1) if value >= level]
        needed.append(reached[0] if reached else most + 1)
    failed = sum(number > most for number in needed)
    return (
        f"clicks for a mean J&F of {level}: {np.mean(needed):.2f} "
        f"({failed} of {len(needed)} videos never, counted as {most + 1})"
    )
