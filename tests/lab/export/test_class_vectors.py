"""ImageNet's classes in the space of words."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.lab.export.mini_words import class_vectors, read_class_names


def test_a_class_has_the_vector_of_its_first_name_alone():
    named = []

    def embed(phrases):
        named.extend(phrases)
        return np.arange(len(phrases), dtype=np.float32)[:, None]

    rows = class_vectors(embed)
    assert rows[:, 0].tolist() == list(range(1000))
    assert (named[0], named[1]) == ("tench", "goldfish")
    assert "zucchini" in named
    assert "carrot" not in named  # it only stands beside zucchini
    assert "carrot" in dict.fromkeys(name for _, name in read_class_names())
