"""Skeletons on a picture: bones in the colours of the body's parts, joints as dots."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array, Image
from wordmask.core.poses import BONES, Poses
from wordmask.core.result import Result
from wordmask.media.drawing import palette
from wordmask.media.drawing.overlay import RenderOptions, overlay

# Warm is the person's left, cold the right; arms and legs differ a little.
PART_COLOURS: dict[str, palette.Colour] = {
    "head": (240, 240, 24),
    "torso": (228, 240, 255),
    "left arm": (255, 120, 48),
    "right arm": (24, 132, 255),
    "left leg": (255, 180, 24),
    "right leg": (36, 204, 180),
}
LIMBS = {"elbow": "arm", "wrist": "arm", "knee": "leg", "ankle": "leg"}
FACE = {"nose", "eye", "ear"}
PERSON_FILL, PART_FILL = 0.12, 0.42  # opacity
FINE = 16  # parts of a pixel in which lines are placed
SHIFT = 4  # bits of the same
SMALL = 0.012  # of a person's height: half the breadth of a bone
NECK = (("left shoulder", "right shoulder"), ("nose", "left ear", "right ear"))


class Stroke(NamedTuple):
    """A line from one place to another, in pixels."""

    start: Array
    end: Array
    colour: palette.Colour


def draw_people(people: Result, poses: Poses, threshold: float) -> Pil.Image:
    """The picture that a result knows, its people outlined, with a skeleton each."""
    look = RenderOptions(opacity=PERSON_FILL, scores=False)
    if people.track_ids is None:
        look = replace(look, colour_by="region", labels=False)
    picture = overlay(people.image, people, look)
    return draw_skeletons(picture, poses, threshold)


def draw_parts(parts: Result, image: Image | None) -> Pil.Image:
    """The picture with parts of bodies in the colours of their bones."""
    colours = np.array([PART_COLOURS.get(name, palette.GREY) for name in parts.names], np.uint8)
    look = RenderOptions(opacity=PART_FILL, scores=False)
    return overlay(image, parts, look, colours.reshape(-1, 3))


def draw_skeletons(picture: Pil.Image, poses: Poses, threshold: float) -> Pil.Image:
    """A copy of a picture with every person's bones whose two joints are there."""
    canvas = np.array(picture.convert("RGB"))
    unit = sqrt(canvas.shape[0] * canvas.shape[1]) / 640
    there = poses.is_there(threshold)
    for row in range(len(poses)):
        known = {
            name: poses.joints[row, k, :2] for k, name in enumerate(poses.names) if there[row, k]
        }
        _draw_one(canvas, known, unit)
    return Pil.fromarray(canvas)


def _draw_one(canvas: Array, known: dict[str, Array], unit: float) -> None:
    if not known:
        return
    points = np.stack(list(known.values()))
    spread = float(np.hypot(*np.ptp(points, 0)))
    half = float(np.clip(SMALL * spread, 0.8, 3.2 * max(unit, 0.5)))
    strokes = _strokes(known)
    for grow, is_rim in ((max(0.9, 0.45 * half), True), (0.0, False)):
        for stroke in strokes:
            ink = palette.BLACK if is_rim else stroke.colour
            _draw_line(canvas, stroke, half + grow, ink)
    for name, place in known.items():
        _draw_dot(canvas, place, 1.55 * half + 0.7, palette.BLACK)
        _draw_dot(canvas, place, 1.55 * half - 0.2, _colour_of((name,)))


def _strokes(known: dict[str, Array]) -> list[Stroke]:
    """Bones between joints that are there, and a neck."""
    strokes = [
        Stroke(known[one], known[other], _colour_of((one, other)))
        for one, other in BONES
        # COCO's lines from ears to shoulders are no bones; the neck stands for them.
        if one in known and other in known and not ("ear" in one and "shoulder" in other)
    ]
    shoulders, face = ([known[name] for name in names if name in known] for names in NECK)
    if len(shoulders) == 2 and face:
        strokes.append(Stroke(np.mean(shoulders, 0), np.mean(face, 0), PART_COLOURS["torso"]))
    return strokes


def _colour_of(names: Sequence[str]) -> palette.Colour:
    """Of the part to which one joint, or the bone between two, belongs."""
    joints, sides = {name.split()[-1] for name in names}, {name.split()[0] for name in names}
    limbs = {LIMBS[joint] for joint in joints if joint in LIMBS}
    if joints & FACE:
        return PART_COLOURS["head"]
    return PART_COLOURS[f"{sides.pop()} {limbs.pop()}" if limbs else "torso"]


def _draw_line(canvas: Array, stroke: Stroke, half: float, ink: palette.Colour) -> None:
    """A bone: broad in the middle, narrow at its ends."""
    along = stroke.end - stroke.start
    length = float(np.hypot(*along))
    if length < 1e-3:
        return
    unit = along / length
    across = half * np.array([-unit[1], unit[0]])
    share = np.linspace(0, 1, 13)[:, None]
    middle = stroke.start + share * along
    breadth = (0.62 + 0.38 * np.sin(np.pi * share)) * across
    outline = np.concatenate([middle + breadth, (middle - breadth)[::-1]])
    cv2.fillPoly(canvas, [_fine(outline)], ink, cv2.LINE_AA, SHIFT)
    for end in (stroke.start, stroke.end):
        _draw_dot(canvas, end, 0.62 * half, ink)


def _draw_dot(canvas: Array, place: Array, radius: float, ink: palette.Colour) -> None:
    x, y = _fine(place).tolist()
    cv2.circle(canvas, (x, y), max(1, round(radius * FINE)), ink, -1, cv2.LINE_AA, SHIFT)


def _fine(places: Array) -> Array:
    """Pixel centres lie at .5 with us and at whole numbers in OpenCV."""
    return np.asarray(np.round((places - 0.5) * FINE), np.int32)
