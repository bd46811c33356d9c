"""The strips of a run: picture, truth, answer, difference."""

import numpy as np

from wordmask.lab.bench.drawn import strip
from wordmask.lab.bench.plan import BenchOptions, Kit

GREEN, ORANGE = (40, 160, 70), (240, 160, 30)  # right, missed


def share(pixels, colour):
    return (np.abs(pixels.astype(int) - colour).max(-1) < 8).mean()


def test_what_nobody_asked_for_was_not_missed(drawn, fake):
    kit = Kit(drawn, fake(), BenchOptions(how="unified", words=("red disc",)))
    sample = next(s for s in drawn.samples if len(drawn.truth(s).result) > 1)
    drawing = strip(kit, "retrieval", sample)
    difference = drawing[:, -drawn.image(sample).size[1] :]
    assert share(difference, GREEN) > 0.03
    assert share(difference, ORANGE) < 0.01
