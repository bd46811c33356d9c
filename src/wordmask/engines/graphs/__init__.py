"""Engines on ONNX files, with numpy and onnxruntime alone: no torch is imported here."""

from typing import Any

from wordmask.engines.graphs import manifest
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.errors import WeightsError


def load(name: str, options: EngineOptions) -> Any:
    """The engine of an exported folder, of the hub's onnx layout, or of files of other makers."""
    path = home.folder(name, options)
    folder = path if path.is_dir() else path.parent
    if (folder / manifest.NAME).is_file():
        return _load_exported(manifest.read(folder), options)
    from wordmask.engines.graphs import foreign

    return foreign.load(path, options)


def _load_exported(exported: manifest.Manifest, options: EngineOptions) -> Any:
    if exported.kind in ("sam", "sam_video"):
        from wordmask.engines.graphs import segmenter, tracker

        return (tracker if exported.kind == "sam_video" else segmenter).load(exported, options)
    if exported.kind == "words":
        from wordmask.engines.graphs import words

        return words.load(exported, options)
    raise WeightsError(
        f"{exported.folder / manifest.NAME} says kind {exported.kind!r}; this version of wordmask "
        "runs sam, sam_video, words and mini"
    )
