"""Data for Open-Vocabulary SAM is looked at before anything is trained on it."""

import json
import shutil

import pytest

from commands import run_here
from own_drawings import write_own

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.errors import FormatError, InputError  # noqa: E402
from wordmask.lab.training.ovsam_data import open_things  # noqa: E402
from wordmask.lab.training.ovsam_options import OvsamTrainOptions  # noqa: E402


@pytest.fixture
def data(tmp_path):
    return write_own(tmp_path / "mine", range(8))


@pytest.fixture
def things(data, tmp_path):
    def make(**more):
        lines = []
        options = OvsamTrainOptions(**({"data": data, "out": tmp_path / "run"} | more))
        found = open_things(options, lines.append)
        return found.reader(options, 64), lines

    return make


def break_one(data):
    (data.parent / "images/p03.png").write_bytes(b"broken")


def test_every_set_is_told_of_and_what_is_broken_is_refused_or_left_out(things, data, tmp_path):
    more = write_own(tmp_path / "more", range(20, 24))
    break_one(data)
    with pytest.raises(FormatError, match=r"cannot be read \(the first is p03.png\)") as caught:
        things(more_data=(more,))
    assert caught.value.mend.option == "skip_broken"
    reader, lines = things(more_data=(more,), skip_broken=True)
    assert len(reader.learn) + len(reader.held) == 7 + 4
    assert lines[0].endswith("mine/my.coco.json: 8 pictures, 2 words")
    assert any(line.endswith("more/my.coco.json: 4 pictures, 2 words") for line in lines)


def test_a_leak_into_the_test_set_is_found_whatever_its_name(things, data, tmp_path):
    test = write_own(tmp_path / "test", range(30, 33))
    shutil.copy(data.parent / "images/p05.png", test.parent / "images/p31.png")
    with pytest.raises(FormatError, match="in the test set too"):
        things(test=test)
    reader, _ = things(test=test, skip_broken=True)
    assert "p05.png" not in {one.sample.name for one in reader.learn}
    assert len(reader.held) == 3


def test_a_withheld_word_that_no_set_names_is_an_error(things):
    with pytest.raises(InputError, match=r"'zorp' is to be withheld.*Did you mean 'zorb'"):
        things(without_words=("zorp",))


def test_pictures_without_a_name_still_teach_what_a_teacher_sees(things, tmp_path):
    told = json.loads((tmp_path / "mine/my.coco.json").read_text())
    first = told["images"][0]["id"]
    told["annotations"] = [one for one in told["annotations"] if one["image_id"] != first]
    (tmp_path / "mine/my.coco.json").write_text(json.dumps(told))
    reader, lines = things()
    assert len(reader.learn) + len(reader.held) == 8
    assert "  1 pictures without any named region: p00.png" in lines


def test_what_one_set_holds_out_no_other_set_teaches(things, data, tmp_path):
    """`p11.png` is held out by its name; its pixels are in the first set, too."""
    more = write_own(tmp_path / "more", range(8, 12))
    held = {one.sample.name for one in things(more_data=(more,))[0].held}
    assert held == {"p11.png"}
    shutil.copy(tmp_path / "more/images/p11.png", tmp_path / "mine/images/p02.png")
    reader, lines = things(more_data=(more,))
    assert "p02.png" not in {one.sample.name for one in (*reader.learn, *reader.held)}
    assert "1 pictures are not learned from: another set holds them out" in lines


def test_data_may_be_trusted(things, data):
    break_one(data)
    reader, lines = things(check_data=False)
    assert len(reader.learn) + len(reader.held) == 8
    assert len(lines) == 1


@pytest.mark.parametrize("where", ["here", "in memory"])
def test_a_broken_set_is_named_before_any_network_is_loaded(
    data, tmp_path, capsys, where, monkeypatch
):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))
    break_one(data)
    address = data
    if where == "in memory":
        files = pytest.importorskip("fsspec").filesystem("memory")
        files.put(f"{data.parent}/", "/broken", recursive=True)
        address = f"memory://broken/{data.name}"
    flags = ["--data", address, "--out", tmp_path / "run", "--backbone", tmp_path / "none"]
    assert run_here("train", "ovsam", *flags) == 2
    told = capsys.readouterr()
    assert f"{address}: 8 pictures" in told.out
    assert "pictures that cannot be read: p03.png" in told.out
    assert "--skip-broken" in told.err
