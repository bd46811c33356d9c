"""What docs/page.md shows, taken of the page itself on mini by scripts/page_pictures."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import skimage.data

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests"))
from browser import Person, open_browser  # noqa: E402 the tests' own code lies beside this file
from serving import run_server  # noqa: E402 the same
from wordmask.media.video.write import VideoSink  # noqa: E402 the package is installed

IMAGES = ROOT / "docs/images"
NAMES = ("chelsea", "astronaut", "coffee", "rocket")
FRAMES = 16  # of the video
SCREEN = {"width": 1280, "height": 800}


def main() -> None:
    with TemporaryDirectory() as text:
        folder = Path(text) / "pictures"
        folder.mkdir()
        for name in NAMES:
            pixels = getattr(skimage.data, name)()
            cv2.imwrite(str(folder / f"{name}.jpg"), pixels[..., ::-1])
        with open_browser() as browser:
            with serve(Path(text), "--model", "mini") as (address, _):
                look(browser, address, folder)
                follow(browser, address, write_pan(folder / "pan.mp4"))
            with serve(Path(text), "--model", "mini", "--folder", str(folder)) as (address, _):
                annotate(browser, address)


def serve(folder: Path, *arguments: str) -> Any:
    return run_server(*arguments, log=folder / "log")


def look(browser: Any, address: str, folder: Path) -> None:
    person = open_page(browser, address)
    person.open(folder / "chelsea.jpg")
    person.say("cat, dog")
    person.things(1)
    person.page.locator(".thing .score").click()
    settle(person)
    keep(person, "page")
    person.page.emulate_media(color_scheme="dark")
    person.page.select_option("#change", "effect blur")
    person.page.get_by_role("button", name="Try it").click()
    person.page.locator("#wipe").wait_for()
    settle(person)
    keep(person, "page_dark")


def write_pan(path: Path) -> Path:
    """A camera that moves over the cat."""
    pixels = cv2.resize(skimage.data.chelsea(), (676, 450), interpolation=cv2.INTER_CUBIC)
    with VideoSink(path, 12) as sink:
        for number in range(FRAMES):
            x, y = 4 * number, round(12 + 12 * np.sin(number / 3))
            sink.write(np.ascontiguousarray(pixels[y : y + 420, x : x + 600]))
    return path


def follow(browser: Any, address: str, clip: Path) -> None:
    person = open_page(browser, address)
    person.page.set_input_files("#file", str(clip))
    person.status("Name or click things")
    person.say("cat")
    person.things(1)
    person.press("n")
    person.page.locator(".status").get_by_text("followed through").wait_for(timeout=300_000)
    person.page.locator(".strip input").fill(str(FRAMES // 2))
    person.page.locator(".strip").get_by_text(f"{FRAMES // 2 + 1} of").wait_for()
    person.page.locator("canvas").first.focus()
    person.press("j")
    settle(person)
    keep(person, "page_video")


def annotate(browser: Any, address: str) -> None:
    person = open_page(browser, address)
    person.at("astronaut.jpg")
    person.page.fill("#vocabulary", "person\nhelmet\nflag\nface")
    person.page.locator("canvas").first.focus()
    person.press("p")
    person.page.locator(".thing").first.wait_for()
    settle(person)
    keep(person, "page_folder")
    person.press("?")
    settle(person)
    keep(person, "page_keys")


def open_page(browser: Any, address: str) -> Person:
    context = browser.new_context(viewport=SCREEN, reduced_motion="reduce")
    return Person(context.new_page(), address)


def settle(person: Person) -> None:
    person.page.wait_for_load_state("networkidle")
    person.page.wait_for_timeout(700)


def keep(person: Person, name: str) -> None:
    pixels = cv2.imdecode(np.frombuffer(person.page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(IMAGES / f"{name}.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
