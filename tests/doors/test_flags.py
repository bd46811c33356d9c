"""Flags are made from options dataclasses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge

from wordmask.core.options import check
from wordmask.doors.cli.flags import with_options
from wordmask.errors import OptionError
from wordmask.tasks.segment import SegmentOptions


@dataclass(frozen=True)
class Baking:
    """One of each kind of field."""

    minutes: float = 30.0
    loaves: Annotated[int, Ge(1)] = 2
    oven: Literal["gas", "wood"] = "gas"
    heat: Annotated[float, Ge(0)] | Literal["auto"] = "auto"
    out: Path | None = None
    names: tuple[str, ...] = ("rye",)
    sizes: tuple[int, ...] = ()
    salt: bool = True
    grid: tuple[tuple[int, int], ...] = ()
    """Which no flag can say."""

    def __post_init__(self) -> None:
        check(self)


@with_options(options=Baking)
def bake(options):
    return options


def test_the_command_gets_the_dataclass():
    @with_options(options=SegmentOptions)
    def command(options):
        return options

    made = command(how="guided", vocabulary=["a", "b"], min_confidence="0.5", prompt=[])
    assert made == SegmentOptions(how="guided", vocabulary=("a", "b"), min_confidence=0.5)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"minutes": "2.5"}, "minutes", 2.5),
        ({"minutes": None}, "minutes", 30.0),
        ({"loaves": "3"}, "loaves", 3),
        ({"oven": "wood"}, "oven", "wood"),
        ({"heat": "auto"}, "heat", "auto"),
        ({"heat": "200"}, "heat", 200.0),
        ({"out": "a/b"}, "out", Path("a/b")),
        ({"names": ["a", "b"]}, "names", ("a", "b")),
        ({"names": []}, "names", ("rye",)),
        ({"sizes": ["1", "2"]}, "sizes", (1, 2)),
        ({"salt": False}, "salt", False),
    ],
)
def test_text_becomes_what_the_type_says(given, field, value):
    assert getattr(bake(**given), field) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"minutes": "long"}, "minutes must be a number; got 'long'"),
        ({"loaves": "2.5"}, "loaves must be a whole number, at least 1; got '2.5'"),
        ({"loaves": "0"}, "loaves must be at least 1; got 0"),
        ({"oven": "Wood"}, "oven must be one of gas, wood; got 'Wood'. Did you mean 'wood'?"),
        ({"heat": "hot"}, "heat must be auto or at least 0; got 'hot'"),
        ({"heat": "-1"}, "heat must be auto or at least 0; got -1.0"),
        ({"out": ""}, "out must be a path; got ''"),
        ({"sizes": ["1", "x"]}, "sizes must be a list, each a whole number; got 'x'"),
    ],
)
def test_what_the_type_does_not_allow_is_refused_in_a_sentence(given, message):
    with pytest.raises(OptionError) as caught:
        bake(**given)
    assert caught.value.message == message
    assert caught.value.mend.option == next(iter(given))


def test_a_field_that_no_flag_can_say_keeps_its_default():
    assert "grid" not in bake.__signature__.parameters
    assert bake().grid == ()
