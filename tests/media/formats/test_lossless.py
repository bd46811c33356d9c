"""Round trips: what goes in comes out, in every format, as far as docs/formats.md says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_results import assert_same, result_of, results, there_and_back
from wordmask.media.formats import FormatOptions


@settings(max_examples=60)
@given(results(), st.sampled_from(["rle", "plain"]))
def test_own_json_keeps_everything(result, shapes):
    got = there_and_back(result, "a.json", FormatOptions(shapes=shapes)).result
    assert_same(got, result)
    assert (got.vocabulary, got.made_by, got.absent, got.why) == (result.vocabulary, (), (), None)


@settings(max_examples=60)
@given(results(), st.sampled_from(["rle", "plain", "polygon"]))
def test_coco_keeps_masks_words_scores_and_tracks(result, shapes):
    got = there_and_back(result, "a.coco.json", FormatOptions(shapes=shapes)).result
    assert_same(got, result)
    assert got.vocabulary == result.vocabulary


@settings(max_examples=40)
@given(results(), st.sampled_from(["rle", "polygon"]))
def test_label_studio_keeps_masks_words_and_scores(result, shapes):
    options = FormatOptions(shapes=shapes, names=result.vocabulary)
    filled = result[result.masks.areas > 0] if shapes == "polygon" else result
    assert_same(
        there_and_back(filled, "a.labelstudio.json", options).result,
        filled,
        columns=("scores", "label_ids"),
    )


@settings(max_examples=40)
@given(results(), st.sampled_from(["auto", "rle"]))
def test_labelme_keeps_masks_words_and_scores(result, shapes):
    filled = result[result.masks.areas > 0]
    options = FormatOptions(shapes=shapes, names=result.vocabulary)
    assert_same(
        there_and_back(filled, "a.labelme.json", options).result,
        filled,
        columns=("scores", "label_ids"),
    )


@settings(max_examples=40)
@given(results(overlapping=False))
def test_id_pictures_keep_everything_of_disjoint_regions(result):
    assert_same(there_and_back(result, "a.masks.png").result, result)


@settings(max_examples=40)
@given(results(overlapping=False))
def test_yolo_and_voc_keep_the_masks_and_the_words(result):
    named = result[result.label_ids >= 0]
    for name in ("a.txt", "a.voc.png"):
        got = there_and_back(
            named, name, FormatOptions(size=result.size, names=result.vocabulary)
        ).result
        pairs = [
            sorted(zip(one.names, (m.tobytes() for m in one.masks), strict=True))
            for one in (got, named)
        ]
        assert pairs[0] == pairs[1], name


def test_one_pixel_survives_every_format():
    mask = np.zeros((7, 9), bool)
    mask[3, 8] = True
    for name in (
        "a.json",
        "a.coco.json",
        "a.labelme.json",
        "a.labelstudio.json",
        "a.txt",
        "a.masks.png",
        "a.voc.png",
    ):
        got = there_and_back(result_of(mask), name, FormatOptions(size=(7, 9))).result
        assert (got.masks.one(0) == mask).all(), name
        assert got.masks.boxes.tolist() == [[8, 3, 9, 4]], name
