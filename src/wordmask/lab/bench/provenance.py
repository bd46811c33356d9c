"""Where a figure comes from: commit, version, machine, memory, and how far it kept to its protocol."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from wordmask.lab.bench.plan import Kit
from wordmask.lab.bench.presets import pinned

_LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "torch",
    "transformers",
    "scipy",
    "pillow",
)


@cache
def commit() -> str:
    """The commit of the source that runs, with "+" where files are changed; "" outside a checkout."""
    folder = Path(__file__).parent
    try:
        head, changed = (
            subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True
            ).stdout
            for words in (
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "-uno", "--", str(folder.parent)),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.strip() + ("+" if changed.strip() else "")


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
    """The most memory that this process has held."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def protocol(kit: Kit) -> dict[str, Any]:
    """The preset, what it pins, and every point in which this run departs from it."""
    chosen = kit.pinned
    if chosen is None:
        return {"preset": None, "pinned": {}, "deviations": []}
    options, deviations = kit.options, list(chosen.deviations)
    if kit.data.name != chosen.data:
        deviations.append(f"data: {kit.data.name} instead of {chosen.data}")
    if kit.way != chosen.how:
        deviations.append(f"how: {kit.way} instead of {chosen.how}")
    if options.slide_inference and (options.slide_crop, options.slide_stride) != (
        chosen.slide_crop,
        chosen.slide_stride,
    ):
        window = f"{options.slide_crop}/{options.slide_stride}"
        deviations.append(f"window: {window} instead of {chosen.slide_crop}/{chosen.slide_stride}")
    if options.logit_scale is not None and options.logit_scale != chosen.logit_scale:
        deviations.append(
            f"logit scale: {options.logit_scale:g} instead of {chosen.logit_scale or 'the engine s own'}"
        )
    if options.min_confidence not in ("auto", chosen.threshold):
        deviations.append(
            f"threshold: {options.min_confidence} instead of {chosen.threshold or 'none'}"
        )
    if options.use_pamr:
        deviations.append("PAMR is on")
    if options.num_samples is not None:
        deviations.append(f"only the first {options.num_samples} pictures")
    if options.words:
        deviations.append(f"only the classes {', '.join(options.words)}")
    if chosen.templates:
        deviations.append(f"templates: the engine's own, the protocol averages {chosen.templates}")
    return {"preset": chosen.name, "pinned": pinned(chosen), "deviations": deviations}


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
