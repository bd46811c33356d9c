"""The tasks of the bench by name."""

from wordmask.errors import OptionError, did_you_mean
from wordmask.lab.bench.plan import Task

NAMES = (
    "semantic",
    "instance",
    "panoptic",
    "retrieval",
    "clicks",
    "recognise",
    "video",
    "depth",
    "search",
    "calibration",
)


def task(name: str) -> Task:
    """The task of that name."""
    from importlib import import_module

    if name not in NAMES:
        raise OptionError(f"there is no benchmark {name!r}.{did_you_mean(name, NAMES)}")
    found: Task = getattr(import_module(f"wordmask.lab.bench.benches.{name}"), name.capitalize())()
    return found
