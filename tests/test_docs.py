"""The pages hold together, and what they show runs."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts/build_site.py"
spec = importlib.util.spec_from_file_location("build_site", SCRIPT)
build_site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build_site)


@pytest.fixture
def docs(monkeypatch, tmp_path):
    """A small repository: docs(name=text) writes its files, and gives what building it complains of."""
    monkeypatch.setattr(build_site, "ROOT", tmp_path)
    (tmp_path / "docs/examples").mkdir(parents=True)

    def build(**files):
        for name, text in files.items():
            (
                tmp_path / name.replace("__", "/").replace("_md", ".md").replace("_py", ".py")
            ).write_text(text)
        return build_site.Site(tmp_path / "site").build()

    (tmp_path / "site").mkdir()
    return build


def test_the_site_builds_and_every_link_leads_somewhere(tmp_path):
    assert build_site.Site(tmp_path).build() == []
    assert (tmp_path / "style.css").stat().st_size > 500


@pytest.mark.parametrize("path", build_site.examples(), ids=lambda path: path.stem)
def test_examples_run(path):
    assert build_site.run_example(path) == ""


def test_links_between_pages_become_html(docs, tmp_path):
    wrong = docs(
        README_md="# Top\n[more](docs/more.md#a-part) and [web](https://example.org)",
        docs__more_md="# More\n## A part\n[up](../README.md)",
    )
    assert wrong == []
    assert 'href="more.html#a-part"' in (tmp_path / "site/index.html").read_text()
    assert 'href="index.html"' in (tmp_path / "site/more.html").read_text()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x](docs/gone.md)", "README.md: docs/gone.md: there is no such file"),
        ("![x](gone.png)", "README.md: gone.png: there is no such file"),
        ("[x](#nowhere)", "README.md: #nowhere: no such heading"),
        ("[x](docs/more.md#nowhere)", "README.md: docs/more.md#nowhere: no such heading"),
        (
            "```python examples/gone.py\n1\n```",
            "README.md: examples/gone.py: there is no such file",
        ),
        ("```python examples/here.py\n1\n```", "README.md: the block is not examples/here.py"),
    ],
)
def test_what_is_broken_is_named(docs, text, complaint):
    wrong = docs(
        README_md=f"# Top\n\n{text}\n", docs__more_md="# More", docs__examples__here_py="2\n"
    )
    assert len(wrong) == 1
    assert wrong[0].startswith(complaint)


def test_examples_are_copied_into_their_pages(docs, tmp_path):
    docs(
        README_md="# Top\n\n```python examples/here.py\nold\n```\n",
        docs__examples__here_py="new = 1\n",
    )
    build_site.different_examples(write=True)
    assert "```python examples/here.py\nnew = 1\n```" in (tmp_path / "README.md").read_text()
    assert build_site.different_examples() == []
