"""People -> their joints, better masks by them, and the parts of their bodies."""

from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.options import Confidence, Share, check
from wordmask.core.poses import CONFIDENT, JOINTS, Poses
from wordmask.core.prompts import Boxes, Text
from wordmask.core.protocols import PoseModel
from wordmask.core.result import Result, Why, best_first
from wordmask.errors import CapabilityError
from wordmask.tasks.click import Click
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.posing.cutting import PersonCuts, cut_boxes, cut_by_joints, part_people
from wordmask.tasks.posing.groups import split_groups
from wordmask.tasks.posing.parts import find_parts
from wordmask.tasks.segment import SegmentOptions, segment_view

PERSON = "person"  # what is in a box
MOST_GROWN = 0.1  # words know where people are: a new cut may add so much to what they found


@dataclass(frozen=True)
class PoseOptions:
    """What is made of people's joints."""

    joint_threshold: Share = CONFIDENT
    """Confidence from which a joint is there."""
    min_confidence: Confidence = "auto"
    """Score from which a person counts as found: 0 to 1, or auto (the engine's own)."""
    refine: bool = True
    """Cut people anew by their joints where the segmenter thinks that better, and part those who
    overlap."""
    parts: bool = True
    """Also find head, torso, arms and legs."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class People:
    """The people of one picture."""

    result: Result  # a region each, best first
    poses: Poses  # row k is of region k
    parts: Result  # head, torso, arms and legs of all of them
    owners: Array  # (M,) int: whose each part is, a row of `result`

    def with_image(self, image: Image | None) -> "People":
        """The same with results that know their picture."""
        result, parts = self.result.with_image(image), self.parts.with_image(image)
        return replace(self, result=result, parts=parts)


def pose(
    image: Image, models: Models, who: Text | Boxes, options: PoseOptions | None = None
) -> People:
    """The people whom words name, or one in each box."""
    return pose_view(View(image, models, Trace()), who, options or PoseOptions())


def pose_view(view: View, who: Text | Boxes, options: PoseOptions) -> People:
    """`pose` on a picture that may have been encoded already."""
    if isinstance(who, Boxes):
        return _pose_boxes(view, who, options)
    found = segment_view(view, who, SegmentOptions(min_confidence=options.min_confidence))
    if options.refine:
        found = split_groups(view, found, options.joint_threshold)
    return pose_regions(view, found, options)


def pose_regions(view: View, people: Result, options: PoseOptions) -> People:
    """People who have been found already, a region each."""
    boxes = people.masks.boxes.astype(np.float32)
    poses = find_poses(view, boxes)
    if not (options.refine and len(people)):
        return _finish(people, poses, options)
    first = cut_boxes(view, boxes)
    quality = _qualities(people)
    # What the segmenter has not judged is held against what it would make of the box.
    quality = np.where(np.isnan(quality), first.quality, quality)
    cuts = PersonCuts(people.masks, first.logits, quality, _prompts(people))
    cuts = cut_by_joints(view, cuts, boxes, poses, options.joint_threshold, MOST_GROWN)
    return _finish_cuts(people, cuts, poses, options)


def find_poses(view: View, boxes: Array) -> Poses:
    """COCO's joints of the person in each box (N, 4)."""
    model = view.models.get(PoseModel)
    with view.trace.stage("pose"):
        found = model.poses(view.encoding_of(model), boxes)
    if found.names != JOINTS:
        raise CapabilityError(f"{model.name} finds other joints than COCO's: {found.names}")
    return found


def _pose_boxes(view: View, boxes: Boxes, options: PoseOptions) -> People:
    """One person in each box."""
    for box in boxes.xyxy:
        Click(box=Boxes(box[None])).check_inside(view.image.size)
    poses, cuts = find_poses(view, boxes.xyxy), cut_boxes(view, boxes.xyxy)
    if options.refine:
        cuts = cut_by_joints(view, cuts, boxes.xyxy, poses, options.joint_threshold)
    order = best_first(cuts.masks, cuts.quality)
    found = Result.of(
        cuts.masks,
        (PERSON,),
        scores=cuts.quality,
        label_ids=np.zeros(len(cuts), np.int32),
        made_by=view.models.made_by,
    )
    if not options.refine:
        whys = [Why(cuts.prompts[row], quality=float(cuts.quality[row])) for row in order]
        return _finish(found.replace(why=tuple(whys)), poses[order], options)
    return _finish_cuts(found, cuts[order], poses[order], options)


def _finish_cuts(people: Result, cuts: PersonCuts, poses: Poses, options: PoseOptions) -> People:
    """With the masks of the cuts, which are in the people's order."""
    earlier = people.why or (Why(),) * len(people)
    whys = tuple(
        why._replace(prompt=prompt, quality=float(quality))
        for why, prompt, quality in zip(earlier, cuts.prompts, cuts.quality, strict=True)
    )
    masks = part_people(cuts)
    order = best_first(masks, people.scores)
    return _finish(people.replace(masks=masks, why=whys), poses[order], options)


def _finish(people: Result, poses: Poses, options: PoseOptions) -> People:
    if options.parts:
        parts, owners = find_parts(people, poses, options.joint_threshold)
    else:
        parts, owners = Result.nothing(people.size), np.zeros(0, np.int64)
    return People(people, poses, parts, owners)


def _qualities(people: Result) -> Array:
    whys = people.why or (Why(),) * len(people)
    return np.array([why.quality for why in whys], np.float32)


def _prompts(people: Result) -> tuple[str, ...]:
    return tuple(why.prompt for why in people.why or (Why(),) * len(people))
