"""Two jobs are told apart by everything that decides their outputs, arrays of any size too."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.core.prompts import Points
from wordmask.jobs.digest import digest_of_file, plain


@dataclass(frozen=True)
class Thing:
    name: str
    part: object


LARGE = np.zeros((300, 300))
CHANGED = LARGE.copy()
CHANGED[150, 150] = 1  # repr() of both says the same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LARGE, CHANGED),
        (np.zeros(4, np.uint8), np.zeros(4, bool)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (Thing("a", LARGE), Thing("a", CHANGED)),
        (Masks.from_dense(LARGE == 1), Masks.from_dense(CHANGED == 1)),
        (Points.of([(1, 2)]), Points.of([(1, 2, False)])),
        ({"a": (1, 2)}, {"a": (2, 1)}),
        (Path("a"), Path("b")),
        (1, True),
    ],
)
def test_what_differs_is_told_apart(one, other):
    assert json.dumps(plain(one)) == json.dumps(plain(one))
    assert json.dumps(plain(one)) != json.dumps(plain(other))


def test_a_file_counts_by_its_content(tmp_path):
    one, other = tmp_path / "a.txt", tmp_path / "b.txt"
    one.write_text("x")
    other.write_text("x")
    assert digest_of_file(one) == digest_of_file(other) != ""
    assert digest_of_file(tmp_path / "gone.txt") == digest_of_file(None) == ""
