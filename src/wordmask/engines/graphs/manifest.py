"""manifest.json of an exported folder: read, and every file in it checked before it is opened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.engines.weights import checks
from wordmask.errors import WeightsError
from wordmask.files import digest

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class GraphFile:
    """One network of the folder."""

    path: Path
    sha256: Mapping[str, str]  # of the file and of those with its weights, by name


@dataclass(frozen=True, eq=False)
class Manifest:
    """What an exported folder says of itself."""

    folder: Path
    kind: str
    engine: str  # name and hash of what was exported
    licence: str
    runtime: str  # "onnxruntime", "openvino", "coreml"
    settings: Mapping[str, Any]
    graphs: Mapping[str, GraphFile]

    @property
    def name(self) -> str:
        """For `made_by`: what was exported, and the hash of the files that answer."""
        hashes = "".join(value for file in self.graphs.values() for value in file.sha256.values())
        return f"{self.engine}+{self.runtime}@sha256:{checks.short_digest(hashes)}"


def read(folder: Path) -> Manifest:
    """The manifest of a folder. Its files are checked: there, whole, inside the folder."""
    file = folder / NAME
    try:
        values = json.loads(file.read_text("utf-8"))
        version = int(values["format"])
        if version > FORMAT:
            raise WeightsError(
                f"{file} is of format {version}; this version of wordmask reads {FORMAT}: update it"
            )
        graphs = {
            name: GraphFile(folder / entry["file"], dict(entry["sha256"]))
            for name, entry in values["graphs"].items()
        }
        made = Manifest(
            folder,
            str(values["kind"]),
            str(values["engine"]),
            str(values["licence"]),
            str(values.get("runtime", "onnxruntime")),
            dict(values["settings"]),
            graphs,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{file} is not the manifest of an export: {type(error).__name__} {error}"
        ) from None
    for graph in graphs.values():
        _check_files(folder, graph)
    return made


def _check_files(folder: Path, graph: GraphFile) -> None:
    for name, wanted in graph.sha256.items():
        if not checks.is_inside(folder, name):
            raise WeightsError(f"{folder / NAME} points outside its folder: {name!r}; refused")
        if not (folder / name).is_file():
            raise WeightsError(f"{folder / name} is missing; copy the whole folder")
        got = digest(folder / name)
        if got != wanted:
            raise WeightsError(
                f"{folder / name} has sha256 {got[:12]}..., the manifest says {wanted[:12]}...: "
                "cut, damaged or of another export; export again"
            )
    if graph.path.name not in graph.sha256:
        raise WeightsError(f"{folder / NAME} gives no sha256 for {graph.path.name}; export again")
