"""The strips of a run: picture, truth, answer, difference."""

import numpy as np

from wordmask.lab.bench.bench import Kit, read_picture
from wordmask.lab.bench.benches import find_bench
from wordmask.lab.bench.drawn import MISSED, RIGHT
from wordmask.lab.bench.options import ThresholdOptions


def share(pixels, colour):
    return (np.abs(pixels.astype(int) - colour).max(-1) < 8).mean()


def test_what_nobody_asked_for_was_not_missed(drawn, fake):
    kit = Kit(drawn, fake(), ThresholdOptions(how="unified", words=("red disc",)))
    sample = next(s for s in drawn.samples if len(drawn.truth(s).result) > 1)
    *_, difference = find_bench("retrieval").panels(kit, read_picture(drawn, (sample,)))
    assert share(difference, RIGHT) > 0.03
    assert share(difference, MISSED) < 0.01
