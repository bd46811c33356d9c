"""Objects of the first frame followed through a video: J, F, stability; identities where there are several."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Tracker
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, FormatError
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import tracks, video
from wordmask.lab.metrics.tracks import Frame

_NAMES = ("j", "f", "jf", "stability", "j_recall", "f_recall", "j_decay", "f_decay")


class VideoTable:
    """One row for each object, and one for each video."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [(video, item) for video, value in enumerate(values) for item in value["objects"]]
        self.video = np.array([video for video, _ in rows], np.int64)
        self.columns = {
            name: np.array([item[name] for _, item in rows], np.float64) for name in _NAMES
        }
        whole = ("idf1", "hota", "det_a", "ass_a")
        self.whole = {name: np.array([_number(value[name]) for value in values]) for name in whole}
        self.videos = len(values)
        self.frames = [value["frames"] for value in values]

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.video].astype(np.float64)
        found = {name: mean_over(weight, values) for name, values in self.columns.items()}
        return found | {
            name: mean_over(weights.astype(np.float64), values)
            for name, values in self.whole.items()
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        return {}

    def per_picture(self) -> list[dict[str, Any]]:
        found = []
        for number in range(self.videos):
            weight = (self.video == number).astype(np.float64)
            row = {
                name: mean_over(weight, self.columns[name])
                for name in ("jf", "j", "f", "stability")
            }
            found.append(row | {"objects": weight.sum(), "frames": self.frames[number]})
        return found

    def curves(self) -> dict[str, Any]:
        return {}


class Video:
    name = "video"
    headline = "jf"
    about = "objects of the first frame through a video: J, F, J&F, stability, IDF1, HOTA"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return tuple(data.sequences().values())

    def check(self, kit: Kit) -> None:
        if not kit.data.sequences():
            raise FormatError(
                f"{kit.data.name} has no videos: frames lie in folders, images/<video>/<frame>.jpg"
            )
        if not kit.models.has(Tracker):
            raise CapabilityError(
                f"{kit.models.spec} has no Tracker, which the task video needs: an engine with start() and step() "
                "that carries masks from frame to frame (`wordmask models` lists the ones that have it)"
            )

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        tracker = kit.models.get(Tracker)
        with clock.stage("read"):
            first = kit.data.truth(unit[0]).result
        if not len(first):
            raise FormatError(f"{unit[0].name}: the first frame of a video must show its objects")
        first = (
            first
            if first.track_ids is not None
            else first.replace(track_ids=np.arange(len(first)) + 1)
        )
        with clock.stage("predict"):
            memory = tracker.start(kit.data.image(unit[0]), first)
        pairs: list[tuple[Result, Result]] = []
        for sample in unit[1:]:
            with clock.stage("read"):
                image, truth = kit.data.image(sample), kit.data.truth(sample)
            with clock.stage("predict"):
                memory, found = tracker.step(memory, image)
            if sample.labels is not None:
                pairs.append((truth.result, found))
        with clock.stage("score"):
            return summary(first, pairs) | {"frames": len(unit)}

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> VideoTable:
        return VideoTable(facts, values)


def summary(first: Result, pairs: Sequence[tuple[Result, Result]]) -> dict[str, Any]:
    """Figures of one video: (truth, answer) of every frame after the first. As in DAVIS the last one is not scored."""
    scored = pairs[:-1] if len(pairs) > 1 else pairs
    ids = np.array([], np.int64) if first.track_ids is None else first.track_ids
    objects = []
    for identity in sorted(ids.tolist()):
        truths, answers = (
            [_mask(result, identity) for result in column] for column in zip(*scored, strict=True)
        )
        j = [video.region(truth, answer) for truth, answer in zip(truths, answers, strict=True)]
        f = [video.boundary(truth, answer) for truth, answer in zip(truths, answers, strict=True)]
        row = {"j": video.summary(j), "f": video.summary(f)}
        objects.append(
            {
                "j": row["j"]["mean"],
                "f": row["f"]["mean"],
                "jf": (row["j"]["mean"] + row["f"]["mean"]) / 2,
                "stability": video.stability(truths, answers),
                **{
                    f"{name}_{key}": row[name][key]
                    for name in ("j", "f")
                    for key in ("recall", "decay")
                },
            }
        )
    frames = [_frame(truth, answer) for truth, answer in scored]
    return {"objects": objects, "idf1": tracks.idf1(frames), **tracks.hota(frames)}


def _mask(result: Result, identity: int) -> Array:
    rows = (
        np.flatnonzero(result.track_ids == identity)
        if result.track_ids is not None
        else np.zeros(0, np.int64)
    )
    return result.masks[rows].union()


def _frame(truth: Result, answer: Result) -> Frame:
    mine, theirs = (
        np.arange(len(result)) if result.track_ids is None else result.track_ids
        for result in (truth, answer)
    )
    return Frame(mine, theirs, truth.masks.iou(answer.masks))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
