"""The suite that follows objects, on two drawn videos."""

import json

import numpy as np
import pytest
from PIL import Image as Pictures

from drawing import disc
from moving_discs import SIZE, frame
from wordmask.core.image import Image
from wordmask.lab.bench.run_suite import run_suite
from wordmask.lab.bench.suites.following import (
    FollowingOptions,
    FollowingSuite,
    VideoClip,
    lay_side_by_side,
    mean_jf,
)


@pytest.fixture
def packs(tmp_path):
    """Two videos of a red disc; in the second it jumps away in the middle."""
    root = tmp_path / "packs/discs"
    for name, jump in (("calm", 0), ("jump", 40)):
        for kind in ("images", "labels"):
            (root / kind / name).mkdir(parents=True, exist_ok=True)
        for k in range(5):
            at = k + (jump if k > 2 else 0)
            truth = disc(SIZE, (30 + 4 * at, 30), 12)
            pixels = np.full((*SIZE, 3), 240, np.uint8)
            pixels[truth] = (220, 20, 20)
            Pictures.fromarray(pixels).save(root / f"images/{name}/{k}.png")
            Pictures.fromarray(truth.astype(np.uint8)).save(root / f"labels/{name}/{k}.png")
    card = {"name": "discs", "classes": ["background", "object"], "background": 0, "ignore": None}
    (root / "dataset.json").write_text(json.dumps(card))
    return tmp_path / "packs"


def test_it_measures_all_three(kit, packs):
    options = FollowingOptions(data=packs, sets=("discs",), model="fake", clicks=2)
    results = run_suite(FollowingSuite(), kit(options))
    refined, several, clicks = results["tables"].values()
    assert [row[0] for row in refined["rows"]] == ["calm", "jump"]
    assert refined["rows"][0][2] > 0.95
    assert [row[0] for row in several["rows"]] == ["calm", "jump", "seconds a frame"]
    assert clicks["columns"] == ["video", "1", "2"]
    assert clicks["rows"][0][1] > 0.9
    assert len(results["verdicts"]) == 5


def test_side_by_side_is_as_long_as_the_shortest():
    clips = [
        VideoClip(str(n), [Image(frame(k).pixels) for k in range(n)], [disc(SIZE, (30, 30), 9)] * n)
        for n in (3, 4)
    ]
    wide, truths = lay_side_by_side(clips)
    assert [len(wide.images), len(truths), len(truths[0])] == [3, 2, 3]
    assert wide.images[0].size == (SIZE[0], 2 * SIZE[1])
    assert truths[1][0][:, : SIZE[1]].sum() == 0
    assert (truths[0][0] | truths[1][0]).sum() == 2 * clips[0].truths[0].sum()


def test_the_given_frame_and_the_last_do_not_count():
    truth, nothing = disc(SIZE, (30, 30), 9), np.zeros(SIZE, bool)
    assert mean_jf([truth] * 4, [nothing, truth, truth, nothing]) == 1
    assert mean_jf([truth] * 2, [nothing, truth]) == 1
