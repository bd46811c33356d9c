"""Ray Serve without Ray: the options, and what is said where it is not installed.

Two replicas and one that is killed are tried by scripts/ray, outside the suite.
"""

import pytest

from commands import run_here
from wordmask.doors.server.rayserve import RayOptions
from wordmask.errors import OptionError


def test_options_say_their_range():
    assert RayOptions() == RayOptions(ray=False, replicas=2, max_replicas=None)
    with pytest.raises(OptionError, match="replicas"):
        RayOptions(replicas=0)


def test_without_ray_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert run_here("serve", "--ray", "--model", "fake") == 3
    assert "wordmask[ray]" in capsys.readouterr().err
