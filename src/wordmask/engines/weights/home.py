"""Where weights lie on this machine, and which engine reads them.

`folder` is what engines call: it gives a checked local folder (or file) for the name of a card, a
path, or `hub:owner/name@revision`.
"""

import json
from hashlib import sha256
from pathlib import Path

from wordmask.engines.cards import (
    CARDS,
    FACTORY_BY_FILE,
    FACTORY_BY_SUFFIX,
    GRAPHS,
    EngineCard,
    factories_by_model_type,
)
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import checks, fetch
from wordmask.engines.weights.onnx_ports import read_ports
from wordmask.errors import Mend, WeightsError, did_you_mean
from wordmask.files import digest

ENGINES = Path(__file__).parents[1]
STAMPED = tuple(FACTORY_BY_SUFFIX)  # suffixes of the files that `stamp` hashes


def looks_local(text: str) -> bool:
    """Whether the name of a model is a path: it has a separator, or something lies there."""
    return not text.startswith("hub:") and (
        any(sign in text for sign in "/\\~") or text.startswith(".") or Path(text).exists()
    )


def folder(name: str, options: EngineOptions) -> Path:
    """The local weights of `name`, checked: a card's name, a path, or `hub:owner/name@revision`.

    `options.checkpoint` is used in place of all of these.
    """
    if options.checkpoint is not None or looks_local(name):
        path = Path(options.checkpoint if options.checkpoint is not None else name).expanduser()
        checks.check(path, allow_pickle=options.allow_pickle)
        return path
    card = CARDS.get(name) or EngineCard(name, "", name, (), "unknown")
    if card.source == "trained":
        raise WeightsError(
            f"nobody publishes weights of {name}: train it (docs/ovsam.md) and give its folder",
            mend=Mend("checkpoint", "FOLDER"),
        )
    if not card.source.startswith("hub:"):
        raise WeightsError(
            f"{name} has no weights to download; a name, a path or hub:owner/name has"
        )
    repository, _, revision = card.source[4:].partition("@")
    plan = fetch.FetchPlan(
        repository,
        revision or card.revision,
        offline=options.offline,
        allow_pickle=options.allow_pickle,
        gated=card.gated,
    )
    path = fetch.snapshot(plan)
    if card.sha256:
        fetch.verify(path / "model.safetensors", card.sha256)
    checks.check(path, allow_pickle=options.allow_pickle)
    return path


def is_here(card: EngineCard) -> bool | None:
    """Whether the card's weights are on this machine; None where the engine needs none."""
    if card.source == "weightless":
        return None
    if card.source == "shipped":
        return bool(shipped_files(card.name))
    if card.source == "trained":
        return False
    return fetch.newest(card.source[4:], card.revision) is not None


def shipped_files(name: str = "mini") -> list[Path]:
    """The weight files of an embedded engine that lie in the package."""
    files = ENGINES / name / "files"
    return sorted(files.glob("*.onnx")) if (files / f"{name}.json").is_file() else []


def factory_of(path: Path) -> str:
    """The factory that can load what lies at a path, by its config.json or the kind of file."""
    if not path.exists():
        raise WeightsError(
            f"there is nothing at {path}; give a folder in hub layout or a weights file"
        )
    if path.is_file() and path.suffix == ".onnx" and segments(path):
        return GRAPHS
    if path.is_file() and path.suffix in FACTORY_BY_SUFFIX:
        return FACTORY_BY_SUFFIX[path.suffix]
    named = [name for name in FACTORY_BY_FILE if (path / name).is_file()]
    weights = any(path.glob("*.safetensors")) or any(path.glob("*.bin"))
    if not named and not weights and any(segments(file) for file in onnx_files(path)):
        return GRAPHS
    if (path / "config.json").is_file() and "model_index.json" not in named:
        return _factory_of_config(path / "config.json")
    if named:
        return FACTORY_BY_FILE[named[0]]
    raise WeightsError(
        f"{path} has no config.json, so its kind is unknown; "
        "give a folder as `save_pretrained` writes it"
    )


def onnx_files(folder: Path) -> list[Path]:
    """The ONNX files of a folder, and those of the hub's onnx layout below it."""
    return [*sorted(folder.glob("*.onnx")), *sorted(folder.glob("onnx/*.onnx"))]


def segments(file: Path) -> bool:
    """Whether an ONNX file is of a segmenter: a half of a pair, or a YOLO-seg file."""
    try:
        ports = read_ports(file)
    except WeightsError:
        return False  # whoever opens it says what is wrong
    if ports.is_decoder or ports.is_yolo:
        return True
    beside = [other for other in onnx_files(file.parent) if other != file]
    return len(ports.inputs) == 1 and any(
        read_ports(other).is_decoder for other in beside if other.stat().st_size
    )


def _factory_of_config(config: Path) -> str:
    try:
        kind = str(json.loads(config.read_text("utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"{config} is not a model's config: {type(error).__name__} {error}"
        ) from None
    factories = factories_by_model_type()
    if kind not in factories:
        raise WeightsError(
            f"{config} says model_type {kind!r}, which no engine reads."
            f"{did_you_mean(kind, factories)}"
        )
    return factories[kind]


def stamp(name: str, path: Path) -> str:
    """`name@sha256:1f3c5d7e9a0b` of the weight files at `path`, for `made_by`."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in STAMPED)
    total = sha256()
    for file in files:
        total.update(digest(file).encode())
    return f"{name}@sha256:{total.hexdigest()[:12]}"
