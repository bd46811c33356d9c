import pytest

from drawing import paint_discs
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.prompts import Example
from wordmask.errors import OptionError
from wordmask.tasks.like import LikeOptions, like


def drawn(*discs: tuple[int, int, tuple[int, int, int]]) -> Image:
    return paint_discs((96, 128), *((x, y, 14, colour) for x, y, colour in discs))


RED, BLUE = (220, 20, 20), (20, 20, 220)


def example() -> Example:
    of = drawn((30, 40, RED))
    mask = (of.pixels == RED).all(2)
    return Example(Masks.from_dense(mask), of)


def test_things_like_the_example_are_found_in_another_picture():
    image = drawn((100, 30, RED), (40, 60, BLUE))
    found = like(image, example(), engines.load("fake"))
    truth = Masks.from_dense((image.pixels == RED).all(2))
    assert len(found) == 1
    assert found.masks.iou(truth)[0, 0] > 0.8


def test_nothing_like_it_is_an_empty_answer():
    assert len(like(drawn((40, 60, BLUE)), example(), engines.load("fake"))) == 0


def test_in_its_own_picture_the_example_is_the_answer():
    asked = example()
    found = like(asked.of, asked, engines.load("fake"))
    assert (found.masks.union() == asked.masks.union()).all()


def test_likeness_is_a_cosine():
    with pytest.raises(OptionError, match="min_likeness"):
        LikeOptions(min_likeness=1.5)
