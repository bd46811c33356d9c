"""A real Chromium for tests of the page, and what a person does in it."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "no browser: install the extra `browser` and chromium (apt-get install chromium)"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--hide-scrollbars"]
CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def find_browser() -> str | None:
    """Debian's chromium or another one, else Playwright's own."""
    if importlib.util.find_spec("playwright") is None:
        return None
    found = [path for name in NAMES if (path := shutil.which(name))]
    kept = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return next(iter([*found, *map(str, kept)]), None)


# Keeps every message of the status line, so that one that is soon replaced is not missed.
LISTEN = """window.heard = [];
let last = "";
new MutationObserver(() => {
    const said = document.querySelector(".status")?.textContent ?? "";
    if (said && said !== last) window.heard.push(said);
    last = said;
}).observe(document, { subtree: true, childList: true, characterData: true });"""
HEAR = """text => {
    const at = window.heard.findIndex(said => said.includes(text));
    return at >= 0 && window.heard.splice(0, at + 1).length > 0;
}"""


@contextmanager
def open_browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=OPTIONS + CAMERA)
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Somebody at the page."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.set_default_timeout(30_000)
        page.add_init_script(LISTEN)
        page.goto(address)

    def open(self, picture: Path) -> None:
        self.page.set_input_files("#file", str(picture))
        self.page.wait_for_selector("body:not(.blank)")

    def say(self, words: str) -> None:
        self.page.fill("#words", words)
        self.page.keyboard.press("Enter")

    def status(self, text: str) -> None:
        """Wait until the page has said so, after what was waited for last."""
        try:
            self.until(HEAR, text)
        except AssertionError:
            heard = self.page.evaluate("window.heard")
            raise AssertionError(f"never said: {text!r}, but then: {heard}") from None

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def things(self, count: int) -> list[str]:
        """The names in the list, once there are so many."""
        script = "n => document.querySelectorAll('.thing').length === n"
        self.page.wait_for_function(script, arg=count)
        return [field.input_value() for field in self.page.locator(".thing .name").all()]

    def until(self, script: str, arg: Any = None) -> None:
        """Wait for a promise of true, which Playwright's own waiting takes for true at once."""
        self.wait(lambda: self.page.evaluate(script, arg), f"never true: {script}")

    def wait(self, happened: Callable[[], Any], failure: str = "never happened") -> None:
        """Wait for what this process can see; the page goes on meanwhile."""
        for _ in range(600):
            if happened():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(failure)

    def at(self, name: str) -> None:
        """Wait until that picture is open."""
        self.until(
            """async name =>
            (await import("/page/board.js")).board.picture?.key === name""",
            name,
        )

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the picture is on the screen."""
        script = """async at => {
            const { view, canvas } = await import("/page/stage.js");
            const box = canvas.getBoundingClientRect();
            return [box.left + view.x + at[0] * view.scale, box.top + view.y + at[1] * view.scale];
        }"""
        left, top = self.page.evaluate(script, [x, y])
        return left, top

    def click(self, x: float, y: float, **how: Any) -> None:
        self.page.mouse.move(*self.place(x, y))
        modifier = how.pop("hold", None)
        if modifier:
            self.page.keyboard.down(modifier)
        self.page.mouse.click(*self.place(x, y), **how)
        if modifier:
            self.page.keyboard.up(modifier)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=4)
        self.page.mouse.up()

    def area(self) -> int:
        """Pixels of the chosen thing."""
        script = """async () => (await import("/page/masks.js")).areaOf(
            (await import("/page/board.js")).chosen().mask)"""
        found: int = self.page.evaluate(script)
        return found

    def breaches(self) -> list[str]:
        """What axe-core would have mended for people who see, hear or move differently."""
        found = importlib.util.find_spec("axe_playwright_python")
        assert found is not None, "the extra `browser` brings axe-core"
        assert found.submodule_search_locations
        axe = Path(found.submodule_search_locations[0]) / "axe.min.js"
        self.page.evaluate(axe.read_text())
        rows = self.page.evaluate("axe.run()")["violations"]
        return [f"{row['id']}: {[node['html'] for node in row['nodes']]}" for row in rows]
