"""The page and `mini` in one HTML file that opens from disk, without a server or a network.

Its parts, in the order in which they stand in the file: the style; the page's modules, as data
URLs of an import map; the engine's code, which the page starts as a worker; every network, the
table of words and the runtime, as base64 of gzip in script elements that are no scripts.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.doors.cli.npm import WebRuntime
from wordmask.engines.mini.files import FILES
from wordmask.errors import WeightsError

PAGE = files("wordmask.doors") / "page"
NETWORKS = (
    "encoder.onnx",
    "prepare.onnx",
    "cutter.onnx",
    "classes.onnx",
    "context.onnx",
    "together.onnx",
)
IMPORT = re.compile(r'^import (\{[^}]*\})\s+from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
SPECIFIER = re.compile(r'(from|^import) "\./([\w.]+)"', re.MULTILINE)
# Nothing can be loaded or sent: a page that leaks a picture would be stopped by the browser.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: data:; "
    "style-src 'unsafe-inline'; img-src blob: data:; worker-src blob:; connect-src blob: data:"
)


def build(runtime: WebRuntime, folder: Path | None = None, *, other_words: bool = True) -> str:
    """The whole file; `folder` holds other weights of mini."""
    home = FILES if folder is None else folder
    settings = _settings(home)
    parts = {
        "runtime.mjs": runtime.code,
        "runtime.wasm": runtime.wasm,
        "mini.json": json.dumps(settings).encode(),
        **read_words(home),
    }
    parts |= {name: _read(home, name) for name in NETWORKS if name in settings["files"]}
    if other_words:
        parts |= {name: _read(home, name) for name in ("text.onnx", "tokenizer.json")}
    return "\n".join(_lines(parts)) + "\n"


def _lines(parts: dict[str, bytes]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f'<meta name="color-scheme" content="light dark">\n<title>wordmask</title>\n{_style()}'
    yield f'<script type="importmap">{json.dumps({"imports": _modules()})}</script>'
    yield f'<script type="text/plain" id="engine">{bundle("local/worker.js")}</script>'
    yield "</head>\n<body><noscript>This page needs JavaScript.</noscript>"
    for name, data in parts.items():
        packed = gzip.compress(data, 6, mtime=0)
        yield f'<script type="text/plain" id="file-{name}">{b64encode(packed).decode()}</script>'
    yield '<script type="module">import "page/main.js";</script>\n</body>\n</html>'


def _style() -> str:
    mark = _data_url("image/svg+xml", (PAGE / "mark.svg").read_bytes())
    style = (PAGE / "style.css").read_text("utf-8").replace("url(mark.svg)", f"url({mark})")
    return f'<link rel="icon" href="{mark}">\n<style>{style}</style>'


def _modules() -> dict[str, str]:
    """Each module of the page as a data URL; what it imports has a bare name in the map."""
    made = {}
    for file in sorted(PAGE.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".js"):
            code = SPECIFIER.sub(r'\1 "page/\2"', file.read_text("utf-8"))
            made[f"page/{file.name}"] = _data_url("text/javascript", code.encode())
    return made


def bundle(entry: str) -> str:
    """A module and all that it imports as one text: a worker has no import map.

    Each module becomes a function that returns what it exports.
    """
    done: dict[str, str] = {}
    _add_module(entry, done)
    return "\n".join(done.values()).replace("</script", "<\\/script")


def _add_module(name: str, done: dict[str, str]) -> None:
    """After what it imports."""
    if name in done:
        return
    code = PAGE.joinpath(name).read_text("utf-8")
    for _, specifier in IMPORT.findall(code):
        _add_module(_resolve(name, specifier), done)
    exported = ", ".join(EXPORT.findall(code))

    def take(found: re.Match[str]) -> str:
        return f"const {found[1]} = {_variable(_resolve(name, found[2]))};\n"

    inner = IMPORT.sub(take, code).replace("\nexport ", "\n")
    done[name] = f"const {_variable(name)} = (() => {{\n{inner}return {{ {exported} }};\n}})();"


def _variable(name: str) -> str:
    return "_" + re.sub(r"\W", "_", name)


def _resolve(name: str, specifier: str) -> str:
    folder = name.rpartition("/")[0]
    if specifier.startswith("../"):
        return specifier[3:]
    return f"{folder}/{specifier.removeprefix('./')}"


# ---- the weights


def _settings(home: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(_read(home, "mini.json"))
    return settings


def _read(home: Path, name: str) -> bytes:
    try:
        return (home / name).read_bytes()
    except OSError as error:
        raise WeightsError(f"{home / name} cannot be read: {error.strerror}") from error


def read_words(home: Path) -> dict[str, bytes]:
    """The table of words in forms that JavaScript reads: JSON, and bare numbers."""
    with np.load(home / "words.npz") as table:
        names, kin, classes = (str(table[key]).split("\n") for key in ("names", "kin", "classes"))
        pairs = [line.split("\t") for line in classes]
        about = {
            "names": names,
            "kin": [line.split("\t") for line in kin],
            "classes": [[int(number), name] for number, name in pairs],
            "learned": int(table["learned"]),
        }
        return {
            "words.json": json.dumps(about).encode(),
            "words.bin": table["vectors"].astype(np.int8).tobytes(),
            "down.bin": table["down"].astype("<f4").tobytes(),
            "up.bin": table["up"].astype("<f4").tobytes(),
        }


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"
