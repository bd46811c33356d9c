"""The file of records that every long run keeps: whole lines, one recipe, many writers."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from wordmask.errors import FormatError, OptionError, OutputError
from wordmask.media import ledger as ledger_module
from wordmask.media.ledger import Ledger, digest_of, is_same, read_records, stamp

RECIPE = {"task": "semantic", "model": "fake"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "records.jsonl"


def test_records_come_back_in_order(path):
    ledger = Ledger(path, RECIPE)
    for index in (2, 0, 1):
        ledger.add({"index": index, "name": f"p{index}"})
    again = Ledger(path, RECIPE)
    assert [record["index"] for record in again.in_order()] == [0, 1, 2]
    assert [record["index"] for record in again.records] == [2, 0, 1]
    assert [record["name"] for record in read_records(path)] == ["p0", "p1", "p2"]


def test_the_last_record_of_a_key_counts(path):
    ledger = Ledger(path, key="name")
    for score in (1, 2):
        ledger.add({"name": "cat", "score": score})
    for seen in (ledger, Ledger(path, key="name")):
        assert seen.done == {"cat": {"name": "cat", "score": 2}}
        assert len(seen.records) == 2


def test_a_file_cut_anywhere_loses_at_most_the_line_that_was_written(path):
    ledger = Ledger(path, RECIPE)
    for index in range(3):
        ledger.add({"index": index})
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        ledger = Ledger(path, RECIPE)
        # A line of which only the line break is missing is whole.
        told = [line for line in whole[:cut].split(b"\n")[1:] if line.endswith(b"}")]
        assert sorted(ledger.done) == list(range(len(told)))
        for index in set(range(3)) - set(ledger.done):
            ledger.add({"index": index})
        assert [record["index"] for record in read_records(path)] == [0, 1, 2]
        assert Ledger(path, RECIPE).done == ledger.done


@pytest.mark.parametrize(
    "rubbish", [b"\0" * 500, b"[]\n7\nnull\n{}\n", b"[" * 100_000, b"\xff\xfe", b'{"other": 1}']
)
def test_lines_that_cannot_be_read_count_as_not_there(path, rubbish):
    ledger = Ledger(path, RECIPE)
    ledger.add({"index": 0})
    with path.open("ab") as file:
        file.write(rubbish)
    ledger.add({"index": 1})
    assert sorted(Ledger(path, RECIPE).done) == [0, 1]


def test_another_recipe_is_refused_and_says_what_differs(path):
    Ledger(path, RECIPE)
    with pytest.raises(OptionError, match="differs in model") as caught:
        Ledger(path, {**RECIPE, "model": "mini"})
    assert caught.value.mend.option == "output_dir"


def test_records_without_their_recipe_are_not_taken_for_this_runs(path):
    Ledger(path, RECIPE).add({"index": 0})
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"\0" * 40 + b"\n" + lines[1])
    with pytest.raises(FormatError, match="lost its first line"):
        Ledger(path, RECIPE)


def test_a_new_run_takes_no_folder_in_which_its_outputs_are_there(path):
    path.parent.mkdir()
    (path.parent / "results.json").write_text("a person's")
    with pytest.raises(OptionError, match=r"results\.json is there already") as caught:
        Ledger(path, RECIPE, outputs=("results.json",))
    assert caught.value.mend.option == "output_dir"
    assert not path.exists()
    (path.parent / "results.json").unlink()
    Ledger(path, RECIPE, outputs=("results.json",))
    (path.parent / "results.json").write_text("the run's own")
    Ledger(path, RECIPE, outputs=("results.json",))


def test_threads_do_not_mix_their_lines(path):
    ledger = Ledger(path, RECIPE)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: ledger.add({"index": index, "text": "x" * 500}), range(100)))
    assert [record["index"] for record in read_records(path)] == list(range(100))


def test_a_full_disk_is_our_error_and_the_record_does_not_count(path, monkeypatch):
    ledger, write = Ledger(path), os.write
    monkeypatch.setattr(ledger_module.os, "write", lambda handle, data: write(handle, data[:9]))
    with pytest.raises(OutputError, match="disk is full"):
        ledger.add({"index": 0})
    monkeypatch.undo()
    assert ledger.done == Ledger(path).done == {}
    ledger.add({"index": 0})
    assert Ledger(path).done == {0: {"index": 0}}


def test_where_nothing_can_be_written_or_read(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        Ledger(tmp_path / "file/records.jsonl", RECIPE)
    with pytest.raises(FormatError, match="is it the folder of a run"):
        read_records(tmp_path / "gone.jsonl")


@pytest.mark.parametrize(
    ("data", "time", "same"),
    [
        pytest.param(b"a cat", 2, True, id="only its time is new"),
        pytest.param(b"a dog", 1, True, id="same size and time are believed"),
        pytest.param(b"a dog", 2, False, id="as many other bytes"),
        pytest.param(b"a bird", 1, False, id="grown"),
    ],
)
def test_a_file_is_the_same_while_size_and_time_or_its_content_are(tmp_path, data, time, same):
    path = tmp_path / "cat.txt"
    path.write_bytes(b"a cat")
    os.utime(path, (1, 1))
    before = stamp(path)
    path.write_bytes(data)
    os.utime(path, (time, time))
    assert is_same(path, before) is same


@pytest.mark.parametrize("rubbish", [None, {}, 7, {"bytes": 5}, "text"])
def test_rubbish_for_a_stamp_is_never_the_same(tmp_path, rubbish):
    (tmp_path / "cat.txt").write_bytes(b"a cat")
    assert not is_same(tmp_path / "cat.txt", rubbish)
    assert not is_same(tmp_path / "gone.txt", stamp(tmp_path / "cat.txt"))


def test_a_digest_is_of_all_options_in_any_order_and_of_the_version(tmp_path, monkeypatch):
    first = digest_of({"words": ["cat"], "at": tmp_path})
    assert first == digest_of({"at": tmp_path, "words": ["cat"]})
    assert first != digest_of({"at": tmp_path / "b", "words": ["cat"]})
    assert json.dumps(first).isascii()
    monkeypatch.setattr(ledger_module, "__version__", "99")
    assert first != digest_of({"words": ["cat"], "at": tmp_path})
