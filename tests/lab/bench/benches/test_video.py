import numpy as np
import pytest

from lab_sets import write_squares
from seeing import encode_sizes
from wordmask.core.models import Models
from wordmask.core.protocols import Memory, TrackStep
from wordmask.errors import CapabilityError, FormatError
from wordmask.lab.data import open_data


class Oracle:
    """A tracker that knows the truth, or, frozen, stays with the first frame."""

    name = "oracle"

    def __init__(self, data, frozen=False):
        self.truths = [data.truth(sample).result for sample in data.samples]
        self.frozen = frozen

    def encode(self, images):
        return encode_sizes(images)

    def remember(self, seen, mask, memory=None):
        first = self.truths[0]
        (row,) = [row for row in range(len(first)) if (first.masks.one(row) == mask).all()]
        return Memory((first.track_ids[row], mask))

    def step(self, memories, seen):
        return [self.follow(memory) for memory in memories]

    def follow(self, memory):
        identity, mask = memory.state
        after = Memory(memory.state, memory.frame + 1)
        if not self.frozen:
            truth = self.truths[after.frame]
            mask = truth.masks[truth.track_ids == identity].union()
        return TrackStep(after, np.where(mask, 1, -1).astype(np.float32), 0.9)


class Deaf:
    name = "deaf"


@pytest.mark.parametrize(("frozen", "perfect"), [(False, True), (True, False)])
def test_video(tmp_path, measure, frozen, perfect):
    data = open_data(write_squares(tmp_path / "data", "run/"))
    oracle = Models("oracle", (Oracle(data, frozen),))
    results = measure("video", data=data, load=lambda: oracle)
    metrics = results["metrics"]
    names = ("j", "f", "jf", "stability", "idf1", "hota")
    assert ([metrics[name] for name in names] == [1] * 6) is perfect
    assert results["unit"] == "video"
    if frozen:
        # Frames 1 and 2 are scored: a square of 10 pixels moved by 1 and 2 keeps 9/11 and 8/12,
        # one of 12 pixels 11/13 and 10/14.
        assert metrics["j"] == pytest.approx(np.mean([9 / 11, 8 / 12, 11 / 13, 10 / 14]))
        assert metrics["idf1"] == 1


def test_video_says_what_is_missing(tmp_path, measure):
    with pytest.raises(FormatError, match="has no videos"):
        measure("video", data=open_data(write_squares(tmp_path / "data", "")))
    data = open_data(write_squares(tmp_path / "frames", "run/"))
    deaf = Models("deaf", (Deaf(),))
    with pytest.raises(CapabilityError, match=r"deaf has no Tracker.*remember\(\) and step\(\)"):
        measure("video", data=data, load=lambda: deaf)


def test_video_with_a_network_that_remembers(tmp_path, measure):
    """A random one: the way from the frames to the figures, not how good they are."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    from tiny_networks import CPU
    from tiny_video import tiny_video
    from wordmask import engines

    tiny_video().save_pretrained(tmp_path / "sam2")
    data = open_data(write_squares(tmp_path / "data", "run/"))
    models = engines.load(str(tmp_path / "sam2"), options=CPU)
    metrics = measure("video", data=data, load=lambda: models)["metrics"]
    assert 0 <= metrics["jf"] < 1
    assert 0 <= metrics["hota"] < 1
