"""The fake follows drawn things: by colour, size and place."""

import numpy as np
import pytest

from drawing import disc, paint, paint_discs
from seeing import see
from wordmask.core.protocols import Tracker
from wordmask.engines.fake import Fake
from wordmask.errors import MaskError

SIZE = (60, 120)
RED, BLUE = (220, 20, 20), (20, 20, 220)


def follow(frames, xy, radius=8):
    """The steps of one disc of the first frame through the others."""
    fake = Fake()
    memory = fake.remember(see(fake, frames[0]), disc(SIZE, xy, radius))
    steps = []
    for frame in frames[1:]:
        (step,) = fake.step([memory], see(fake, frame))
        memory = step.memory
        steps.append(step)
    return steps


def test_it_follows_a_disc_past_another_of_its_colour():
    frames = [paint_discs(SIZE, (20 + 6 * k, 20, 8, RED), (60, 45, 8, RED)) for k in range(10)]
    steps = follow(frames, (20, 20))
    for k, step in enumerate(steps, 1):
        assert ((step.logits > 0) == disc(SIZE, (20 + 6 * k, 20), 8)).all()
        assert step.score > 0.8
        assert step.memory.frame == k
    assert len({step.memory.nbytes for step in steps}) == 1


def test_what_is_gone_is_absent_and_may_come_back_elsewhere():
    blank = paint(SIZE)
    back = paint_discs(SIZE, (100, 40, 8, RED))
    gone, still_gone, returned = follow(
        [paint_discs(SIZE, (20, 20, 8, RED)), blank, blank, back], (20, 20)
    )
    assert (gone.logits, gone.score, still_gone.logits) == (None, 0.0, None)
    assert ((returned.logits > 0) == disc(SIZE, (100, 40), 8)).all()


def test_another_colour_or_size_is_not_the_object():
    first = paint_discs(SIZE, (20, 20, 8, RED))
    assert follow([first, paint_discs(SIZE, (20, 20, 8, BLUE))], (20, 20))[0].logits is None
    assert follow([first, paint_discs(SIZE, (60, 30, 28, RED))], (20, 20))[0].logits is None


def test_memories_are_values_and_do_not_see_each_other():
    fake = Fake()
    first, second = (paint_discs(SIZE, (x, 20, 8, RED), (x, 45, 8, BLUE)) for x in (20, 26))
    seen = see(fake, first)
    red, blue = (fake.remember(seen, disc(SIZE, (20, y), 8)) for y in (20, 45))
    both = fake.step([red, blue], see(fake, second))
    alone = fake.step([red], see(fake, second))
    again = fake.step([red], see(fake, second))
    for step in (alone[0], again[0]):
        assert (step.logits == both[0].logits).all()


def test_a_correction_moves_it_to_another_thing():
    fake = Fake()
    frame = paint_discs(SIZE, (20, 20, 8, RED), (60, 20, 8, BLUE))
    seen = see(fake, frame)
    memory = fake.remember(seen, disc(SIZE, (20, 20), 8))
    memory = fake.remember(seen, disc(SIZE, (60, 20), 8), memory)
    (step,) = fake.step([memory], seen)
    assert ((step.logits > 0) == disc(SIZE, (60, 20), 8)).all()


def test_nothing_cannot_be_followed():
    fake = Fake()
    with pytest.raises(MaskError, match="nothing to follow"):
        fake.remember(see(fake, paint(SIZE)), np.zeros(SIZE, bool))
    assert isinstance(fake, Tracker)
