import pytest

from wordmask.errors import OptionError
from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.options import RegionOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "magic"},
        {"workers": 0},
        {"slide_stride": 500},
        {"use_sam": True, "how": "unified"},
        {"use_pamr": True, "how": "guided"},
        {"rounds": 1},
        {"num_samples": 0},
        {"preset": "voc21/sclp"},
        {"num_samples": -1},
        {"logit_scale": 0},
        {"min_confidence": "some"},
        {"min_confidence": 2},
    ],
)
def test_options_are_checked(wrong):
    with pytest.raises(OptionError):
        SemanticOptions(**wrong)


def test_regions_are_never_dense():
    with pytest.raises(OptionError, match="how must be one of auto, unified"):
        RegionOptions(how="dense")


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({}, "auto"),
        ({"how": "grounded"}, "grounded"),
        ({"use_sam": True}, "guided"),
        ({"preset": "voc21/sclip"}, "unified"),
        ({"preset": "voc21/sclip", "how": "guided"}, "guided"),
    ],
)
def test_the_way_is_what_was_asked_for_else_the_presets(options, way):
    assert RegionOptions(**options).way == way


def test_commas_part_words():
    assert RegionOptions(words=("cat, dog", " cow ", ",")).words == ("cat", "dog", "cow")
