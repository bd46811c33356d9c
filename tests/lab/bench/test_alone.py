import os

import pytest

from wordmask.errors import EngineError
from wordmask.lab.bench.alone import run_alone


def test_it_is_another_process():
    assert run_alone(os.getpid) != os.getpid()


def test_a_process_that_is_killed_is_no_riddle():
    with pytest.raises(EngineError, match="was memory enough"):
        run_alone(os.abort)


def test_what_it_raises_is_raised_here():
    with pytest.raises(FileNotFoundError):
        run_alone(os.listdir, "/nowhere/at/all")
