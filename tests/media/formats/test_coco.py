"""COCO: ids, categories, crowds, polygons, and what detectors hand in."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import draw
from drawn_results import example, result_of, there_and_back
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named


def test_coco_keeps_ids_names_and_crowds_of_many_pictures(tmp_path):
    first = Named("a/1.jpg", example(), 17, (5, 9, 4), (False, True, False))
    second = Named("2.jpg", Result.nothing((4, 6), ("bird",)), 3)
    formats.save_named([first, second], tmp_path / "set.coco.json")
    one, two = formats.load_named(tmp_path / "set.coco.json")
    assert one._replace(result=None) == first._replace(result=None)
    assert (two.name, two.picture_id, two.result.size, len(two.result)) == ("2.jpg", 3, (4, 6), 0)
    assert one.result.vocabulary == ("cat", "hot dog", "bird")


def test_coco_takes_given_category_ids(tmp_path):
    result = result_of(draw("#."), words=("zebra",))
    options = FormatOptions(category_ids={"zebra": 24, "cat": 17})
    formats.save(result, tmp_path / "a.coco.json", options=options)
    assert json.loads((tmp_path / "a.coco.json").read_text())["categories"] == [
        {"id": 24, "name": "zebra"}
    ]
    with pytest.raises(FormatError, match="no id for zebra"):
        formats.save(
            result, tmp_path / "a.coco.json", options=FormatOptions(category_ids={"cat": 1})
        )


def test_coco_reads_what_other_tools_write():
    """Two separate rings are united, a ring may be anywhere, iscrowd may be missing."""
    value = {
        "images": [{"id": 1, "height": 4, "width": 6}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {
                "id": 8,
                "image_id": 1,
                "category_id": 3,
                "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2], [4, 2, 9, 2, 9, 4, 4, 4]],
            }
        ],
    }
    with TemporaryDirectory() as folder:
        Path(folder, "any.json").write_text(json.dumps(value))
        (item,) = formats.load_named(Path(folder, "any.json"))
    assert (item.result.masks.one(0) == draw("##....", "##....", "....##", "....##")).all()
    assert (item.name, item.region_ids) == ("1", (8,))


def test_coco_results_are_read_with_names(tmp_path):
    (code,) = Masks.from_dense(draw("#.")).to_rle()
    rows = [{"image_id": 4, "category_id": id, "segmentation": code, "score": 0.5} for id in (1, 7)]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    (item,) = formats.load_named(tmp_path / "results.json", options=FormatOptions(names=("cat",)))
    assert (item.picture_id, sorted(item.result.names)) == (4, ["cat", "category 7"])


def test_coco_polygons_are_what_pycocotools_sees():
    coco = pytest.importorskip("pycocotools.mask", reason="pycocotools is a development library")
    generator = np.random.default_rng(0)
    blobs = Masks.from_dense(generator.random((20, 12, 12)) < 0.7).resize((60, 60))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.coco.json"
        formats.save(Result.of(blobs), path, options=FormatOptions(shapes="polygon"))
        rows = json.loads(path.read_text())["annotations"]
    assert len(rows) == 20
    for row, mask in zip(rows, Result.of(blobs).masks, strict=True):
        theirs = coco.merge(
            coco.frPyObjects(row["segmentation"], 60, 60)
        )  # their decode warns under numpy 2
        assert np.array_equal(Masks.from_rle([theirs]).one(0), mask)
        assert row["area"] == mask.sum()


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.25, 2))
def test_simplified_polygons_stay_within_their_tolerance(seed, tolerance):
    """Every pixel that changes lies within `tolerance` + half a diagonal of the old outline."""
    generator = np.random.default_rng(seed)
    coarse = Masks.from_dense(generator.random((6, 6)) < 0.5).resize((36, 36))
    mask = coarse.one(0)
    if not mask.any():
        return
    options = FormatOptions(shapes="polygon", tolerance=tolerance)
    got = there_and_back(
        Result.of(coarse, ("a",), label_ids=[0]), "a.coco.json", options
    ).result.masks.one(0)
    changed = np.argwhere(got != mask)
    edges = np.argwhere(np.pad(mask, 1)[:-1, :-1] ^ np.pad(mask, 1)[1:, 1:])
    edges = np.concatenate(
        [edges, np.argwhere(np.pad(mask, 1)[:-1, 1:] ^ np.pad(mask, 1)[1:, :-1])]
    )
    for y, x in changed:
        gap = np.hypot(*(edges - (y + 0.5, x + 0.5)).T).min()
        assert gap <= tolerance + 0.75
