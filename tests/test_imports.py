"""Imports stay light: what is loaded is checked strictly, the time with room for a busy machine."""

import ast
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HEAVY = (
    "cv2",
    "onnxruntime",
    "torch",
    "transformers",
    "scipy",
    "skimage",
    "PIL",
    "tokenizers",
    "huggingface_hub",
)


def run(code: str) -> dict[str, object]:
    """Run `code` in a fresh interpreter: the heavy modules it loaded, and its CPU seconds."""
    reporting = (
        f"{code}\nimport json, resource, sys\nused = resource.getrusage(resource.RUSAGE_SELF)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(json.dumps([loaded, used.ru_utime + used.ru_stime]))"
    )
    command = [sys.executable, "-c", reporting]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded, seconds = json.loads(done.stdout.splitlines()[-1])
    return {"loaded": loaded, "seconds": seconds}


def fastest(code: str, times: int = 3) -> float:
    """The least CPU seconds of several runs: noise only adds."""
    return min(float(str(run(code)["seconds"])) for _ in range(times))


HELP = """
import contextlib, io, sys
sys.argv = ["wordmask", "--help"]
from wordmask.doors.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
"""


@pytest.mark.parametrize(
    "code",
    [
        "import wordmask",
        "import wordmask; dir(wordmask); wordmask.__version__",
        "import wordmask; wordmask.Result, wordmask.Text, wordmask.errors",
        "from wordmask import engines; engines.names()",
        "from wordmask.core import image, masks, models, prompts, protocols, result",
        HELP,
    ],
    ids=["import", "dir", "core names", "engine names", "core", "help"],
)
def test_nothing_heavy_is_loaded(code):
    assert run(code)["loaded"] == []


def test_the_package_is_imported_fast():
    # 0.3 s is promised; 0.03 s of CPU measured.
    assert fastest("import wordmask") - fastest("") < 0.3


def test_help_is_fast():
    # 0.3 s is promised; 0.12 s of CPU measured.
    assert fastest(HELP) - fastest("") < 0.3


@pytest.mark.parametrize("arguments", [["--help"], ["segment", "--help"]])
def test_the_command_prints_help(arguments):
    command = Path(sysconfig.get_path("scripts")) / "wordmask"
    wanted = [str(command)] if command.exists() else [sys.executable, "-m", "wordmask"]
    done = subprocess.run(
        [*wanted, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr
    assert "segment" in done.stdout.lower()
    assert done.stderr == ""


CORE_INSTALL = {
    "annotated_types", "click", "cv2", "numpy", "onnxruntime", "PIL", "rich", "tokenizers", "typer",
}  # fmt: skip
# What modules need that are imported only when their extra is there
OF_EXTRAS = {
    "doors/server/": {"fastapi", "pydantic", "starlette", "uvicorn"},
    "engines/": {"torch", "transformers", "diffusers"},
    "lab/bench/": {"torch"},
    "lab/export/": {"torch"},
    "lab/training/": {"torch"},
    "model/": {"torch"},
}


def test_modules_import_at_their_top_only_what_is_installed_with_them():
    package = Path(__file__).parents[1] / "src/wordmask"
    missing = {}
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        installed = CORE_INSTALL | {"wordmask"} | set(sys.stdlib_module_names)
        for folder, libraries in OF_EXTRAS.items():
            if name.startswith(folder):
                installed |= libraries
        if top_imports(path.read_text("utf-8")) - installed:
            missing[name] = top_imports(path.read_text("utf-8")) - installed
    assert missing == {}


def top_imports(source: str) -> set[str]:
    """The packages that a module imports as soon as it is loaded."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_an_import_inside_a_function_is_not_at_the_top():
    source = "import numpy.linalg\nfrom os import path\ndef f():\n    import scipy\n"
    assert top_imports(source) == {"numpy", "os"}
