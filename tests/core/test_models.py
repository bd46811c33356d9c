import numpy as np
import pytest

from seeing import encode_sizes
from wordmask.core.models import Models
from wordmask.core.protocols import PROTOCOLS, Embedder, FeatureMap, Inpainter, PromptBatch, Rivals
from wordmask.errors import CapabilityError, PromptError


class Names:
    """Embeds; `name` says which."""

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, images):
        return encode_sizes(images)

    def embed(self, seen):
        return np.ones(1)

    def embed_texts(self, phrases):
        return np.ones((len(phrases), 1))


class Fills:
    name = "fills@1"
    paint_side = paint_pixels = None
    follows_words = False

    def with_settings(self, settings):
        return self

    def fill(self, image, hole, words="", seed=0):
        return image


def test_the_first_part_that_can_is_asked():
    first, second = Names("one"), Names("two")
    models = Models("one+two", (first, second))
    assert models.get(Embedder) is first
    assert models.has(Embedder)
    assert not models.has(Inpainter)
    assert Models("one+fills", (first, Fills())).has(Inpainter)


def test_what_no_part_can_do_is_said_with_a_way_out():
    with pytest.raises(CapabilityError, match=r"clip has no Inpainter.*clip\+mini"):
        Models("clip", (Names("clip"),)).get(Inpainter)


def test_made_by_names_every_part_in_order():
    assert Models("a+fills", (Names("a"), Fills())).made_by == ("a", "fills@1")


def test_an_engine_is_known_by_what_it_has():
    assert [name for name, kind in PROTOCOLS.items() if isinstance(Names("x"), kind)] == [
        "Embedder"
    ]


def test_prompt_batches_of_points_boxes_and_clicks():
    points = PromptBatch.points([(1, 2), (3, 4)])
    assert (len(points), points.xy.shape, points.keep.tolist()) == (2, (2, 1, 2), [[1], [1]])
    assert np.isnan(points.boxes).all()
    boxes = PromptBatch.of_boxes([[1, 2, 3, 4]])
    assert (boxes.xy.shape, boxes.boxes.tolist()) == ((1, 0, 2), [[1, 2, 3, 4]])
    click = PromptBatch.click([(1, 2), (3, 4)], [1, 0], box=[0, 0, 9, 9], logits=np.zeros((4, 4)))
    assert (len(click), click.xy.shape, click.keep.tolist(), click.logits.shape) == (
        1,
        (1, 2, 2),
        [[1, 0]],
        (1, 4, 4),
    )
    assert np.isnan(PromptBatch.click([(1, 2)], [1]).boxes).all()


def test_a_part_of_a_batch_keeps_its_columns_together():
    part = PromptBatch.points([(1, 2), (3, 4), (5, 6)], logits=np.arange(3.0).reshape(3, 1, 1))[1:]
    assert (part.xy[:, 0].tolist(), part.logits.ravel().tolist()) == ([[3, 4], [5, 6]], [1, 2])
    assert PromptBatch.points([(1, 2)])[:0].logits is None


def test_prompts_that_do_not_fit_are_refused():
    with pytest.raises(PromptError, match="do not fit"):
        PromptBatch(np.zeros((2, 1, 2)), np.ones((2, 2), np.int8), np.zeros((2, 4)))
    with pytest.raises(PromptError, match="do not fit"):
        PromptBatch(np.zeros((2, 1, 2)), np.ones((2, 1), np.int8), np.zeros((1, 4)))


def test_a_feature_map_knows_its_weight():
    assert FeatureMap(np.zeros((2, 3, 4), np.float32), (20, 30)).nbytes == 96
    assert (
        FeatureMap(
            np.zeros((2, 3, 4), np.float32), (20, 30), none=np.zeros((2, 3), np.float32)
        ).nbytes
        == 120
    )


def test_a_rival_stands_aside_for_a_word_that_means_it_or_its_kin():
    person, wall, jeans = np.eye(3)
    rivals = Rivals(
        np.stack([person, wall]), kin=np.stack([person, jeans, wall]), kin_of=np.array([0, 0, 1])
    )
    assert rivals.against(jeans[None]).tolist() == [wall.tolist()]
    assert rivals.against(np.stack([jeans, wall])).shape == (0, 3)
    assert len(rivals.against(-np.eye(3))) == 2
