"""How the page looks: its areas and colours, beside pictures that are kept.

Letters differ from machine to machine, so they are made invisible, and what is compared is small:
80 x 50 cells. What differs is left beside the log, large, to be looked at.
"""

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from browser import Person
from serving import lawn_png

GOLDEN = Path(__file__).parents[2] / "golden"
GRID = (80, 50)  # (width, height) of what is compared
LIMIT = 2.5  # of 255, on average
PLAIN = """* { color: transparent !important; caret-color: transparent !important;
    transition: none !important; animation: none !important }
    ::placeholder { color: transparent !important }"""
STATES = ("page_empty", "page_things", "page_dark")


@pytest.fixture
def views(browser, address, lawn):
    """Each state of the page, as seen."""
    # The page's own policy would keep the style out that hides letters.
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    person = Person(context.new_page(), address)
    seen = {"page_empty": see(person)}
    person.open(lawn)
    person.say("red, blue, purple")
    person.things(2)
    person.status("2 things")
    person.page.locator("canvas").first.focus()
    seen["page_things"] = see(person)
    person.page.emulate_media(color_scheme="dark")
    seen["page_dark"] = see(person)
    context.close()
    return seen


def see(person: Person) -> np.ndarray:
    person.page.wait_for_timeout(300)
    pixels = person.page.screenshot(style=PLAIN)
    return cv2.imdecode(np.frombuffer(pixels, np.uint8), cv2.IMREAD_COLOR)


def shrink(view: np.ndarray) -> np.ndarray:
    return cv2.resize(view, GRID, interpolation=cv2.INTER_AREA)


def difference(view: np.ndarray, golden: np.ndarray) -> float:
    return float(np.abs(shrink(view).astype(int) - golden).mean())


def test_the_page_looks_as_it_did(views, tmp_path):
    wrong = []
    for name, view in views.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), view)
        cv2.imwrite(str(tmp_path / f"{name}_small.png"), shrink(view))
        golden = cv2.imread(str(GOLDEN / f"{name}.png"))
        if golden is None:
            wrong.append(f"there is no golden {name}.png")
        elif difference(view, golden) > LIMIT:
            wrong.append(f"{name} differs by {difference(view, golden):.1f} of 255")
    assert not wrong, f"{wrong}; look at {tmp_path}, and put {{name}}_small.png into tests/golden"


def test_the_limit_tells_the_states_apart():
    kept = [cv2.imread(str(GOLDEN / f"{name}.png")).astype(int) for name in STATES]
    assert min(np.abs(a - b).mean() for a, b in combinations(kept, 2)) > 2 * LIMIT


def test_the_lawn_is_in_the_middle():
    """The picture is the hero: it has more room than anything else."""
    golden = cv2.imread(str(GOLDEN / "page_things.png")).astype(int)
    green = cv2.imdecode(np.frombuffer(lawn_png(), np.uint8), cv2.IMREAD_COLOR)[0, 0].astype(int)
    assert (np.abs(golden - green).max(-1) < 12).mean() > 0.25
