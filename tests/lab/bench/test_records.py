import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from wordmask.errors import FormatError, OptionError, OutputError
from wordmask.lab.bench.records import Ledger, read_records

RECIPE = {"task": "semantic", "model": "fake"}


def test_records_come_back_in_order(tmp_path):
    path = tmp_path / "run/records.jsonl"
    with Ledger(path, RECIPE) as ledger:
        for index in (2, 0, 1):
            ledger.add({"index": index, "name": f"p{index}"})
    with Ledger(path, RECIPE) as again:
        assert [record["index"] for record in again.ordered()] == [0, 1, 2]
    assert [record["name"] for record in read_records(path)] == ["p0", "p1", "p2"]


def test_a_file_cut_anywhere_loses_at_most_the_line_that_was_written(tmp_path):
    path = tmp_path / "records.jsonl"
    with Ledger(path, RECIPE) as ledger:
        for index in range(3):
            ledger.add({"index": index})
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with Ledger(path, RECIPE) as ledger:
            kept = sorted(ledger.done)
            assert kept == list(range(max(0, whole[:cut].count(b"\n") - 1)))
            for index in set(range(3)) - set(kept):
                ledger.add({"index": index})
        assert path.read_bytes() == whole


def test_another_recipe_is_refused_and_says_what_differs(tmp_path):
    Ledger(tmp_path / "records.jsonl", RECIPE).close()
    with pytest.raises(OptionError, match=r"differs in model.*another --output-dir"):
        Ledger(tmp_path / "records.jsonl", {**RECIPE, "model": "mini"})


def test_a_file_broken_in_the_middle_is_not_mended_silently(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"recipe": RECIPE}) + '\n{"index":\n{"index":1}\n')
    with pytest.raises(FormatError, match="broken in the middle"):
        Ledger(path, RECIPE)


def test_threads_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "records.jsonl"
    with Ledger(path, RECIPE) as ledger, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: ledger.add({"index": index, "text": "x" * 500}), range(100)))
    assert [record["index"] for record in read_records(path)] == list(range(100))


def test_where_nothing_can_be_written_or_read(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(tmp_path / "file/records.jsonl", RECIPE)
    with pytest.raises(FormatError, match="is it the folder of a benchmark run"):
        read_records(tmp_path / "gone.jsonl")
