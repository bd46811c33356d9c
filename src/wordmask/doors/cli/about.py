"""`wordmask models`, `doctor`, `lint-words`: what is here, what works, what will go wrong."""

import json as jsonlib
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.doors.cli.words import listed
from wordmask.engines.weights import home as weights
from wordmask.engines.weights.home import Row
from wordmask.errors import OutputError
from wordmask.files import write_bytes
from wordmask.media.reading.limits import human
from wordmask.tasks.lint import lint
from wordmask.version import __version__

AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]
IMPORTS = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "python-multipart": "multipart",
    "pillow-heif": "pillow_heif",
    "scikit-image": "skimage",
}
IMPORTS |= {"scikit-learn": "sklearn", "markdown-it-py": "markdown_it", "pytest-cov": "pytest_cov"}
IMPORTS |= {"pytest-randomly": "pytest_randomly"}


def models(json: AsJson = False) -> None:
    """What can be loaded by name: what it does, what it needs, its licence, whether it is here."""
    rows = [
        *weights.ROWS.values(),
        *(_plugin(name, where) for name, where in engines.plugins().items()),
    ]
    if json:
        typer.echo(
            jsonlib.dumps(
                [row._asdict() if hasattr(row, "_asdict") else _record(row) for row in rows]
            )
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "does", "needs", "size", "licence", "here"):
        table.add_column(column, no_wrap=column == "name")
    for row in rows:
        table.add_row(row.name, _does(row), _needs(row), _size(row), row.licence, _here(row))
    Console(width=max(110, shutil.get_terminal_size().columns)).print(table)
    typer.echo(
        "\nEngines join with +, as in sam2.1-large+clip-b16. A local folder or hub:owner/name works in place of a name."
    )


def doctor(json: AsJson = False) -> None:
    """What works on this machine, and what to install for the rest. Exit code 3 where the core itself is broken."""
    checks = [*_basics(), *_extras(), *_weights()]
    if json:
        typer.echo(jsonlib.dumps([check._asdict() for check in checks]))
    else:
        width = max(len(check.what) for check in checks)
        for check in checks:
            mark = "ok  " if check.works else "--  "
            fix = f"   {check.fix}" if check.fix else ""
            typer.echo(f"{mark}{check.what:<{width}}  {check.state}{fix}")
    if not all(check.works for check in checks if check.core):
        raise typer.Exit(3)


def lint_words(
    words: Annotated[
        list[str], typer.Argument(help="The vocabulary; @words.txt reads one word per line.")
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Whose sense of the words counts; none: spelling only."),
    ] = "auto",
    near: Annotated[
        float, typer.Option(help="Cosine from which two words count as near-synonyms.")
    ] = 0.85,
    json: AsJson = False,
) -> None:
    """Warn of words that will get in each other's way. Exit code 1 where there is a warning.

    wordmask lint-words sofa couch "dining table" table
    """
    text = Text(listed(words))
    found = lint(text, None if model == "none" else engines.load(model), near=near)
    if json:
        typer.echo(jsonlib.dumps([warning._asdict() for warning in found]))
    for warning in [] if json else found:
        typer.echo(f"{warning.kind}: {' / '.join(warning.words) or 'the list'}: {warning.advice}")
    if not found and not json:
        typer.echo(f"{len(text.phrases)} words, nothing to warn of")
    if found:
        raise typer.Exit(1)


class Check(NamedTuple):
    """One line of the doctor's report."""

    what: str
    works: bool
    state: str
    fix: str = ""
    core: bool = False


def _basics() -> list[Check]:
    python = platform.python_version()
    checks = [
        Check("wordmask", True, f"{__version__}, {Path(__file__).parents[2]}", core=True),
        Check(
            "python",
            sys.version_info >= (3, 11),
            python,
            "" if sys.version_info >= (3, 11) else "3.11 or newer",
            core=True,
        ),
    ]
    for name in _wanted(None):
        have = _version_of(name)
        checks.append(
            Check(
                name,
                have is not None,
                have or "missing",
                "" if have else f"pip install {name}",
                core=True,
            )
        )
    return [*checks, _home(), _device()]


def _home() -> Check:
    home = weights.home()
    try:
        write_bytes(home / ".doctor", b"")
        (home / ".doctor").unlink()
    except (OutputError, OSError) as error:
        return Check(
            "weights folder",
            False,
            f"{home}: {error}",
            "set WORDMASK_HOME to a folder that is yours",
        )
    return Check("weights folder", True, f"{home}, {human(shutil.disk_usage(home).free, 'B')} free")


def _device() -> Check:
    cores = f"{os.cpu_count()} CPU cores"
    if find_spec("torch") is None:
        return Check(
            "device", True, f"{cores}; GPUs are used through torch, which is not installed"
        )
    import torch

    if torch.cuda.is_available():
        return Check("device", True, f"{cores}, cuda: {torch.cuda.get_device_name(0)}")
    return Check(
        "device", True, f"{cores}, {'mps' if torch.backends.mps.is_available() else 'no GPU'}"
    )


def _extras() -> list[Check]:
    checks = []
    for extra in (
        "hf",
        "video",
        "heif",
        "serve",
        "search",
        "ray",
        "edit",
        "medical",
        "labelstudio",
        "export",
        "train",
        "dev",
    ):
        missing = [name for name in _wanted(extra) if _version_of(name) is None]
        fix = f"pip install 'wordmask[{extra}]'" if missing else ""
        checks.append(
            Check(
                f"extra {extra}",
                not missing,
                f"missing {', '.join(missing)}" if missing else "installed",
                fix,
            )
        )
    return checks


def _weights() -> list[Check]:
    shipped = weights.shipped()
    size = human(sum(path.stat().st_size for path in shipped), "B") if shipped else ""
    checks = [
        Check(
            "engine mini",
            bool(shipped),
            f"embedded, {size}" if shipped else "its files are not in this installation",
        )
    ]
    here = [
        row.name
        for row in weights.ROWS.values()
        if row.source.startswith("hub:") and weights.cached(row)
    ]
    return [
        *checks,
        Check(
            "weights from the hub",
            bool(here),
            ", ".join(here) or "none fetched yet",
            "" if here else "see `wordmask models`",
        ),
    ]


def _wanted(extra: str | None) -> list[str]:
    """The packages of an extra, or (with None) of wordmask itself, from the installed metadata."""
    names = []
    for line in requires("wordmask") or []:
        requirement, _, marker = line.partition(";")
        wanted = f'extra == "{extra}"' in marker if extra else "extra" not in marker
        if wanted:
            names.append(
                "".join(
                    letter for letter in requirement.split("[")[0] if letter not in "<>=!~"
                ).rstrip("0123456789. ")
            )
    return names


def _version_of(package: str) -> str | None:
    try:
        found = version(package)
    except PackageNotFoundError:
        return None
    return found if find_spec(IMPORTS.get(package, package.replace("-", "_"))) is not None else None


def _plugin(name: str, where: str) -> Row:
    return Row(name, where, "plug-in", (), "see the package")


def _record(row: Row) -> dict[str, Any]:
    keys = (
        "name",
        "source",
        "protocols",
        "licence",
        "revision",
        "sha256",
        "nbytes",
        "input_side",
        "extra",
        "gated",
    )
    return {key: getattr(row, key) for key in keys} | {
        "cached": weights.cached(row) if row.source != "plug-in" else None
    }


_DOES = {
    "Segmenter": "cut",
    "Dense": "dense words",
    "Embedder": "embed",
    "Detector": "detect",
    "DepthModel": "depth",
}
_DOES |= {"Inpainter": "fill", "Tracker": "track", "PoseModel": "pose", "Answerer": "answer"}


def _does(row: Row) -> str:
    return ", ".join(_DOES.get(name, name) for name in row.protocols) or "-"


def _needs(row: Row) -> str:
    return (
        ", ".join(
            part
            for part in (
                f"\\[{row.extra}]" if row.extra else "",
                "an agreement" if row.gated else "",
            )
            if part
        )
        or "-"
    )


def _size(row: Row) -> str:
    if row.source == "shipped":
        return human(sum(path.stat().st_size for path in weights.shipped()), "B")
    return human(row.nbytes, "B") if row.nbytes else "-"


def _here(row: Row) -> str:
    if row.source == "plug-in":
        return "yes"
    state = weights.cached(row)
    return "yes" if state or state is None else "no"
