"""Every command's help: what people need first, on one screen."""

import re

import pytest

from wordmask.doors.cli import COMMANDS, main
from wordmask.doors.cli.help import FIRST, _first_of

LINES, COLUMNS = 45, 100
GROUPS = {
    "edit": ("segment", "remove", "replace", "style", "replay"),
    "effect": ("blur", "overlay", "sticker"),
    "bench": ("semantic", "clicks", "compare"),
    "train": ("mini",),
}
PAGES = [(), *((name,) for name in COMMANDS)]
PAGES += [("bench", "suite"), ("bench", "suite", "quality")]
PAGES += [(name, inner) for name, inners in GROUPS.items() for inner in inners]

SHOW_ALL = ("compare", "draw", "lint-words")  # few options, or none that is not needed at first
SHORT_PAGES = [page for page in PAGES if _first_of(" ".join(("wordmask", *page)))]
SHORT_PAGES = [page for page in SHORT_PAGES if page[-1] not in (*GROUPS, "suite", *SHOW_ALL)]


def show_help(capsys, monkeypatch, *words) -> str:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert left.value.code == 0
    return capsys.readouterr().out


def options_of(page: str) -> list[str]:
    """The flags that have a line of their own in the panel "Options"."""
    _, _, rest = page.partition("─ Options ─")
    return re.findall(r"^│[ *]+(--[\w-]+)", rest.partition("╰")[0], re.MULTILINE)


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_the_help_of_every_command_fits_a_screen(words, capsys, monkeypatch):
    page = show_help(capsys, monkeypatch, *words, "--help")
    assert len(page.splitlines()) <= LINES
    assert max(map(len, page.splitlines())) <= COLUMNS


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("segment",), "how vocabulary min-confidence model output-dir format json verbose"),
        (("click",), "point box word model output-dir format json verbose"),
        (("edit", "remove"), "prompt click box result fill model output-dir"),
        (("edit", "style"), "prompt click style reference edit-prompt use-inpainting output-dir"),
        (("effect", "blur"), "prompt click amount output-dir"),
        (("bench", "semantic"), "data model output-dir how num-samples"),
        (("train", "mini"), "data out minutes"),
    ],
)
def test_what_people_need_first_stands_first(words, first, capsys, monkeypatch):
    shown = options_of(show_help(capsys, monkeypatch, *words, "--help"))
    assert [f"--{name}" for name in first.split() if f"--{name}" not in shown] == []


@pytest.mark.parametrize("words", SHORT_PAGES, ids=" ".join)
def test_few_options_are_shown_at_first_and_all_on_demand(words, capsys, monkeypatch):
    short, full = (
        show_help(capsys, monkeypatch, *words, flag) for flag in ("--help", "--help-all")
    )
    first = options_of(short)
    assert first[-2:] == ["--help-all", "--help"]
    assert 2 <= len(first) - 2 <= 9
    named = set(re.findall(r"--[\w-]+", short.partition("Further options")[2])) - {"--help-all"}
    explained = set(re.findall(r"^│[ *]+(--[\w-]+) ", full, re.MULTILINE))
    assert {name.replace("--no-", "--") for name in named} <= explained
    assert len(explained) > len(first)


@pytest.mark.parametrize("words", [("draw",), ("convert",), ("models",)], ids=" ".join)
def test_a_page_that_shows_all_speaks_of_nothing_further(words, capsys, monkeypatch):
    page = show_help(capsys, monkeypatch, *words, "--help")
    assert "--help-all" not in page
    assert "Further options" not in page


def test_a_suite_that_loads_no_engine_has_no_option_for_one(capsys, monkeypatch):
    page = show_help(capsys, monkeypatch, "bench", "suite", "masks", "--help")
    assert "--engine" not in page
    assert "--count" in page
    assert "--device" not in page


def test_ranges_choices_and_defaults_are_shown(capsys, monkeypatch):
    page = show_help(capsys, monkeypatch, "segment", "--help-all")
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", page).split())
    assert "[1 to 256; default: 32]" in text
    assert "[whole, part, tree; default: whole]" not in text  # the text names them already
    assert "[default: whole]" in text
    assert "[default: on]" in text


def test_the_table_speaks_of_options_that_are_there(capsys, monkeypatch):
    """A panel or a first option that was renamed would silently be lost."""
    for path, names in FIRST.items():
        words = path.split()
        words += GROUPS[path][:1] if path in GROUPS else []
        page = show_help(capsys, monkeypatch, *words, "--help-all")
        flags = ["--" + name.replace("_", "-") for name in names]
        assert [flag for flag in flags if flag not in page] == [], path
