"""The Python door."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

import wordmask


@pytest.fixture
def pixels():
    pixels = np.full((120, 160, 3), 255, np.uint8)
    cv2.circle(pixels, (60, 60), 30, (255, 0, 0), -1)
    return pixels


@pytest.mark.parametrize("words", ["red", ["red"], ("red",), wordmask.Text(("red",))])
def test_words_come_in_every_shape(pixels, words):
    assert wordmask.segment(pixels, words, model="fake").names == ("red",)


def test_pictures_come_in_every_shape(pixels, tmp_path):
    path = tmp_path / "a.png"
    Pil.fromarray(pixels).save(path)
    for source in (
        path,
        str(path),
        path.read_bytes(),
        BytesIO(path.read_bytes()),
        Pil.fromarray(pixels),
        wordmask.Image(pixels),
    ):
        assert wordmask.segment(source, "red", model="fake").names == ("red",)


def test_engines_can_be_loaded_once(pixels):
    models = wordmask.load("fake")
    assert wordmask.segment(pixels, "red", model=models).made_by == models.made_by


def test_the_label_map_holds_vocabulary_indices(pixels):
    labels = wordmask.segment(pixels, ["blue", "red"], model="fake").label_map()
    assert labels.shape == (120, 160)
    assert (labels[60, 60], labels[5, 5]) == (1, -1)


def test_how_is_taken(pixels):
    (region,) = wordmask.segment(pixels, "red", model="fake", how="unified")
    assert region.why.prompt == "dense"
    with pytest.raises(wordmask.WordmaskError, match="how must be one of"):
        wordmask.segment(pixels, "red", model="fake", how="magic")


def test_click_everything_and_session_agree(pixels):
    session = wordmask.session(pixels, model="fake")
    clicked = wordmask.click(pixels, [(60, 60)], words=["red", "blue"], model="fake")
    assert clicked.one().name == "red"
    assert (session.click([(60, 60)]).one().mask == clicked.one().mask).all()
    assert len(session.everything()) == len(wordmask.everything(pixels, model="fake"))
    assert session.segment("red").names == ("red",)
    (region,) = session.segment(["red"], how="unified")
    assert region.why.prompt == "dense"


def test_a_click_takes_keep_flags_and_a_box(pixels):
    assert wordmask.click(pixels, [(60, 60, True), (5, 5, False)], model="fake").one().mask[60, 60]
    assert wordmask.click(pixels, box=(25, 25, 95, 95), model="fake").one().mask[60, 60]


def test_results_show_and_save(pixels, tmp_path):
    found = wordmask.segment(pixels, "red", model="fake")
    assert found._repr_png_().startswith(b"\x89PNG")
    assert found.show().size[0] >= 160
    (path,) = found.save(tmp_path / "a.coco.json")
    assert path.is_file()


def test_engines_take_options():
    options = wordmask.EngineOptions(device="cpu")
    assert wordmask.load("fake", options=options).spec == "fake"
    with pytest.raises(wordmask.WordmaskError, match="a checkpoint belongs to one engine"):
        wordmask.load("fake+mini", options=wordmask.EngineOptions(checkpoint="somewhere"))


def moving_disc(k):
    pixels = np.full((120, 160, 3), 255, np.uint8)
    cv2.circle(pixels, (40 + 5 * k, 60), 20, (255, 0, 0), -1)
    return pixels


def test_track_takes_words_and_prompts(tmp_path):
    frames = [moving_disc(k) for k in range(6)]
    shown = wordmask.FramePrompt.of(2, [(50, 60)], word="mine")
    for words, prompts, name in (("red", (), "red"), (None, [shown], "mine")):
        followed = list(wordmask.track(frames, words, prompts=prompts, model="fake"))
        frame, result = followed[-1]
        assert (frame.index, len(followed), result.names) == (5, 6, (name,))
        assert (result.image.pixels == frames[5]).all()
        assert abs(result.masks.areas[0] - np.pi * 20**2) < 60


def test_an_object_shown_behind_the_end_is_told():
    shown = wordmask.FramePrompt.of(9, [(50, 60)])
    with pytest.raises(wordmask.WordmaskError, match="there are only frames 0 to 2"):
        list(wordmask.track([moving_disc(k) for k in range(3)], prompts=[shown], model="fake"))
    with pytest.raises(wordmask.WordmaskError, match="no frame to follow"):
        list(wordmask.track([], prompts=[shown], model="fake"))


def test_track_reads_as_it_goes(tmp_path):
    read = []

    def frames():
        for k in range(1000):
            read.append(k)
            yield moving_disc(k % 10)

    next(wordmask.track(frames(), "red", model="fake"))
    assert len(read) <= 2


def test_a_tracker_takes_frame_by_frame():
    tracker = wordmask.tracker("red", model="fake", options=wordmask.TrackOptions(look_every=3))
    for k in range(5):
        result = tracker.step(wordmask.Image(moving_disc(k)))
        assert result.track_ids.tolist() == [1]
    tracker.forget(1)
    assert tracker.ids == ()
    with pytest.raises(wordmask.WordmaskError, match="nothing to follow"):
        next(wordmask.track([], model="fake"))
