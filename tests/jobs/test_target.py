"""What is meant, found from all the ways that were given."""

import numpy as np

from drawing import disc, paint
from seeing import CountingFake
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Points
from wordmask.jobs.target import Finder, TargetOptions


def test_a_picture_is_encoded_once_for_all_the_ways():
    size = (60, 80)
    image = paint(size, (disc(size, (30, 30), 20), (220, 20, 20)))
    engine = CountingFake()
    target = TargetOptions(
        prompt=("red",),
        points=Points.of([(30, 30)]),
        boxes=Boxes(np.array([[5, 5, 55, 55], [60, 5, 75, 20]], np.float32)),
    )
    found = Finder(target, Models("counting", (engine,))).find(image)
    assert len(found) == 4
    assert engine.passes == {size: 1}
