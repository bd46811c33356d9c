"""The fake, on pictures drawn here: what tests and docs of everything else rely on."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing import see
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import PROTOCOLS, Dense, Detector, PromptBatch, Segmenter
from wordmask.engines.cards import CARDS
from wordmask.engines.fake import COLOURS, Fake, name_colours
from wordmask.errors import ImageError

RGB = {
    "red": (220, 20, 20), "orange": (255, 150, 0), "yellow": (250, 240, 20), "green": (20, 160, 20),
    "cyan": (0, 220, 220), "blue": (20, 20, 220), "purple": (128, 0, 128), "pink": (255, 150, 180),
    "brown": (120, 60, 20),
    "black": (5, 5, 5), "grey": (128, 128, 128), "white": (255, 255, 255),
}  # fmt: skip
PART, WHOLE, WIDER = range(3)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def drawing() -> Image:
    """White ground; a red disc with a yellow disc inside, a blue square, a green bar."""
    pixels = np.full((240, 320, 3), 255, np.uint8)
    cv2.circle(pixels, (80, 80), 40, RGB["red"], -1)
    cv2.circle(pixels, (80, 80), 12, RGB["yellow"], -1)
    pixels[40:100, 180:240] = RGB["blue"]
    pixels[180:200, 20:300] = RGB["green"]
    return Image(pixels, "drawing")


def cut_at(fake, image, *points, keep=None, box=None):
    """The three candidate masks (3, h, w) and their quality for one click prompt."""
    seen = see(fake, image)
    keep = np.ones(len(points), np.int8) if keep is None else np.array(keep, np.int8)
    cuts = fake.cut(seen, PromptBatch.click(np.array(points, np.float32), keep, box))
    return cuts.logits[0] > 0, cuts.quality[0]


@pytest.mark.parametrize("name", COLOURS)
def test_colours_have_their_names(name):
    assert COLOURS[name_colours(np.array([[RGB[name]]], np.uint8))[0, 0]] == name


def test_it_is_what_its_row_says(fake):
    promised = CARDS["fake"].protocols
    assert all(isinstance(fake, PROTOCOLS[name]) for name in promised)


@pytest.mark.parametrize(
    ("phrase", "box"),
    [
        ("red disc", (40, 40, 121, 121)),
        ("the red circle", (40, 40, 121, 121)),
        ("yellow", (68, 68, 93, 93)),
        ("blue square", (180, 40, 240, 100)),
        ("bars", (20, 180, 300, 200)),
        ("white", (0, 0, 320, 240)),
    ],
)
def test_words_find_what_is_drawn(fake, drawing, phrase, box):
    found = fake.propose(see(fake, drawing), [phrase])
    assert np.abs(found.boxes - box).max() <= 2, found.boxes


@pytest.mark.parametrize(
    "phrase", ["cat", "blue disc", "red square", "red cat", "triangle", "purple", "thing"]
)
def test_other_words_find_nothing(fake, drawing, phrase):
    assert len(fake.propose(see(fake, drawing), [phrase]).boxes) == 0


def test_labels_point_at_the_phrases(fake, drawing):
    found = fake.propose(see(fake, drawing), ["cat", "blue", "red"])
    assert sorted(found.label_ids.tolist()) == [1, 2]
    assert (found.masks.boxes == found.boxes).all()


def test_proposals_cover_the_drawn_pixels_exactly_where_a_cell_is_a_pixel(fake):
    pixels = np.full((60, 80, 3), 255, np.uint8)
    pixels[10:30, 20:50] = RGB["blue"]
    found = fake.propose(see(fake, Image(pixels)), ["blue"])
    assert (found.masks.one(0) == (pixels == RGB["blue"]).all(-1)).all()


def test_dense_words_win_where_they_are(fake, drawing):
    features = fake.features(see(fake, drawing))
    words = fake.embed_texts(["red disc", "blue square", "cat"])
    logits = np.concatenate(
        [features.scale * features.vectors @ words.T, features.none[..., None]], -1
    )
    winner = logits.argmax(-1)
    at = {(60, 80): 0, (200, 60): 1, (300, 20): 3, (100, 190): 3}
    for (x, y), word in at.items():
        assert winner[int(y * winner.shape[0] / 240), int(x * winner.shape[1] / 320)] == word, (
            x,
            y,
        )


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_text_rows_are_unit(phrases):
    assert np.allclose(np.linalg.norm(Fake().embed_texts(phrases), axis=1), 1, atol=1e-5)


def test_pictures_are_near_what_fills_them(fake):
    pictures = [Image(np.full((8, 8, 3), RGB[name], np.uint8)) for name in ("red", "blue")]
    alike = (
        np.stack([fake.embed(see(fake, one)) for one in pictures])
        @ fake.embed_texts(["red", "blue"]).T
    )
    assert (alike.argmax(1) == [0, 1]).all()


def test_a_click_grows_part_whole_and_surroundings(fake, drawing):
    masks, quality = cut_at(fake, drawing, (80, 80))
    areas = masks.sum((1, 2)) * (240 * 320) / masks[0].size
    assert areas[WHOLE] == pytest.approx(np.pi * 12**2, rel=0.15)
    assert areas[WIDER] == pytest.approx(np.pi * 40**2, rel=0.05)
    assert quality.argmax() == WHOLE


def test_the_part_is_the_evenly_coloured_one(fake):
    pixels = np.full((40, 80, 3), 255, np.uint8)
    pixels[:, 10:40], pixels[:, 40:70] = (200, 20, 20), (220, 20, 20)
    masks, _ = cut_at(fake, Image(pixels), (20, 20))
    assert masks.sum((1, 2)).tolist()[:2] == [40 * 30, 40 * 60]


def test_the_half_pixel_is_on_our_side(fake):
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, 5:] = 255
    left, right = (cut_at(fake, Image(pixels), (x, 5))[0][WHOLE] for x in (4.99, 5.0))
    assert left[:, :5].all()
    assert not left[:, 5:].any()
    assert (right == ~left).all()


def test_an_unwanted_point_takes_its_side_of_one_region(fake):
    pixels = np.full((40, 80, 3), 255, np.uint8)
    pixels[10:30, 10:70] = RGB["red"]
    masks, _ = cut_at(fake, Image(pixels), (15, 20), (65, 20), keep=(1, 0))
    assert masks[WHOLE][20, 15]
    assert not masks[WHOLE][20, 65]
    assert masks[WHOLE].sum() == pytest.approx(20 * 30, rel=0.1)


def test_a_box_gives_the_thing_inside(fake, drawing):
    masks, _ = cut_at(fake, drawing, box=(170, 30, 250, 110))
    drawn = (drawing.pixels == RGB["blue"]).all(-1)
    assert masks[WHOLE].mean() == pytest.approx(drawn.mean(), rel=0.05)
    assert (masks[WIDER] >= masks[WHOLE]).all()


def test_no_point_no_box_gives_nothing_or_the_earlier_mask(fake, drawing):
    seen = see(fake, drawing)
    empty = (
        np.zeros((1, 0, 2), np.float32),
        np.zeros((1, 0), np.int8),
        np.full((1, 4), np.nan, np.float32),
    )
    assert (fake.cut(seen, PromptBatch(*empty)).logits < 0).all()
    earlier = np.full((1, 4, 4), -1.0, np.float32)
    earlier[:, :2] = 1
    again = fake.cut(seen, PromptBatch(*empty, logits=earlier)).logits[0, WHOLE] > 0
    assert again[0].all()
    assert not again[-1].any()


def test_no_prompts_no_pictures(fake, drawing):
    seen = see(fake, drawing)
    assert fake.cut(seen, PromptBatch.points(np.zeros((0, 2)))).logits.shape[:2] == (0, 3)
    assert fake.encode([]) == []
    assert len(fake.embed_texts([])) == 0


def test_an_encoding_is_a_value(fake, drawing):
    """Eight threads share one engine and one encoding, and all get the answer of one thread."""
    seen = see(fake, drawing)
    prompts = PromptBatch.points(np.array([[80, 80], [200, 60], [5, 5]]))
    alone = fake.cut(seen, prompts).logits
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: fake.cut(seen, prompts).logits, range(16)))
    assert all((one == alone).all() for one in together)


def test_encodings_of_others_are_refused(fake):
    with pytest.raises(ImageError, match="fake was given a object, which another engine encoded"):
        fake.cut(object(), PromptBatch.points(np.zeros((1, 2))))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2), (700, 900)])
def test_any_size_works(fake, size):
    image = Image(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
    seen = see(fake, image)
    features = fake.features(seen)
    assert features.size == seen.size == size
    assert max(features.vectors.shape[:2]) <= 256
    assert np.isfinite(fake.cut(seen, PromptBatch.points(np.array([[0.5, 0.5]]))).logits).all()
    fake.propose(see(fake, image), ["red", "cat"])


def test_depth_is_nearer_below_and_fill_takes_the_colour_around(fake, drawing):
    depth = fake.depth(see(fake, drawing))
    assert depth.values.shape == drawing.size
    assert (np.diff(depth.values[:, 0]) > 0).all()
    hole = (drawing.pixels == RGB["blue"]).all(-1)
    filled = fake.fill(drawing, hole)
    assert (filled.pixels[hole] == 255).all()
    assert (filled.pixels[~hole] == drawing.pixels[~hole]).all()
    assert (fake.fill(drawing, np.ones(drawing.size, bool)).pixels == drawing.pixels).all()


def test_the_grid_is_an_option(drawing):
    models = engines.load(
        "fake", need=(Segmenter, Dense, Detector), options=engines.EngineOptions(input_side=64)
    )
    dense = models.get(Dense)
    features = dense.features(see(dense, drawing))
    assert features.vectors.shape[:2] == (48, 64)
