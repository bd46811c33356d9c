"""Objects of the first frame followed through a video: J, F, stability, identities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Tracker, TrackStep
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, FormatError
from wordmask.lab.bench.bench import Bench, Clock, Kit, Table, Unit
from wordmask.lab.bench.json_rows import number
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.metrics import tracks, video
from wordmask.lab.metrics.tracks import TrackFrame
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.ops.split import split_logits

NAMES = ("j", "f", "jf", "stability", "j_recall", "f_recall", "j_decay", "f_decay")
NAMES_OF_WHOLE = ("idf1", "hota", "det_a", "ass_a")  # of all objects of a video together


class VideoTable(Table):
    """One row for each object, and one for each video."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [(video, item) for video, value in enumerate(values) for item in value["objects"]]
        self.video = np.array([video for video, _ in rows], np.int64)
        self.columns = {
            name: np.array([item[name] for _, item in rows], np.float64) for name in NAMES
        }
        self.whole = {
            name: np.array([number(value[name]) for value in values]) for name in NAMES_OF_WHOLE
        }
        self.videos = len(values)
        self.frames = [value["frames"] for value in values]

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.video].astype(np.float64)
        found = {name: weighted_mean(weight, values) for name, values in self.columns.items()}
        return found | {
            name: weighted_mean(weights.astype(np.float64), values)
            for name, values in self.whole.items()
        }

    def per_picture(self) -> list[dict[str, Any]]:
        found = []
        for index in range(self.videos):
            weight = (self.video == index).astype(np.float64)
            row = {
                name: weighted_mean(weight, self.columns[name])
                for name in ("jf", "j", "f", "stability")
            }
            found.append(row | {"objects": weight.sum(), "frames": self.frames[index]})
        return found


class VideoBench(Bench[BenchOptions]):
    name = "video"
    headline = "jf"
    about = "objects of the first frame through a video: J, F, J&F, stability, IDF1, HOTA"
    unit = "video"
    options = BenchOptions
    table = VideoTable

    def units(self, kit: Kit[BenchOptions]) -> Sequence[Unit]:
        return tuple(kit.data.sequences().values())[: kit.options.num_samples]

    def check(self, kit: Kit[BenchOptions]) -> None:
        if not kit.data.sequences():
            raise FormatError(
                f"{kit.data.name} has no videos: frames lie in folders, images/<video>/<frame>.jpg"
            )
        if not kit.models.has(Tracker):
            raise CapabilityError(
                f"{kit.models.spec} has no Tracker, which the bench video needs: an engine with "
                "remember() and step() that carries masks from frame to frame (`wordmask models` "
                "lists the ones that have it)"
            )

    def score(self, kit: Kit[BenchOptions], unit: Unit, clock: Clock) -> dict[str, Any]:
        tracker = kit.models.get(Tracker)
        with clock.stage("read"):
            first = kit.data.truth(unit[0]).result
        if not len(first):
            raise FormatError(f"{unit[0].name}: the first frame of a video must show its objects")
        if first.track_ids is None:
            first = first.replace(track_ids=np.arange(len(first)) + 1)
        with clock.stage("predict"):
            (seen,) = tracker.encode([kit.data.image(unit[0])])
            memories = [tracker.remember(seen, mask) for mask in first.masks]
        pairs: list[tuple[Result, Result]] = []
        for sample in unit[1:]:
            with clock.stage("read"):
                image, truth = kit.data.image(sample), kit.data.truth(sample)
            with clock.stage("predict"):
                (seen,) = tracker.encode([image])
                steps = tracker.step(memories, seen)
                memories = [step.memory for step in steps]
                found = _answer(first, steps, image.size)
            if sample.labels is not None:
                pairs.append((truth.result, found))
        with clock.stage("score"):
            return video_figures(first, pairs) | {"frames": len(unit)}


def _answer(first: Result, steps: Sequence[TrackStep], size: Size) -> Result:
    """The objects of the first frame as they are in a later one; those that are gone, left out."""
    masks = split_logits([step.logits for step in steps], size)
    scores = np.array([step.score for step in steps], np.float32)
    rows = np.flatnonzero(masks.areas > 0)
    columns = {"label_ids": first.label_ids[rows], "track_ids": _identities(first)[rows]}
    return Result.of(masks[rows], first.vocabulary, scores=scores[rows], **columns)


def video_figures(first: Result, pairs: Sequence[tuple[Result, Result]]) -> dict[str, Any]:
    """Figures of one video from (truth, answer) of every frame after the first.

    As in DAVIS the last frame is not scored.
    """
    scored = pairs[:-1] if len(pairs) > 1 else pairs
    identities = [] if first.track_ids is None else sorted(first.track_ids.tolist())
    objects = [object_figures(identity, scored) for identity in identities]
    frames = [_track_frame(truth, answer) for truth, answer in scored]
    return {"objects": objects, "idf1": tracks.idf1(frames), **tracks.hota(frames)}


def object_figures(identity: int, pairs: Sequence[tuple[Result, Result]]) -> dict[str, float]:
    """How well one object is followed."""
    truths = [_mask_of(truth, identity) for truth, _ in pairs]
    answers = [_mask_of(answer, identity) for _, answer in pairs]
    both = list(zip(truths, answers, strict=True))
    j = video.summary([video.region(truth, answer) for truth, answer in both])
    f = video.summary([video.boundary(truth, answer) for truth, answer in both])
    return {
        "j": j["mean"],
        "f": f["mean"],
        "jf": (j["mean"] + f["mean"]) / 2,
        "stability": video.stability(truths, answers),
        "j_recall": j["recall"],
        "j_decay": j["decay"],
        "f_recall": f["recall"],
        "f_decay": f["decay"],
    }


def _mask_of(result: Result, identity: int) -> Array:
    """(H, W) bool: all regions of one identity."""
    if result.track_ids is None:
        return np.zeros(result.size, bool)
    return result.masks[np.flatnonzero(result.track_ids == identity)].union()


def _track_frame(truth: Result, answer: Result) -> TrackFrame:
    return TrackFrame(_identities(truth), _identities(answer), truth.masks.iou(answer.masks))


def _identities(result: Result) -> Array:
    return np.arange(len(result)) if result.track_ids is None else result.track_ids
