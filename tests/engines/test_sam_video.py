"""Objects followed by SAM 2 and EdgeTAM, against transformers' own sessions on the same weights."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from budget import PROFILE
from seeing import see
from tiny_networks import CPU, torch, transformers
from tiny_video import (
    KINDS,
    SIDE,
    SIZE,
    LibrarySession,
    assert_worth_comparing,
    box_mask,
    moving_square,
    say_present,
    tiny_video,
    video_config,
)
from wordmask import engines
from wordmask.core.protocols import Memory, PromptBatch, Segmenter, Tracker
from wordmask.engines import sam
from wordmask.engines.hub.object_memory import PROMPTED_FRAMES, ObjectMemory, square_mask
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, ImageError, MaskError, PromptError, WeightsError

LONG = 36
FRAMES, MASKS = moving_square(LONG)
OTHER = box_mask(50, 5, 12)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        tiny_video(kind).save_pretrained(made[kind])
    return made


@pytest.fixture(scope="module")
def trackers(folders):
    return {kind: sam.load(str(path), CPU) for kind, path in folders.items()}


@pytest.fixture(scope="module")
def encodings(trackers):
    """The frames as each engine encodes them: one by one, as the library does.

    Several at once are summed in another order on some processors.
    """
    return {kind: [see(engine, frame) for frame in FRAMES] for kind, engine in trackers.items()}


def pixels_of(engine, frame):
    return engine.network.pixels(frame)


def track(engine, seen, memory):
    """Logits in each frame, and the memory after the last."""
    masks = []
    for frame in seen:
        (step,) = engine.step([memory], frame)
        memory = step.memory
        masks.append(step.logits)
    return masks, memory


@pytest.mark.parametrize("kind", KINDS)
def test_pruned_memory_answers_like_a_session_that_keeps_everything(kind, folders, trackers):
    engine = trackers[kind]
    library = LibrarySession(
        getattr(transformers, f"{kind}Model").from_pretrained(folders[kind]).eval()
    )
    library.prompt(square_mask(MASKS[0], SIDE), 0, pixels_of(engine, FRAMES[0]))
    memory = engine.remember(see(engine, FRAMES[0]), MASKS[0])
    ours, expected = [], []
    for index in range(1, LONG):
        (step,) = engine.step([memory], see(engine, FRAMES[index]))
        memory = step.memory
        ours.append(step.logits)
        expected.append(library.step(index, pixels_of(engine, FRAMES[index])))
    assert_worth_comparing(expected)
    assert np.abs(np.stack(ours) - np.stack(expected)).max() == 0.0
    assert step.score > 0.99
    held = library.session.output_dict_per_obj[0]["non_cond_frame_outputs"]
    assert len(held) == LONG - 1, "the library has begun to prune: look at it again"


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_and_corrected_object_leaves_the_first_one_as_it_is(kind, trackers, encodings):
    engine, seen = trackers[kind], encodings[kind]
    alone, _ = track(engine, seen[1:], engine.remember(seen[0], MASKS[0]))
    memories = [engine.remember(seen[0], MASKS[0])]
    beside, late = [], []
    for index in range(1, LONG):
        steps = engine.step(memories, seen[index])
        memories = [step.memory for step in steps]
        beside.append(steps[0].logits)
        late += [step.logits for step in steps[1:]]
        if index == 10:
            memories.append(engine.remember(seen[index], OTHER))
        if index == 30:
            memories[1] = engine.remember(seen[index], ~OTHER, memories[1])
    assert_worth_comparing(alone)
    assert_worth_comparing(late)
    assert np.abs(np.stack(beside) - np.stack(alone)).max() == 0.0
    assert np.abs(late[-1] - alone[-1]).max() > 0.02, "what is remembered does not matter here"


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_still_counts_thirty_frames_later(kind, folders, trackers, encodings):
    engine, seen = trackers[kind], encodings[kind]
    library = LibrarySession(
        getattr(transformers, f"{kind}Model").from_pretrained(folders[kind]).eval()
    )
    library.prompt(square_mask(MASKS[0], SIDE), 0, pixels_of(engine, FRAMES[0]))
    expected = []
    for index in range(1, LONG):
        expected.append(library.step(index, pixels_of(engine, FRAMES[index])))
        if index == 3:
            library.prompt(square_mask(OTHER, SIDE), 3, pixels_of(engine, FRAMES[3]))
    _, memory = track(engine, seen[1:4], engine.remember(seen[0], MASKS[0]))
    uncorrected, _ = track(engine, seen[4:], memory)
    corrected, _ = track(engine, seen[4:], engine.remember(seen[3], OTHER, memory))
    assert_worth_comparing(corrected)
    assert np.abs(np.stack(corrected) - np.stack(expected[3:])).max() == 0.0
    changes = np.abs(np.stack(corrected) - np.stack(uncorrected)).max((1, 2))
    assert changes[30:].min() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_frames_in_reverse_order_are_tracking_backward(kind, folders, trackers, encodings):
    """20 frames: with fewer than 16 the library scales time by the video's length."""
    engine, seen = trackers[kind], encodings[kind][:20]
    frames = torch.stack([pixels_of(engine, frame) for frame in FRAMES[:20]])
    library = LibrarySession(
        getattr(transformers, f"{kind}Model").from_pretrained(folders[kind]).eval(), frames
    )
    library.prompt(square_mask(MASKS[19], SIDE), 19)
    expected = library.backward(19)
    ours, _ = track(engine, seen[18::-1], engine.remember(seen[19], MASKS[19]))
    assert len(ours) == len(expected) == 19
    assert_worth_comparing(ours)
    assert np.abs(np.stack(ours) - np.stack(expected)).max() == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_is_a_value(kind, trackers, encodings):
    engine, seen = trackers[kind], encodings[kind]
    _, memory = track(engine, seen[1:9], engine.remember(seen[0], MASKS[0]))
    before = [tensor.clone() for tensor in memory.state.tensors()]
    first, after = track(engine, seen[9:15], memory)
    engine.remember(seen[9], OTHER, memory)
    engine.step([memory, memory, after], seen[20])
    again, _ = track(engine, seen[9:15], memory)
    assert all(map(np.array_equal, first, again))
    assert all(map(torch.equal, memory.state.tensors(), before))
    assert memory.frame == 8


@pytest.mark.parametrize("kind", KINDS)
def test_many_threads_follow_with_one_engine(kind, trackers, encodings):
    engine, seen = trackers[kind], encodings[kind][:8]
    masks = [MASKS[0], OTHER, ~OTHER]

    def follow_from(mask):
        return np.stack(track(engine, seen[1:], engine.remember(seen[0], mask))[0])

    alone = [follow_from(mask) for mask in masks]
    with ThreadPoolExecutor(len(masks)) as threads:
        together = list(threads.map(follow_from, masks))
    assert all(map(np.array_equal, alone, together))
    assert not np.array_equal(alone[0], alone[1])


def test_memory_is_flat(trackers, encodings):
    """2,000 frames in a long run (see budget.py)."""
    engine, seen = trackers["Sam2Video"], encodings["Sam2Video"]
    memory = engine.remember(seen[0], MASKS[0])
    sizes, resident = {}, {}
    last = 2000 if PROFILE == "long" else 160
    for index in range(1, last + 1):
        (step,) = engine.step([memory], seen[index % LONG])
        memory = step.memory
        if index in (100, last):
            sizes[index], resident[index] = memory.nbytes, resident_bytes()
    assert sizes[100] == sizes[last] == memory.state.nbytes > 10_000
    assert resident[last] - resident[100] < 30e6, resident
    assert (len(memory.state.prompted), len(memory.state.followed)) == (1, 15)


def resident_bytes():
    """Of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
    except OSError:
        return 0


def test_many_corrections_are_remembered_with_a_bound(trackers, encodings):
    engine, seen = trackers["Sam2Video"], encodings["Sam2Video"]
    memory, kept = engine.remember(seen[0], MASKS[0]), []
    for index in range(1, 8):
        _, memory = track(engine, seen[index : index + 1], memory)
        memory = engine.remember(seen[index], MASKS[index], memory)
        kept.append(sorted(memory.state.prompted))
    assert kept[:4] == [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 2, 3, 4]]
    assert kept[-1] == [0, 5, 6, 7]
    assert len(kept[-1]) == PROMPTED_FRAMES


def test_all_objects_and_clicks_share_one_encoding(trackers):
    engine = trackers["Sam2Video"]
    passes = []
    hook = engine.network.model.vision_encoder.register_forward_hook(
        lambda *_: passes.append("encoded")
    )
    seen = see(engine, FRAMES[0])
    cuts = engine.cut(seen, PromptBatch.points(np.array([[20.0, 30.0]])))
    memories = [engine.remember(seen, mask) for mask in (MASKS[0], OTHER)]
    steps = engine.step(memories, see(engine, FRAMES[1]))
    hook.remove()
    assert len(steps) == 2
    assert cuts.logits.std() > 0.1
    assert len(passes) == 2  # one a frame
    assert engine.step([], seen) == []


@pytest.mark.parametrize("kind", KINDS)
def test_cuts_are_those_of_the_picture_network(kind, folders, trackers, encodings):
    seen, clicks = encodings[kind][0], np.array([[20.0, 30.0], [70.5, 11.0]])
    cuts = trackers[kind].cut(seen, PromptBatch.points(clicks))
    model = getattr(transformers, kind.replace("Video", "Model")).from_pretrained(folders[kind])
    points = clicks * [SIDE / SIZE[1], SIDE / SIZE[0]] - 0.5
    with torch.no_grad():
        expected = model.eval()(
            pixel_values=pixels_of(trackers[kind], FRAMES[0])[None],
            input_points=torch.tensor(points, dtype=torch.float32)[None, :, None],
        )
    assert expected.pred_masks.std() > 0.1
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4


def test_an_object_that_is_not_there_has_no_mask(tmp_path):
    say_present(tiny_video(), -8.0).save_pretrained(tmp_path)
    engine = sam.load(str(tmp_path), CPU)
    (step,) = engine.step([engine.remember(see(engine, FRAMES[0]), OTHER)], see(engine, FRAMES[1]))
    assert step.logits is None
    assert step.score < 0.01
    assert step.memory.frame == 1


def test_a_mask_of_one_pixel_is_not_lost_in_the_square():
    mask = np.zeros((2000, 3000), bool)
    mask[1234, 777] = True
    assert square_mask(mask, SIDE).sum() >= 1
    square = np.eye(SIDE, dtype=bool)
    assert (square_mask(square, SIDE)[0, 0].numpy() > 0).tolist() == square.tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_stays_near(kind, dtype, folders, trackers, encodings):
    engine = sam.load(str(folders[kind]), EngineOptions(device="cpu", dtype=dtype))
    seen = engine.encode(FRAMES[:6])
    masks, memory = track(engine, seen[1:], engine.remember(seen[0], MASKS[0]))
    exact, _ = track(
        trackers[kind],
        encodings[kind][1:6],
        trackers[kind].remember(encodings[kind][0], MASKS[0]),
    )
    assert seen[0].maps.levels[0].dtype.itemsize == 2
    assert engine.network.model.prompt_encoder.point_embed.weight.dtype == torch.float32
    far = np.abs(np.stack(masks) - np.stack(exact))
    assert 0 < far.mean() < 0.1 * np.stack(exact).std()
    assert memory.frame == 5


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_side_is_the_same_network_built_for_it(kind, folders):
    engine = sam.load(str(folders[kind]), EngineOptions(device="cpu", input_side=64))
    small = getattr(transformers, f"{kind}Model")(video_config(kind, 64)).eval()
    small.load_state_dict(engine.network.model.state_dict(), assign=True)
    library = LibrarySession(small)
    library.prompt(square_mask(MASKS[0], 64), 0, pixels_of(engine, FRAMES[0]))
    expected = [library.step(index, pixels_of(engine, FRAMES[index])) for index in range(1, 9)]
    seen = [see(engine, frame) for frame in FRAMES[:9]]
    ours, _ = track(engine, seen[1:], engine.remember(seen[0], MASKS[0]))
    assert_worth_comparing(ours)
    assert ours[0].shape == (16, 16)
    assert np.abs(np.stack(ours) - np.stack(expected)).max() == 0.0


@pytest.mark.parametrize(
    ("kind", "windows", "used"),
    [("Sam2Video", 0, 96), ("EdgeTamVideo", 2, 96), ("EdgeTamVideo", 4, 128)],
)
def test_an_odd_side_is_rounded_up_to_what_the_memory_takes(kind, windows, used, tmp_path, caplog):
    config = video_config(kind)
    if kind == "EdgeTamVideo":
        config.perceiver_resampler_num_latents_2d = windows**2
        config.memory_attention_rope_k_sizes = [windows, windows]
    say_present(getattr(transformers, f"{kind}Model")(config)).save_pretrained(tmp_path)
    engine = sam.load(str(tmp_path), EngineOptions(device="cpu", input_side=70))
    seen = engine.encode(FRAMES[:2])
    (step,) = engine.step([engine.remember(seen[0], MASKS[0])], seen[1])
    assert engine.input_side == used
    assert f"{used} is used" in caplog.text
    assert step.score > 0.99


def test_encodings_wait_in_host_memory(trackers, encodings):
    seen = encodings["Sam2Video"][0]
    elsewhere = seen.to("meta")
    assert elsewhere.maps.positions.device.type == "meta"
    assert elsewhere.nbytes == seen.nbytes > 10_000
    assert seen.size == SIZE


def test_what_cannot_be_followed_is_said(trackers, encodings):
    engine, seen = trackers["Sam2Video"], encodings["Sam2Video"][0]
    for mask, error, message in (
        (np.zeros(SIZE, bool), PromptError, "is empty"),
        (np.ones((3, 4), bool), MaskError, r"is \(3, 4\), its frame \(60, 80\)"),
    ):
        with pytest.raises(error, match=message) as caught:
            engine.remember(seen, mask)
        assert caught.value.mend.option == "mask"
    for state, message in ((ObjectMemory(), "no mask in any frame"), ("dog", "holds a str")):
        with pytest.raises(PromptError, match=message) as caught:
            engine.step([Memory(state)], seen)
        assert caught.value.mend.option == "mask"
    with pytest.raises(ImageError, match="another engine encoded"):
        engine.step([], object())


def test_a_checkpoint_without_the_memory_is_refused(tmp_path):
    """Weights of the picture network under a config that promises video."""
    config = video_config("Sam2Video")
    still = transformers.Sam2Model(
        transformers.Sam2Config(
            vision_config=config.vision_config,
            prompt_encoder_config=config.prompt_encoder_config.to_dict(),
            mask_decoder_config=config.mask_decoder_config.to_dict(),
        )
    )
    still.save_pretrained(tmp_path)
    config.save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"lacks \d+ of the weights of Sam2VideoModel") as caught:
        sam.load(str(tmp_path), CPU)
    assert caught.value.mend.option == "checkpoint"


def test_a_picture_network_cuts_but_follows_nothing(tmp_path):
    config = video_config("Sam2Video")
    transformers.Sam2Model(
        transformers.Sam2Config(vision_config=config.vision_config)
    ).save_pretrained(tmp_path)
    with pytest.raises(CapabilityError, match="Tracker"):
        engines.load(str(tmp_path), need=(Tracker,), options=CPU)


def test_names_and_folders_lead_to_a_tracker(folders):
    models = engines.load(str(folders["EdgeTamVideo"]), need=(Segmenter, Tracker), options=CPU)
    assert type(models.get(Tracker)).__name__ == "SamTracker"
    able = {card.name for card in engines.CARDS.values() if "Tracker" in card.protocols}
    assert {"sam2-tiny", "sam2.1-large", "edgetam"} <= able
