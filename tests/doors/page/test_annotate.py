"""Labelling a folder, in a real browser."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from browser import Person
from serving import lawn_png, run_server
from wordmask.media import formats

DISC, SQUARE = (45, 60), (115, 55)
NAMES = ("1.png", "2.png", "3.png")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, and the address under which it is labelled."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in NAMES:
        (folder / name).write_bytes(lawn_png())
    log = tmp_path_factory.mktemp("page") / "log"
    with run_server("--client-requests", "64", "--folder", str(folder), log=log) as run:
        yield run[0], folder


@pytest.fixture
def folder(served):
    """The folder without labels; pages of earlier tests are closed by now."""
    shutil.rmtree(served[1] / "wordmask-labels", ignore_errors=True)
    return served[1]


@pytest.fixture
def person(folder, context, served):
    """Somebody who has opened the first picture."""
    person = Person(context.new_page(), served[0])
    person.at("1.png")
    yield person
    assert person.faults == []


def saved(person) -> None:
    person.page.locator(".saved").get_by_text("Saved", exact=True).wait_for()


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / f"wordmask-labels/{name}.json").read_text())


def words(person, *names: str) -> None:
    person.page.fill("#vocabulary", "\n".join(names))
    with person.page.expect_response("**/v1/folder/words"):
        person.page.locator("canvas").first.focus()


def test_a_folder_by_keys_alone(person, folder):
    words(person, "red", "blue")
    for name in NAMES:
        person.at(name)
        person.press("p")
        assert sorted(person.things(2)) == ["blue", "red"]
        person.press("n")
    person.status("That was the last picture.")
    assert person.page.locator(".strip").get_by_text("3 of 3 finished").is_visible()
    assert all(read(folder, name)["done"] for name in NAMES)
    (result,) = formats.load(folder / "wordmask-labels/2.png.json")
    assert sorted(result.names) == ["blue", "red"]


def test_a_click_is_named_and_words_wipe_nothing(person, folder):
    words(person, "blue", "red")
    person.click(*DISC)
    assert person.things(1) == ["red"]
    person.press("1")
    assert person.things(1) == ["blue"]
    person.press("p")
    assert sorted(person.things(3)) == ["blue", "blue", "red"]
    saved(person)
    assert len(read(folder, "1.png")["regions"]) == 3


def test_undo_goes_back_over_pictures_and_forth_again(person, folder):
    person.click(*DISC)
    person.things(1)
    person.press("y")
    person.at("2.png")
    person.things(1)
    person.click(*SQUARE)
    person.things(2)
    person.press("Control+z", "Control+z")
    person.things(0)
    person.press("Control+z")
    person.at("1.png")
    assert person.things(0) == []
    person.press("Control+Shift+z")
    person.things(1)
    person.press("Control+Shift+z")
    person.at("2.png")
    person.things(1)
    saved(person)
    assert len(read(folder, "2.png")["regions"]) == 1


def test_a_server_that_comes_back_gets_what_it_missed(person, folder):
    person.page.route("**/v1/folder/labels/**", lambda route: route.abort())
    person.click(*DISC)
    person.status("Nothing is lost")
    person.page.unroute("**/v1/folder/labels/**")
    person.status("The server answers again.")
    assert len(read(folder, "1.png")["regions"]) == 1


def test_a_reload_in_the_middle_loses_nothing(person, folder):
    person.page.route("**/v1/folder/labels/**", lambda route: route.abort())
    person.click(*DISC)
    person.things(1)
    person.page.locator(".saved").get_by_text("Not saved yet").wait_for()
    person.page.reload()  # before the server can be reached, or the next try would save it
    person.status("Work that had not been saved was brought back.")
    person.page.unroute("**/v1/folder/labels/**")
    person.things(1)
    saved(person)
    assert len(read(folder, "1.png")["regions"]) == 1


@pytest.mark.parametrize(("choice", "count"), [("Take theirs", 1), ("Keep mine", 2)])
def test_two_windows_ask_who_wins(context, person, served, folder, choice, count):
    other = Person(context.new_page(), served[0])
    other.at("1.png")
    person.click(*DISC)
    saved(person)
    other.click(*SQUARE)
    other.click(*DISC)
    other.page.get_by_text("This picture was changed in another window.").wait_for()
    assert len(read(folder, "1.png")["regions"]) == 1
    other.things(2)
    other.page.get_by_role("button", name=choice).click()
    other.things(count)
    other.until("document.querySelector('.conflict').hidden")
    if choice == "Keep mine":
        saved(other)
    assert len(read(folder, "1.png")["regions"]) == count


def test_labels_come_in_and_go_out(person, folder, tmp_path):
    person.click(*DISC)
    saved(person)
    person.page.get_by_role("button", name="Export").click()
    with person.page.expect_download() as told:
        person.page.get_by_role("button", name="All as COCO").click()
    path = tmp_path / "labels.json"
    told.value.save_as(path)
    path.write_text(path.read_text().replace("1.png", "3.png"))
    person.page.set_input_files("#labels-file", str(path))
    person.status("1 regions added to 1 pictures")
    assert len(read(folder, "3.png")["regions"]) == 1


def test_pictures_are_added_to_the_folder(person, folder, lawn):
    new = folder / "4.png"
    try:
        for status in ("1 picture added.", "0 pictures added. the folder has a file"):
            upload = {"name": "4.png", "mimeType": "image/png", "buffer": lawn.read_bytes()}
            person.page.set_input_files("#pictures-file", upload)
            person.status(status)
        assert person.page.locator(".strip option").last.inner_text() == "4.png"
        assert new.exists()
    finally:
        new.unlink(missing_ok=True)


def test_a_picture_whose_file_has_gone_is_said_and_passed_over(person, folder):
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").unlink()
    try:
        person.press("n")
        person.status("is it still in the folder?")
        assert person.page.locator(".strip option").all_inner_texts() == ["\u2713 1.png", "3.png"]
        person.press("n")
        person.at("3.png")
        assert read(folder, "1.png")["done"]
    finally:
        (folder / "2.png").write_bytes(data)


def test_nothing_is_copied_to_a_picture_of_another_size(person, folder):
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(lawn_png((140, 180)))
    try:
        person.click(*DISC)
        person.things(1)
        person.press("y")
        person.status("another size than the one before: nothing was copied")
        person.at("2.png")
        assert person.things(0) == []
        person.click(*DISC)
        person.things(1)
        saved(person)
        assert len(read(folder, "1.png")["regions"]) == 1
    finally:
        (folder / "2.png").write_bytes(data)


@contextmanager
def opening(person, name: str):
    """What is done here is done while the page still waits for that picture."""
    asked: list = []
    address = f"**/v1/folder/files/{name}"

    def keep(route):
        asked.append(route)  # and no answer

    person.page.route(address, keep)
    yield
    person.wait(lambda: asked)
    asked[0].continue_()
    person.page.unroute(address)
    person.at(name)


def test_no_key_is_lost_while_a_picture_opens(person, folder):
    for count, place in enumerate((DISC, SQUARE), 1):
        person.click(*place)
        person.things(count)
    with opening(person, "2.png"):
        person.press("y", "y")  # pressed twice, it copies once
    person.things(2)
    with opening(person, "1.png"):
        person.press("Control+z", "Control+z", "Control+z")  # the copy, then both clicks
    assert person.things(0) == []
    with opening(person, "2.png"):
        person.press("n", "n")  # pressed twice, it leads on once
    assert person.page.locator(".strip").get_by_text("1 of 3 finished").is_visible()


def test_a_key_held_down_finishes_one_picture(person, folder):
    for _ in range(3):
        person.page.keyboard.down("n")  # the second and third are repeats of the first
        person.at("2.png")
    person.page.keyboard.up("n")
    person.page.locator(".strip").get_by_text("1 of 3 finished").wait_for()
    person.page.wait_for_timeout(500)
    assert person.page.locator(".strip").get_by_text("1 of 3 finished").is_visible()


def test_nobody_is_shut_out_of_a_folder(person, folder):
    words(person, "red", "blue")
    person.press("p")
    person.things(2)
    assert person.breaches() == []
