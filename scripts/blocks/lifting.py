"""The pictures of docs/lift.md: a motorcycle by measured depth, and a cup by mini's own."""

import numpy as np
from page import IMAGES, Request
from PIL import Image as Pil

from wordmask import engines
from wordmask.core.depth import Camera, Depth
from wordmask.core.image import Image
from wordmask.core.prompts import Text
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.suites.lift import FOCAL, motorcycle
from wordmask.media.drawing.orbit import draw_strip
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.lift import Lift, depth_of, lift
from wordmask.tasks.segment import SegmentOptions, segment_view

WIDTH = 1200  # pixels of a picture


def pictures(request: Request) -> None:
    """docs/images/lift_motorcycle.jpg and lift_cup.jpg."""
    pair = motorcycle()
    measured = Depth(pair.inverse.astype(np.float32), metric=True)
    save("lift_motorcycle.jpg", lifted(request, pair.image, "motorcycle", measured, FOCAL))
    save("lift_cup.jpg", lifted(request, photograph("coffee.png"), "cup"))


def lifted(
    request: Request, image: Image, word: str, depth: Depth | None = None, focal: float = 0.0
) -> Lift:
    """The best region of the word, by the depth given or the model's own."""
    view = View(image, engines.load(request.model), Trace())
    result = segment_view(view, Text((word,)), SegmentOptions())[:1]
    camera = Camera.of(image.size, focal) if focal else None
    return lift(image, result, depth or depth_of(view), camera)


def save(name: str, made: Lift) -> None:
    """The strip of views with what `wordmask lift` says of it."""
    lines = [made.notes[0], *map(made.line, made.regions), *made.notes[1:]]
    regions = made.regions
    strip = draw_strip(
        [region.mesh for region in regions], [region.box.corners() for region in regions], lines
    )
    size = (WIDTH, round(strip.height * WIDTH / strip.width))
    strip.resize(size, Pil.Resampling.LANCZOS).save(IMAGES / name, quality=82, optimize=True)
