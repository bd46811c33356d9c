"""People in given boxes: their joints, and masks with joints against masks without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.poses import CONFIDENT, Poses
from wordmask.core.prompts import Text
from wordmask.core.protocols import PoseModel, PromptBatch, Segmenter
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, FormatError
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, PictureBench, Table
from wordmask.lab.bench.json_rows import number
from wordmask.lab.bench.options import PictureOptions
from wordmask.lab.data.people import PERSON, Person, box_of, compose_pair, people_of
from wordmask.lab.metrics.joints import THRESHOLDS, oks
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.media.drawing.skeleton import draw_people
from wordmask.ops import boxes as ops_boxes
from wordmask.ops.regions import masks_of_logits, overlaps
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.pose import PoseOptions, find_poses, pose_view
from wordmask.tasks.posing.cutting import cut_boxes, cut_by_joints, part_people
from wordmask.tasks.segment import SegmentOptions, segment_view

OVERLAPPING = 0.1  # IoU of two people's boxes from which they count as a pair
WAYS = ("box", "twice", "joints")  # the box alone; cut twice, as a control; with joints
COLUMNS = ("labelled", "oks", "overlap", *(f"iou_{way}" for way in WAYS),
           *(f"leak_{way}" for way in WAYS))  # fmt: skip


@dataclass(frozen=True)
class PoseBenchOptions(PictureOptions):
    """Which people are measured."""

    least_joints: Annotated[int, Interval(ge=1, le=17)] = 5
    """OKS and AR are of people with at least so many labelled joints."""
    least_pixels: Annotated[int, Ge(0)] = 400
    """People of fewer pixels are left out."""
    by_words: bool = False
    """Find people by the word "person" in place of real boxes: of each real person the IoU with
    the region that fits best, as words find it (box) and after joints (joints)."""
    pairs: bool = False
    """Paste the next picture's person in front of each person: two who overlap, without joints in
    the truth."""


class RealPeople(NamedTuple):
    """A picture and who is really in it."""

    image: Image
    people: list[Person]


class Answers(NamedTuple):
    """Joints and three masks for each person."""

    poses: Poses
    masks: dict[str, Masks]


class PoseTable(Table):
    """One row for each person."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [(k, row) for k, value in enumerate(values) for row in value["people"]]
        self.pictures = len(values)
        self.least = int(values[0]["least_joints"]) if values else 1
        self.picture = np.array([k for k, _ in rows], np.int64)
        columns = [[number(row[name]) for name in COLUMNS] for _, row in rows]
        self.columns = dict(
            zip(COLUMNS, np.array(columns).reshape(-1, len(COLUMNS)).T, strict=True)
        )

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        many = weight * (self.columns["labelled"] >= self.least)
        pairs = weight * (self.columns["overlap"] >= OVERLAPPING)
        found = {**self._oks(many), **self._oks(weight, "_all")}
        for name, some in (("", weight), ("pair_", pairs)):
            means = {way: self._mean(some, f"iou_{way}") for way in WAYS}
            found |= {f"{name}iou_{way}": mean for way, mean in means.items()}
            found[f"{name}gain"] = means["joints"] - means["box"]
            found[f"{name}gain_over_twice"] = means["joints"] - means["twice"]
        found |= {"people": float(weight.sum()), "pair_people": float(pairs.sum())}
        found |= {f"pair_leak_{way}": self._mean(pairs, f"leak_{way}") for way in WAYS}
        return found

    def _oks(self, weight: Array, label: str = "") -> dict[str, float]:
        values = self.columns["oks"]
        passed = [np.where(np.isnan(values), np.nan, values >= limit) for limit in THRESHOLDS]
        return {
            f"oks{label}": weighted_mean(weight, values),
            f"ar{label}": float(np.mean([weighted_mean(weight, one) for one in passed])),
            f"ar50{label}": weighted_mean(weight, passed[0]),
        }

    def _mean(self, weight: Array, name: str) -> float:
        return weighted_mean(weight, self.columns[name])

    def per_picture(self) -> list[dict[str, Any]]:
        weights = np.eye(self.pictures)
        return [{"gain": self.measure(row)["gain"], "oks": self._oks_of(row)} for row in weights]

    def _oks_of(self, weights: Array) -> float:
        return self._oks(weights[self.picture])["oks"]


class PoseBench(PictureBench[PoseBenchOptions]):
    name = "pose"
    headline = "oks"
    about = "joints of people in given boxes: OKS, AR; masks with joints against masks without"
    options = PoseBenchOptions
    table = PoseTable
    needs_names = True

    def check(self, kit: Kit[PoseBenchOptions]) -> None:
        super().check(kit)
        kit.models.get(Segmenter)
        if not kit.models.has(PoseModel):
            raise CapabilityError(
                f"{kit.models.spec} knows no joints; measure {kit.models.spec}+movenet"
            )
        if PERSON not in kit.data.classes:
            raise FormatError(f"{kit.data.name} has no class {PERSON!r}")

    def score_picture(
        self, kit: Kit[PoseBenchOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        truth = people_in(kit, picture)
        rows: list[dict[str, Any]] = []
        if truth.people:
            if kit.options.by_words:
                rows = score_words(kit, truth, clock)
            else:
                with clock.stage("predict"):
                    answers = answer(kit, truth)
                with clock.stage("score"):
                    rows = score_people(truth.people, answers)
        return {"people": rows, "least_joints": kit.options.least_joints}

    def panels(self, kit: Kit[PoseBenchOptions], picture: LabelledPicture) -> list[Array]:
        """The real people, and what joints make of them."""
        truth = people_in(kit, picture)
        size = truth.image.size
        real = Result.nothing(size, image=truth.image)
        found, poses, joints = real, Poses.nobody(), Poses.nobody()
        if truth.people:
            answers = answer(kit, truth)
            stack = np.stack([person.mask for person in truth.people])
            real = Result.of(Masks.from_dense(stack), image=truth.image)
            found = Result.of(answers.masks["joints"], image=truth.image)
            poses = answers.poses
            marks = np.stack([person.joints for person in truth.people])
            marks[..., 2] = marks[..., 2] > 0
            joints = Poses(marks)
        pictures = (draw_people(real, joints, 0.5), draw_people(found, poses, CONFIDENT))
        return [np.asarray(one.convert("RGB")) for one in pictures]


def people_in(kit: Kit[PoseBenchOptions], picture: LabelledPicture) -> RealPeople:
    """The people of a picture; with `pairs` the one of the next picture in front of them."""
    least = kit.options.least_pixels
    people = people_of(kit.data, picture.sample, picture.image, least)
    if not kit.options.pairs:
        return RealPeople(picture.image, people)
    samples = kit.data.samples
    place = samples.index(picture.sample)
    following = samples[(place + 1) % len(samples)]
    image = kit.data.image(following)
    others = people_of(kit.data, following, image, least)
    if len(people) != 1 or len(others) != 1:
        return RealPeople(picture.image, [])
    composed = compose_pair(picture.image, people[0], image, others[0], place)
    if composed is None:
        return RealPeople(picture.image, [])
    nothing = np.zeros_like(people[0].joints)
    made = [Person(m, box_of(m, None, ""), nothing, float(m.sum())) for m in composed[1]]
    return RealPeople(composed[0], made)


def answer(kit: Kit[PoseBenchOptions], truth: RealPeople) -> Answers:
    """Joints in the real boxes; masks of the boxes alone, of a second cut, and with joints."""
    boxes = np.stack([person.box for person in truth.people])
    view = View(truth.image, kit.models, Trace())
    poses, before = find_poses(view, boxes), cut_boxes(view, boxes)
    again = view.segmenter.cut(view.encoding, PromptBatch.of_boxes(boxes, before.logits))
    best = again.logits[np.arange(len(boxes)), again.quality.argmax(1)]
    after = cut_by_joints(view, before, boxes, poses, CONFIDENT)
    twice = masks_of_logits(best, truth.image.size)
    return Answers(poses, {"box": before.masks, "twice": twice, "joints": part_people(after)})


def score_words(
    kit: Kit[PoseBenchOptions], truth: RealPeople, clock: Clock
) -> list[dict[str, Any]]:
    """A row for each person, of the columns that words have."""
    view, text = View(truth.image, kit.models, Trace()), Text((PERSON,))
    with clock.stage("predict"):
        before = segment_view(view, text, SegmentOptions())
        after = pose_view(view, text, PoseOptions(parts=False)).result
    with clock.stage("score"):
        boxes = np.stack([person.box for person in truth.people])
        near = ops_boxes.iou(boxes, boxes)
        np.fill_diagonal(near, 0)
        real = Masks.from_dense(np.stack([person.mask for person in truth.people]))
        best = [found.masks.iou(real).max(0, initial=0.0) for found in (before, after)]
    unknown = dict.fromkeys(COLUMNS, float("nan")) | {"labelled": 0}
    return [
        unknown
        | {"overlap": float(near[k].max()), "iou_box": float(best[0][k])}
        | {"iou_joints": float(best[1][k])}
        for k in range(len(truth.people))
    ]


def score_people(people: Sequence[Person], answers: Answers) -> list[dict[str, Any]]:
    """A row for each person, see `COLUMNS`; a leak is the share of a mask that is on others."""
    stack = np.stack([person.mask for person in people])
    boxes = np.stack([person.box for person in people])
    near = ops_boxes.iou(boxes, boxes)
    np.fill_diagonal(near, 0)
    rows = []
    for k, person in enumerate(people):
        others = np.delete(stack, k, 0).any(0) & ~person.mask
        row = {
            "labelled": person.labelled,
            "oks": oks(answers.poses.joints[k], person.joints, person.area),
            "overlap": float(near[k].max()),
        }
        for way, masks in answers.masks.items():
            mask = masks.one(k)
            row[f"iou_{way}"] = float(overlaps(mask, person.mask))
            row[f"leak_{way}"] = float((mask & others).sum() / max(1, int(mask.sum())))
        rows.append(row)
    return rows
