"""The shipped weights on photographs of scikit-image; the export's parity with torch."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from seeing import see
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Points, Text
from wordmask.core.protocols import Dense, DepthModel, Embedder, PromptBatch, Segmenter
from wordmask.engines.mini.engine import MiniEngine, inner_size, load, mirror, mirror_boxes
from wordmask.engines.mini.text import TextEncoder, tidy
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.errors import WeightsError
from wordmask.tasks.click import Click, click_logits
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment, segment_view

pytestmark = pytest.mark.skipif(
    not home.shipped_files(), reason="the weights of mini are not in this checkout"
)


@pytest.fixture(scope="module")
def mini() -> MiniEngine:
    return load("mini", EngineOptions())


@pytest.fixture(scope="module")
def cat() -> Image:
    data = pytest.importorskip("skimage.data")
    return Image(np.ascontiguousarray(data.chelsea()), "chelsea")


@pytest.fixture(scope="module")
def astronaut() -> Image:
    data = pytest.importorskip("skimage.data")
    return Image(np.ascontiguousarray(data.astronaut()), "astronaut")


def test_it_is_what_auto_means_and_has_four_protocols():
    models = engines.load("auto")
    assert models.spec == "mini"
    assert all(models.has(kind) for kind in (Segmenter, Dense, Embedder, DepthModel))


def test_all_files_together_stay_under_the_limit():
    folder = home.shipped_files()[0].parent
    assert sum(p.stat().st_size for p in folder.iterdir() if p.is_file()) <= 60_000_000


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (480, 640), (33, 31)])
def test_pictures_of_any_shape_have_features_cuts_and_depth(mini, size):
    image = Image(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    seen = see(mini, image)
    found = mini.features(seen)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=2), 1, atol=1e-3)
    cuts = mini.cut(seen, PromptBatch.points(np.array([[size[1] / 2, size[0] / 2]])))
    assert cuts.logits.shape[:2] == (1, 3)
    assert mini.depth(seen).values.shape == size


@pytest.mark.parametrize("clicks", [[(200, 150)], [(200, 150), (30, 30)]])
def test_an_earlier_mask_counts_beside_any_number_of_clicks(mini, cat, clicks):
    seen = see(mini, cat)
    earlier = np.full((1, 32, 48), -5, np.float32)
    earlier[:, 8:20, 10:30] = 5
    prompt = PromptBatch.click(np.array(clicks), np.array([1, 0][: len(clicks)]))
    with_mask = mini.cut(seen, replace(prompt, logits=earlier)).logits
    assert np.abs(with_mask - mini.cut(seen, prompt).logits).max() > 1


def test_a_cut_says_from_where_it_counts(mini, cat):
    cuts = mini.cut(see(mini, cat), PromptBatch.points(np.array([[20, 20]])))
    assert cuts.thresholds is not None
    assert 0 < cuts.thresholds.quality < 1
    assert 0 < cuts.thresholds.stability < 1


def test_no_prompts_give_no_cuts(mini, cat):
    seen = see(mini, cat)
    assert len(mini.cut(seen, PromptBatch.points(np.zeros((0, 2)))).logits) == 0


def test_a_batch_of_prompts_is_the_same_as_one_after_the_other(mini, cat):
    seen = see(mini, cat)
    xy = np.random.default_rng(1).uniform(20, 280, (19, 2)).astype(np.float32)
    together = mini.cut(seen, PromptBatch.points(xy))
    for k in (0, 7, 18):
        alone = mini.cut(seen, PromptBatch.points(xy[k]))
        np.testing.assert_allclose(together.logits[k], alone.logits[0], atol=2e-3)


def counted(mini, monkeypatch):
    """The heights and widths that mini's encoder is run at from here on."""
    sizes, run = [], mini._run

    def watched(network, feed):
        if network == "encoder":
            sizes.append(feed["picture"].shape[2:])
        return run(network, feed)

    monkeypatch.setattr(mini, "_run", watched)
    return sizes


def test_naming_and_cutting_one_picture_encode_each_size_once(mini, cat, monkeypatch):
    sizes = counted(mini, monkeypatch)
    view = View(cat, Models("mini", (mini,)), Trace())
    segment_view(view, Text(("cat", "bus")))
    segment_view(view, Text(("dog",)), SegmentOptions(how="unified"))
    mini.embed(view.encoding_of(mini))
    mini.depth(view.encoding_of(mini))
    assert sizes == [(352, 512), (256, 384), (416, 640)]


def test_only_words_need_the_further_sizes(mini, cat, monkeypatch):
    sizes = counted(mini, monkeypatch)
    seen = see(mini, cat)
    assert (sizes, seen.nbytes) == ([], cat.pixels.nbytes)
    seen.encoded()
    encoded = seen.nbytes
    mini.cut(seen, PromptBatch.points(np.array([[20, 20]])))
    assert sizes == [(352, 512)]
    before = encoded + sum(array.nbytes for array in seen.prompt_maps())
    assert seen.nbytes == before
    features = mini.features(seen)
    assert len(sizes) == 3
    assert mini.features(seen) is features
    assert seen.nbytes == before + features.nbytes


def test_the_engine_keeps_no_picture(mini, cat, monkeypatch):
    sizes = counted(mini, monkeypatch)
    mini.embed(see(mini, cat))
    mini.embed(see(mini, cat))
    assert sizes == [(352, 512)] * 2


def test_threads_share_one_engine(mini, cat, astronaut):
    alone = [mini.features(see(mini, image)).vectors for image in (cat, astronaut)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda image: mini.features(see(mini, image)).vectors, [cat, astronaut] * 4)
        )
    for k, vectors in enumerate(together):
        np.testing.assert_allclose(vectors, alone[k % 2], atol=1e-4)


def test_a_cat_is_a_cat_and_no_bus(mini, cat):
    result = segment(cat, Text(("cat", "bus")), Models("mini", (mini,)))
    assert result.names[0] == "cat"
    assert [a.phrase for a in result.absent] == ["bus"]


def test_a_person_is_found_in_any_words(mini, astronaut):
    for words in (("person", "airplane"), ("a woman", "zebra")):
        result = segment(astronaut, Text(words), Models("mini", (mini,)))
        assert words[0] in result.names
        assert words[1] not in result.names


def test_a_box_round_the_cat_is_named_cat(mini, cat):
    seen = see(mini, cat)
    cuts = mini.cut(seen, PromptBatch.of_boxes(np.array([[0, 0, 451, 300]])))
    words = ("cat", "dog", "bus", "chair", "pizza", "tree")
    vector = cuts.vectors[0, cuts.quality[0].argmax()]
    assert words[(mini.embed_texts(words) @ vector).argmax()] == "cat"


def test_words_that_were_never_listed_are_near_their_kin(mini):
    rows = mini.embed_texts(("dachshund", "dog", "bus"))
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


def test_the_order_and_the_company_of_words_do_not_matter(mini):
    one = mini.embed_texts(("purple bicycle",))
    many = mini.embed_texts(("a very long phrase about nothing in particular", "purple bicycle"))
    np.testing.assert_allclose(one[0], many[1], atol=1e-4)


def test_no_words_are_no_rows(mini):
    assert mini.embed_texts(()).shape == (0, 256)


def test_a_list_of_words_is_remembered_in_its_order(mini):
    rows = mini.embed_texts(["cat", "dog"])
    assert mini.embed_texts(("cat", "dog")) is rows
    assert np.allclose(mini.embed_texts(("dog", "cat")), rows[::-1], atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 0


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("The Dog", "dog"), ("a", "a"), ("tvmonitor", "tv"), ("traffic_light", "traffic light")],
)
def test_phrases_are_tidied(raw, clean):
    assert tidy(raw) == clean


def test_a_changed_file_is_refused(tmp_path, mini):
    for path in home.shipped_files()[0].parent.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = tmp_path / "encoder.onnx"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    engine = load("mini", EngineOptions(checkpoint=tmp_path))
    with pytest.raises(WeightsError, match="sha256"):
        engine.embed(see(engine, Image(np.zeros((8, 8, 3), np.uint8))))


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"not in"):
        load("mini", EngineOptions(checkpoint=tmp_path))


def test_remembered_phrases_are_bounded(mini):
    words = TextEncoder(mini._folder, mini.settings)
    assert words.remembered == 0
    words.embed(("a lonely lighthouse keeper",))
    assert words.remembered == 3  # itself, "lighthouse keeper" and "keeper"


def test_sides_are_multiples_of_32():
    assert inner_size((480, 640), 512) == (384, 512)
    assert inner_size((10, 4000), 512) == (64, 512)


def test_a_ceiling_competes_with_the_sky(mini):
    """They look alike and never mean each other: who asks for one does not mean the other."""
    features = mini.features(mini.encode([Image(np.zeros((64, 64, 3), np.uint8))])[0])
    assert features.rivals is not None
    sky, ceiling, clouds = mini.embed_texts(["sky", "ceiling", "clouds"])
    rivals = features.rivals.against(sky[None])
    assert (rivals @ ceiling).max() > 0.99
    assert (rivals @ clouds).max() < 0.99


def test_files_of_an_earlier_version_are_refused(tmp_path):
    settings = json.loads((home.shipped_files()[0].parent / "mini.json").read_text())
    del settings["classes"], settings["everything"]
    (tmp_path / "mini.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsError, match=r"says nothing of classes, everything.*earlier version"):
        load("mini", EngineOptions(checkpoint=tmp_path))


# ---- words that its vectors never learned


@pytest.mark.parametrize(
    ("word", "learned", "has_classes"),
    [
        ("dog", True, True),
        ("sofa", True, True),
        ("peacock", False, True),
        ("violin", False, True),
        ("freedom", False, False),
        ("a violin", False, True),
    ],
)
def test_words_are_learned_or_names_of_classes_or_neither(mini, word, learned, has_classes):
    names = mini._texts.class_names()
    texts = mini.embed_texts([word])
    assert names.are_learned(texts).tolist() == [learned]
    assert names.classes_of(texts).any() == has_classes


@pytest.mark.parametrize(
    ("phrase", "head"),
    [("red car", "car"), ("the tall man in a hat", "man"), ("big white dog", "dog")],
)
def test_a_described_thing_is_known_by_its_head(mini, phrase, head):
    described, alone, other = mini.embed_texts([phrase, head, "window"])
    assert mini._texts.class_names().are_known(described[None]).all()
    assert described @ alone > 0.8 > described @ other + 0.3


def test_a_phrase_whose_head_is_unknown_stays_unknown(mini):
    texts = mini.embed_texts(["pure freedom", "freedom"])
    assert not mini._texts.class_names().are_known(texts).any()


def test_a_word_that_includes_classes_means_all_of_them(mini):
    meant = mini._texts.class_names().classes_of(mini.embed_texts(["guitar", "acoustic guitar"]))
    assert meant.sum(1).tolist() == [2, 1]
    assert (meant[1] <= meant[0]).all()


def test_classes_are_looked_at_when_words_are_asked_for_and_not_for_clicks(mini, cat):
    view = View(cat, Models("mini", (mini,)), Trace())
    click_logits(view, Click(Points.of([(300, 200)])))
    assert not view.encoding.features.made
    segment_view(view, Text(("sky", "person")))
    assert view.features.classes.maps.made


def test_the_picture_as_a_whole_says_what_is_likely_in_it(mini, cat):
    (seen,) = mini.encode([cat])
    context = mini.features(seen).context
    cat_, airplane, kitten = context.log_odds(mini.embed_texts(["cat", "airplane", "kitten"]))
    assert cat_ > 0 > airplane
    assert kitten > airplane + 5


def test_the_name_changes_with_any_network_and_any_setting(mini):
    files = mini.settings["files"] | {"context.onnx": "0" * 64}
    names = {
        MiniEngine(mini._folder, mini.settings | changed, EngineOptions()).name
        for changed in ({}, {"files": files}, {"presence": 0.71})
    }
    assert mini.name in names
    assert len(names) == 3


def test_an_espresso_is_found_and_a_peacock_is_not(mini):
    data = pytest.importorskip("skimage.data")
    coffee = Image(np.ascontiguousarray(data.coffee()), "coffee")
    result = segment(coffee, Text(("espresso", "peacock", "freedom")), Models("mini", (mini,)))
    assert set(result.names) == {"espresso"}
    assert {word.phrase: word.unknown for word in result.absent} == {
        "peacock": False,
        "freedom": True,
    }


def test_a_box_means_the_same_in_a_mirrored_picture(mini, cat):
    boxes = np.array([[120, 20, 420, 260], [30, 40, 200, 150]], np.float32)
    cuts = mini.cut(see(mini, cat), PromptBatch.of_boxes(boxes))
    other = mini.cut(see(mini, mirror(cat)), PromptBatch.of_boxes(mirror_boxes(boxes, 451)))
    np.testing.assert_allclose(other.logits[..., ::-1], cuts.logits, atol=1e-2)


@pytest.mark.parametrize(("with_point", "looks"), [(False, 1), (True, 0)])
def test_only_a_box_alone_is_worth_a_mirrored_look(mini, cat, with_point, looks):
    seen, point = see(mini, cat), np.array([[250, 120]])[: int(with_point)]
    kept = np.ones(len(point), np.int8)
    mini.cut(seen, PromptBatch.click(point, kept, np.array([120, 20, 420, 260])))
    mirrored = list(seen.mirrored.made)
    assert len(mirrored) == looks
    assert all(seen.nbytes > 2 * one.image.pixels.nbytes for one in mirrored)
