"""Tiny networks exported once for all processes of a run: an export takes seconds."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from wordmask.lab.export.folder import ExportPlan, ExportSource, write_folder

KEPT = os.environ.get("WORDMASK_TEST_EXPORTS")
MADE_UP = ExportSource("tiny@sha256:0123", "made up", None, "Apache-2.0")


def shared_folder(factory) -> Path:
    """The temporary folder that all of pytest's processes see.

    Where $WORDMASK_TEST_EXPORTS names a folder, what it holds is used again: not for CI.
    """
    if KEPT:
        return Path(KEPT)
    base = factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "exports"
    shared.mkdir(exist_ok=True)
    return shared


def once(factory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, made by whoever comes first; the others wait."""
    root = shared_folder(factory)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / name).exists():
            part = root / f"{name}.part"
            part.mkdir()
            make(part)
            part.rename(root / name)
    return root / name


def export(engine, out: Path, parts=("image",), **more) -> dict:
    """The engine's graphs in the folder `out`; the manifest."""
    return write_folder(ExportPlan(engine.graphs(parts), MADE_UP, **more), out)


def sam2_video(factory) -> Path:
    """A tiny SAM 2 for videos: `hub` and `onnx`."""
    from tiny_networks import CPU
    from tiny_video import come_and_go, tiny_video
    from wordmask.engines import sam

    def make(folder):
        come_and_go(tiny_video(blocks=(1, 1, 2, 1))).save_pretrained(folder / "hub")
        export(sam.load(str(folder / "hub"), CPU), folder / "onnx", ("image", "video"))

    return once(factory, "sam2-video", make)
