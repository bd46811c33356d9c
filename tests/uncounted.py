"""Work whose covered lines are not counted: counting makes Python two to three times as slow."""

import contextlib
import pkgutil
import sys
import threading
from collections.abc import Iterator
from importlib import import_module

ROOMS = ("core", "ops", "media")  # those with a gate in scripts/coverage_gates.py
# What covers them: their own tests, those of the jobs, which keep an index and a ledger, and those
# of the commands that write notes of tiles and draw answers.
COUNTED = (
    *(f"{root}/{room}/" for root in ("tests", "src/wordmask") for room in (*ROOMS, "jobs")),
    "tests/doors/test_cli_tiles.py",
    "tests/doors/test_cli_ask.py",
)


def is_counted(name: str) -> bool:
    """Whether the test, or doctest, of that name covers a room with a gate.

    >>> [is_counted(f"tests/{name}.py::test_iou") for name in ("ops/test_boxes", "lab/ops/test_a")]
    [True, False]
    """
    return name.startswith(COUNTED)


def import_rooms() -> None:
    """Import all modules of these rooms, so that the lines of their top level are counted."""
    for room in ROOMS:
        package = import_module(f"wordmask.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(found.name)


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Without counting, in this thread and in those that begin meanwhile."""
    counting, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(counting)
        threading.settrace(of_threads)
