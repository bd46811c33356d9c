from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from drawing import box_mask
from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.protocols import PaintSettings
from wordmask.core.result import Absent, Result
from wordmask.errors import CapabilityError, MaskError, OptionError, PromptError
from wordmask.tasks import edit
from wordmask.tasks.edit import EditOptions


@dataclass
class Paints:
    """Paints one colour, notes what it was given, and also soils what it should not touch."""

    colour: tuple[int, int, int] = (0, 255, 0)
    name: str = "paints"
    paint_side: int | None = None
    paint_pixels: int | None = None
    follows_words: bool = True
    seen: list[tuple[tuple[int, int], float, str, int]] = field(default_factory=list)

    def with_settings(self, settings: PaintSettings) -> "Paints":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        self.seen.append((image.size, float(hole.mean()), words, seed))
        return Image(np.full_like(image.pixels, self.colour))


def noise(height: int, width: int, seed: int = 0) -> Image:
    return Image(
        np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8), "noise"
    )


def boxes(size: tuple[int, int], *xyxy: tuple[int, int, int, int]) -> Result:
    return Result.of(Masks.from_dense(np.stack([box_mask(size, box) for box in xyxy])))


@examples(25)
@given(
    st.integers(8, 60), st.integers(8, 60), st.integers(0, 2**32 - 1), st.sampled_from([None, 32])
)
def test_outside_the_ring_no_byte_changes_and_the_mask_is_painted(height, width, seed, side):
    rng = np.random.default_rng(seed)
    image = noise(height, width, seed)
    mask = np.zeros((height, width), bool)
    mask[rng.integers(0, height), rng.integers(0, width)] = True
    mask[: rng.integers(0, height // 2 + 1), : rng.integers(0, width // 2 + 1)] = True
    done = edit.remove(image, Result.of(Masks.from_dense(mask)), Paints(paint_side=side))
    assert (done.image.pixels[~done.touched] == image.pixels[~done.touched]).all()
    assert (done.image.pixels[mask] == (0, 255, 0)).all()
    assert (done.mask == mask).all()


def test_far_objects_are_painted_in_crops_of_their_own_near_ones_together():
    image = noise(120, 600)
    painter = Paints()
    edit.remove(
        image, boxes(image.size, (20, 20, 40, 40), (50, 20, 70, 40), (520, 60, 540, 80)), painter
    )
    assert len(painter.seen) == 2
    assert all(height * width < 120 * 600 / 2 for (height, width), *_ in painter.seen)


@pytest.mark.parametrize("object_side", [30, 200])
def test_crops_come_at_the_painters_own_size(object_side):
    image = noise(300, 400)
    painter = Paints(paint_side=128)
    edit.replace(
        image, boxes(image.size, (20, 20, 20 + object_side, 20 + object_side)), painter, "a sofa"
    )
    ((height, width), share, words, _) = painter.seen[0]
    assert max(height, width) == 128
    assert height % 8 == width % 8 == 0
    assert 0 < share < 1
    assert words == "a sofa"


def test_large_crops_are_shrunk_for_a_painter_that_says_so():
    image = noise(300, 300)
    painter = Paints(paint_pixels=10_000)
    done = edit.remove(image, boxes(image.size, (50, 50, 250, 250)), painter)
    height, width = painter.seen[0][0]
    assert height * width <= 10_000
    assert (done.image.pixels[60:240, 60:240] == (0, 255, 0)).all()


def test_the_painter_never_sees_the_object_when_its_crop_is_scaled():
    """White on black: were a trace of the object known, it would be brighter than black."""
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[80:121, 80:121] = 255
    traces = []

    class Looks(Paints):
        def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
            traces.append(int(image.pixels[~hole].max()))
            return super().fill(image, hole, words, seed)

    for side in (32, 64, 512):
        edit.remove(
            Image(pixels),
            boxes((200, 200), (80, 80, 121, 121)),
            Looks(paint_side=side),
            EditOptions(dilate=0.05),
        )
    assert max(traces) <= 8


def test_the_feather_stays_inside_the_ring():
    image = Image(np.zeros((200, 200, 3), np.uint8))
    done = edit.remove(
        image,
        boxes(image.size, (80, 80, 120, 120)),
        Paints((200, 200, 200)),
        EditOptions(dilate=0.04, feather=0.02),
    )
    row = done.image.pixels[100, :, 0].astype(int)
    assert (row[:72] == 0).all()
    assert (row[80:120] == 200).all()
    assert (np.diff(row[70:81]) >= 0).all()
    assert 0 < row[73] < 200


def test_the_seed_reaches_the_painter():
    painter = Paints()
    edit.remove(noise(40, 40), boxes((40, 40), (10, 10, 20, 20)), painter, EditOptions(seed=7))
    assert painter.seen[0][3] == 7


def test_without_a_painter_remove_blackens_and_replace_shows_the_mask():
    image, result = noise(20, 20), boxes((20, 20), (5, 5, 9, 9))
    black = edit.remove(image, result, None)
    assert not black.image.pixels[black.mask].any()
    assert (black.image.pixels[~black.mask] == image.pixels[~black.mask]).all()
    white = edit.replace(image, result, None, "")
    assert (white.image.pixels == np.where(white.mask[..., None], 255, 0)).all()


@pytest.mark.parametrize(
    "change",
    [edit.remove, lambda image, result, painter: edit.replace(image, result, painter, "x")],
)
def test_no_region_means_nothing_to_edit(change):
    gone = Result.nothing((20, 20), ("cat",), absent=(Absent("cat", 0.12, 0.35),))
    with pytest.raises(
        PromptError, match=r"nothing to edit in noise.*cat: best 0\.12, needs 0\.35"
    ):
        change(noise(20, 20), gone, Paints())


def test_a_mask_over_everything_has_no_ring_and_one_that_only_grows_so_keeps_its_own():
    image = noise(24, 24)
    everything = edit.remove(image, boxes(image.size, (0, 0, 24, 24)), Paints())
    assert everything.touched.all()
    almost = edit.remove(image, boxes(image.size, (1, 1, 23, 23)), Paints())
    assert (almost.touched == almost.mask).all()


def test_a_one_pixel_mask_is_painted_with_its_ring():
    image = noise(40, 40)
    done = edit.remove(image, boxes(image.size, (20, 20, 21, 21)), Paints())
    assert (done.image.pixels[20, 20] == (0, 255, 0)).all()
    assert done.touched.sum() == 13


@pytest.mark.parametrize(
    ("verb", "option"), [(edit.replace, "edit_prompt"), (edit.restyle, "edit_prompt")]
)
def test_words_are_needed(verb, option):
    image, result = noise(20, 20), boxes((20, 20), (5, 5, 9, 9))
    with pytest.raises(PromptError, match="needs words") as caught:
        verb(image, result, Paints(), " ")
    assert caught.value.mend.option == option


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        (edit.remove, "use_inpainting"),
        (edit.replace, "use_inpainting"),
        (edit.restyle, "style"),
    ],
)
def test_words_must_be_followed(verb, option):
    image, result = noise(20, 20), boxes((20, 20), (5, 5, 9, 9))
    with pytest.raises(CapabilityError, match="cannot follow words") as caught:
        verb(image, result, Paints(follows_words=False), words="an empty sofa")
    assert caught.value.mend.option == option


def test_words_may_tell_what_is_behind():
    painter = Paints()
    edit.remove(noise(20, 20), boxes((20, 20), (5, 5, 9, 9)), painter, words="an empty sofa")
    edit.remove(noise(20, 20), boxes((20, 20), (5, 5, 9, 9)), painter)
    assert [words for _, _, words, _ in painter.seen] == ["an empty sofa", ""]


def test_a_foreign_result_or_a_painter_that_answers_another_size_is_refused():
    image = noise(20, 20)
    with pytest.raises(MaskError, match="the picture"):
        edit.remove(image, boxes((9, 9), (1, 1, 2, 2)), Paints())

    class Wrong(Paints):
        def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
            return Image(np.zeros((3, 3, 3), np.uint8))

    with pytest.raises(CapabilityError, match="returned"):
        edit.remove(image, boxes((20, 20), (5, 5, 9, 9)), Wrong())


def test_restyle_keeps_to_the_object():
    image, result = noise(200, 200), boxes((200, 200), (50, 50, 150, 150))
    done = edit.restyle(image, result, Paints(), "oil")
    assert np.count_nonzero(done.touched) < 1.1 * 100 * 100
    assert (done.image.pixels[done.mask] == (0, 255, 0)).all()


@pytest.mark.parametrize("style", ["posterise", "sketch", "colours"])
def test_styles_without_a_model_change_the_object_only(style):
    image, result = noise(60, 60), boxes((60, 60), (20, 20, 40, 40))
    done = edit.stylise(image, result, style, noise(9, 9, 1) if style == "colours" else None)
    assert (done.image.pixels[~done.touched] == image.pixels[~done.touched]).all()
    assert (done.image.pixels[done.mask] != image.pixels[done.mask]).any()


def test_a_style_that_is_none_or_lacks_its_picture_is_refused():
    image, result = noise(60, 60), boxes((60, 60), (20, 20, 40, 40))
    with pytest.raises(OptionError, match="from a picture; set reference=FILE"):
        edit.stylise(image, result, "colours")
    with pytest.raises(OptionError, match="must be one of"):
        edit.stylise(image, result, "cubism")


@pytest.mark.parametrize(
    "wrong",
    [{"dilate": -1}, {"feather": 2}, {"padding": -0.1}, {"least_padding": -1}, {"seed": -1}],
)
def test_options_outside_their_range_are_refused(wrong):
    with pytest.raises(OptionError):
        EditOptions(**wrong)


def test_regions_are_picked_by_number():
    found = boxes((20, 20), (0, 0, 9, 9), (10, 10, 15, 15))
    assert edit.pick_regions(found, (1,)).masks.areas.tolist() == [25]
    assert len(edit.pick_regions(found, ())) == 2
    for number in (2, -1):
        with pytest.raises(PromptError, match="counted from 0"):
            edit.pick_regions(found, (number,))
