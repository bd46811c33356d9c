"""One picture through one View: each engine encodes it once, whoever asks for what."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from drawing import disc, paint
from seeing import CountingFake
from wordmask.core.models import Models
from wordmask.core.prompts import Points, Text
from wordmask.core.protocols import Dense, DepthModel, Detector, Embedder, Segmenter
from wordmask.errors import ImageError
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.dense import DenseOptions, label_view
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment_view
from wordmask.tasks.session import Session

RED = (220, 20, 20)
FEW = EverythingOptions(points_per_side=4)


@pytest.fixture
def engine():
    return CountingFake()


@pytest.fixture
def image():
    return paint((60, 80), (disc((60, 80), (30, 30), 20), RED))


@pytest.fixture
def view(engine, image):
    return View(image, Models("counting", (engine,)), Trace())


def test_all_tasks_share_the_one_encoding(view, engine):
    """The fake is Segmenter, Dense and Detector in one."""
    segment_view(view, Text(("red", "blue")))
    segment_view(view, Text(("red",)), SegmentOptions(how="grounded"))
    label_view(view, Text(("red",)), DenseOptions())
    click_view(view, Click(Points.of([(30, 30)])), Text(("red",)), ClickOptions())
    everything_result(view, FEW)
    assert engine.passes == {(60, 80): 1}
    assert view.trace.encodings == 1


def test_the_roles_of_one_engine_share_it(view, engine):
    roles = [view.models.get(kind) for kind in (Segmenter, Dense, Embedder, Detector, DepthModel)]
    assert len({id(view.encoding_of(role)) for role in roles}) == 1
    assert view.encoding is view.encoding_of(engine)
    assert engine.passes.total() == 1


def test_two_engines_encode_once_each(image):
    cuts, names = CountingFake("cuts"), CountingFake("names")
    view = View(image, Models("cuts+names", (cuts, names)), Trace())
    assert view.encoding_of(cuts) is not view.encoding_of(names)
    assert view.encoding_of(names) is view.encoding_of(names)
    assert (cuts.passes.total(), names.passes.total(), view.trace.encodings) == (1, 1, 2)


def test_nothing_is_encoded_before_it_is_needed(view, engine):
    assert engine.passes.total() == 0


def test_parts_of_the_picture_are_encoded_on_their_own(view, engine):
    everything_result(view, EverythingOptions(points_per_side=4, crop_layers=1))
    assert engine.passes[(60, 80)] == 1
    assert engine.passes.total() == 5


@pytest.mark.parametrize("how", ["guided", "unified", "grounded"])
def test_threads_that_meet_at_a_new_picture_encode_it_once(view, engine, how):
    barrier = Barrier(6)

    def ask(_):
        barrier.wait()
        found = segment_view(view, Text(("red", "blue")), SegmentOptions(how=how))
        return found.masks.areas.tolist(), found.scores.tolist()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    assert engine.passes == {(60, 80): 1}
    assert all(answer == answers[0] for answer in answers)


def test_two_views_share_nothing(image, engine):
    models = Models("counting", (engine,))
    one, other = (View(image, models, Trace()).encoding for _ in range(2))
    assert one is not other
    assert engine.passes.total() == 2


def test_a_session_encodes_once_whatever_is_asked(image, engine):
    session = Session(image, Models("counting", (engine,)))
    session.click([(30, 30)], words=Text(("red", "blue")))
    session.click([(70, 50, False)])
    session.segment(Text(("red",)))
    session.everything(FEW)
    assert engine.passes == {(60, 80): 1}
    assert session.trace.encodings == 1


def test_what_another_engine_encoded_is_refused(view):
    class Other:
        size, nbytes = (60, 80), 0

    with pytest.raises(ImageError, match="counting was given a Other"):
        view.models.get(Dense).features(Other())


def test_the_features_are_made_once(view):
    assert view.features is view.features
    assert np.shares_memory(view.features.vectors, view.encoding.vectors)
