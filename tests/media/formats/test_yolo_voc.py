"""YOLO and Pascal VOC, whose words lie in a file of their own."""

import numpy as np
import pytest

from drawing import draw
from drawn_results import example, result_of, there_and_back
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError, OutputError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, ids


def test_yolo_finds_size_and_words_beside_the_file(tmp_path):
    from PIL import Image as Pil

    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    exif = Pil.Exif()
    exif[0x0112] = 6  # lies on its side: shown 5 wide, 8 high
    Pil.new("RGB", (8, 5)).save(tmp_path / "images" / "p.jpg", exif=exif)
    (tmp_path / "labels" / "p.txt").write_text("1 0 0 1 0 1 0.5 0 0.5 0.875\n\n")
    for names in (
        "names: ['cat', dog]",
        "names:\n  0: cat\n  1: dog\nnc: 2",
        "nc: 2\nnames:\n- cat\n- 'dog'\n",
    ):
        (tmp_path / "data.yaml").write_text(names)
        (item,) = formats.load_named(tmp_path / "labels" / "p.txt")
        assert (item.name, item.result.size, item.result.names) == ("p.jpg", (8, 5), ("dog",))
        assert (item.result.masks.areas.tolist(), item.result.scores.tolist()) == ([20], [0.875])


def test_yolo_unnamed_regions_have_a_class_of_their_own(tmp_path):
    formats.save(example(), tmp_path / "a.txt")
    assert (tmp_path / "classes.txt").read_text() == "cat\nhot dog\n_unnamed_\n"
    (got,) = formats.load(tmp_path / "a.txt", options=FormatOptions(size=(5, 5)))
    assert (got.vocabulary, sorted(got.names)) == (("cat", "hot dog"), ["", "cat", "hot dog"])


def test_words_of_a_folder_cannot_change_under_its_files(tmp_path):
    formats.save(example(), tmp_path / "a.txt")
    with pytest.raises(OutputError, match="other words"):
        formats.save(result_of(draw("#"), words=("bird",)), tmp_path / "b.txt")


def test_voc_pictures_have_the_development_kits_palette(tmp_path):
    colours = ids.voc_colours()
    assert colours[[1, 2, 3, 15, 255]].tolist() == [
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]
    formats.save(result_of(draw("#.", ".."), draw("..", ".#")), tmp_path / "p.voc.png")
    formats.save(result_of(draw("#.", "..")), tmp_path / "q.voc.png")
    assert [item.name for item in formats.load_named(tmp_path, "voc")] == ["p", "q"]
    assert formats.load(tmp_path / "SegmentationClass" / "p.png", "voc")[0].names == (
        "cat",
        "hot dog",
    )


def test_voc_holds_254_regions():
    many = Result.of(Masks.from_label_map(np.arange(255).reshape(5, 51))[0])
    with pytest.raises(FormatError, match="254 regions"):
        there_and_back(many, "a.voc.png")
