"""Engines by name: the only way to code that runs weights.

A name stands on a card (`cards.CARDS`), comes from a plug-in (entry points of the group
"wordmask.engines"), or is a path or `hub:owner/name`. `a+b` joins engines; for each protocol the
first part that has it is used. Nothing heavy is imported before an engine is loaded.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from threading import RLock
from typing import Any

from wordmask.core.maps import MapSegmenter, NeedsTeacher
from wordmask.core.models import Models
from wordmask.engines.cards import CARDS, extra_of
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.errors import (
    CapabilityError,
    Mend,
    MissingExtraError,
    OptionError,
    UnknownEngineError,
    WeightsError,
    did_you_mean,
    missing_extra,
)

__all__ = ["EngineOptions", "Models", "load", "names", "plugins"]

log = logging.getLogger("wordmask.engines")
GROUP = "wordmask.engines"
KEEP = 4  # engines held in memory for the next `load` with the same options

Factory = Callable[[str, EngineOptions], Any]
_CACHE: OrderedDict[tuple[str, EngineOptions], Any] = OrderedDict()
_LOCK = RLock()  # a plug-in may load other engines while it is loaded


def load(
    spec: str = "auto", *, need: Sequence[type] = (), options: EngineOptions | None = None
) -> Models:
    """The engines that `spec` names ("mini", "sam2.1-large+clip-b16", "auto", a path), joined.

    `need` lists protocols that must be there (Segmenter, Dense, ...); the error for a missing one
    comes before anything is fetched.
    """
    options = options or EngineOptions()
    parts = _split(spec if spec != "auto" else _auto(options))
    if options.checkpoint is not None and len(parts) > 1:
        raise OptionError(
            f"a checkpoint belongs to one engine, {spec} has {len(parts)}; "
            "write the path in place of a name"
        )
    _check_parts(spec, parts, need)
    _check_model_cfg(spec, parts, options)
    models = Models("+".join(parts), tuple(_engine(part, options) for part in parts))
    for kind in need:
        models.get(kind)
    return models


def check_spec(spec: str, options: EngineOptions | None = None) -> None:
    """Raise where `load` would know at once that there is no such engine; nothing is loaded."""
    _check_parts(spec, _split(spec if spec != "auto" else _auto(options or EngineOptions())), ())


def names() -> tuple[str, ...]:
    """Every name that `load` knows, plug-ins among them."""
    return tuple(sorted({*CARDS, *plugins()}))


def plugins() -> dict[str, str]:
    """Engines that other packages bring: name -> "module:factory"."""
    return {
        entry.name: entry.value for entry in entry_points(group=GROUP) if entry.name not in CARDS
    }


def _split(spec: str) -> list[str]:
    """Parts of `a+b`, with "auto" resolved; a path that holds a + is one part."""
    parts = [spec] if Path(spec).exists() else [part.strip() for part in spec.split("+")]
    if not all(parts):
        raise UnknownEngineError(
            f"{spec!r} has an empty part; write a name, or names joined by +."
            f"{did_you_mean(spec, names())}"
        )
    return [_auto(EngineOptions()) if part == "auto" else part for part in parts]


def _auto(options: EngineOptions) -> str:
    """Without a name: the engine that the checkpoint is for, else the embedded model."""
    if options.checkpoint is not None:
        path = Path(options.checkpoint)
        return "mini" if home.factory_of(path) == CARDS["mini"].factory else str(path)
    if home.shipped_files():
        return "mini"
    log.warning(
        "the embedded model is not in this installation: using 'fake', which only knows colours "
        "and simple shapes"
    )
    return "fake"


def _check_parts(spec: str, parts: list[str], need: Sequence[type]) -> None:
    """Fail early: names that are not known, protocols that no part can have."""
    known = names()
    for part in parts:
        if part not in known and not part.startswith("hub:") and not home.looks_local(part):
            _refuse_name(part, known)
    if not all(part in CARDS for part in parts):
        return
    has = {kind for part in parts for kind in CARDS[part].protocols}
    for kind in need:
        if kind.__name__ not in has:
            able = [card.name for card in CARDS.values() if kind.__name__ in card.protocols]
            raise CapabilityError(
                f"{spec} has no {kind.__name__}; join an engine that has one with +: "
                f"{', '.join(able) or 'none yet'}"
            )


def _refuse_name(part: str, known: Sequence[str]) -> None:
    if "/" in part or part.endswith((".onnx", ".safetensors", ".pt", ".pth")):
        raise UnknownEngineError(f"{part} is not there; is the path right, seen from {Path.cwd()}?")
    raise UnknownEngineError(
        f"there is no engine {part!r}.{did_you_mean(part, known)} "
        "A path or hub:owner/name works too."
    )


def _check_model_cfg(spec: str, parts: list[str], options: EngineOptions) -> None:
    """A model_cfg is about a bare weights file; everything else says itself what it is."""
    if options.model_cfg is None:
        return
    files = [Path(part).expanduser() for part in parts if home.looks_local(part)]
    files = files if options.checkpoint is None else [Path(options.checkpoint)]
    if all(path.is_dir() for path in files):  # also where there is none
        raise OptionError(
            f"model_cfg {options.model_cfg!r} is for one weights file in Meta's format of SAM; "
            f"{options.checkpoint or spec} says itself what it is, so leave it out",
            mend=Mend("checkpoint", "FILE"),
        )


def _engine(name: str, options: EngineOptions) -> Any:
    """The engine, from the cache if its name was loaded before. What lies at a path may change."""
    if options.checkpoint is not None or name not in names():
        return _make(name, options)
    with _LOCK:  # also keeps two threads from loading the same weights twice
        key = (name, options)
        if key not in _CACHE:
            _CACHE[key] = _make(name, options)
        _CACHE.move_to_end(key)
        while len(_CACHE) > KEEP:
            _CACHE.popitem(last=False)
        return _CACHE[key]


def _make(name: str, options: EngineOptions) -> Any:
    card = CARDS.get(name)
    where = card.factory if card else plugins().get(name)
    if where is None:
        path = _local(name, options)
        where, options = home.factory_of(path), replace(options, checkpoint=path)
    try:
        return _with_teacher(_factory(where)(name, options), options)
    except MissingExtraError:
        raise
    except ImportError as error:
        library = (error.name or "").split(".")[0]
        if library == "wordmask":
            raise
        extra = "hf" if name in plugins() else extra_of(where)
        if extra is None:
            raise MissingExtraError(
                f"{name} cannot be loaded: {error}; reinstall wordmask"
            ) from error
        raise missing_extra(f"{library or error} (needed by {name})", extra) from error


def _with_teacher(engine: Any, options: EngineOptions) -> Any:
    """The engine, with the one that it was trained to be helped by, if there is such a one."""
    if isinstance(engine, NeedsTeacher) and engine.call is not None:
        plain = EngineOptions(
            device=options.device,
            dtype=options.dtype,
            offline=options.offline,
            op_threads=options.op_threads,
            input_side=engine.call.side,
        )
        try:
            teacher = load(engine.call.spec, options=plain)
        except RecursionError:
            raise WeightsError(f"the teacher {engine.call.spec} names itself as its own") from None
        engine.take_teacher(teacher.get(MapSegmenter))
    return engine


def _local(name: str, options: EngineOptions) -> Path:
    return home.folder(name, options) if name.startswith("hub:") else Path(name).expanduser()


def _factory(where: str) -> Factory:
    module, _, attribute = where.partition(":")
    factory: Factory = getattr(import_module(module), attribute)
    return factory
