"""`measure`: one quick run of a bench on the drawn set."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from wordmask.lab.bench.benches import find_bench
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.bench.run import BenchRun, run_bench

QUICK = {"how": "unified", "rounds": 20, "show": 1}


def quick_options(name: str, **more: Any) -> BenchOptions:
    """The bench's options, quick ones where it has them."""
    kind = find_bench(name).options
    known = {item.name for item in fields(kind)}
    return kind(**{key: value for key, value in QUICK.items() if key in known} | more)


@pytest.fixture
def measure(drawn, fake, tmp_path) -> Callable[..., dict[str, Any]]:
    """`measure("semantic", "folder", how="dense")`: the results of one run."""

    def run(name, folder="out", *, data=drawn, load=fake, progress=lambda _: None, **options):
        chosen = quick_options(name, **options)
        return run_bench(BenchRun(name, data, load, tmp_path / folder, chosen, progress))

    return run
