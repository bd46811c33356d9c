"""What the bench counts of the words that `find` would report."""

import numpy as np

from wordmask.lab.bench.benches.search import WordsSaid, _said_figures
from wordmask.tasks.search import WORDS

HIGH, LOW = WORDS.cut + 0.1, WORDS.cut - 0.1


def test_what_is_said_of_a_picture():
    """Two dogs, of which one is found; a cat that is not there is found once; no bird."""
    value = {"label": [0, 0], "scores": {"0": [HIGH, LOW], "1": [LOW, HIGH], "2": [LOW, LOW]}}
    said = WordsSaid.of(value)
    assert said == WordsSaid(right=1, found=2, there=2, absent=1, truly_absent=1, missing=2)
    figures = _said_figures([said], np.ones(1))
    assert figures == {"word_f1": 0.5, "not_here_precision": 1.0, "not_here_recall": 0.5}


def test_a_picture_without_regions_says_that_nothing_is_here():
    said = WordsSaid.of({"label": [], "scores": {"0": [], "1": []}})
    assert said == WordsSaid(0, 0, 0, 2, 2, 2)
    assert np.isnan(_said_figures([said], np.ones(1))["word_f1"])
