import json
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Interval, Lt
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.options import Confidence, check, describe
from wordmask.errors import Mend, OptionError


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


@dataclass(frozen=True)
class Ranged:
    """One of each kind of rule."""

    how: Literal["fast", "slow"] = "fast"
    """The way."""
    share: Annotated[float, Interval(ge=0, le=1)] = 0.5
    confidence: Confidence = "auto"
    side: Annotated[int, Ge(16)] | None = None
    open_ended: Annotated[float, Gt(0), Lt(1)] = 0.5
    words: tuple[str, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    loud: bool = False

    def __post_init__(self) -> None:
        check(self)


@pytest.mark.parametrize(
    "good",
    [
        {"how": "slow"},
        {"share": 0},
        {"share": 1.0},
        {"share": np.float32(0.25)},
        {"confidence": "auto"},
        {"confidence": 0.3},
        {"side": None},
        {"side": 16},
        {"side": np.int64(512)},
        {"words": ("a", "b")},
        {"pair": (1, 2.5)},
    ],
)
def test_what_the_type_allows_passes(good):
    Ranged(**good)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"how": "medium"}, "how must be one of fast, slow; got 'medium'$"),
        ({"how": "slwo"}, "how must be one of fast, slow; got 'slwo'. Did you mean 'slow'"),
        ({"how": 3}, "how must be one of fast, slow; got 3"),
        ({"share": -0.1}, "share must be 0 to 1; got -0.1"),
        ({"share": float("nan")}, "share must be 0 to 1; got nan"),
        ({"share": "0.5"}, "share must be 0 to 1; got '0.5'"),
        ({"share": True}, "share must be 0 to 1; got True"),
        ({"confidence": "high"}, "confidence must be auto or 0 to 1; got 'high'"),
        ({"confidence": 1.5}, "confidence must be auto or 0 to 1; got 1.5"),
        ({"side": 15}, "side must be at least 16; got 15"),
        ({"side": 20.5}, "side must be a whole number, at least 16; got 20.5"),
        ({"open_ended": 1.0}, "open_ended must be 0 to 1; got 1.0"),
        ({"words": "cat"}, "words must be a list, each text; got 'cat'"),
        ({"words": (1,)}, "words must be a list, each text"),
        ({"pair": (1.0,)}, "pair must be a list, each a number"),
        ({"loud": "yes"}, "loud must be true or false; got 'yes'"),
    ],
)
def test_what_the_type_does_not_allow_is_an_error(bad, message):
    with pytest.raises(OptionError, match=message) as caught:
        Ranged(**bad)
    assert caught.value.mend is not None
    assert caught.value.mend.option == next(iter(bad))


def test_ranges_and_choices_are_described():
    shown = {one.name: (one.minimum, one.maximum, one.choices) for one in describe(Ranged)}
    assert shown["how"] == (None, None, ("fast", "slow"))
    assert shown["share"] == (0, 1, ())
    assert shown["confidence"] == (0, 1, ("auto",))
    assert shown["side"] == (16, None, ())
    assert shown["words"] == (None, None, ())


def test_a_class_without_source_is_described_without_texts():
    made = make_dataclass("Made", [("side", Annotated[int, Ge(1)], field(default=3))])
    (side,) = describe(made)
    assert (side.name, side.doc, side.minimum) == ("side", "", 1)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.floats(-1, 2),
    st.sampled_from(["auto", "fast", ""]),
)


@given(st.sampled_from(["how", "share", "confidence", "side", "open_ended", "loud"]), values)
def test_pydantic_reads_the_same_rules(name, value):
    """The server's schema is made from the same class: what one refuses, so does the other."""
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(Ranged)
    try:
        Ranged(**{name: value})
        accepted = True
    except OptionError:
        accepted = False
    try:
        adapter.validate_json(json.dumps({name: value}), strict=True)
        also = True
    except (pydantic.ValidationError, OptionError):
        also = False
    assert accepted == also


def test_a_mend_is_spelled_for_python():
    error = OptionError("the picture is too large", mend=Mend("max_pixels", "60MP"))
    assert error.message == "the picture is too large"
    assert str(error) == "the picture is too large; set max_pixels=60MP"
    refused = OptionError("how must be fast; got 'slow'", mend=Mend("how", "fast"))
    assert str(refused) == "how must be fast; got 'slow'"
    other = error.mended_by("tiles")
    assert type(other) is OptionError
    assert str(other) == "the picture is too large; set tiles"
