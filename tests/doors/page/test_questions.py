"""Questions about a picture, in a real browser."""

DISC, SQUARE = (45, 60), (115, 55)
LIGHT = 260  # of both, all channels
SHOWN = f"""async () => {{
    const {{ look }} = await import("/page/stage.js"), pen = look.evidence?.getContext("2d");
    const sum = (x, y) => pen.getImageData(x, y, 1, 1).data.slice(0, 3).reduce((a, b) => a + b);
    return pen ? [sum{DISC}, sum{SQUARE}] : null;
}}"""


def ask(person, question):
    person.page.fill("#question", question)
    person.press("Enter")


def test_a_question_is_answered_and_shows_what_it_rests_on(person, lawn):
    """By keys alone, once the picture is open."""
    person.open(lawn)
    told = person.page.locator(".told")
    person.press("w")
    person.page.keyboard.type("how many discs are there?")
    person.press("Enter")
    person.page.get_by_text("rule: count").wait_for()
    assert told.locator(".answer").inner_text() == "1"
    assert "99% sure" in told.inner_text()
    assert "disc" in told.locator("li").inner_text()
    disc, square = person.page.evaluate(SHOWN)
    assert square < 0.8 * disc == 0.8 * LIGHT
    for scheme in ("light", "dark"):
        person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert person.breaches() == []
    person.press("Escape")
    assert told.inner_text() == ""
    assert person.page.evaluate(SHOWN) is None
    assert person.things(0) == []


def test_what_is_not_known_says_what_was_looked_for(person, lawn):
    person.open(lawn)
    told = person.page.locator(".told")
    ask(person, "what colour is the dog?")
    told.get_by_text("Looked for: dog").wait_for()
    assert told.locator(".answer").inner_text() == "unknown"
    assert "no dog was found" in told.inner_text()
    assert person.page.evaluate(SHOWN) is None
    assert person.breaches() == []
    person.page.get_by_role("button", name="Put the answer away").click()
    assert told.inner_text() == ""
    person.press("Enter")
    told.get_by_text("Looked for: dog").wait_for()


def test_an_empty_question_and_a_server_that_is_gone_are_said(person, lawn):
    person.open(lawn)
    told = person.page.locator(".told[data-kind=wrong]")
    ask(person, "  ")
    told.get_by_text("Write a question").wait_for()
    ask(person, "is there a disc?" + 500 * "?")
    told.get_by_text("500").wait_for()
    person.page.route("**/v1/**", lambda route: route.abort())
    ask(person, "is there a disc?")
    told.get_by_text("The server does not answer.").wait_for()


def test_another_picture_takes_the_answer_away(person, lawn, tmp_path):
    person.open(lawn)
    ask(person, "is there a disc?")
    person.page.locator(".answer").get_by_text("yes").wait_for()
    other = tmp_path / "other.png"
    other.write_bytes(lawn.read_bytes())
    person.open(other)
    person.page.locator(".answer").wait_for(state="detached")
    assert person.page.evaluate(SHOWN) is None


def test_whoever_goes_on_working_sees_their_things_again(person, lawn):
    person.open(lawn)
    person.say("red, blue")
    person.things(2)
    person.status("2 things")
    ask(person, "is there a disc?")
    person.page.locator(".answer").get_by_text("yes").wait_for()
    person.click(*SQUARE)
    person.things(3)
    person.page.locator(".answer").wait_for(state="detached")
    assert person.page.evaluate(SHOWN) is None
