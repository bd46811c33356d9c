"""Searching the pictures of an index, in a real browser."""

import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

from albums import draw_album, index
from browser import Person
from serving import run_server


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The address of a server with an index."""
    home = tmp_path_factory.mktemp("library")
    index(draw_album(home / "album"), home / "db")
    arguments = ("--client-requests", "64", "--index", str(home / "db"))
    with run_server(*arguments, log=home / "log") as run:
        yield run[0]


def test_words_are_found_and_refined_by_keys(context, searched):
    person = Person(context.new_page(), searched)
    page = person.page
    page.get_by_role("button", name="Search", exact=True).wait_for()
    person.press("i")
    page.keyboard.type("red, cat")
    person.press("Enter")
    cards = page.locator(".found > li")
    page.locator(".found path").nth(1).wait_for(state="attached")
    assert "cat: not here" in page.locator(".library .missing").inner_text()
    script = "() => [...document.querySelectorAll('.found img')].every((one) => one.naturalWidth)"
    person.until(script)
    page.fill("#library-not", "toy")
    with page.expect_response("**/v1/search") as told:
        cards.first.get_by_role("button", name="More like this").press("Enter")
    asked = told.value.request.post_data_json
    assert asked["like"]["box"]
    assert asked["not"] == ["toy"]
    page.locator(".found b").get_by_text("like ").first.wait_for()
    before = cards.count()
    cards.first.get_by_role("button", name="Not this").press("Enter")
    assert cards.count() == before - 1
    page.get_by_text("Filters").click()
    assert "score" in page.locator("#library-columns").inner_text()
    page.fill("#library-where", "name_score > 2")
    page.fill("#library-words", "red")
    with page.expect_response("**/v1/search") as told:
        person.press("Enter")
    assert told.value.request.post_data_json["where"] == "name_score > 2"
    page.get_by_text("Nothing of this is in these pictures.").wait_for()
    assert person.breaches() == []
    person.press("Escape")
    assert not page.locator(".library").is_visible()
    assert person.faults == []


def test_without_an_index_there_is_no_search(person):
    person.until("async () => (await fetch('/v1/search')).ok")
    person.press("i")
    assert not person.page.locator(".library").count()
