"""onnxruntime-web, which runs the networks in a browser: fetched from npm once, and checked.

`doors/page/npm/package-lock.json` says which version it is and which hash its package must have.
"""

import json
import shutil
import subprocess
import tarfile
from base64 import b64encode
from hashlib import sha512
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from wordmask import files as disk
from wordmask.errors import InputError, Mend

NAME = "onnxruntime-web"
LOCK = files("wordmask.doors") / "page/npm/package-lock.json"
WAIT_S = 300


class WebRuntime(NamedTuple):
    """What a page needs of it."""

    code: bytes  # an ES module
    wasm: bytes


class Pin(NamedTuple):
    """The package as it must be."""

    version: str
    integrity: str  # "sha512-..." of the .tgz

    @property
    def file(self) -> str:
        return f"{NAME}-{self.version}.tgz"


def read_pin() -> Pin:
    about = json.loads(LOCK.read_text("utf-8"))["packages"][f"node_modules/{NAME}"]
    return Pin(about["version"], about["integrity"])


def read_runtime(package: Path | None, *, webgpu: bool) -> WebRuntime:
    """Its parts from the .tgz given, else from this machine's cache, else from npm."""
    pin = read_pin()
    path = package if package is not None else _find_package(pin)
    _check(path, pin)
    name = "webgpu" if webgpu else "wasm"
    kind = ".asyncify" if webgpu else ""
    with tarfile.open(path) as archive:
        parts = [f"ort.{name}.bundle.min.mjs", f"ort-wasm-simd-threaded{kind}.wasm"]
        return WebRuntime(*(_member(archive, f"package/dist/{part}") for part in parts))


def _find_package(pin: Pin) -> Path:
    path = disk.cache_home() / "npm" / pin.file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            _pack(pin, Path(folder))
            _check(Path(folder) / pin.file, pin)
            disk.place(Path(folder) / pin.file, path)
    return path


def _pack(pin: Pin, folder: Path) -> None:
    """Let npm fetch the package; it keeps a cache of its own, and knows proxies and mirrors."""
    wanted = f"{NAME}@{pin.version}"
    mend = Mend("runtime", pin.file)
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"npm is not on this machine, and {wanted} is needed once", mend=mend)
    command = [npm, "pack", wanted, "--loglevel=error", "--fetch-retries=1", "--ignore-scripts"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=WAIT_S
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"npm did not bring {wanted} within {WAIT_S} s", mend=mend) from None
    if done.returncode or not (folder / pin.file).exists():
        said = [line.removeprefix("npm error ") for line in done.stderr.splitlines()]
        reason = max(said[:4], key=len, default="no reason given")
        raise InputError(f"npm could not bring {wanted}: {reason}", mend=mend)


def _check(path: Path, pin: Pin) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    got = f"sha512-{b64encode(sha512(data).digest()).decode()}"
    if got != pin.integrity:
        raise InputError(
            f"{path} is not {pin.file} as npm published it: its hash is {got[:20]}..., "
            f"expected {pin.integrity[:20]}...; delete it, or fetch it again"
        )


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise InputError(f"{name} is not in the package of {NAME}")
    return file.read()
