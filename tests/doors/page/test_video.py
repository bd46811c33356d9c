"""A video on the page: shown on one frame, followed, corrected, played, saved."""

import json

import pytest

pytest.importorskip("av", reason="videos need the extra `video`")

import cv2
import numpy as np

from wordmask.media.video.write import VideoSink

INSIDE = """async () => {
    const { board } = await import("/page/board.js");
    return board.things.map((thing) => [thing.name, thing.mask.x + thing.mask.w / 2]);
}"""


@pytest.fixture
def clip(tmp_path):
    """A blue square that moves over a lawn, below a red disc."""
    path = tmp_path / "clip.mp4"
    with VideoSink(path, 10) as sink:
        for number in range(12):
            pixels = np.full((120, 160, 3), (30, 160, 60), np.uint8)
            cv2.circle(pixels, (45, 30), 16, (220, 20, 20), -1)
            x = 10 + 8 * number
            cv2.rectangle(pixels, (x, 70), (x + 29, 99), (20, 20, 220), -1)
            sink.write(pixels)
    return path


def test_what_is_shown_is_followed_corrected_and_saved(person, clip, tmp_path):
    page = person.page
    page.set_input_files("#file", str(clip))
    person.status("Name or click things in any frame")
    person.say("blue")
    assert person.things(1) == ["blue"]
    first = page.evaluate(INSIDE)
    person.press("n")
    person.status("1 thing followed through 12 frames")

    page.locator(".strip input").fill("8")
    page.locator(".strip").get_by_text("9 of 12").wait_for()
    assert person.things(1) == ["blue"]
    later = page.evaluate(INSIDE)
    assert later[0][1] != first[0][1]

    page.locator(".thing .name").fill("square")
    page.locator("canvas").first.focus()
    person.press("b")
    person.drag((80, 60), (100, 60))
    person.press("n")
    person.status("Correct any frame")
    person.press(",")
    page.locator(".strip").get_by_text("8 of 12").wait_for()
    assert person.things(1) == ["square"]

    person.press("l")
    page.locator(".strip").get_by_text("12 of 12").wait_for()
    with page.expect_download() as told:
        page.get_by_role("button", name="Save", exact=True).click()
    told.value.save_as(tmp_path / "tracks.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "tracks.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    assert {region["label"] for line in lines for region in line["regions"]} == {"square"}
    assert person.breaches() == []


def test_words_are_found_in_all_frames_and_what_is_deleted_is_not_followed(person, clip):
    page = person.page
    page.set_input_files("#file", str(clip))
    person.status("Name or click things")
    page.fill("#words", "blue, red")
    page.get_by_role("button", name="Find in all frames").click()
    person.status("followed through 12 frames")
    count = page.locator(".thing").count()
    assert count >= 1
    page.locator("canvas").first.focus()
    person.press("j", "Delete")
    person.things(count - 1)
    person.press("Control+z")
    person.things(count)


def test_a_file_that_is_no_video_is_said(person, tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video at all")
    person.page.set_input_files("#file", str(path))
    person.page.locator(".status[data-kind=wrong]").wait_for()
    assert person.page.locator(".card").is_visible()
