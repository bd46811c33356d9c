"""mini follows things in videos made of a photograph: a cat that is moved over a room."""

from dataclasses import replace

import numpy as np
import pytest
from skimage import data, transform

from wordmask.core.image import Image
from wordmask.core.protocols import Tracker
from wordmask.engines.mini.close_up import fit_close_up
from wordmask.engines.mini.engine import load
from wordmask.engines.mini.matching import Cells, Question, vote
from wordmask.engines.options import EngineOptions
from wordmask.errors import MaskError

SIZE = (240, 360)


@pytest.fixture(scope="module", params=["quality", "fast"])
def mini(request):
    return load("mini", EngineOptions(tracking=request.param))


@pytest.fixture(scope="module")
def quality():
    return load("mini", EngineOptions())


@pytest.fixture(scope="module")
def room():
    return (transform.resize(data.coffee(), (300, 450)) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def thing():
    """The astronaut's head and shoulders, cut out as an ellipse."""
    pixels = (transform.resize(data.astronaut()[:230, 110:340], (90, 90)) * 255).astype(np.uint8)
    y, x = np.mgrid[:90, :90]
    return pixels, ((x - 45) / 40) ** 2 + ((y - 45) / 43) ** 2 <= 1


def frame(room, thing, k, *, at=None, there=True):
    """Frame k of a pan over the room with the thing moving through; its mask."""
    pixels = room[k % 20 : k % 20 + SIZE[0], k % 20 : k % 20 + SIZE[1]].copy()
    mask = np.zeros(SIZE, bool)
    if there:
        x, y = at or (40 + 4 * k, 60 + k)
        mask[y : y + 90, x : x + 90] = thing[1]
        pixels[mask] = thing[0][thing[1]]
    return Image(pixels), mask


def iou(one, two):
    return (one & two).sum() / max(1, (one | two).sum())


def begin(mini, room, thing):
    image, mask = frame(room, thing, 0)
    (seen,) = mini.encode([image])
    return mini.remember(seen, mask)


def go_on(mini, memory, image):
    (seen,) = mini.encode([image])
    (step,) = mini.step([memory], seen)
    return step


def test_it_follows_in_memory_that_stays(mini, room, thing):
    assert isinstance(mini, Tracker)
    memory, found, sizes = begin(mini, room, thing), [], []
    for k in range(1, 17):
        image, mask = frame(room, thing, k)
        step = go_on(mini, memory, image)
        memory = step.memory
        found.append(iou(step.logits > 0, mask))
        sizes.append(memory.nbytes)
        assert 0 <= step.score <= 1
        assert memory.frame == k
    assert np.mean(found) > 0.85
    assert max(sizes) < 1.3 * min(sizes) < 8e6


def test_what_is_gone_is_absent_and_known_again(quality, room, thing):
    memory = begin(quality, room, thing)
    for k in range(1, 4):
        memory = go_on(quality, memory, frame(room, thing, k)[0]).memory
    elsewhere = Image(np.ascontiguousarray(data.chelsea()[: SIZE[0], : SIZE[1]]))
    for image in (frame(room, thing, 4, there=False)[0], elsewhere, elsewhere, elsewhere):
        step = go_on(quality, memory, image)
        assert step.logits is None
        assert step.score == 0
        memory = step.memory
    image, mask = frame(room, thing, 8)
    step = go_on(quality, memory, image)
    assert iou(step.logits > 0, mask) > 0.7


def test_objects_do_not_see_each_other(quality, room, thing):
    image, mask = frame(room, thing, 0)
    (seen,) = quality.encode([image])
    cup = np.zeros(SIZE, bool)
    cup[100:180, 220:330] = True
    one, two = quality.remember(seen, mask), quality.remember(seen, cup)
    (after,) = quality.encode([frame(room, thing, 1)[0]])
    both, alone = quality.step([one, two], after), quality.step([one], after)
    again = quality.step([one], after)  # a memory is a value
    assert (both[0].logits == alone[0].logits).all()
    assert (again[0].logits == alone[0].logits).all()


def test_a_correction_moves_it_to_another_thing(quality, room, thing):
    memory = begin(quality, room, thing)
    image, _ = frame(room, thing, 1)
    memory = go_on(quality, memory, image).memory
    cup = np.zeros(SIZE, bool)
    cup[70:170, 230:330] = True
    (seen,) = quality.encode([image])
    memory = quality.remember(seen, cup, memory)
    for k in range(2, 8):
        step = go_on(quality, memory, frame(room, thing, k, at=(10, 60))[0])
        memory = step.memory
    assert step.logits is not None
    assert (step.logits > 0)[:, :100].sum() == 0


def test_a_small_correction_is_remembered_beside_the_first_view(quality, room, thing):
    memory = begin(quality, room, thing)
    image, mask = frame(room, thing, 1)
    memory = go_on(quality, memory, image).memory
    (seen,) = quality.encode([image])
    before = memory.nbytes
    for _ in range(3):
        memory = quality.remember(seen, mask, memory)
    assert before < memory.nbytes < 1.8 * before


def test_what_is_shown_of_a_lost_object_joins_what_was_known(quality, room, thing):
    memory = begin(quality, room, thing)
    image, _ = frame(room, thing, 1, there=False)
    memory = go_on(quality, memory, image).memory
    assert memory.state.lost
    image, mask = frame(room, thing, 2)
    (seen,) = quality.encode([image])
    shown = quality.remember(seen, mask, memory).state
    assert not shown.lost
    assert shown.shown[0] is memory.state.shown[0]
    assert len(shown.shown) == 2


def test_of_little_that_is_left_it_is_less_sure_and_a_speck_is_nothing(quality, room, thing):
    memory = begin(quality, room, thing)
    image, _ = frame(room, thing, 1)
    steps = []
    for larger in (1, 40, 200):  # times as large as it is now, when it was shown
        state = replace(memory.state, area=larger * memory.state.area)
        steps.append(go_on(quality, replace(memory, state=state), image))
    assert steps[0].score > 0.8
    assert steps[1].score == pytest.approx(0.5 * steps[0].score, abs=0.05)
    assert steps[2].logits is None
    assert steps[2].score == 0


@pytest.mark.parametrize("mask", [np.zeros(SIZE, bool), np.ones((3, 3), bool)])
def test_nothing_cannot_be_followed(quality, room, thing, mask):
    (seen,) = quality.encode([frame(room, thing, 0)[0]])
    with pytest.raises(MaskError, match="an object to follow is a mask"):
        quality.remember(seen, mask)


def test_the_close_up_has_about_as_many_pixels_whatever_the_object():
    for box in ((100, 50, 160, 90), (0, 0, 360, 240), (350, 230, 360, 240), (0, 100, 360, 120)):
        window, inner = fit_close_up(box, SIZE, 384)
        assert 0 <= window.x0 <= box[0] < box[2] <= window.x1 <= SIZE[1]
        assert 0 <= window.y0 <= box[1] < box[3] <= window.y1 <= SIZE[0]
        assert inner[0] % 32 == inner[1] % 32 == 0
        assert inner[0] * inner[1] < 1.3 * 384**2


def test_cells_vote_by_likeness_and_nearness():
    features = np.eye(3, dtype=np.float32)
    places = np.array([[0, 0], [10, 0], [20, 0]], np.float32)
    cells = Cells(features, places, np.array([1, 0, 0], np.float32))
    near = Question(cells, places, np.array([5, 5], np.float32))
    assert vote(features, [near]).round(2).tolist() == [1, 0, 0]
    same = np.repeat(features[:1], 3, 0)  # all look alike: the nearest one decides
    told = Cells(same, places, np.array([1, 0, 0], np.float32))
    votes = vote(same, [Question(told, places, np.array([2, 2], np.float32))])
    assert votes[0] > 0.9
    assert votes[2] < 0.1
