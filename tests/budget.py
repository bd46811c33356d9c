"""How many cases a property test tries: few every day, many in a long run (see conftest.py)."""

import os

from hypothesis import settings

PROFILE = os.environ.get("WORDMASK_HYPOTHESIS", "short")
LONGER = 50  # times as many cases in a long run


def examples(count: int) -> settings:
    """For a property whose cases are slow: `@examples(15)` instead of hypothesis' 100 cases."""
    return settings(max_examples=count * (LONGER if PROFILE == "long" else 1))
