"""Options: one frozen dataclass for each task, which says ranges and choices in its types.

    granularity: Literal["whole", "part", "tree"] = "whole"
    \"\"\"Of nested regions of one word keep the whole, the part, or the tree of both.\"\"\"
    iou_threshold: Annotated[float, Interval(ge=0, le=1)] = 0.8
    \"\"\"Of two regions of one word that overlap more than this, the better one stays.\"\"\"

    def __post_init__(self) -> None:
        check(self)

`check` holds values to the types; `describe` gives every door the same names, types, defaults,
ranges, choices and texts. Pydantic reads these classes as they are, so a JSON schema needs no
second source.
"""

import ast
import inspect
import textwrap
from dataclasses import MISSING, fields
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Le, Lt, MaxLen, MinLen, Predicate

from wordmask.errors import Mend, OptionError, near_miss

Share = Annotated[float, Interval(ge=0, le=1)]
Confidence = Share | Literal["auto"]  # auto: the engine's own, or chosen from the scores
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
}


class Option(NamedTuple):
    """One field of an options dataclass, as the doors see it."""

    name: str
    kind: Any  # the annotation, `Annotated` taken off
    default: Any
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()  # the words that are allowed

    @property
    def allowed(self) -> str:
        """Range and choices in words: "0 to 1", "auto, cpu", "auto or 0 to 1"; "" for anything."""
        words = ", ".join(self.choices)
        bounds = range_words(self.minimum, self.maximum)
        return f"{words} or {bounds}" if words and bounds else words or bounds


class _Rule(NamedTuple):
    """One type that a value may be of: its class, its choices, its bounds."""

    kind: Any
    choices: tuple[Any, ...]
    bounds: tuple[Any, ...]  # Ge, Gt, Le, Lt, MinLen, MaxLen


@cache
def describe(options: Any) -> tuple[Option, ...]:
    """The fields of an options dataclass in order, with the text under each."""
    docs: dict[str, str] = {}
    for parent in reversed(options.__mro__[:-1]):
        docs |= _docs_of(parent)
    kinds = get_type_hints(options, include_extras=True)
    plain = get_type_hints(options)
    found = []
    for item in fields(options):
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        rules = _rules(kinds[item.name])
        lowest, highest = _bounds(rules)
        choices = tuple(str(word) for rule in rules for word in rule.choices)
        doc = docs.get(item.name, "")
        found.append(Option(item.name, plain[item.name], default, doc, lowest, highest, choices))
    return tuple(found)


def check(options: Any) -> None:
    """Raise an OptionError unless every field holds what its type says (NaN lies in no range)."""
    kind: Any = type(options)
    kinds = get_type_hints(kind, include_extras=True)
    described = {option.name: option for option in describe(kind)}
    for name, option in described.items():
        value = getattr(options, name)
        if not any(_fits(value, rule) for rule in _rules(kinds[name])):
            raise refusal(option, value)


def refusal(option: Option, value: Any) -> OptionError:
    """The error for a value that an option does not take: what it takes, and the nearest choice."""
    guess = near_miss(str(value), option.choices)
    message = f"{option.name} must be {_wanted_words(option, value)}; got {value!r}"
    example = option.choices[0] if option.choices else str(option.default)
    return OptionError(f"{message}.{guess}" if guess else message, mend=Mend(option.name, example))


def range_words(minimum: float | None, maximum: float | None) -> str:
    """
    >>> range_words(0, 1), range_words(1, None), range_words(0.5, 1_000_000)
    ('0 to 1', 'at least 1', '0.5 to 1,000,000')
    """
    lowest, highest = (None if end is None else f"{end:,}" for end in (minimum, maximum))
    if lowest is not None and highest is not None:
        return f"{lowest} to {highest}"
    if lowest is not None:
        return f"at least {lowest}"
    return f"at most {highest}" if highest is not None else ""


def _wanted_words(option: Option, value: Any) -> str:
    if not option.allowed:
        return kind_words(option.kind)
    if option.choices:
        return option.allowed if option.minimum is not None else f"one of {option.allowed}"
    if int in union_members(option.kind) and not isinstance(value, Integral):
        return f"a whole number, {option.allowed}"
    return option.allowed


def kind_words(kind: Any) -> str:
    """
    >>> kind_words(int), kind_words(tuple[str, ...]), kind_words(int | None)
    ('a whole number', 'a list, each text', 'a whole number')
    >>> kind_words(tuple[Literal["json", "coco"], ...])
    'a list, each one of json, coco'
    """
    first, *others = union_members(kind)
    if others:
        return " or ".join(kind_words(member) for member in (first, *others))
    if get_origin(first) is Literal:
        return f"one of {', '.join(map(str, get_args(first)))}"
    if get_origin(first) in (tuple, list):
        words = kind_words(get_args(first)[0])
        return f"a list, each {words}"
    return _WORDS.get(first, getattr(first, "__name__", str(first)))


def union_members(kind: Any) -> tuple[Any, ...]:
    """The members of a union without None, or the kind alone."""
    if get_origin(kind) not in (Union, UnionType):
        return (kind,)
    return tuple(member for member in get_args(kind) if member is not NoneType)


def _rules(kind: Any) -> tuple[_Rule, ...]:
    """The types that a value may be of: one, or the members of a union."""
    bounds: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        bounds = tuple(_flatten(notes))
    if get_origin(kind) in (Union, UnionType):
        return tuple(rule for member in get_args(kind) for rule in _rules(member))
    if get_origin(kind) is Literal:
        return (_Rule(None, get_args(kind), ()),)
    return (_Rule(kind, (), bounds),)


def _flatten(notes: list[Any]) -> list[Any]:
    """`Interval(ge=0, le=1)` as Ge(0), Le(1)."""
    flat: list[Any] = []
    for note in notes:
        flat += list(note) if isinstance(note, GroupedMetadata) else [note]
    return flat


def _bounds(rules: tuple[_Rule, ...]) -> tuple[float | None, float | None]:
    """The lowest and the highest number that any of the types allows."""
    lowest: list[Any] = []
    highest: list[Any] = []
    for note in [note for rule in rules for note in rule.bounds]:
        if isinstance(note, Ge | Gt):
            lowest.append(note.ge if isinstance(note, Ge) else note.gt)
        if isinstance(note, Le | Lt):
            highest.append(note.le if isinstance(note, Le) else note.lt)
    return min(lowest, default=None), max(highest, default=None)


def _fits(value: Any, rule: _Rule) -> bool:
    if rule.choices:
        return isinstance(value, str) and value in rule.choices
    return _is_kind(value, rule.kind) and all(_within(value, note) for note in rule.bounds)


def _is_kind(value: Any, kind: Any) -> bool:
    if kind is Any or kind is None or kind is NoneType:
        return value is None or kind is Any
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, Real) and not isinstance(value, bool)
    if kind is Path:
        return isinstance(value, Path | str)
    if get_origin(kind) is tuple:
        return _is_tuple(value, get_args(kind))
    return isinstance(value, get_origin(kind) or kind)


def _is_tuple(value: Any, members: tuple[Any, ...]) -> bool:
    """`tuple[str, ...]` or `tuple[float, float]`, whose members may have bounds of their own."""
    if not isinstance(value, tuple):
        return False
    kinds = (members[0],) * len(value) if members[-1] is Ellipsis else members
    if len(kinds) != len(value):
        return False
    pairs = zip(value, kinds, strict=True)
    return all(any(_fits(one, rule) for rule in _rules(kind)) for one, kind in pairs)


def _within(value: Any, note: Any) -> bool:
    if isinstance(note, Ge):
        return bool(value >= note.ge)
    if isinstance(note, Gt):
        return bool(value > note.gt)
    if isinstance(note, Le):
        return bool(value <= note.le)
    if isinstance(note, Lt):
        return bool(value < note.lt)
    if isinstance(note, Predicate):
        return bool(note.func(value))
    if isinstance(note, MinLen):
        return len(value) >= note.min_length
    if isinstance(note, MaxLen):
        return len(value) <= note.max_length
    return True


def _docs_of(options: type) -> dict[str, str]:
    """The text under each field; nothing for a class without source, as in a session."""
    try:
        source = inspect.getsource(options)
    except (OSError, TypeError):
        return {}
    (body,) = ast.parse(textwrap.dedent(source)).body
    if not isinstance(body, ast.ClassDef):
        return {}
    docs = {}
    for item, after in zip(body.body, body.body[1:], strict=False):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        text = after.value if isinstance(after, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            docs[item.target.id] = " ".join(text.value.split())
    return docs
