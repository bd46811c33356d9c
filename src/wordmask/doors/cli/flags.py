"""Command-line flags made from options dataclasses, so that the two cannot drift.

typer hands every value over as text (only switches are true or false): what a text means is decided
by the field's type, and whether it is allowed by the dataclass, as for every other door.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from wordmask.core.options import Option, describe, refusal, union_members
from wordmask.doors.cli.errors import flag
from wordmask.doors.cli.help import help_all, panel_of

METAVARS = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}
SHORT = {
    "box": "-b",
    "format": "-f",
    "model": "-m",
    "output": "-o",
    "output_dir": "-o",
    "point": "-p",
    "verbose": "-v",
    "word": "-w",
}


def with_options(**groups: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command whose parameters `options=SegmentOptions, ...` become one flag per field.

    The command gets the dataclasses, so the checks of a dataclass are the checks of its flags.
    Fields that a command line cannot express keep their default.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**values: Any) -> Any:
            values.pop("help_all", None)
            made = {name: _make(kind, values) for name, kind in groups.items()}
            return command(**values, **made)

        own = inspect.signature(command, eval_str=True).parameters
        parameters = [item for name, item in own.items() if name not in groups]
        for kind in groups.values():
            parameters += [_parameter(item, kind) for item in describe(kind) if _is_flag(item.kind)]
        parameters.append(_keyword("help_all", bool, help_all(), default=False))
        signature = inspect.Signature(
            [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in parameters]
        )
        run.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        return run

    return decorate


def _make(kind: type, values: dict[str, Any]) -> Any:
    """The dataclass from its flags, which are taken out of `values`; None is a flag not given."""
    given = {}
    for item in describe(kind):
        value = values.pop(item.name, None)
        if isinstance(value, list):
            member = get_args(item.kind)[0]
            parts = [part for text in value for part in _split(text, member)]
            value = tuple(_value(item, member, part) for part in parts) or None
        if value is not None:
            given[item.name] = _value(item, item.kind, value)
    return kind(**given)


def _split(text: str, kind: Any) -> list[str]:
    """What one flag of a list says: many choices may be joined by commas.

    >>> _split("json,coco", Literal["json", "coco"]), _split("a,b", str)
    (['json', 'coco'], ['a,b'])
    """
    if get_origin(kind) is not Literal:
        return [text]
    return [part for part in text.split(",") if part] or [text]


def _value(item: Option, kind: Any, text: Any) -> Any:
    """What `text` says, as the first member of `kind` that it can be."""
    if not isinstance(text, str):  # a switch, or many values that were read one by one
        return text
    for member in union_members(kind):
        value = _parse(text, member)
        if value is not None:
            return value
    raise refusal(item, text)


def _parse(text: str, kind: Any) -> Any:
    """
    >>> _parse("0.3", float), _parse("auto", float), _parse("auto", Literal["auto"])
    (0.3, None, 'auto')
    """
    if get_origin(kind) is Literal:
        return text if text in get_args(kind) else None
    if kind is str:
        return text
    if kind is Path:
        return Path(text) if text else None  # an empty path would be the current folder
    try:
        return kind(text)
    except ValueError:
        return None


def _parameter(item: Option, options: type) -> inspect.Parameter:
    switch = item.kind is bool
    name = flag(item.name)
    names = [f"{name}/--no-{name[2:]}"] if switch and item.default else [name]
    names += [SHORT[item.name]] if item.name in SHORT else []
    option = typer.Option(
        *names,
        help=_help(item),
        metavar=" " if switch else _metavar(item.kind),
        show_default=False,  # it stands in the help text, beside range and choices
        rich_help_panel=panel_of(item.name, options),
    )
    if switch:
        return _keyword(item.name, bool, option, default=item.default)
    kind: Any = list[str] if get_origin(item.kind) in (tuple, list) else str
    if item.default is MISSING:
        return _keyword(item.name, kind, option, default=...)
    return _keyword(item.name, kind | None, option, default=None)


def _keyword(name: str, kind: Any, option: Any, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, option],
    )


def _help(item: Option) -> str:
    """The text under the field, with what is allowed (unless the text says it) and the default."""
    notes = []
    if not item.choices or not all(word in item.doc for word in item.choices):
        notes.append(item.allowed)
    notes.append(_default_words(item.default))
    told = "; ".join(note for note in notes if note)
    text = f"{item.doc} [{told}]" if told else item.doc
    return text.replace("[", "\\[")  # typer reads rich's markup in help texts


def _default_words(default: Any) -> str:
    """
    >>> _default_words(0.8), _default_words(("json", "overlay")), _default_words(None)
    ('default: 0.8', 'default: json, overlay', '')
    """
    if default is MISSING or default is None or default is False or default == "":
        return ""
    if default is True:
        return "default: on"
    if isinstance(default, tuple | list):
        return f"default: {', '.join(map(str, default))}" if default else ""
    return f"default: {default}"


def _metavar(kind: Any) -> str:
    """What stands for the value in the help: N, NUMBER, TEXT, PATH, or CHOICE."""
    if get_origin(kind) in (tuple, list):
        kind = get_args(kind)[0]
    members = union_members(kind)
    known = [METAVARS[member] for member in members if member in METAVARS]
    is_choice = get_origin(members[0]) is Literal
    # A path or an address is a path to whoever reads the help.
    return "CHOICE" if is_choice or not known else known[-1]


def _is_flag(kind: Any) -> bool:
    """Whether a command line can express the type: switches, plain values, choices, lists."""
    if get_origin(kind) in (tuple, list):
        kind = get_args(kind)[0]
    return kind is bool or all(
        member in METAVARS or get_origin(member) is Literal for member in union_members(kind)
    )
