"""`scripts/pages`: blocks find their place in the documentation, and are made from results."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = ("page", "benchmarks", "card", "editing", "readme", "training", "ways")


@pytest.fixture
def blocks(monkeypatch):
    """The modules of scripts/blocks by name; they do not stay importable."""
    pytest.importorskip("skimage")
    monkeypatch.syspath_prepend(ROOT / "scripts/blocks")
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


def block_names() -> list[str]:
    source = (ROOT / "scripts/blocks/__main__.py").read_text("utf-8")
    table = source[source.index("BLOCKS = {") : source.index("}", source.index("BLOCKS = {"))]
    return re.findall(r'"([\w-]+)":', table)


@pytest.mark.parametrize("name", block_names())
def test_every_block_has_one_place_in_the_documentation(name):
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(path.read_text("utf-8") for path in pages)
    assert text.count(f"<!-- {name} -->") == 1
    assert text.count(f"<!-- end of {name} -->") == 1


def test_a_block_is_written_between_its_marks(blocks, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("nothing here\n")
    page = tmp_path / "docs/page.md"
    page.write_text("before\n<!-- ways -->\nold\n<!-- end of ways -->\nafter\n")
    assert blocks["page"].put("ways", r"new \1", tmp_path) == page
    expected = "before\n<!-- ways -->\nnew \\1\n<!-- end of ways -->\nafter\n"
    assert page.read_text() == expected
    with pytest.raises(SystemExit, match="no page has a block"):
        blocks["page"].put("gone", "", tmp_path)


def request_of(blocks, tmp_path, suite, **results):
    folder = tmp_path / suite
    folder.mkdir()
    machine = {"machine": {"processor": "cpu", "cores": 2}}
    results |= {"model": {"made_by": ["mini@sha256:1"]}, "run": machine}
    (folder / "results.json").write_text(json.dumps(results))
    return blocks["page"].Request(tmp_path, "mini")


def test_a_bench_that_the_model_cannot_do_is_said_to_be_one(blocks, tmp_path):
    columns = ["bench", "data", "how", "pictures", "figure", "value", "low", "high", "seconds"]
    rows = [
        ["semantic", "voc", "dense", 9, "miou", 0.5, 0.4, 0.6, 0.25],
        ["semantic", "voc", "dense", 9, "boundary_iou", 0.25, None, None, 0.25],
        ["video", "davis", "auto", None, None, None, None, None, None],
    ]
    request = request_of(
        blocks,
        tmp_path,
        "tables",
        tables={"benches": {"columns": columns, "rows": rows}},
        options={"pictures": 9},
    )
    lines = blocks["benchmarks"].benches(request).splitlines()
    assert lines[0] == "Made by `scripts/bench tables --pictures 9` on `mini@sha256:1`."
    figures = "miou **0.500** [0.400, 0.600], boundary_iou **0.250**"
    assert lines[3:] == [
        "|---|---|---|---|---|---|",
        f"| semantic | voc | dense | 9 | {figures} | 0.25 |",
        "| video | davis | auto | - | the model cannot do this | - |",
    ]
    assert blocks["benchmarks"].rooms(request) is None


def test_a_figure_below_its_floor_carries_a_mark(blocks, tmp_path):
    columns = ["set", "figure", "value", "low", "high", "floor"]
    rows = [["coco", "words", 0.19, 0.1, 0.2, 0.2], ["coco", "click", 0.4, 0.3, 0.5, 0.38]]
    request = request_of(
        blocks, tmp_path, "quality", tables={"quality": {"columns": columns, "rows": rows}}
    )
    text = blocks["card"].quality(request)
    assert "| coco | 0.190* (0.10 to 0.20) |  | 0.400 (0.30 to 0.50) |" in text


def test_without_results_a_block_stays(blocks, tmp_path):
    request = blocks["page"].Request(tmp_path, "mini")
    makers = [blocks["benchmarks"].benches, blocks["card"].quality, blocks["card"].speed]
    makers += [blocks["card"].reliability, blocks["ways"].table, blocks["training"].curves]
    assert [make(request) for make in makers] == [None] * 6
