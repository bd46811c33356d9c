"""Options of effects, the camera, a pen, boxes that become masks, overlaps that are settled."""

import json

import pytest

DISC, SQUARE = (45, 60), (115, 55)


def choose_effect(person, name: str) -> None:
    person.page.select_option("#change", f"effect {name}")


def try_it(person) -> dict:
    """What the server is asked."""
    with person.page.expect_response("**/v1/effect") as told:
        person.page.get_by_role("button", name="Try it").click()
    assert told.value.ok, told.value.text()
    return told.value.request.post_data_json


def test_an_effect_takes_its_options_from_its_form(person, lawn):
    person.open(lawn)
    person.say("red")
    person.things(1)
    choose_effect(person, "outline")
    assert try_it(person)["options"] == {}
    person.page.locator("#wipe").wait_for()
    person.page.fill("#option-colour", "blue")
    person.page.locator("#option-width").fill("0.1")
    assert try_it(person)["options"] == {"colour": "blue", "width": pytest.approx(0.1, abs=2e-3)}
    choose_effect(person, "pixelate")
    person.page.locator("#option-blocks").fill("4")
    assert try_it(person)["options"] == {"blocks": 4}
    assert person.breaches() == []


def test_a_photo_is_taken(person):
    page = person.page
    page.get_by_role("button", name="Take a photo").click()
    take = page.get_by_role("button", name="Take it")
    person.until("document.querySelector('.camera .primary')?.disabled === false")
    take.click()
    page.wait_for_selector("body:not(.blank)")
    assert not page.locator(".camera").is_visible()


def test_a_pen_paints(person, lawn):
    person.open(lawn)
    person.press("b")
    session = person.page.context.new_cdp_session(person.page)
    for kind, at in (
        ("mousePressed", (20, 20)),
        ("mouseMoved", (60, 20)),
        ("mouseReleased", (60, 20)),
    ):
        x, y = person.place(*at)
        event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        session.send("Input.dispatchMouseEvent", event | {"pointerType": "pen", "force": 0.5})
    person.things(1)
    assert person.area() > 100


def test_boxes_become_masks(person, lawn, tmp_path):
    person.open(lawn)
    script = """async () => {
        const b = await import("/page/board.js");
        const mask = { x: 25, y: 40, w: 40, h: 40, data: new Uint8Array(40 * 40).fill(1) };
        b.commit([b.make({ name: "disc", mask, source: "file" })]);
    }"""
    person.page.evaluate(script)
    person.things(1)
    person.page.locator("canvas").first.focus()
    person.press("g")
    person.status("1 box cut along the edges")
    person.press("j")
    assert person.area() == pytest.approx(800, rel=0.1)
    assert person.things(1) == ["disc"]


def test_overlaps_are_settled_where_a_person_wants_it(person, lawn, tmp_path):
    person.open(lawn)
    person.click(*DISC)
    person.things(1)
    person.press("b")
    person.page.evaluate("async () => (await import('/page/board.js')).choose(null)")
    person.drag(DISC, (SQUARE[0], DISC[1]))
    person.things(2)
    areas = {}
    for upper in (False, True):
        person.page.get_by_role("button", name="Export").click()
        person.page.locator("#upper-wins").set_checked(upper)
        with person.page.expect_download() as told:
            person.page.get_by_role("button", name="COCO JSON").click()
        path = tmp_path / f"{upper}.json"
        told.value.save_as(path)
        areas[upper] = [row["area"] for row in json.loads(path.read_text())["annotations"]]
    assert areas[True][0] == areas[False][0]
    assert areas[True][1] < areas[False][1]
