"""What a task can be told. One frozen dataclass per task; the string under a field is its documentation.

Command-line flags, JSON schemas and the tables in the docs are made from these, so they cannot drift.
"""

import ast
import inspect
import textwrap
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NamedTuple, get_type_hints

from wordmask.errors import OptionError


class Field(NamedTuple):
    """One option as the doors see it."""

    name: str
    kind: Any
    default: Any
    doc: str


@cache
def describe(options: type) -> tuple[Field, ...]:
    """The fields of an options dataclass in order, with the docstring under each."""
    docs: dict[str, str] = {}
    for base in reversed(options.__mro__[:-1]):
        docs |= _docs_of(base)
    kinds = get_type_hints(options)
    return tuple(
        Field(
            item.name,
            kinds[item.name],
            item.default_factory() if item.default_factory is not MISSING else item.default,
            docs.get(item.name, ""),
        )
        for item in fields(options)
    )


def check_choice(name: str, got: str, allowed: tuple[str, ...]) -> None:
    """Raise unless `got` is one of the allowed words."""
    if got not in allowed:
        raise OptionError(f"{name} must be one of {', '.join(allowed)}; got {got!r}")


def check_range(name: str, got: float, low: float, high: float) -> None:
    """Raise unless low <= got <= high (NaN is outside)."""
    if not low <= got <= high:
        raise OptionError(f"{name} must lie in [{low:g}, {high:g}], got {got}")


def _docs_of(options: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(options))).body
    if not isinstance(body, ast.ClassDef):
        return {}
    docs = {}
    for item, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(after, ast.Expr)
        ):
            text = after.value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                docs[item.target.id] = " ".join(text.value.split())
    return docs
