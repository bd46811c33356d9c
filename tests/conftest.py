"""What every test has: a home of its own, so that no test reads or writes the user's downloads.

Property tests try the same cases each time, so that two runs of one commit agree.
To look for new ones:

    WORDMASK_HYPOTHESIS=long pytest tests/ops
"""

import pytest
from hypothesis import settings

from budget import LONGER, PROFILE
from uncounted import uncounted

# No deadline: machines of different speed must agree on what passes.
settings.register_profile("short", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=100 * LONGER)
settings.load_profile(PROFILE)


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path_factory):
    """WORDMASK_HOME in a temporary folder, and no hub token from the surroundings."""
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def uncounted_lines():
    """For exports by torch: where lines are counted they take twice as long."""
    with uncounted():
        yield
