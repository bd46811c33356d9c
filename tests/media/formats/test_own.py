"""Own JSON, and pictures of ids with own JSON beside them."""

import json

import numpy as np

from drawing import draw
from drawn_results import assert_same, example, result_of, there_and_back
from uncounted import uncounted
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result, Why
from wordmask.media import formats
from wordmask.media.formats import FormatOptions


def test_own_json_keeps_why_absent_embeddings_and_makers(tmp_path):
    why = (Why("dense", "dog", 0.25, 0.75, "mini"), Why(), Why("box 1,2,3,4"))
    vectors = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    result = example().replace(
        why=why,
        embeddings=vectors,
        made_by=("mini@sha256:1f3c",),
        absent=(Absent("kâkâ", 0.1234567891, 0.35),),
    )
    options = FormatOptions(embeddings="float32")
    got = there_and_back(result, "a.json", options).result
    assert_same(got, result)
    assert [str(row) for row in got.why] == [
        str(row) for row in result.why
    ]  # NaN is not equal to itself
    assert (got.absent, got.made_by) == (result.absent, result.made_by)
    half = there_and_back(result, "a.json", FormatOptions(embeddings="float16")).result
    assert np.abs(half.embeddings - result.embeddings).max() < 2e-3
    assert there_and_back(result, "a.json").result.embeddings is None


def test_own_json_is_what_the_docs_say():
    value = formats.to_json(
        result_of(draw("##.", "#.."), words=("car",), scores=[0.91]), "street.jpg"
    )
    region = {
        "label": "car",
        "score": 0.91,
        "box": [0, 0, 2, 2],
        "area": 3,
        "track": None,
        "why": None,
        "mask": {"size": [2, 3], "counts": "033"},
    }
    assert value == {
        "wordmask": 1,
        "image": "street.jpg",
        "size": [2, 3],
        "vocabulary": ["car"],
        "regions": [region],
        "absent": [],
        "made_by": [],
    }
    assert len(formats.from_json(json.dumps(value))) == 1
    assert len(formats.from_json(json.dumps(value).encode())) == 1
    assert len(formats.from_json(value)) == 1


def test_words_the_vocabulary_lacks_join_it():
    value = formats.to_json(example())
    value["regions"][0]["label"] = "bird"
    assert formats.from_json(value).vocabulary == ("cat", "hot dog", "bird")


@uncounted()  # its lines are covered by smaller ones, too
def test_seventy_thousand_ids_fit_into_one_picture(tmp_path):
    result = Result.of(Masks.from_label_map(np.arange(70_000).reshape(250, 280))[0])
    written = formats.save(result, tmp_path / "many.masks.png")
    assert [path.name for path in written] == ["many.masks.png", "many.masks.json"]
    (got,) = formats.load(tmp_path / "many.masks.png")
    assert (got.masks.corners == result.masks.corners).all()
    assert (got.masks.areas == 1).all()


def test_ids_without_their_json_are_unnamed_regions(tmp_path):
    formats.save(example(), tmp_path / "a.masks.png")
    (tmp_path / "a.masks.json").unlink()
    (item,) = formats.load_named(tmp_path / "a.masks.png")
    assert item.name == "a"
    assert set(item.result.names) == {""}


def test_hidden_regions_of_an_id_picture_come_back_empty():
    full = np.ones((2, 2), bool)
    got = there_and_back(result_of(full, full), "a.masks.png").result
    assert got.masks.areas.tolist() == [4, 0]
    assert got.names == ("cat", "hot dog")
