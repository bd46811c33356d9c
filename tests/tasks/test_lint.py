"""Warnings about lists of words."""

import pytest

from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.tasks.lint import lint


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("cat", "Cats"), "collision"),
        (("t-shirt", "tshirt"), "collision"),
        (("dog", "hot dog"), "one inside the other"),
        (("a " + "very " * 12 + "long phrase",), "long phrase"),
        (("cup", "plate"), "no background"),
    ],
)
def test_the_linter_finds(words, kind):
    assert kind in [warning.kind for warning in lint(Text(words))]


@pytest.mark.parametrize("words", [("cat",), ("cat", "wall"), ("glass", "floor"), ("bus", "sky")])
def test_the_linter_lets_good_lists_pass(words):
    assert lint(Text(words)) == []


def test_the_linter_compares_meanings_where_an_engine_knows_them():
    fake = engines.load("fake")
    found = lint(Text(("red", "crimson red thing", "wall")), fake, near=-1.0)
    assert "near-synonyms" in [warning.kind for warning in found]
