"""`kit`: what a suite is given in a test, its engines those of the tests."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from wordmask.doors.cli.bench_suite import load_models
from wordmask.engines import EngineOptions
from wordmask.lab.bench.suite import SuiteKit


@pytest.fixture
def kit(tmp_path) -> Callable[..., SuiteKit[Any]]:
    load = partial(load_models, EngineOptions())
    return lambda options: SuiteKit(options, load, tmp_path / "out")


@pytest.fixture(scope="session")
def data_folder(drawn_folder):
    """The folder in which the drawn set lies, under the name `drawn`."""
    return drawn_folder.parent
