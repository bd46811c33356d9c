"""SAM 2's video network as graphs: the tracker without torch says what the torch session says."""

import subprocess
import sys

import numpy as np
import pytest

from seeing import see
from tiny_networks import CPU, torch
from tiny_video import assert_worth_comparing, box_mask, moving_square
from wordmask import engines
from wordmask.core.protocols import Memory, PromptBatch, Segmenter, Tracker
from wordmask.engines import sam
from wordmask.engines.options import EngineOptions
from wordmask.errors import MaskError, OptionError, PromptError

COUNT = 24
FRAMES, MASKS = moving_square(COUNT + 8)
OTHER = box_mask(50, 5, 12)
LATE, CORRECTED = 8, 15


@pytest.fixture(scope="module")
def graphs(video_folders):
    return engines.load(str(video_folders / "onnx")).get(Tracker)


@pytest.fixture(scope="module")
def library(video_folders):
    return sam.load(str(video_folders / "hub"), CPU)


@pytest.fixture
def exact_store(monkeypatch):
    """The library keeps memories in bf16, which costs 3e-3 on masks; here in fp32."""
    monkeypatch.setattr(torch, "bfloat16", torch.float32)


def follow(engine):
    """The steps of one object, and of another that comes late and is corrected."""
    memories = [engine.remember(see(engine, FRAMES[0]), MASKS[0])]
    found = ([], [])
    for index in range(1, COUNT):
        seen = see(engine, FRAMES[index])
        steps = engine.step(memories, seen)
        memories = [step.memory for step in steps]
        for place, step in enumerate(steps):
            found[place].append(step)
        if index == LATE:
            memories.append(engine.remember(seen, OTHER))
        if index == CORRECTED:
            memories[1] = engine.remember(seen, ~OTHER, memories[1])
    return found


def test_objects_through_24_frames_are_followed_as_torch_follows_them(graphs, library, exact_store):
    """The first leaves the picture and comes back, the other comes late and is corrected."""
    for place, (ours, expected) in enumerate(zip(follow(graphs), follow(library), strict=True)):
        there = [step.logits is not None for step in expected]
        assert [step.logits is not None for step in ours] == there
        assert any(there), place
        assert place or not all(there), "the first object never leaves: the test proves little"
        masks = [step.logits for step in expected if step.logits is not None]
        own = [step.logits for step in ours if step.logits is not None]
        assert_worth_comparing(masks)
        assert np.abs(np.stack(own) - np.stack(masks)).max() < 1e-4
        scores = [[step.score for step in steps] for steps in (ours, expected)]
        assert np.abs(np.subtract(*scores)).max() < 1e-4


def test_memory_is_constant_after_sixteen_frames(graphs):
    memory = graphs.remember(see(graphs, FRAMES[0]), MASKS[0])
    sizes = []
    for frame in FRAMES[1:]:
        (step,) = graphs.step([memory], see(graphs, frame))
        memory = step.memory
        sizes.append(memory.nbytes)
    assert len(set(sizes[15:])) == 1
    assert sizes[15] > sizes[0]


def test_clicks_and_following_share_an_encoding_as_in_torch(graphs, library):
    prompts = PromptBatch.points([[20.0, 30.0], [60.0, 11.0]])
    ours = graphs.cut(see(graphs, FRAMES[0]), prompts)
    expected = library.cut(see(library, FRAMES[0]), prompts)
    assert isinstance(graphs, Segmenter)
    assert expected.logits.std() > 0.1
    assert np.abs(ours.logits - expected.logits).max() < 1e-4
    assert np.abs(ours.quality - expected.quality).max() < 1e-5


def test_what_cannot_be_followed_is_said(graphs, video_folders):
    seen = see(graphs, FRAMES[0])
    with pytest.raises(MaskError, match="give the mask at the frame's size"):
        graphs.remember(seen, MASKS[0][:10])
    with pytest.raises(PromptError, match="empty"):
        graphs.remember(seen, np.zeros_like(MASKS[0]))
    with pytest.raises(PromptError, match="another engine made"):
        graphs.step([Memory("what?")], seen)
    with pytest.raises(OptionError, match="exported for input_side=128, got 64"):
        engines.load(str(video_folders / "onnx"), options=EngineOptions(input_side=64))


ALONE = """
import sys
for name in ("torch", "transformers", "onnx", "onnxscript"):
    sys.modules[name] = None  # importing it is an error
import numpy as np
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch, Tracker
engine = engines.load(sys.argv[1]).get(Tracker)
pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
(seen,) = engine.encode([Image(pixels)])
mask = engine.cut(seen, PromptBatch.of_boxes([[5, 5, 40, 40]])).logits
memory = engine.remember(seen, np.pad(np.ones((20, 20), bool), ((5, 35), (5, 55))))
(step,) = engine.step([memory], seen)
print(mask.shape, 0 < step.score < 1)
"""


def test_a_machine_without_torch_cuts_and_follows(video_folders):
    command = [sys.executable, "-c", ALONE, str(video_folders / "onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 1, 32, 32) True", done.stderr
