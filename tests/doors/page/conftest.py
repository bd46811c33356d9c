"""The page's fixtures; without a browser its tests are left out, and that is said at the end."""

import importlib.util

import pytest

from browser import MISSING, Person, find_browser, open_browser

REASONS = {
    "no server: install the extra `serve`": importlib.util.find_spec("fastapi") is None,
    MISSING: find_browser() is None,
}
LEFT_OUT = [reason for reason, is_true in REASONS.items() if is_true]


def pytest_terminal_summary(terminalreporter):
    for reason in LEFT_OUT:
        terminalreporter.write_line(f"LEFT OUT: all tests of the page ({reason})", red=True)
    for report in terminalreporter.stats.get("skipped", ()):
        if "LEFT OUT" in str(report.longrepr):
            terminalreporter.write_line(report.longrepr[2].removeprefix("Skipped: "), red=True)


if LEFT_OUT:
    collect_ignore_glob = ["*.py"]
else:
    from serving import lawn_png, run_server

    # Not for the whole session: while a browser is open, other tests cannot run asyncio.
    @pytest.fixture(scope="module")
    def browser():
        with open_browser() as browser:
            yield browser

    @pytest.fixture(scope="module")
    def address(tmp_path_factory):
        log = tmp_path_factory.mktemp("page") / "log"
        with run_server("--client-requests", "64", log=log) as run:
            yield run[0]

    @pytest.fixture
    def context(browser):
        viewport = {"width": 1280, "height": 800}
        context = browser.new_context(viewport=viewport, accept_downloads=True)
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
