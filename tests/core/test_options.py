from dataclasses import dataclass, field

import pytest

from wordmask.core.options import check_choice, check_range, describe
from wordmask.errors import OptionError


@dataclass(frozen=True)
class Common:
    model: str = "auto"
    """Which engine
    answers."""
    quiet: bool = False


@dataclass(frozen=True)
class Cooking(Common):
    minutes: float = 3.0
    """How long."""
    pots: list[str] = field(default_factory=list)
    """Which ones."""


def test_fields_come_in_order_with_the_docstring_under_each():
    shown = [(one.name, one.kind, one.default, one.doc) for one in describe(Cooking)]
    assert shown == [
        ("model", str, "auto", "Which engine answers."),
        ("quiet", bool, False, ""),
        ("minutes", float, 3.0, "How long."),
        ("pots", list[str], [], "Which ones."),
    ]


def test_a_choice_must_be_among_those_allowed():
    check_choice("how", "auto", ("auto", "guided"))
    with pytest.raises(OptionError, match="how must be one of auto, guided; got 'fast'"):
        check_choice("how", "fast", ("auto", "guided"))


@pytest.mark.parametrize("inside", [0, 0.5, 1])
def test_the_ends_of_a_range_belong_to_it(inside):
    check_range("score", inside, 0, 1)


@pytest.mark.parametrize("outside", [-0.1, 1.1, float("nan"), float("inf")])
def test_outside_a_range_is_an_error(outside):
    with pytest.raises(OptionError, match=r"score must lie in \[0, 1\]"):
        check_range("score", outside, 0, 1)
