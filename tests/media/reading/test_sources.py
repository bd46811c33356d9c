"""Folders, globs and lists: each picture once, in the same order every time, nothing opened."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.image import Image
from wordmask.errors import InputError
from wordmask.files import write_text
from wordmask.media.ledger import FolderLedger
from wordmask.media.reading.sources import find, natural


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Files named so that plain sorting would go wrong, and some that are no pictures."""
    for name in (
        "b/img10.png",
        "b/img2.JPG",
        "b/deep/x.webp",
        "a.tif",
        "notes.txt",
        ".hidden.png",
        ".git/y.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(sources: object, **options: object) -> list[str]:
    return [found.name for found in find(sources, **options)]


def test_a_folder_is_gone_through_in_natural_order_without_what_is_hidden(tree):
    assert names(".") == ["a.tif", "b/deep/x.webp", "b/img2.JPG", "b/img10.png"]
    assert [str(found.under) for found in find(str(tree / "b"))] == [
        "deep/x.webp",
        "img2.JPG",
        "img10.png",
    ]


def test_what_we_wrote_beside_the_pictures_is_not_read_again(tree):
    (tree / "b" / "img2.masks.png").write_bytes(b"")
    assert names("b") == ["b/deep/x.webp", "b/img2.JPG", "b/img10.png"]
    assert "b/img2.masks.png" in names("b", skip=())
    assert names("b", skip=["*.png", "*.webp"]) == ["b/img2.JPG"]
    assert names("b/img2.masks.png") == ["b/img2.masks.png"]  # named outright


def write_beside(folder: Path, *names: str) -> None:
    """Files of which the folder's ledger tells, as a command leaves them."""
    made = {}
    for name in names:
        path = write_text(folder / name, f"made: {name}")
        made[path] = path
    row = {"command": "edit remove", "source": "somewhere", "recipe": "x"}
    FolderLedger(folder).add(folder / "img2", row, made)


@pytest.mark.parametrize("source", ["b", "b/*.png", "b/**/*.png", "."])
def test_what_the_ledger_tells_of_is_not_read_again(tree, source):
    before = names(source)
    write_beside(tree / "b", "img2.removed.png", "SegmentationClass/img2.png")
    assert names(source) == before
    assert names("b/img2.removed.png") == ["b/img2.removed.png"]  # named outright


def test_a_persons_file_under_such_a_name_is_read(tree):
    write_beside(tree / "b", "img2.removed.png")
    assert "b/img2.removed.png" not in names("b")
    (tree / "b" / "img2.removed.png").write_text("a person's picture")
    assert "b/img2.removed.png" in names("b")


@pytest.mark.parametrize("source", ["out", "out/*.png"])
def test_where_there_is_nothing_but_outputs_the_error_says_so(tree, source):
    write_beside(tree / "out", "a.blur.png", "b.blur.png")
    (found,) = find(source)
    assert "holds no pictures but 2 that wordmask made" in str(found.error)


def test_an_empty_path_is_an_error_not_the_current_folder(tree):
    (found,) = find("")
    assert "a path is empty" in str(found.error)
    assert [found.name for found in find(["", "a.tif"])] == ["''", "a.tif"]


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("b/*.png", ["b/img10.png"]),
        ("b/img*", ["b/img2.JPG", "b/img10.png"]),
        ("**/*.webp", ["b/deep/x.webp"]),
        ("b/img[0-9].*", ["b/img2.JPG"]),
        ("*", ["a.tif"]),
    ],
)
def test_globs(tree, pattern, matches):
    assert names(pattern) == matches


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tree):
    (tree / "cat[1].png").write_bytes(b"")
    assert names("cat[1].png") == ["cat[1].png"]


def test_each_file_comes_once_however_often_it_is_named(tree):
    (tree / "link.tif").symlink_to("a.tif")
    assert names(["a.tif", ".", "*.tif", str(tree / "a.tif")]) == [
        "a.tif",
        "b/deep/x.webp",
        "b/img2.JPG",
        "b/img10.png",
    ]


def test_a_folder_linked_into_itself_ends(tree):
    (tree / "b" / "round").symlink_to(tree)
    assert len(names(".")) == 4


def test_a_list_in_a_file(tree):
    (tree / "list.txt").write_text("# the good ones\nb/img10.png\n\n b \nlost.png\n")
    assert names("@list.txt") == ["b/img10.png", "b/deep/x.webp", "b/img2.JPG", "lost.png"]


def test_a_list_on_standard_input(tree, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a.tif\nb/img2.JPG\n"))
    assert names("@-") == ["a.tif", "b/img2.JPG"]


def test_a_file_whose_name_begins_like_a_list_is_that_file(tree):
    (tree / "@home.png").write_bytes(b"")
    assert names("@home.png") == ["@home.png"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("*.heic", r"no picture matches \*\.heic"),
        ("none", "none holds no pictures"),
        ("@lost.txt", "the list @lost.txt cannot be read"),
        ("@latin.txt", "the list @latin.txt cannot be read"),
    ],
)
def test_what_names_nothing_is_an_error_that_can_be_passed_over(tree, source, said):
    (tree / "none").mkdir()
    (tree / "latin.txt").write_bytes(b"caf\xe9.png\n")
    lost, good = find([source, "a.tif"])
    assert isinstance(lost.error, InputError)
    with pytest.raises(InputError, match=said):
        raise lost.error
    assert good.error is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_said(tree):
    (tree / "b").chmod(0)
    try:
        assert "cannot be listed" in str(next(found.error for found in find("b")))
    finally:
        (tree / "b").chmod(0o755)


def test_a_folder_that_vanishes_is_said(tree, monkeypatch):
    def vanished(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr("wordmask.media.reading.sources.os.scandir", vanished)
    assert "b cannot be listed: No such file" in str(next(iter(find("b"))).error)


def test_things_that_are_no_paths_come_through_as_they_are():
    array, image, data, stream = (
        np.zeros((2, 2)),
        Image(np.zeros((2, 2, 3), np.uint8), "mine"),
        b"x",
        io.BytesIO(),
    )
    found = list(find([array, image, data, [stream], "-", "https://example.org/a.png", "a\0b"]))
    assert [
        each.source is source
        for each, source in zip(found, (array, image, data, stream), strict=False)
    ] == [True] * 4
    assert [each.name for each in found[1:]] == [
        "mine", "the picture", "the picture", "stdin", "https://example.org/a.png", "a\0b",
    ]  # fmt: skip
    assert [each.path for each in found[:-1]] == [None] * 6


def test_what_can_be_no_source_is_refused_at_once():
    with pytest.raises(InputError, match="got int"):
        list(find(7))


@given(
    st.lists(st.text(max_size=8)).flatmap(
        lambda texts: st.tuples(st.just(texts), st.permutations(texts))
    )
)
def test_natural_order_is_total_and_does_not_depend_on_the_order_before(orders):
    one, other = orders
    assert sorted(one, key=natural) == sorted(other, key=natural)
