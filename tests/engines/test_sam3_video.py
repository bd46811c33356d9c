"""Words on a video by SAM 3, against transformers' own tracker and detector on the same weights."""

import numpy as np
import pytest

from seeing import see
from tiny_networks import CPU, letter_tokenizer, torch, transformers
from tiny_sam3 import QUERIES, SIDE, save_sam3_video
from tiny_video import LibrarySession, assert_worth_comparing, box_mask, moving_square
from wordmask import engines
from wordmask.core.protocols import Detector, Tracker
from wordmask.engines import sam3
from wordmask.engines.hub.object_memory import square_mask
from wordmask.engines.options import EngineOptions
from wordmask.errors import ImageError, PromptError, WeightsError
from wordmask.ops import regions

LONG = 30
FRAMES, MASKS = moving_square(LONG)
OTHER = box_mask(50, 5, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_sam3_video(tmp_path_factory.mktemp("sam3_video"))


@pytest.fixture(scope="module")
def engine(folder):
    return sam3.load(str(folder), CPU)


@pytest.fixture(scope="module")
def library(folder):
    return transformers.Sam3VideoModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def seen(engine):
    return engine.encode(FRAMES)


def pixels_of(frame):
    return sam3.normalise(sam3.to_tensor(frame, (SIDE, SIDE)), sam3.HALF)


def give_maps(library, session, index):
    """The frame's maps into a session of the library's, which has no encoder of its own here."""
    with torch.no_grad():
        output = library.detector_model.get_vision_features(pixels_of(FRAMES[index])[None])
        levels, codes = library.get_vision_features_for_tracker(output)
    maps = {"vision_feats": levels, "vision_pos_embeds": codes}
    session.cache.cache_vision_features(index, maps)


def track(engine, frames, memory):
    masks = []
    for frame in frames:
        (step,) = engine.step([memory], frame)
        memory = step.memory
        masks.append(step.logits)
    return masks


def test_following_is_the_librarys_session_that_keeps_everything(engine, seen, library):
    own = LibrarySession(library.tracker_model)
    give_maps(library, own.session, 0)
    own.prompt(square_mask(MASKS[0], SIDE), 0, pixels_of(FRAMES[0]))
    expected = []
    for index in range(1, LONG):
        give_maps(library, own.session, index)
        expected.append(own.step(index, pixels_of(FRAMES[index])))
    ours = track(engine, seen[1:], engine.remember(seen[0], MASKS[0]))
    assert_worth_comparing(expected)
    assert np.abs(np.stack(ours) - np.stack(expected)).max() == 0.0


def test_words_find_what_the_librarys_video_model_finds(engine, seen, library):
    """All but its NMS, which it leaves out where `kernels` is not installed."""
    session = transformers.Sam3VideoInferenceSession(dtype=torch.float32)
    for word in ("cat", "dog"):
        number = session.add_prompt(word)
        tokens = letter_tokenizer()(
            [word], padding="max_length", max_length=32, return_tensors="pt"
        )
        session.prompt_input_ids[number] = tokens["input_ids"]
        session.prompt_attention_masks[number] = tokens["attention_mask"]
    library.score_threshold_detection, library.det_nms_thresh = sam3.FLOOR, 0.0
    with torch.no_grad():
        output = library.detector_model.get_vision_features(pixels_of(FRAMES[3])[None])
        expected = library.run_detection(session, output)
    found = engine.propose(seen[3], ["cat", "dog"])
    assert found.label_ids.tolist() == [0] * QUERIES + [1] * QUERIES
    scores = np.concatenate([expected[number]["scores"].numpy() for number in (0, 1)])
    logits = np.concatenate([expected[number]["mask"].numpy() for number in (0, 1)])
    areas = regions.masks_of_logits(logits, FRAMES[3].size).areas
    assert np.abs(found.scores - scores).max() < 1e-5
    assert np.abs(found.masks.areas - areas).max() <= 1
    assert found.scores.std() > 0.01


def test_a_word_added_later_changes_nothing_before_it(engine, seen):
    alone = track(engine, seen[1:20], engine.remember(seen[0], MASKS[0]))
    memories = [engine.remember(seen[0], MASKS[0])]
    beside, late = [], []
    for index in range(1, 20):
        steps = engine.step(memories, seen[index])
        memories = [step.memory for step in steps]
        beside.append(steps[0].logits)
        late += [step.logits for step in steps[1:]]
        if index == 8:
            found = engine.propose(seen[index], ["dog"])
            mask = found.masks[[int(found.scores.argmax())]].union()
            memories.append(engine.remember(seen[index], mask))
    assert_worth_comparing(alone)
    assert_worth_comparing(late)
    assert np.abs(np.stack(beside) - np.stack(alone)).max() == 0.0
    assert np.abs(late[-1] - alone[-1]).max() > 0.02


def test_words_and_objects_share_one_encoding(engine):
    passes = []
    hook = engine._model.vision_encoder.register_forward_hook(lambda *_: passes.append("encoded"))
    frame, after = (see(engine, one) for one in FRAMES[:2])
    engine.propose(frame, ["cat", "dog", "bird"])
    memories = [engine.remember(frame, mask) for mask in (MASKS[0], OTHER)]
    engine.step(memories, after)
    engine.propose(after, ["fish"])
    hook.remove()
    assert len(passes) == 2  # one a frame


def test_maps_for_following_are_made_when_they_are_needed(engine):
    frame = see(engine, FRAMES[0])
    before = frame.nbytes
    engine.propose(frame, ["cat"])
    assert frame.nbytes == before
    engine.remember(frame, OTHER)
    assert frame.nbytes == before + frame.maps().nbytes > before


def test_holes_and_specks_are_mended_without_the_kernels(engine, seen, tmp_path):
    mending = sam3.load(str(save_sam3_video(tmp_path, mend_area=3)), CPU)
    plain, mended = (
        track(one, seen[1:6], one.remember(seen[0], MASKS[0])) for one in (engine, mending)
    )
    assert_worth_comparing(plain)
    assert any((one != other).any() for one, other in zip(plain, mended, strict=True))
    for one, other in zip(plain, mended, strict=True):
        assert (other == regions.mend_logits(one, area=3)).all()


def test_frames_in_reverse_order_can_be_followed(engine, seen):
    back = track(engine, seen[18::-1], engine.remember(seen[19], MASKS[19]))
    assert_worth_comparing(back)


def test_half_precision_stays_near(folder, engine, seen):
    half = sam3.load(str(folder), EngineOptions(device="cpu", dtype="bf16"))
    frames = half.encode(FRAMES[:6])
    masks = np.stack(track(half, frames[1:], half.remember(frames[0], MASKS[0])))
    exact = np.stack(track(engine, seen[1:6], engine.remember(seen[0], MASKS[0])))
    assert 0 < np.abs(masks - exact).mean() < 0.2 * exact.std()
    assert len(half.propose(frames[0], ["cat"]).scores)


def test_what_cannot_be_followed_is_said(engine, seen, folder, tmp_path):
    with pytest.raises(PromptError, match="is empty") as caught:
        engine.remember(seen[0], np.zeros(FRAMES[0].size, bool))
    assert caught.value.mend.option == "mask"
    with pytest.raises(ImageError, match="another engine encoded"):
        engine.step([], object())
    part = transformers.Sam3VideoModel.from_pretrained(folder)
    kept = {name: one for name, one in part.state_dict().items() if "tracker_model" not in name}
    part.save_pretrained(tmp_path, state_dict=kept)
    letter_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="lacks") as caught:
        sam3.load(str(tmp_path), CPU)
    assert caught.value.mend.option == "checkpoint"


def test_a_folder_leads_to_words_and_tracking(folder):
    models = engines.load(str(folder), need=(Detector, Tracker), options=CPU)
    assert models.get(Detector) is models.get(Tracker)
    assert "Tracker" in engines.CARDS["sam3"].protocols
    assert "Tracker" not in engines.CARDS["sam3-litetext"].protocols
