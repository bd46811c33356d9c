"""Jobs as a server would call them: values in, events and answers out; no door in sight."""

import json
from pathlib import Path

import numpy as np
import pytest

from commands import draw_lawn
from drawing import draw
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes, Example, Points
from wordmask.errors import ImageError, MaskError, OptionError, PromptError
from wordmask.jobs.edits import Edit, edit
from wordmask.jobs.effects import effect
from wordmask.jobs.outputs import OutputOptions
from wordmask.jobs.pictures import PictureSetup, ResultOptions, click, everything, segment
from wordmask.jobs.setup import LimitOptions, Setup
from wordmask.jobs.target import TargetOptions, join, load_finder
from wordmask.media import formats
from wordmask.tasks.click import Click, ClickOptions
from wordmask.tasks.effects.surface import RecolourOptions
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.segment import SegmentOptions


@pytest.fixture
def photo(tmp_path) -> Path:
    return draw_lawn(tmp_path / "photo.png")


@pytest.fixture
def image(photo) -> Image:
    from wordmask.media.reading.read import read

    return read(photo)


def setup(out=None, format=(), **options) -> PictureSetup:
    return PictureSetup(model="fake", outputs=ResultOptions(out, format=format), **options)


def last(events):
    *_, event = events
    if event.error is not None:
        raise event.error
    return event.answer


def test_answers_carry_the_result_with_its_picture_and_write_only_what_is_asked(photo, tmp_path):
    answer = last(segment(str(photo), ["red", "cat"], SegmentOptions(), setup()))
    assert answer.result.names == ("red",)
    assert [word.phrase for word in answer.result.absent] == ["cat"]
    assert answer.result.image.size == (120, 160)
    assert answer.trace.prompts == 1
    assert answer.files == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png"]


def test_pictures_need_not_be_files(image, tmp_path):
    sources = [image.pixels, image]
    answers = [
        event.answer
        for event in segment(sources, ["red"], SegmentOptions(), setup(tmp_path / "o", ("json",)))
        if event.kind == "made"
    ]
    assert [answer.files[0].name for answer in answers] == [
        "the-picture.wordmask.json", "photo.wordmask.json",
    ]  # fmt: skip


def test_words_come_from_prompt_or_vocabulary_where_none_are_given(photo):
    options = SegmentOptions(vocabulary=("red", "blue"), prompt=("blue",))
    assert last(segment(str(photo), (), options, setup())).result.vocabulary == ("blue",)
    with pytest.raises(PromptError, match="word list is empty"):
        segment(str(photo), (), SegmentOptions(), setup())


def test_a_click_and_everything(photo):
    target = Click(Points.of([(45, 60)]))
    found = last(click([str(photo)], target, None, ClickOptions(), setup())).result
    assert found.masks.one(0)[60, 45]
    options = EverythingOptions(points_per_side=8)
    assert len(last(everything([str(photo)], options, setup())).result) >= 2


def test_what_is_wrong_with_a_job_is_raised_before_it_starts(photo):
    with pytest.raises(ImageError, match="no pictures"):
        segment([], ["red"], SegmentOptions(), setup())
    with pytest.raises(PromptError, match="nothing says what is meant") as caught:
        edit([str(photo)], TargetOptions(), Edit("remove"), Setup("fake"))
    assert caught.value.mend.option == "prompt"
    with pytest.raises(OptionError, match="style"):
        Edit("style")


def test_limits_are_the_setups(photo):
    small = setup(inputs=LimitOptions(max_pixels="100"))
    with pytest.raises(ImageError, match="100"):
        last(edit([str(photo)], TargetOptions(prompt=("red",)), Edit("remove"), small))


def test_edits_and_effects_take_values(photo, tmp_path):
    here = Setup("fake", outputs=OutputOptions(tmp_path / "o"))
    target = TargetOptions(boxes=Boxes(np.array([[95, 35, 135, 75]])))
    done = last(edit([str(photo)], target, Edit("remove"), here))
    assert [path.name for path in done.files] == [
        "photo.removed.png", "photo.removed.mask.png", "photo.removed.recipe.json",
    ]  # fmt: skip
    assert done.result.masks.one(0)[55, 115]
    blue = RecolourOptions("blue")
    assert last(effect([str(photo)], "recolour", blue, target, here)).files[0].is_file()


def test_many_edits_resume_until_the_saved_result_that_they_are_about_changes(photo, tmp_path):
    other = draw_lawn(tmp_path / "other.png")
    saved = tmp_path / "red.json"
    saved.write_text(_result_json(photo, 0))
    here = Setup("fake", outputs=OutputOptions(tmp_path / "o"))

    def kinds() -> list[str]:
        target = TargetOptions(result=saved)
        events = edit([str(photo), str(other)], target, Edit("remove"), here)
        return [event.kind for event in events if event.kind != "start"]

    assert kinds() == ["made", "made"]
    assert kinds() == ["skipped", "skipped"]
    saved.write_text(_result_json(photo, 1))
    assert kinds() == ["made", "made"]


def _result_json(photo: Path, row: int) -> str:
    result = last(segment(str(photo), ["red", "blue"], SegmentOptions(), setup())).result
    return json.dumps(formats.to_json(result[[row]], ""))


# ---- targets


def test_the_ways_to_say_what_is_meant_add_up(image):
    target = TargetOptions(prompt=("red",), boxes=Boxes(np.array([[95, 35, 135, 75]])))
    found = load_finder(target, Setup("fake")).find(image)
    assert found.names == ("red", "")
    assert found.masks.union()[60, 45]
    assert found.masks.union()[55, 115]


def test_things_like_an_example(image):
    red = load_finder(TargetOptions(prompt=("red",)), Setup("fake")).find(image)
    target = TargetOptions(like=Example(red.masks, image))
    found = load_finder(target, Setup("fake")).find(image)
    assert (found.masks.union() == red.masks.union()).all()


def test_a_saved_result_needs_no_engine_and_fits_its_picture_only(photo, image, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_text(_result_json(photo, 0))
    finder = load_finder(TargetOptions(result=saved), Setup("no such engine"))
    assert finder.find(image).names == ("red",)
    with pytest.raises(MaskError, match="is of a picture of"):
        finder.find(Image(np.zeros((5, 5, 3), np.uint8), "photo.png"))
    with pytest.raises(PromptError, match="no region 4"):
        load_finder(TargetOptions(result=saved, region=(4,)), Setup()).find(image)
    with pytest.raises(PromptError) as caught:
        TargetOptions(region=(0,))
    assert caught.value.mend.option == "result"


def test_joined_results_keep_their_words_and_who_made_them():
    from wordmask.core.result import Result

    first = Result.of(
        Masks.from_dense(draw("##", "..")), ("cat",), scores=[0.5], label_ids=[0], made_by=("a",)
    )
    second = Result.of(
        Masks.from_dense(draw("..", "##")), ("dog",), scores=[0.9], label_ids=[0], made_by=("b",)
    )
    both = join([first, second, first])
    assert (both.names, both.vocabulary) == (("dog", "cat", "cat"), ("cat", "dog"))
    assert both.made_by == ("a", "b")
    assert join([first]) is first
