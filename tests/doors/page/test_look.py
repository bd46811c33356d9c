"""Looking at one picture, in a real browser."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from browser import Person
from serving import run_server
from wordmask.core.masks import Masks
from wordmask.media import formats

DISC, SQUARE = (45, 60), (115, 55)
DISC_AREA, SQUARE_AREA = 800, 900


def test_words_are_found_named_and_said_to_be_absent(person, lawn):
    person.open(lawn)
    person.say("red, blue, purple")
    assert sorted(person.things(2)) == ["blue", "red"]
    assert "purple" in person.page.locator("#block-not-here").inner_text()
    person.page.locator(".thing").first.click()
    assert "Found by" in person.page.locator("#block-why").inner_text()
    person.page.locator("#threshold").fill("1")
    assert person.things(0) == []


def test_clicks_add_take_away_and_boxes_cut(person, lawn):
    person.open(lawn)
    person.click(*DISC)
    person.status("1 thing")
    assert len(person.things(1)) == 1
    assert person.area() == pytest.approx(DISC_AREA, rel=0.1)
    person.click(*SQUARE, hold="Shift")
    person.status("1 thing")
    person.drag((95, 35), (135, 75))
    person.things(2)
    assert person.area() == pytest.approx(SQUARE_AREA, rel=0.1)
    person.click(*SQUARE, button="right")
    person.press("Control+z", "Control+z", "Control+z", "Control+z")
    assert person.things(0) == []


def test_a_hover_shows_the_cut_before_it_is_made(person, lawn):
    person.open(lawn)
    with person.page.expect_response("**/v1/click") as told:
        person.page.mouse.move(*person.place(*DISC))
    assert told.value.request.post_data_json["hover"]
    script = "async () => (await import('/page/stage.js')).look.hover !== null"
    person.until(script)
    assert person.things(0) == []


def test_a_brush_paints_and_rubs_out(person, lawn):
    person.open(lawn)
    person.press("b")
    person.drag((20, 20), (60, 20))
    person.things(1)
    painted = person.area()
    assert painted > 100
    person.press("e")
    person.drag((20, 20), (35, 20))
    assert 0 < person.area() < painted
    person.press("Control+z")
    assert person.area() == painted


def test_everything_by_keys_alone(person, lawn):
    """A picture is open; from here no mouse."""
    person.open(lawn)
    person.press("/")
    person.page.keyboard.type("red, blue")
    person.press("Enter")
    person.things(2)
    person.press("ArrowRight", "Shift+ArrowLeft", "ArrowLeft", "Enter")
    person.things(3)
    person.press("r")
    person.page.keyboard.type("lawn")
    person.press("Enter")
    assert "lawn" in person.things(3)
    person.press("m")
    person.things(2)
    person.press("Control+z", "v", "a", "a", "k", "Delete")
    person.things(2)
    person.press("?")
    assert person.page.locator("dialog").get_by_text("split into its pieces").is_visible()
    person.press("Escape", "q")


def take(person, label: str, folder: Path) -> Path:
    """The file that is exported under that name."""
    person.page.get_by_role("button", name="Export").click()
    with person.page.expect_download() as told:
        person.page.get_by_role("button", name=label, exact=True).click()
    path = folder / told.value.suggested_filename
    told.value.save_as(path)
    return path


def test_what_is_exported_is_what_is_shown(person, lawn, tmp_path):
    person.open(lawn)
    person.say("red")
    person.things(1)
    for label, name in (("wordmask JSON", "lawn.json"), ("COCO JSON", "lawn.coco.json")):
        path = take(person, label, tmp_path)
        (result,) = formats.load(path)
        assert path.name == name
        assert result.names == ("red",)
        assert result.masks.one(0)[DISC[::-1]]
        assert result.masks.areas[0] == pytest.approx(DISC_AREA, rel=0.1)
    assert "<title>red</title>" in take(person, "Outlines (SVG)", tmp_path).read_text()
    for label, alpha in (("Cut-out, clear ground (PNG)", 0), ("Picture with masks (PNG)", 255)):
        pixels = cv2.imread(str(take(person, label, tmp_path)), cv2.IMREAD_UNCHANGED)
        assert pixels.shape == (120, 160, 4)
        assert pixels[5, 5, 3] == alpha
        assert pixels[(*DISC[::-1], 3)] == 255


def test_a_change_is_compared_and_dropped(person, lawn):
    person.open(lawn)
    person.say("red")
    person.things(1)
    person.page.select_option("#change", "edit remove")
    person.page.get_by_role("button", name="Try it").click()
    person.page.locator("#wipe").wait_for()
    assert (
        person.page.evaluate("async () => (await import('/page/board.js')).board.after.width")
        == 160
    )
    person.page.get_by_role("button", name="Undo this").click()
    assert not person.page.locator("#wipe").is_visible()


def test_what_is_no_picture_is_said_and_nothing_is_lost(person, lawn, tmp_path):
    person.open(lawn)
    person.say("red")
    person.things(1)
    bad = tmp_path / "notes.png"
    bad.write_text("no picture")
    person.page.set_input_files("#file", str(bad))
    person.page.wait_for_selector(".status[data-kind=wrong]")
    assert person.things(1) == ["red"]
    person.say("")
    person.status("Write at least one word.")


def test_a_server_that_is_gone_is_said(person, lawn):
    person.open(lawn)
    person.page.route("**/v1/**", lambda route: route.abort())
    person.say("red")
    person.status("The server does not answer.")


def test_masks_in_the_browser_are_those_of_python(person):
    random = np.random.default_rng(7)
    dense = np.stack([random.random((23, 17)) < share for share in (0.1, 0.5, 0.9)])
    dense = np.concatenate([dense, np.ones((1, 23, 17), bool), np.zeros((1, 23, 17), bool)])
    codes = Masks.from_dense(dense).to_rle()
    script = """async codes => {
        const m = await import("/page/masks.js");
        return codes.map(code => {
            const mask = m.decode(code);
            const filled = m.encode(m.fillHoles(mask), code.size);
            return [m.encode(mask, code.size), m.areaOf(mask), filled];
        });
    }"""
    for code, mask, (again, area, filled) in zip(
        codes, dense, person.page.evaluate(script, codes), strict=True
    ):
        assert again == code
        assert area == mask.sum()
        assert Masks.from_rle([filled]).areas[0] >= area


def test_nobody_is_shut_out(person, lawn):
    """axe-core finds nothing to mend, with a picture and without, in the light and in the dark."""
    page = person.page
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert person.breaches() == []
    person.open(lawn)
    person.say("red, purple")
    person.things(1)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert person.breaches() == []
    page.locator(".key").click()
    assert person.breaches() == []


def test_fingers_cut_and_a_small_screen_has_room(browser, address, lawn):
    small = {"width": 390, "height": 800}
    context = browser.new_context(viewport=small, has_touch=True, is_mobile=True)
    person = Person(context.new_page(), address)
    person.open(lawn)
    person.page.touchscreen.tap(*person.place(*DISC))
    person.things(1)
    wide = "document.documentElement.scrollWidth"
    assert person.page.evaluate(wide) <= 390
    person.page.set_viewport_size({"width": 427, "height": 267})  # 1280 x 800 at 300 %
    person.until("document.querySelector('canvas').clientHeight > 200")
    assert person.page.evaluate(wide) <= 427
    context.close()
    assert person.faults == []


def test_a_token_is_asked_for_once(context, lawn, tmp_path):
    with run_server("--token", "secret", log=tmp_path / "log") as (address, _):
        page = context.new_page()
        page.goto(address)
        page.fill("#token", "secret")
        page.keyboard.press("Enter")
        page.wait_for_selector(".card")
        person = Person(page, address)
        person.open(lawn)
        person.click(*DISC)
        person.things(1)
        assert person.faults == []
