"""What every test has: a home of its own, so that no test reads or writes the user's downloads.

Property tests try the same cases each time, so that two runs of one commit agree.
To look for new ones:

    WORDMASK_HYPOTHESIS=long pytest tests/ops
"""

import sys
from contextlib import nullcontext

import pytest
from hypothesis import settings

from budget import LONGER, PROFILE
from uncounted import import_rooms, is_counted, uncounted

# No deadline: machines of different speed must agree on what passes.
settings.register_profile("short", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=100 * LONGER)
settings.load_profile(PROFILE)


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path_factory):
    """WORDMASK_HOME in a temporary folder, and no hub token from the surroundings."""
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Counting makes Python two to three times as slow, also while thousands of tests are found."""
    if sys.gettrace() is not None:
        import_rooms()
    with uncounted():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Lines are counted only where a gate asks how many are covered."""
    with nullcontext() if is_counted(item.nodeid) else uncounted():
        return (yield)
