"""Windows by name, by numbers, by percentiles."""

import numpy as np
import pytest

from wordmask.core.volume import Volume
from wordmask.errors import OptionError
from wordmask.ops.windows import find_window, slice_image


def volume(values=(0, 100), **facts):
    return Volume(np.array(values, np.int16).reshape(1, 1, -1), np.eye(4), **facts)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("brain", (0, 80)),
        ("Lung", (-1350, 150)),
        ("400/40", (-160, 240)),
        ("1500/-600", (-1350, 150)),
        ("0-100%", (1, 100)),
        ("25-75%", (25.75, 75.25)),
    ],
)
def test_what_is_black_and_what_is_white(text, ends):
    assert find_window(text, volume(range(101))) == pytest.approx(ends)


def test_auto_is_soft_for_ct_and_percentiles_for_the_rest():
    assert find_window("auto", volume(modality="CT")) == (-160, 240)
    assert find_window("auto", volume(range(1001), modality="MR")) == pytest.approx((6, 995), abs=1)


def test_one_value_everywhere_has_a_window_too():
    low, high = find_window("auto", volume((7, 7)))
    assert low < high


@pytest.mark.parametrize("text", ["brian", "0/40", "-5/2", "99-1%", "1-101%", "", "40"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(OptionError, match="window must be"):
        find_window(text, volume())


def test_near_misses_are_named():
    with pytest.raises(OptionError, match="'brain'"):
        find_window("brian", volume())


def test_padding_is_black_and_inverted_scans_are_turned():
    scan = volume((-2000, 0, 80), padding=-2000)
    grey = slice_image(scan, find_window("brain", scan), scan.stored[0], (1, 3)).pixels[0, :, 0]
    assert grey.tolist() == [0, 0, 255]
    scan = volume((0, 80), inverted=True)
    grey = slice_image(scan, find_window("brain", scan), scan.stored[0], (1, 2)).pixels[0, :, 0]
    assert grey.tolist() == [255, 0]
