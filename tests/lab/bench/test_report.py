import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.plots import histogram, plot
from wordmask.lab.bench.report import page, summary
from wordmask.lab.bench.run import BenchRun, Progress, run_bench

VOID = {"meta", "img", "br", "link", "input"}


class Balanced(HTMLParser):
    """Fails where a tag is closed that was not open; remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html: str) -> Balanced:
    found = Balanced()
    found.feed(html)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory, drawn_folder, fake):
    from wordmask.lab.data import open_data

    data = replace(
        open_data(drawn_folder), name="<b>drawn</b> & co", notes=('a "note" <script>x</script>',)
    )
    out = tmp_path_factory.mktemp("out")
    options = SemanticOptions(how="unified", rounds=20, show=2)
    return run_bench(BenchRun("semantic", data, fake, out, options))


def test_the_page_is_one_file_without_a_network(results):
    found = parsed(page(results))
    assert found.links == [row["file"] for row in results["pictures"]]
    assert not any(link.startswith(("http", "//")) for link in found.links)


def test_the_page_shows_everything(results):
    html = page(results)
    for part in [
        *results["metrics"],
        *results["per_class"],
        "p00",
        "p05",
        "confusion",
        results["data"]["digest"][:16],
    ]:
        assert part in html
    assert html.count("<svg") >= 2
    assert html.count('class="sortable"') == 4


def test_names_are_text_not_markup(results):
    html = page(results)
    assert "<b>drawn</b>" not in html
    assert "&lt;b&gt;drawn&lt;/b&gt; &amp; co" in html
    assert parsed(html).seen.count("script") == 1


def test_the_summary_has_each_figure_with_its_interval(results):
    lines = summary(results).splitlines()
    assert lines[0].startswith("semantic on")
    assert "miou              1.0000  [1.0000, 1.0000]" in lines
    assert any(line.startswith("commit: ") for line in lines)


def test_the_results_are_plain_json(results):
    assert json.loads(json.dumps(results, allow_nan=False)) == results


@pytest.mark.parametrize(
    ("title", "curve", "has"),
    [
        ("l", {"kind": "lines", "x": [0, 1], "y": {"a<b": [0, 1]}, "labels": ["x", "y"]}, "a&lt;b"),
        ("b", {"kind": "bars", "values": {"small": 3, "odd": 0}}, "small: 3"),
        (
            "p",
            {"kind": "points", "x": [0.5], "y": [0.4], "size": [9], "labels": ["s", "r"]},
            "<circle",
        ),
        ("m", {"kind": "matrix", "names": ["a", "b"], "rows": [[3, 1]]}, "a called b: 25.0%"),
    ],
)
def test_each_kind_of_plot(title, curve, has):
    svg = plot(title, curve)
    parsed(svg)
    assert has in svg


def test_a_histogram_counts_every_value():
    assert "0.95: 2" in histogram("x", [1.0, 0.97, 0.2])


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(0, 9, 0.0, float("nan")), "0/9"),
        (Progress(37, 102, 3.1, 20.97), "37/102   3.10/s   0:21 left"),
        (Progress(1, 99, 0.5, 196.0), "1/99   0.50/s   3:16 left"),
    ],
)
def test_progress_tells_rate_and_time_left(progress, line):
    assert progress.line() == line
