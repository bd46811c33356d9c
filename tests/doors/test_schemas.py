"""A JSON schema made from an options dataclass takes and refuses what the dataclass does.

Three judges look at the same value: the dataclass's own check, pydantic's strict reading of JSON,
and `jsonschema` with the schema that pydantic makes from the types. Where they differ is listed
here, with the reason.
"""

import json
import math
import pkgutil
from dataclasses import MISSING, fields, is_dataclass, make_dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

import wordmask
from wordmask.core.options import Option, describe
from wordmask.errors import WordmaskError

# Fields that no JSON holds: a door takes words, numbers or a file's name and makes them.
NOT_JSON = {
    "BackdropOptions.picture",
    "OverlayOptions.alpha",
    "OverlayOptions.picture",
    "TargetOptions.boxes",
    "TargetOptions.like",
    "TargetOptions.points",
}
NO_OPTIONS = {"WebOptions": "holds the functions that tests put in place of the network"}
# What a JSON schema cannot say, and why: there pydantic alone must agree with the dataclass.
BEYOND_SCHEMA = {
    "EngineOptions.device": "a function tells cuda:1 from other words",
    "EngineOptions.max_memory": "a size such as 6GB is parsed",
    "EverythingSuiteOptions.picture": "a function reads 4000x3000",
    "Limits.formats": "the names are those that the reader knows",
    "PageOptions.one_file": "a name ends in .html",
    "PaintOptions.fill": "lama needs fill_model",
    "ResultOptions.format": "names of formats, also parted by commas",
    "RayTrainOptions.workers": "they are Ray's",
    "SampleOptions.clicks": "with a box they fit into pad",
    "SampleOptions.pad": "holds the clicks and a box",
    "SceneOptions.line": "four numbers joined by commas",
    "ServeOptions.cache_bytes": "a size such as 1GB is parsed",
    "ServeOptions.label_studio": "an address begins with http:// or https://",
    "ServeOptions.max_bytes": "a size such as 25MB is parsed",
    "ServeOptions.max_json": "a size such as 2MB is parsed",
    "ServeOptions.max_pixels": "a size such as 50MP is parsed",
    "ServeOptions.max_video_bytes": "a size such as 200MB is parsed",
    "TargetOptions.region": "needs result",
    "TileOptions.overlap": "at most half of tile_side",
    "TileOptions.tile_side": "at least twice the overlap",
    "*.preset": "the names are those of a table",
    "*.slide_crop": "at least slide_stride",
    "*.slide_stride": "at most slide_crop",
}
# What must be given.
NEEDED: dict[str, dict[str, Any]] = {
    "MeasureOptions": {"data": "voc21"},
    "CutterTrainOptions": {"data": "packs", "out": "run"},
    "ContextTrainOptions": {"data": "packs", "out": "run"},
    "JudgeTrainOptions": {"data": "packs", "out": "run"},
    "MiniTrainOptions": {"data": "packs", "out": "run"},
    "OwnTrainOptions": {"data": "packs", "out": "run"},
    "WordsTrainOptions": {"data": "packs", "out": "run"},
    "OvsamTrainOptions": {"data": "packs", "out": "run"},
    "TrainOptions": {"data": "packs", "out": "run"},
}


def options_classes() -> list[type]:
    """Every options dataclass of the package, and the dataclasses that are fields of one."""
    found = []
    for module in pkgutil.walk_packages(wordmask.__path__, "wordmask."):
        for name, value in vars(import_module(module.name)).items():
            is_own = isinstance(value, type) and value.__module__ == module.name
            if is_own and is_dataclass(value) and name.endswith("Options"):
                found.append(value)
    found = [kind for kind in found if kind.__name__ not in NO_OPTIONS]
    inner = {item.kind for kind in found for item in describe(kind) if is_dataclass(item.kind)}
    return found + sorted(inner - set(found), key=lambda kind: kind.__name__)


CLASSES = options_classes()
FIELDS = [
    (kind, item)
    for kind in CLASSES
    for item in describe(kind)
    if f"{kind.__name__}.{item.name}" not in NOT_JSON and not is_dataclass(item.kind)
]


@cache
def json_part(kind: type) -> type:
    """The dataclass as a door's JSON knows it: without the fields that no JSON holds."""
    hidden = {one.name for one in fields(kind) if f"{kind.__name__}.{one.name}" in NOT_JSON}
    if not hidden:
        return kind
    hints = get_type_hints(kind, include_extras=True)
    kept = [(one.name, hints[one.name], one) for one in fields(kind) if one.name not in hidden]
    return make_dataclass(
        kind.__name__, kept, namespace={"__post_init__": kind.__post_init__}, frozen=True
    )


@cache
def judges_of(kind: type) -> tuple[TypeAdapter[Any], jsonschema.Draft202012Validator]:
    """pydantic, and its JSON schema."""
    adapter = TypeAdapter(kind)
    return adapter, jsonschema.Draft202012Validator(adapter.json_schema())


def values_for(item: Option) -> list[Any]:
    """What a stranger may send: every kind of JSON value, and what lies about the bounds."""
    edges = [bound for bound in (item.minimum, item.maximum) if bound is not None]
    near = [bound + step for bound in edges for step in (-1, -0.5, 0, 0.5, 1)]
    floats = {*map(float, near), -4.5, 0.5, 2.5, 300.0}
    whole = {*map(int, near), -5, -1, 0, 1, 2, 3, 7, 5000}
    words = dict.fromkeys([*item.choices, "", "auto", "magic", "3", "cat"])
    scalars = [None, True, False, *sorted(floats), *sorted(whole), *words]
    if get_origin(item.kind) is tuple or tuple in map(get_origin, get_args(item.kind)):
        pairs = [list(pair) for pair in pairwise(scalars)]
        threes = [[one] * 3 for one in scalars]
    else:
        pairs, threes = [["cat", 1]], [[0.5] * 3]
    singles = [[one] for one in scalars]
    return [*scalars, [], *singles, *pairs, *threes, {"a": 1}, {}, [[1, 2]]]


def accepts_itself(kind: type, given_: dict[str, Any]) -> bool:
    try:
        kind(**{name: _tuple(value) for name, value in given_.items()})
    except (WordmaskError, TypeError, ValueError):
        return False
    return True


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def accepts_pydantic(adapter: TypeAdapter[Any], given_: dict[str, Any]) -> bool:
    try:
        adapter.validate_json(json.dumps(given_), strict=True)
    except ValidationError:
        return False
    return True


def is_beyond_schema(kind: type, item: Option) -> bool:
    return f"{kind.__name__}.{item.name}" in BEYOND_SCHEMA or f"*.{item.name}" in BEYOND_SCHEMA


def holds_whole_float(value: Any) -> bool:
    """3.0 is a whole number to JSON Schema."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, float) and one == math.floor(one) for one in values)


@pytest.mark.parametrize(
    ("kind", "item"), FIELDS, ids=[f"{kind.__name__}.{item.name}" for kind, item in FIELDS]
)
def test_three_judges_agree_on_every_field(kind, item):
    part = json_part(kind)
    adapter, schema = judges_of(part)
    needed = NEEDED.get(kind.__name__, {})

    for value in values_for(item):
        sent = needed | {item.name: value}
        accepted = accepts_itself(part, sent)
        assert accepts_pydantic(adapter, sent) == accepted, value
        if not is_beyond_schema(kind, item) and not holds_whole_float(value):
            assert schema.is_valid(sent) == accepted, value


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_defaults_are_valid_and_pass_all_judges(kind):
    part = json_part(kind)
    needed = NEEDED.get(kind.__name__, {})
    missing = {item.name for item in describe(kind) if item.default is MISSING}
    assert missing == set(needed)
    assert accepts_itself(part, needed)
    assert judges_of(part)[1].is_valid(needed)


def test_the_exceptions_speak_of_fields_that_are_there():
    names = {f"{kind.__name__}.{item.name}" for kind in CLASSES for item in describe(kind)}
    names |= {f"*.{name.partition('.')[2]}" for name in names}
    assert NOT_JSON | set(BEYOND_SCHEMA) <= names
    assert set(NEEDED) <= {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("name", sorted(name for name in BEYOND_SCHEMA if "*" not in name))
def test_the_exceptions_are_needed(name):
    """Each is a value that the schema lets pass and the dataclass refuses."""
    (kind,) = [kind for kind in CLASSES if kind.__name__ == name.partition(".")[0]]
    field = name.partition(".")[2]
    refused = {
        "formats": ["x"],
        "format": ["x"],
        "fill": "lama",
        "region": [0],
        "clicks": 5,
        "pad": 2,
        "overlap": 600,
        "tile_side": 100,
        "workers": 2,
    }
    sent = {field: refused.get(field, "x")}
    part = json_part(kind)
    assert judges_of(part)[1].is_valid(sent)
    assert not accepts_itself(part, sent)
