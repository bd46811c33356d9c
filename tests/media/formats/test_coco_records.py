"""COCO's JSON as records: what imports, data sets and training all read."""

import numpy as np
import pytest

from drawing import draw
from wordmask.core.masks import Masks
from wordmask.errors import FormatError, MaskError
from wordmask.media.formats.coco_records import (
    CocoSegment,
    parse_instances,
    parse_segments,
    read_mask,
)
from wordmask.media.formats.outlines import fill

CODE = Masks.from_dense(draw("##.", "...")).to_rle()[0]


def entry(**changes) -> dict:
    value = {"id": 1, "image_id": 7, "category_id": 3, "segmentation": CODE, "iscrowd": 0}
    return value | changes


def instances(*annotations, **changes) -> dict:
    value = {
        "images": [{"id": 8, "file_name": "b.jpg"}, {"id": 7, "file_name": "a.jpg"}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": list(annotations),
    }
    return value | changes


def fill_ring(ring, size):
    return fill([ring], size)


def test_each_picture_comes_with_its_regions_in_the_order_of_the_file():
    data = parse_instances(
        instances(entry(id=5), entry(id=2, image_id=8), entry(id=4, iscrowd=1)), "it"
    )
    found = [
        (picture.name, [region.id for region in regions]) for picture, regions in data.by_picture()
    ]
    assert found == [("b.jpg", [2]), ("a.jpg", [5, 4])]
    assert [region.crowd for region in data.regions] == [False, False, True]
    assert data.categories == {3: "cat", 9: "dog"}


def test_what_may_be_missing():
    """Names of files (LVIS has none), ids of annotations, areas, categories without annotations."""
    bare = {"image_id": "x", "category_id": 3, "segmentation": CODE}
    data = parse_instances(instances(bare, images=[{"id": "x"}]), "it")
    ((picture, (region,)),) = data.by_picture()
    assert (picture.name, region.id, region.area, region.crowd) == ("x", -1, None, False)
    assert parse_instances({"images": [], "annotations": []}, "it").categories == {}


def test_regions_of_pictures_that_are_not_listed_belong_to_none():
    data = parse_instances(instances(entry(image_id=99)), "it")
    assert [regions for _, regions in data.by_picture()] == [(), ()]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(instances(images=3), "images must be list", id="images"),
        pytest.param({"images": []}, "no 'annotations'", id="no annotations"),
        pytest.param(instances(images=[{}]), "image has no 'id'", id="picture without id"),
        pytest.param(instances(entry(image_id=None)), "image_id must be int or str", id="no id"),
        pytest.param(instances(entry(category_id=4)), "category 4, which", id="category"),
        pytest.param(instances(categories=[{"id": 3}]), "no 'name'", id="nameless category"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value, message):
    with pytest.raises(FormatError, match=f"it.*{message}"):
        parse_instances(value, "it")


def test_an_area_that_is_no_number_is_refused():
    (region,) = parse_instances(instances(entry(area="large")), "it").regions
    with pytest.raises(FormatError, match="annotation 1: area must be float or int"):
        _ = region.area


@pytest.mark.parametrize(
    ("segmentation", "rows"),
    [
        pytest.param(CODE, ("##.", "..."), id="compressed"),
        pytest.param({"size": [2, 3], "counts": [0, 1, 1, 1, 3]}, ("##.", "..."), id="plain"),
        pytest.param([[0, 0, 1, 0, 1, 2, 0, 2]], ("#..", "#.."), id="polygon"),
        pytest.param(
            [[0, 0, 1, 0, 1, 2, 0, 2], [2, 0, 3, 0, 3, 1, 2, 1]], ("#.#", "#.."), id="two polygons"
        ),
        pytest.param([], ("...", "..."), id="no polygon"),
    ],
)
def test_masks_of_every_kind(segmentation, rows):
    mask = read_mask({"segmentation": segmentation}, (2, 3), "it", fill_ring)
    np.testing.assert_array_equal(mask.one(0), draw(*rows))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param({"size": [2, 3], "counts": [0, 5]}, "runs sum to 5", id="under-run"),
        pytest.param({"size": [2, 3], "counts": [0, 7]}, "runs sum to 7", id="over-run"),
        pytest.param({"size": [3, 2], "counts": [0, 6]}, r"of \(3, 2\), the picture", id="size"),
    ],
)
def test_run_lengths_that_lie(code, message):
    with pytest.raises(MaskError, match=message):
        read_mask({"segmentation": code}, (2, 3), "it", fill_ring)


def test_segments_of_a_panoptic_picture():
    row = {"segments_info": [{"id": 263, "category_id": 17, "iscrowd": 1, "area": 4}]}
    assert parse_segments(row, "it") == (CocoSegment(263, 17, True),)
    with pytest.raises(FormatError, match="no 'category_id'"):
        parse_segments({"segments_info": [{"id": 1}]}, "it")
