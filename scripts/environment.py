"""The scripts' own environment: .venv in the repository, made with the standard library only.

What was installed, and for which pyproject.toml and constraints.txt, is noted in .venv, so that
nothing is installed twice. To install nothing, set WORDMASK_PYTHON to a Python that has everything.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = (3, 11)
HOME = ROOT / ".venv"
NOTES = HOME / "wordmask-installed.json"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


def ready(extras: str, *, also: tuple[str, ...] = (), torch: bool = False) -> str:
    """The path of a Python in which wordmask[extras] and the packages `also` are installed."""
    if os.environ.get("WORDMASK_PYTHON"):
        return os.environ["WORDMASK_PYTHON"]
    python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        make(python)
    wanted = [f"wordmask[{extras}]" if extras else "wordmask", *also]
    recipe = hashlib.sha256(
        (ROOT / "pyproject.toml").read_bytes() + (ROOT / "constraints.txt").read_bytes()
    ).hexdigest()
    notes = json.loads(NOTES.read_text()) if NOTES.exists() else {}
    if notes.get(" ".join(wanted)) != recipe:
        if torch:
            install_torch(str(python))
        say(f"installing {', '.join(wanted)}, in the versions of constraints.txt")
        pip(str(python), "-e", f"{ROOT}[{extras}]" if extras else str(ROOT), *also)
        NOTES.write_text(json.dumps(notes | {" ".join(wanted): recipe}, indent=1))
    return str(python)


def make(python: Path) -> None:
    """Create .venv, or say what is missing."""
    if sys.version_info < FLOOR:
        sys.exit(
            f"Python {FLOOR[0]}.{FLOOR[1]} or newer is needed, this is {sys.version.split()[0]}"
        )
    say(f"making an environment in {HOME}")
    try:
        venv.create(HOME, with_pip=True, clear=HOME.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            f"Python cannot make environments here ({error}); "
            "on Debian and Ubuntu: apt install python3-venv"
        )
    if not python.exists():
        sys.exit(f"{python} was not made; delete {HOME} and try again")


def install_torch(python: str) -> None:
    """torch first, and without CUDA: on Linux the registry's own wheel brings several GB of it."""
    plan = ["-m", "pip", "install", "-q", "--dry-run", "--no-deps", "--report", "-"]
    pinned = ["-c", str(ROOT / "constraints.txt"), "torch"]
    done = subprocess.run([python, *plan, *pinned], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["install"] if done.returncode == 0 else []
    cuda = sys.platform == "linux" and any(
        "+cpu" not in package["metadata"]["version"] for package in found
    )
    say(f"installing torch{' from ' + CPU_WHEELS if cuda else ''}")
    pip(python, "torch", *(("--index-url", CPU_WHEELS) if cuda else ()))


def pip(python: str, *arguments: str) -> None:
    """Install, or stop with pip's own message."""
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), *arguments],
        check=False,
    )
    if done.returncode:
        sys.exit(f"pip failed with exit code {done.returncode}; its message stands above")


def run(*command: str) -> int:
    """Run a command from the repository's root; its exit code."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode


def say(text: str) -> None:
    """A line for people, at once and not on stdout."""
    print(f"-- {text}", file=sys.stderr, flush=True)
