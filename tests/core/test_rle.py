"""Run-length codes: bit for bit what pycocotools writes, and no lie believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from wordmask.core import rle
from wordmask.core.masks import Masks
from wordmask.errors import MaskError

pictures = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=15))


def theirs(mask: np.ndarray) -> dict:
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))


@given(pictures)
def test_our_compressed_code_is_cocos_bit_for_bit(mask):
    (code,) = Masks.from_dense(mask).to_rle()
    expected = theirs(mask)
    assert code["size"] == expected["size"]
    assert code["counts"].encode() == expected["counts"]


@given(pictures)
def test_cocos_code_read_is_the_mask(mask):
    code = theirs(mask)
    for counts in (code["counts"], code["counts"].decode()):
        assert (Masks.from_rle([code | {"counts": counts}]).dense()[0] == mask).all()


@given(pictures)
def test_plain_counts_go_round_and_coco_reads_them(mask):
    (code,) = Masks.from_dense(mask).to_rle(compressed=False)
    assert (Masks.from_rle([code]).dense()[0] == mask).all()
    assert coco.frPyObjects(code, *mask.shape)["counts"] == theirs(mask)["counts"]


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(np.zeros((3, 2), bool), id="empty"),
        pytest.param(np.ones((3, 2), bool), id="full"),
        pytest.param(np.ones((1, 1), bool), id="one pixel"),
        pytest.param(np.eye(40, dtype=bool)[:, ::-1], id="antidiagonal"),
        pytest.param(np.random.default_rng(1).random((700, 900)) > 0.5, id="noise"),
        pytest.param(
            np.pad(np.ones((1, 1), bool), ((0, 69_999), (0, 3))), id="a run of 70,000 and more"
        ),
    ],
)
def test_whole_pictures_match_coco(mask):
    (code,) = Masks.from_dense(mask).to_rle()
    assert code["counts"].encode() == theirs(mask)["counts"]
    assert (Masks.from_rle([code]).dense()[0] == mask).all()


def test_runs_go_down_the_columns_background_first():
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)
    assert Masks.from_dense(mask).to_rle(compressed=False) == [
        {"size": [2, 3], "counts": [2, 1, 1, 2]}
    ]


def test_a_mask_at_the_first_pixel_begins_with_a_run_of_zero():
    assert Masks.from_dense(np.eye(2, dtype=bool)).to_rle(compressed=False)[0]["counts"] == [
        0,
        1,
        2,
        1,
    ]


@given(st.lists(st.integers(0, 2**40), max_size=12))
def test_packing_goes_round_for_any_counts(counts):
    assert rle.unpack(rle.pack(np.array(counts, np.int64))).tolist() == counts


def test_zero_runs_inside_a_code_are_allowed():
    # Other writers split runs: 1 on, 0 off, 1 on is a run of 2.
    assert Masks.from_rle([{"size": [1, 3], "counts": [1, 1, 0, 1]}]).dense().tolist() == [
        [[False, True, True]]
    ]
    assert Masks.from_rle([{"size": [1, 3], "counts": [3, 0]}]).areas.tolist() == [0]


def code(counts: object, size: object = (2, 3)) -> dict:
    return {"size": size, "counts": counts}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param(code([2, 1]), "sum to 3 pixels, the picture has 6", id="under-run"),
        pytest.param(code([2, 5]), "sum to 7", id="over-run"),
        pytest.param(code([]), "sum to 0", id="no run at all"),
        pytest.param(code(""), "sum to 0", id="empty string"),
        pytest.param(code([8, -2]), "negative: -2", id="negative"),
        pytest.param(code(rle.pack(np.array([8, -2]))), "negative: -2", id="negative, compressed"),
        pytest.param(
            code([2**62, 2**62, 2**62, 2**62, 6]), "runs sum to", id="a sum that wraps round"
        ),
        pytest.param(code([2**70]), "whole numbers", id="beyond 64 bits"),
        pytest.param(code([2.5, 3.5]), "whole numbers", id="fractions"),
        pytest.param(code(["2", "4"]), "whole numbers", id="strings"),
        pytest.param(code([[2, 4]]), "whole numbers", id="nested"),
        pytest.param(code(None), "whole numbers", id="null"),
        pytest.param(code("06 "), "outside", id="a letter that is none"),
        pytest.param(code("06\u00e9"), "outside", id="not ascii"),
        pytest.param(code("06\udcff"), "outside", id="no character at all"),
        pytest.param(code("0P"), "cut off", id="cut off"),
        pytest.param(code("P" * 12 + "0"), "55 bits", id="a count of many digits"),
        pytest.param(code([6], size=(0, 6)), "no pixels", id="no rows"),
        pytest.param(code([6], size=(-2, -3)), "no pixels", id="negative sides"),
        pytest.param(code([6], size=(2.5, 3)), "broken", id="fractional size"),
        pytest.param(code([6], size=(2, 3, 1)), "broken", id="three sides"),
        pytest.param(code([6], size=None), "broken", id="no size"),
        pytest.param({"size": [2, 3]}, "keys size and counts", id="no counts"),
        pytest.param("06", "keys size and counts", id="no object"),
        pytest.param(
            code([0, 40_000_000_000], size=(200_000, 200_000)), "over the limit", id="a bomb"
        ),
    ],
)
def test_lies_are_refused_in_words(bad, message):
    with pytest.raises(MaskError, match=message):
        Masks.from_rle([bad])


def test_a_small_mask_in_a_huge_picture_costs_its_own_size():
    # 200,000 x 200,000 with 2 x 3 pixels in the far corner: 40 GB if it were dense.
    side = 200_000
    masks = Masks.from_crops((side, side), [(side - 3, side - 2)], [np.ones((2, 3), bool)])
    (packed,) = masks.to_rle()
    again = Masks.from_rle([packed])
    assert again.boxes.tolist() == [[side - 3, side - 2, side, side]]
    assert again.nbytes < 100
    assert Masks.from_rle([code([side * side], size=(side, side))]).areas.tolist() == [0]


def test_codes_must_share_one_size():
    with pytest.raises(MaskError, match="share one size"):
        Masks.from_rle([code([6]), code([6], size=(3, 2))])
    with pytest.raises(MaskError, match="share one size, got none"):
        Masks.from_rle([])
    assert len(Masks.from_rle([], size=(4, 5))) == 0


@given(pictures, st.binary(max_size=20))
def test_random_bytes_never_do_worse_than_an_error(mask, noise):
    height, width = mask.shape
    try:
        found = Masks.from_rle([{"size": [height, width], "counts": noise}])
    except MaskError:
        return
    assert found.size == (height, width)
    assert 0 <= found.areas[0] <= height * width
