"""`track` with the networks that remember: words, clicks and corrections, one encoding a frame."""

import pytest

import wordmask
from tiny_networks import CPU
from tiny_sam3 import save_sam3_video
from tiny_video import moving_square, tiny_video
from wordmask import FramePrompt, engines
from wordmask.core.prompts import Text
from wordmask.core.protocols import Tracker
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.track import Query, TrackOptions, live_tracker, track

FRAMES, MASKS = moving_square(16)


@pytest.fixture(scope="module")
def sam2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sam2")
    tiny_video().save_pretrained(folder)
    return engines.load(str(folder), options=CPU)


@pytest.fixture(scope="module")
def sam3(tmp_path_factory):
    return engines.load(str(save_sam3_video(tmp_path_factory.mktemp("sam3"))), options=CPU)


def test_clicks_boxes_and_masks_on_any_frame(sam2):
    tracker = live_tracker(sam2)
    results, sizes = [], []
    for number, frame in enumerate(FRAMES):
        result = tracker.step(frame)
        if number == 0:
            result = tracker.prompt(points=[(15, 30)])
        if number == 4:
            result = tracker.prompt(box=(50, 5, 62, 17))
        if number == 8:
            result = tracker.prompt(mask=MASKS[8], id=1)
            corrected = result.masks[result.track_ids == 1].union()
            assert (corrected == MASKS[8]).all()
        results.append(result)
        sizes.append(tracker.nbytes)
    assert [result.track_ids.tolist() for result in results[:4]] == [[1]] * 4
    assert all(set(result.track_ids.tolist()) == {1, 2} for result in results[4:])
    assert min(result.masks.areas.min() for result in results) > 0


def test_a_second_object_leaves_the_first_as_it_is(sam2):
    def first_object(second_from):
        tracker = live_tracker(sam2)
        for number, frame in enumerate(FRAMES):
            tracker.step(frame)
            if number == 0:
                tracker.prompt(mask=MASKS[0])
            if number == second_from:
                tracker.prompt(box=(50, 5, 62, 17))
        return tracker._tracks.get(1).memory.state

    alone, beside = first_object(None), first_object(5)
    pairs = list(zip(alone.tensors(), beside.tensors(), strict=True))
    assert pairs
    assert all(bool((one == other).all()) for one, other in pairs)


def test_the_way_back_is_the_same_video_in_the_other_order(sam2):
    shown = FramePrompt.of(9, mask=MASKS[9], id=1)
    options = TrackOptions(backward=True)
    pixels = [frame.pixels for frame in FRAMES]
    both = [r for _, r in wordmask.track(pixels, prompts=[shown], model=sam2, options=options)]
    turned = FramePrompt.of(0, mask=MASKS[9], id=1)
    back = [r for _, r in track(FRAMES[9::-1], Query(None, (turned,)), sam2)]
    ahead = [r for _, r in track(FRAMES, Query(None, (shown,)), sam2)]
    assert [result.track_ids.tolist() for result in both] == [[1]] * len(FRAMES)
    for one, other in zip(both, [*back[:0:-1], *ahead[9:]], strict=True):
        assert (one.masks.dense() == other.masks.dense()).all()
    assert min(result.masks.areas.min() for result in both) > 0


def test_words_and_following_share_the_encoding_of_a_frame(sam3):
    passes = []
    network = sam3.get(Tracker)._model.vision_encoder
    hook = network.register_forward_hook(lambda *_: passes.append("encoded"))
    segmenting = SegmentOptions(min_confidence=0.06)
    query = Query(Text(["cat", "bird"]))
    frames = list(track(FRAMES, query, sam3, TrackOptions(look_every=5), segmenting))
    hook.remove()
    results = [result for _, result in frames]
    assert len(passes) == len(FRAMES)
    assert all(1 in result.track_ids for result in results)
    assert len({result.masks.areas.tobytes() for result in results}) > 1
    names = [result.names[0] for result in results]
    assert set(names) <= {"cat", "bird"}
