"""What every test has: a home of its own, so that no test reads or writes the user's downloads."""

import os

import pytest
from hypothesis import settings

# Machines of different speed must agree on what passes: no deadline, and the same cases each time on CI.
settings.register_profile("wordmask", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "wordmask")


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path_factory):
    """WORDMASK_HOME in a temporary folder, and no hub token from the surroundings."""
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
