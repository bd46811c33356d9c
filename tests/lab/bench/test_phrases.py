import numpy as np
import pytest

from wordmask.errors import OptionError
from wordmask.lab.bench.phrases import phrases_of, spell_out
from wordmask.lab.bench.presets import PRESETS, find_preset, pinned_fields
from wordmask.lab.data import class_names


def test_phrases_belong_to_classes():
    words = phrases_of(
        ("background", "cat", "diningtable"),
        0,
        background_words=("sky", "cat"),
        synonyms={"cat": ("kitten",)},
    )
    assert dict(zip(words.phrases, words.owners, strict=True)) == {
        "cat": 1,
        "kitten": 1,
        "dining table": 2,
        "sky": 0,
    }
    assert words.to_classes(np.array([[0, 1, 2, 3, -1]])).tolist() == [[1, 1, 2, 0, -1]]


def test_only_some_by_either_spelling():
    assert phrases_of(("tvmonitor", "cat"), None, only=("tv monitor",)).phrases == ("tv monitor",)
    assert phrases_of(("tvmonitor", "cat"), None, only=("tvmonitor",)).phrases == ("tv monitor",)
    with pytest.raises(OptionError, match="Did you mean 'cat'"):
        phrases_of(("tvmonitor", "cat"), None, only=("cta",))


def test_classes_that_come_out_alike_stay_apart():
    assert phrases_of(("table", "table-other"), None).phrases == ("table", "table-other")


def test_a_set_with_only_a_background_has_nothing_to_ask_for():
    with pytest.raises(OptionError, match="no class to ask for"):
        phrases_of(("background",), 0)


@pytest.mark.parametrize(
    "name", ["VOC", "CONTEXT", "COCO", "COCO_STUFF", "ADE20K", "CAMVID", "NYU40"]
)
def test_every_class_of_the_public_sets_gets_a_phrase_of_its_own(name):
    classes = getattr(class_names, name)
    words = phrases_of(classes, None)
    assert sorted(words.owners) == list(range(len(classes)))


def test_presets_say_where_they_come_from():
    assert all(one.source and one.name.startswith(one.data) for one in PRESETS.values())
    assert pinned_fields(find_preset("coco-stuff/sclip"))["short_side"] == 448
    with pytest.raises(OptionError, match="Did you mean 'voc21/sclip'"):
        find_preset("voc21/sclp")


def test_plain_leaves_plain_words_alone():
    assert spell_out("hot dog") == "hot dog"
