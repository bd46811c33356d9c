"""Where a figure comes from: commit, version, machine, libraries, memory."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "openvino",
    "torch",
    "transformers",
    "scipy",
    "pillow",
)


@cache
def commit() -> str:
    """The commit of the source that runs, "+" where files are changed; "" outside a checkout."""
    folder = Path(__file__).parent
    try:
        head = _git("rev-parse", "HEAD", folder=folder)
        changed = _git("status", "--porcelain", "-uno", "--", str(folder.parent), folder=folder)
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if changed else "")


def _git(*words: str, folder: Path) -> str:
    command = ["git", *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def facts_of_run(seeds: Mapping[str, int]) -> dict[str, Any]:
    """What every result says of the run behind it."""
    return {
        "commit": commit(),
        "commits": [commit()],
        "version": version(),
        "machine": machine(),
        "seeds": dict(seeds),
        "peak_memory_mb": peak_memory_mb(),
    }


def version() -> str:
    """Of wordmask; "" where it is not installed."""
    return _version("wordmask")


def machine() -> dict[str, Any]:
    """What ran it: processor, threads, Python and libraries."""
    libraries = {name: found for name in _LIBRARIES if (found := _version(name))}
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": libraries,
    }


def peak_memory_mb() -> float:
    """The most memory that this process has held; NaN where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count what the parent held before it started us
        lines = status.read_text().splitlines()
        kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
        if kilobytes:
            return round(kilobytes / 1024, 1)
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _version(name: str) -> str:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
