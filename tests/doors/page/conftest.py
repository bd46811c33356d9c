"""The page's fixtures; without a browser its tests are left out, and that is said at the end."""

import pytest

from browser import MISSING, Person, find_browser, open_browser
from serving import lawn_png, run_server

LEFT_OUT: list[str] = []

if find_browser() is None:
    collect_ignore_glob = ["test_*.py"]
    LEFT_OUT.append(MISSING)


def pytest_terminal_summary(terminalreporter):
    for reason in LEFT_OUT:
        terminalreporter.write_line(f"LEFT OUT: all tests of the page ({reason})", red=True)


@pytest.fixture(scope="session")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    with run_server("--client-requests", "64", log=tmp_path_factory.mktemp("page") / "log") as run:
        yield run[0]


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def person(context, address):
    """Somebody who has just opened the page; a fault of its code fails the test."""
    person = Person(context.new_page(), address)
    yield person
    assert person.faults == []


@pytest.fixture
def lawn(tmp_path):
    """A picture with a red disc and a blue square on green."""
    path = tmp_path / "lawn.png"
    path.write_bytes(lawn_png())
    return path
