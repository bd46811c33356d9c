"""Which format a file is in, many pictures, and the options."""

import numpy as np
import pytest

from drawn_results import example
from wordmask.core.image import Image
from wordmask.errors import FormatError, OptionError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named


def test_every_format_is_found_by_its_suffix_and_its_name(tmp_path):
    result = example().with_image(Image(np.full((5, 5, 3), 90, np.uint8), "p.jpg"))
    for one in formats.FORMATS:
        for suffix in one.suffixes:
            assert formats.format_of(f"x{suffix.upper()}") is one
        written = formats.save(result, tmp_path / one.name / f"x{one.suffixes[0]}", one.name)
        assert written
        assert all(path.stat().st_size for path in written)
    assert formats.format_of("x.tar", "coco").name == "coco"
    assert result.save(tmp_path / "r.json") == [tmp_path / "r.json"]
    assert formats.load_named(tmp_path / "r.json")[0].name == "p.jpg"


@pytest.mark.parametrize(
    ("path", "format", "near"),
    [
        ("a.jsn", None, "'.json'"),
        ("a.json", "coca", "'coco'"),
        ("a", None, "Known"),
        ("a.zip", None, "name one of json"),
    ],
)
def test_unknown_formats_name_the_nearest(path, format, near):
    with pytest.raises(FormatError, match=near):
        formats.save(example(), path, format)


def test_many_pictures_go_into_one_file_or_a_folder(tmp_path):
    items = [Named("x/a.jpg", example()), Named("../../b.png", example())]
    assert len(formats.save_named(items, tmp_path / "all.jsonl")) == 1
    assert [item.name for item in formats.load_named(tmp_path / "all.jsonl")] == [
        "x/a.jpg",
        "../../b.png",
    ]
    written = formats.save_named(items, tmp_path / "each", "labelme")
    assert [path.name for path in written] == ["a.labelme.json", "b.labelme.json"]
    (tmp_path / "each" / "notes.md").write_text("not ours")
    assert [item.name for item in formats.load_named(tmp_path / "each")] == [
        "x/a.jpg",
        "../../b.png",
    ]
    assert len(formats.load(tmp_path / "each", "labelme")) == 2
    assert formats.save_named(items[:1], tmp_path / "one.json") == [tmp_path / "one.json"]


def test_many_pictures_need_room_for_each(tmp_path):
    items = [Named("a.jpg", example()), Named("x/a.jpg", example())]
    with pytest.raises(FormatError, match="both be written to a"):
        formats.save_named(items, tmp_path / "each", "json")
    with pytest.raises(FormatError, match="holds one picture"):
        formats.save_named(items, tmp_path / "a.json")
    with pytest.raises(FormatError, match="tells no format"):
        formats.save_named(items, tmp_path / "each")
    with pytest.raises(FormatError, match="holds no file"):
        formats.load(tmp_path)


def test_pictures_to_look_at_are_not_read(tmp_path):
    formats.save(example(), tmp_path / "a.png")
    with pytest.raises(FormatError, match="a picture to look at"):
        formats.load(tmp_path / "a.png")
    with pytest.raises(FormatError, match="needs the picture"):
        formats.save(example(), tmp_path / "a.cutout.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": "poligon"}, "one of auto, rle, plain, polygon; got 'poligon'"),
        ({"embeddings": "int8"}, "float16"),
        ({"tolerance": -1}, "at least 0"),
        ({"tolerance": np.inf}, "at least 0"),
        ({"size": (3,)}, "size"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        FormatOptions(**options)
