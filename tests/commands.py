"""The command line for tests: run in this process, or as a person runs it, in one of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import cv2
import numpy as np
import pytest

from wordmask.doors.cli import main

# Where the tests run in the background, Ctrl-C is ignored by all that they start; here it counts.
CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
RUN = [sys.executable, "-c", f"{CTRL_C}; from wordmask.doors.cli import main; main()"]


def run_here(*arguments) -> int:
    """The exit code; what is printed, `capsys` gets."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


def run_inside(*arguments) -> subprocess.CompletedProcess:
    """What `run_apart` answers, of this process: another one takes a second to begin."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        code = run_here(*arguments)
    told = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code or 0, *told)


def run_apart(*arguments, stdin=None, cwd=None, **environment):
    """A process of its own: what it printed, and its exit code."""
    return subprocess.run(
        [*RUN, *map(str, arguments)],
        capture_output=True,
        text=not isinstance(stdin, bytes),
        errors=None if isinstance(stdin, bytes) else "replace",  # names may be no UTF-8
        input=stdin,
        cwd=cwd,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


def draw_disc(path: Path, colour=(255, 0, 0)) -> Path:
    """A disc on white, 120 x 160, as a picture file."""
    pixels = np.full((120, 160, 3), 255, np.uint8)
    cv2.circle(pixels, (60, 60), 30, colour, -1)
    return save(path, pixels)


def draw_lawn(path: Path) -> Path:
    """A red disc and a blue square on a green lawn with a little noise, 120 x 160."""
    rng = np.random.default_rng(0)
    pixels = np.full((120, 160, 3), (30, 160, 60), np.uint8)
    cv2.circle(pixels, (45, 60), 16, (220, 20, 20), -1)
    cv2.rectangle(pixels, (100, 40), (129, 69), (20, 20, 220), -1)
    pixels = (pixels.astype(int) + rng.integers(-6, 7, pixels.shape)).clip(0, 255).astype(np.uint8)
    return save(path, pixels)


def save(path: Path, pixels: np.ndarray) -> Path:
    """RGB or RGBA as a picture file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    cv2.imwrite(str(path), cv2.cvtColor(pixels, order))
    return path


def load(path: Path) -> np.ndarray:
    """Grey, RGB or RGBA, with the file's depth."""
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if raw.ndim == 2:
        return raw
    return cv2.cvtColor(raw, cv2.COLOR_BGRA2RGBA if raw.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def names(folder: Path) -> list[str]:
    """The files in a folder, without the hidden ones."""
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.exists() else []
