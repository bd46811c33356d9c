"""Command-line flags made from options dataclasses, so that the two cannot drift."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from wordmask.core.options import Option, describe

PLAIN = (bool, int, float, str, Path)
SHORT = {
    "box": "-b",
    "format": "-f",
    "model": "-m",
    "output_dir": "-o",
    "point": "-p",
    "verbose": "-v",
    "word": "-w",
}


def with_options(**groups: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command whose parameters `options=SegmentOptions, ...` become one flag per field.

    The command gets the dataclasses, so the checks of a dataclass are the checks of its flags. Fields that a
    command line cannot express keep their default.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**values: Any) -> Any:
            made = {name: _make(kind, values) for name, kind in groups.items()}
            return command(**values, **made)

        own = inspect.signature(command, eval_str=True).parameters
        kept = [item for name, item in own.items() if name not in groups]
        added = [
            _parameter(item)
            for kind in groups.values()
            for item in describe(kind)
            if _flag_kind(item.kind)
        ]
        signature = inspect.Signature(
            [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in kept + added]
        )
        run.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {item.name: item.annotation for item in signature.parameters.values()}
        return run

    return decorate


def _make(kind: type, values: dict[str, Any]) -> Any:
    """The dataclass from its flags, which are taken out of `values`."""
    fields = {item.name: values.pop(item.name) for item in describe(kind) if item.name in values}
    return kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
    )


def _parameter(item: Option) -> inspect.Parameter:
    kind, many = _flag_kind(item.kind) or (str, False)
    flag = "--" + item.name.replace("_", "-")
    names = [f"{flag}/--no-{flag[2:]}"] if kind is bool and item.default else [flag]
    default: Any = item.default
    annotation: Any = kind
    if default is MISSING:
        default = ...
    elif many:
        default, annotation = list(item.default), list.__class_getitem__(kind)
    elif item.default is None:
        annotation = kind | None
    elif kind is str:
        default = str(item.default)
    names += [SHORT[item.name]] if item.name in SHORT else []
    option = typer.Option(*names, help=_help(item), **_limits(item, kind, many))
    return inspect.Parameter(
        item.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, option],
    )


def _help(item: Option) -> str:
    """The text, with the choices where typer cannot show them itself."""
    if item.choices and not _is_literal(item.kind):
        return f"{item.doc} [{item.allowed}]"
    return item.doc


def _limits(item: Option, kind: Any, many: bool) -> dict[str, Any]:
    """What typer checks and shows by itself: a range, or how text becomes a number or a word."""
    if kind in (int, float) and not many:
        return {"min": item.minimum, "max": item.maximum}
    if kind is str and item.choices and item.minimum is not None:
        return {"parser": number_or_word, "metavar": "NUMBER"}
    return {}


def number_or_word(text: str) -> float | str:
    """
    >>> number_or_word("0.3"), number_or_word("auto")
    (0.3, 'auto')
    """
    try:
        return float(text)
    except ValueError:
        return text


def _is_literal(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return all(_is_literal(member) for member in get_args(kind) if member is not NoneType)
    return get_origin(kind) is Literal


def _flag_kind(kind: Any) -> tuple[Any, bool] | None:
    """The type that typer parses and whether the flag may be given many times; None where it cannot be a flag.

    A union such as `float | Literal["auto"]` is parsed as text: the dataclass checks it.
    """
    if get_origin(kind) in (tuple, list):
        inner = _flag_kind(get_args(kind)[0])
        return (inner[0], True) if inner else None
    if get_origin(kind) is Literal:
        return kind, False
    if get_origin(kind) in (Union, UnionType):
        kinds = [member for member in get_args(kind) if member is not NoneType]
        if not all(member in PLAIN or get_origin(member) is Literal for member in kinds):
            return None
        return (kinds[0], False) if len(kinds) == 1 else (str, False)
    return (kind, False) if kind in PLAIN else None
