"""`wordmask doctor`: what works on this machine, and what to install for the rest."""

import json as jsonlib
import os
import platform
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution, metadata, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import typer

from wordmask.doors.cli.models import AsJson
from wordmask.engines.cards import CARDS
from wordmask.engines.weights import home as weights
from wordmask.errors import OutputError
from wordmask.files import cache_home, write_bytes
from wordmask.media.reading.limits import human
from wordmask.version import __version__

IMPORTS = {  # where a package is imported by another name than its own
    "markdown-it-py": "markdown_it",
    "mkdocs-material": "material",
    "mkdocstrings-python": "mkdocstrings_handlers",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "python-multipart": "multipart",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


class Check(NamedTuple):
    """One line of the doctor's report."""

    what: str
    works: bool
    state: str
    fix: str = ""
    core: bool = False  # without it nothing works


def doctor(json: AsJson = False) -> None:
    """What works on this machine, and what to install for the rest.

    Exit code 3 where wordmask itself cannot work; what only an extra brings is no error.
    """
    checks = [*_core(), _install_size(), _weights_folder(), _device(), *_extras(), *_weights()]
    if json:
        typer.echo(jsonlib.dumps([check._asdict() for check in checks]))
    else:
        width = max(len(check.what) for check in checks)
        for check in checks:
            mark = "ok" if check.works else "--"
            line = f"{mark}  {check.what:<{width}}  {check.state}"
            typer.echo(f"{line}; {check.fix}" if check.fix else line)
    if not all(check.works for check in checks if check.core):
        raise typer.Exit(3)


def _core() -> list[Check]:
    """wordmask, Python, and the packages without which nothing works."""
    new_enough = sys.version_info >= (3, 11)
    checks = [
        Check("wordmask", True, f"{__version__}, {Path(__file__).parents[2]}", core=True),
        Check(
            "python",
            new_enough,
            platform.python_version(),
            "" if new_enough else "wordmask needs 3.11 or newer",
            core=True,
        ),
    ]
    for name in packages("wordmask"):
        have = _version_of(name)
        fix = "" if have else f"pip install {name}"
        checks.append(Check(name, have is not None, have or "missing", fix, core=True))
    return checks


def _install_size() -> Check:
    """What wordmask and all that it cannot do without take on the disk, without any extra."""
    names = _with_dependencies("wordmask")
    total = sum(_size_of(name) for name in names)
    return Check("install size", True, f"{human(total, 'B')} in {len(names)} packages, no extra")


def _weights_folder() -> Check:
    home = cache_home()
    try:
        write_bytes(home / ".doctor", b"")
        (home / ".doctor").unlink()
    except (OutputError, OSError) as error:
        fix = "set WORDMASK_HOME to a folder that is yours"
        return Check("weights folder", False, f"{home}: {error}", fix)
    return Check("weights folder", True, f"{home}, {human(shutil.disk_usage(home).free, 'B')} free")


def _device() -> Check:
    cores = f"{os.cpu_count()} CPU cores"
    if find_spec("torch") is None:
        state = f"{cores}; GPUs are used through torch, which is not installed"
        return Check("device", True, state)
    import torch

    if torch.cuda.is_available():
        return Check("device", True, f"{cores}, cuda: {torch.cuda.get_device_name(0)}")
    found = "mps" if torch.backends.mps.is_available() else "no GPU"
    return Check("device", True, f"{cores}, {found}")


def _extras() -> list[Check]:
    checks = []
    for extra in metadata("wordmask").get_all("Provides-Extra") or []:
        missing = [name for name in packages("wordmask", extra) if _version_of(name) is None]
        state = f"missing {', '.join(missing)}" if missing else "installed"
        fix = f"pip install 'wordmask[{extra}]'" if missing else ""
        checks.append(Check(f"extra {extra}", not missing, state, fix))
    return checks


def _weights() -> list[Check]:
    shipped = weights.shipped_files()
    size = human(sum(path.stat().st_size for path in shipped), "B")
    state = f"embedded, {size}" if shipped else "its files are not in this installation"
    here = [
        row.name for row in CARDS.values() if row.source.startswith("hub:") and weights.is_here(row)
    ]
    fetched = ", ".join(here) or "none fetched yet"
    return [
        Check("engine mini", bool(shipped), state),
        Check("weights from the hub", bool(here), fetched, "" if here else "see `wordmask models`"),
    ]


def packages(name: str, extra: str | None = None) -> list[str]:
    """What an installed package says that it needs: always, or for one of its extras."""
    found = []
    for line in requires(name) or []:
        requirement, _, marker = line.partition(";")
        matches = re.search(rf"extra\s*==\s*['\"]{extra}['\"]", marker) if extra else None
        if matches or (extra is None and "extra" not in marker):
            found.append(re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0])
    return found


def _with_dependencies(name: str) -> set[str]:
    """The package and everything installed that it needs, by name, without extras."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        package = ahead.pop().lower().replace("_", "-")
        if package not in found and _is_installed(package):
            found.add(package)
            ahead += packages(package)
    return found


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _size_of(package: str) -> int:
    """Bytes of the files that the package brought; an editable install brings none."""
    paths = [Path(str(file.locate())) for file in distribution(package).files or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _version_of(package: str) -> str | None:
    """The version, None where the package is missing or cannot be imported."""
    module = IMPORTS.get(package, package.replace("-", "_"))
    return version(package) if _is_installed(package) and find_spec(module) else None
