"""The server's own fixtures; without the extra `serve` none of these tests can run."""

import importlib.util

import pytest

if importlib.util.find_spec("fastapi") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from serving import open_client, send

    @pytest.fixture(scope="module")
    def client():
        """A client of one server for the whole file."""
        with open_client() as client:
            yield client

    @pytest.fixture
    def lawn(client):
        """The id of a picture with a red disc and a blue square on green."""
        return send(client)
