"""Frames one by one, on drawn discs and the engine that knows colours."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from drawing import disc, paint, paint_discs
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.engines.fake import Fake
from wordmask.errors import ImageError, PromptError
from wordmask.tasks.track import FramePrompt, Query, TrackOptions, live_tracker, track

SIZE = (120, 200)
RED, BLUE, GREEN = (220, 20, 20), (20, 20, 220), (20, 160, 20)


@pytest.fixture
def models():
    return Models("fake", (Fake(),))


def frame(k, *more):
    """A red disc that moves right and a blue one that moves left."""
    return paint_discs(SIZE, (30 + 4 * k, 30, 12, RED), (170 - 4 * k, 90, 12, BLUE), *more)


def ids_by_word(result):
    return dict(zip(result.names, result.track_ids.tolist(), strict=True))


@pytest.mark.parametrize("how", ["tracker", "associate"])
def test_words_keep_their_ids(models, how):
    tracker = live_tracker(models, Text(("red disc", "blue disc", "cat")), TrackOptions(how=how))
    results = [tracker.step(frame(k)) for k in range(25)]
    first = ids_by_word(results[0])
    assert set(first) == {"red disc", "blue disc"}
    for k, result in enumerate(results):
        assert ids_by_word(result) == first
        red = result.select("red disc").masks.one(0)
        truth = disc(SIZE, (30 + 4 * k, 30), 12)
        assert (red & truth).sum() / (red | truth).sum() > 0.9
        assert [absent.phrase for absent in result.absent] == ["cat"]


@pytest.mark.parametrize("how", ["tracker", "associate"])
def test_what_goes_is_absent_and_comes_back_as_the_same(models, how):
    tracker = live_tracker(models, Text(("red disc", "blue disc")), TrackOptions(how=how))
    here = ids_by_word(tracker.step(frame(0)))
    only_blue = paint_discs(SIZE, (166, 90, 12, BLUE))
    for _ in range(12):
        result = tracker.step(only_blue)
        assert result.names == ("blue disc",)
        assert [absent.phrase for absent in result.absent] == ["red disc"]
    assert ids_by_word(tracker.step(frame(1))) == here


def test_a_word_that_appears_later_is_found_at_the_next_look(models):
    tracker = live_tracker(models, Text(("green disc",)), TrackOptions(look_every=5))
    late = (100, 60, 12, GREEN)
    counts = [len(tracker.step(frame(k, *([late] if k >= 3 else [])))) for k in range(8)]
    assert counts == [0, 0, 0, 0, 0, 1, 1, 1]


def test_a_cut_makes_it_look_at_once(models):
    tracker = live_tracker(models, Text(("green disc",)), TrackOptions(look_every=0))
    assert len(tracker.step(frame(0))) == 0
    dark = Image(np.zeros((*SIZE, 3), np.uint8))
    green = dark.pixels.copy()
    green[disc(SIZE, (100, 60), 20)] = GREEN
    assert len(tracker.step(Image(green))) == 1


def test_prompts_show_correct_and_forget(models):
    tracker = live_tracker(models)
    assert len(tracker.step(frame(0))) == 0
    shown = tracker.prompt([(30, 30)], word="mine")
    assert ids_by_word(shown) == {"mine": 1}
    tracker.step(frame(1))
    both = tracker.prompt(box=(150, 74, 184, 106))
    assert sorted(both.track_ids.tolist()) == [1, 2]
    moved = tracker.prompt([(34, 30, False), (166, 90)], id=1)
    mine = moved.select("mine").masks.one(0)
    assert mine[90, 166]
    assert not mine[30, 34]
    tracker.forget(2)
    assert tracker.ids == (1,)
    with pytest.raises(PromptError, match="no object 7; those followed are: 1"):
        tracker.forget(7)


class ListeningFake(Fake):
    """Notes the size of what it cuts in, and the earlier masks it is told."""

    def __init__(self):
        super().__init__()
        self.cuts = []

    def cut(self, seen, prompts):
        was = None if prompts.logits is None else prompts.logits[0] > 0
        self.cuts.append((seen.size, was, len(prompts.xy[0])))
        return super().cut(seen, prompts)


def test_a_correction_goes_on_from_the_mask_and_all_clicks_of_the_frame_count():
    fake = ListeningFake()
    tracker = live_tracker(Models("fake", (fake,)))
    tracker.step(frame(0), [FramePrompt.of(0, [(30, 30)], id=1)])
    (whole, nothing, _), (close, first, _) = fake.cuts
    assert whole == SIZE
    assert nothing is None
    assert close[0] * close[1] < 0.5 * SIZE[0] * SIZE[1]
    assert first.sum() == pytest.approx(disc(SIZE, (30, 30), 12).sum(), rel=0.1)
    fake.cuts.clear()
    clicks = [FramePrompt.of(1, [click], id=1) for click in ((34, 30), (34, 34), (60, 30, 0))]
    result = tracker.step(frame(1), clicks)
    ((_, known, count),) = fake.cuts
    assert known.any()
    assert count == 3
    assert result.masks.one(0)[30, 34]
    assert not result.masks.one(0)[30, 60]


def test_taking_away_from_what_is_not_there_changes_nothing(models):
    tracker = live_tracker(models)
    tracker.step(frame(0), [FramePrompt.of(0, [(30, 30)], id=1)])
    gone = paint_discs(SIZE, (166, 90, 12, BLUE))
    assert len(tracker.step(gone, [FramePrompt.of(1, [(50, 60, 0)], id=1)])) == 0
    assert tracker.ids == (1,)
    assert len(tracker.step(frame(2))) == 1


def test_a_late_object_and_a_forgotten_one_leave_the_others_as_they_are(models):
    def run(with_blue):
        tracker = live_tracker(models)
        tracker.step(frame(0))
        tracker.prompt([(30, 30)])
        masks = []
        for k in range(1, 12):
            result = tracker.step(frame(k))
            masks.append(result.masks[result.track_ids == 1].union())
            if with_blue and k == 4:
                tracker.prompt([(170 - 4 * k, 90)])
            if with_blue and k == 8:
                tracker.forget(2)
        return np.stack(masks)

    assert (run(with_blue=True) == run(with_blue=False)).all()


def test_memory_stays_and_the_lost_are_given_up(models):
    tracker = live_tracker(models, Text(("red disc",)), TrackOptions(forget_after=20))
    tracker.step(frame(0))
    size = tracker.nbytes
    for k in range(40):
        tracker.step(frame(k % 20))
    assert tracker.nbytes == size
    for _ in range(25):
        tracker.step(paint(SIZE))
    assert (tracker.ids, tracker.nbytes) == ((), 0)


def test_frames_are_freed_at_once_and_not_when_python_looks_for_circles(models):
    tracker = live_tracker(models, Text(("red disc",)), TrackOptions(look_every=1))
    gc.disable()
    try:
        pixels = []
        for k in range(6):
            image = frame(k)
            pixels.append(weakref.ref(image.pixels))
            tracker.step(image)
            del image
        assert [one() is None for one in pixels] == [True] * 5 + [False]
    finally:
        gc.enable()


def test_words_find_no_more_than_they_may(models):
    tracker = live_tracker(models, Text(("red disc",)), TrackOptions(max_objects=2))
    discs = [(30 + 50 * k, 30, 12, RED) for k in range(4)]
    assert len(tracker.step(paint_discs(SIZE, *discs))) == 2


def test_until_found_looks_no_more(models):
    options = TrackOptions(look_every=1, until_found=True)
    tracker = live_tracker(models, Text(("red disc",)), options)
    assert len(tracker.step(paint(SIZE))) == 0
    assert len(tracker.step(frame(0))) == 1
    again = tracker.step(frame(1, (100, 60, 12, RED)))
    assert len(again) == 1


def go_on(tracker, frames, results, standings, last):
    """Restore what an earlier tracker found, each object as it was in its frame `last`."""
    for k, (image, result) in enumerate(zip(frames, results, strict=True)):
        ids = {id for id, seen in last.items() if k in (0, seen)}
        tracker.restore(image, result, standings[k], ids)


def test_a_run_goes_on_from_its_results(models):
    whole = live_tracker(models, Text(("red disc", "blue disc")))
    results, standings = [], []
    for k in range(12):
        results.append(whole.step(frame(k)))
        standings.append(whole.standings)
    again = live_tracker(models, Text(("red disc", "blue disc")))
    go_on(again, map(frame, range(6)), results[:6], standings, {1: 5, 2: 5})
    for k in range(6, 12):
        result = again.step(frame(k))
        assert ids_by_word(result) == ids_by_word(results[k])
        assert (result.masks.dense() == results[k].masks.dense()).all()


def test_what_was_given_up_stays_so_in_a_run_that_goes_on(models):
    query, options = Text(("red disc",)), TrackOptions(forget_after=3, look_every=0)
    frames = [frame(0), *[paint(SIZE)] * 7, frame(1), frame(2)]
    whole = live_tracker(models, query, options)
    results, standings = [], []
    for image in frames:
        results.append(whole.step(image))
        standings.append(whole.standings)
    for stop in range(1, 8):
        again = live_tracker(models, query, options)
        go_on(again, frames[:stop], results[:stop], standings, {1: 0})
        ids = [again.step(image).track_ids.tolist() for image in frames[stop:]]
        assert ids == [result.track_ids.tolist() for result in results[stop:]]


def test_a_run_that_goes_on_sees_the_cut_at_once(models):
    query, options = Text(("green disc",)), TrackOptions(look_every=0)
    tracker = live_tracker(models, query, options)
    empty = live_tracker(models, query, options)
    tracker.restore(frame(0), empty.step(frame(0)), empty.standings, ())
    green = np.zeros((*SIZE, 3), np.uint8)
    green[disc(SIZE, (100, 60), 20)] = GREEN
    assert len(tracker.step(Image(green))) == 1


def test_absent_words_say_what_a_look_needed(models):
    query, options = Text(("red disc",)), TrackOptions(min_confidence=0.6, birth_confidence=0.9)
    tracker = live_tracker(models, query, options)
    tracker.step(frame(0))
    (gone,) = tracker.step(paint(SIZE)).absent
    assert (gone.best, gone.needed) == (0.0, pytest.approx(0.6))


def test_words_take_no_id_of_an_object_that_is_shown_later(models):
    shown = FramePrompt.of(2, [(30 + 8, 30)], id=1)
    frames = [frame(k) for k in range(4)]
    results = [r for _, r in track(frames, Query(Text(("blue disc",)), (shown,)), models)]
    assert [sorted(r.track_ids.tolist()) for r in results] == [[2], [2], [1, 2], [1, 2]]


def test_refining_is_gated(models):
    options = TrackOptions(refine_every=2)
    tracker = live_tracker(models, Text(("red disc",)), options)
    results = [tracker.step(frame(k)) for k in range(10)]
    assert {tuple(result.track_ids.tolist()) for result in results} == {(1,)}


def test_it_says_what_is_wrong(models):
    tracker = live_tracker(models)
    with pytest.raises(PromptError, match="no frame yet"):
        tracker.prompt([(3, 3)])
    tracker.step(frame(0))
    with pytest.raises(PromptError, match=r"outside the picture"):
        tracker.prompt([(900, 3)])
    with pytest.raises(PromptError, match=r"the mask is \(2, 2\), frame 0 is \(120, 200\)"):
        tracker.prompt(mask=np.ones((2, 2), bool))
    with pytest.raises(ImageError, match="frame 1 is"):
        tracker.step(paint((50, 60)))


class Forgetful(Fake):
    """Finds words in the first picture that it is asked about and in no later one."""

    def __init__(self, looks):
        super().__init__()
        object.__setattr__(self, "looks", looks)

    def features(self, seen):
        self.looks.append(seen)
        found = super().features(seen)
        nothing = np.full(found.vectors.shape[:2], 99, np.float32)
        return found if len(self.looks) == 1 else replace(found, none=nothing)

    def step(self, memories, seen):
        return [replace(step, score=step.score * 0.5) for step in super().step(memories, seen)]


class Eager(Fake):
    """A tracker that sees its object in every frame, whether it is there or not."""

    def step(self, memories, seen):
        steps = super().step(memories, seen)
        everywhere = np.full(SIZE, 2, np.float32)
        here = [step.logits is not None for step in steps]
        return [
            step if there else replace(step, logits=everywhere, score=0.9)
            for step, there in zip(steps, here, strict=True)
        ]


def test_a_return_that_no_look_confirms_is_none():
    looks = []

    class Counting(Eager):
        def features(self, seen):
            looks.append(seen)
            return super().features(seen)

        def step(self, memories, seen):
            steps = super().step(memories, seen)
            return Fake.step(self, memories, seen) if len(looks) == 1 else steps

    options = TrackOptions(look_every=6)
    tracker = live_tracker(Models("fake", (Counting(),)), Text(("red disc",)), options)
    counts = [len(tracker.step(frame(0)))]
    counts += [len(tracker.step(paint(SIZE))) for _ in range(12)]
    assert counts == [1] + [0] * 12
    assert len(looks) < 8
    assert ids_by_word(tracker.step(frame(1))) == {"red disc": 1}


def test_what_words_miss_again_and_again_is_given_up_if_it_is_followed_badly():
    options = TrackOptions(look_every=2)
    tracker = live_tracker(Models("fake", (Forgetful([]),)), Text(("red disc",)), options)
    counts = [len(tracker.step(frame(k))) for k in range(8)]
    assert counts == [1, 1, 1, 1, 0, 0, 0, 0]
