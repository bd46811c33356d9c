"""The documentation builds strictly, stays offline, and says what the code says."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import wordmask
from architecture import MAY_IMPORT
from wordmask.doors.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DESIGN = DOCS / "design.md"
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
PAGES_NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]  # which may name what is gone
MODULE_NAME = re.compile(r"(?<![\w/.-])wordmask(?:\.[A-Za-z_]\w*)+")
FILE_NAME = re.compile(r"(?<![\w/.-])((?:[\w-]+/)*[\w-]+\.py|scripts/\w+)\b")
FENCE = re.compile(r"^( *)```[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
WIDEST = 88  # columns of a code block; more would scroll sideways or wrap on most screens
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@dataclass
class BuiltPage:
    """What one built page has."""

    ids: set[str] = field(default_factory=set)  # what links may lead to
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    # id of the heading above -> rows of cells
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    words: str = ""


class PageReader(HTMLParser):
    """Fills a `BuiltPage` from HTML."""

    def __init__(self):
        super().__init__()
        self.page = BuiltPage()
        self.heading, self.in_cell = "", False

    def handle_starttag(self, tag, attributes):
        values = {name: value or "" for name, value in attributes}
        if "id" in values:
            self.page.ids.add(values["id"])
        if re.fullmatch("h[1-6]", tag):
            self.heading = values.get("id", "")
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        if tag in LOADS and LOADS[tag] in values and values.get("rel") not in ("prev", "next"):
            self.page.loads.append(values[LOADS[tag]])
        if tag == "tr":
            self.page.tables.setdefault(self.heading, []).append([])
        if tag in ("td", "th"):
            self.in_cell = True
            self.page.tables[self.heading][-1].append("")

    def handle_data(self, data):
        self.page.words += data
        rows = self.page.tables.get(self.heading)
        if self.in_cell and rows:
            rows[-1][-1] += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.in_cell = False


def build(config, target):
    """Run MkDocs; what it said, and whether it was content."""
    command = [sys.executable, "-m", "mkdocs", "build", "-f", config, "-d", target]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def generator():
    for name in ("material", "mkdocstrings"):
        if importlib.util.find_spec(name) is None:
            pytest.skip("the documentation needs the extra docs: pip install 'wordmask[docs]'")


@pytest.fixture(scope="module")
def site(generator, tmp_path_factory):
    """The built site: name of the page -> what it has."""
    target = tmp_path_factory.mktemp("docs") / "site"
    content, said = build(ROOT / "mkdocs.yml", target)
    assert content, said
    pages = {}
    for path in target.rglob("*.html"):
        reader = PageReader()
        reader.feed(path.read_text("utf-8"))
        pages[path.relative_to(target).as_posix()] = reader.page
    pages.pop("404.html")
    return target, pages


# ---- the built site


def test_every_link_leads_somewhere(site):
    target, pages = site
    wrong = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = (target / name).parent / unquote(parts.path) if parts.path else target / name
            place = place.resolve() / ("index.html" if place.is_dir() else "")
            other = pages.get(place.relative_to(target.resolve()).as_posix())
            if not place.exists() or (parts.fragment and other and not lands(other, parts)):
                wrong.append(f"{name}: {link}")
    assert wrong == []


def lands(page, parts):
    return unquote(parts.fragment) in page.ids


def test_no_page_loads_anything_from_another_host(site):
    target, pages = site
    hosts = {
        f"{name}: {address}"
        for name, page in pages.items()
        for address in page.loads
        if urlsplit(address).netloc
    }
    assert hosts == set()
    styles = "".join(path.read_text("utf-8") for path in target.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import\s)[\"']?(?:https?:)?//[^)\"']+", styles) == []
    # Material fetches the library for diagrams from elsewhere as soon as a page has one.
    assert [name for name in pages if 'class="mermaid"' in (target / name).read_text("utf-8")] == []


def test_every_included_example_stands_in_its_page(site):
    _, pages = site
    assert [name for name, page in pages.items() if re.search(r"--8\s*<", page.words)] == []


def test_every_page_can_be_searched(site):
    target, pages = site
    index = json.loads((target / "search/search_index.json").read_text("utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert set(pages) - found == set()


def test_every_public_name_is_in_the_reference(site):
    _, pages = site
    known = {name.removeprefix("wordmask.") for name in pages["reference/python.html"].ids}
    assert set(wordmask.__all__) - known - pages["reference/options.html"].ids == set()


def options_classes():
    """Every options dataclass that somebody who calls wordmask from Python may hand over."""
    found = {}
    for path in sorted((ROOT / "src/wordmask").rglob("*.py")):
        room = path.relative_to(ROOT / "src/wordmask").parts[0]
        names = re.findall(r"^class (\w+Options)\b", path.read_text("utf-8"), re.MULTILINE)
        if room != "doors" and path.parent.name != "suites":  # which the command line documents
            module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
            found |= {name: getattr(import_module(module), name) for name in names}
    return found


def test_option_tables_are_those_of_the_code(site, hooks):
    tables = site[1]["reference/options.html"].tables
    for name, kind in options_classes().items():
        options = hooks.own_options(kind)
        if not options:  # it takes what its parent takes
            assert name in site[1]["reference/options.html"].ids
            continue
        head, *rows = tables.get(name, [[]])
        assert head == ["option", "type", "default", "meaning"], f"{name} has no table"
        assert [row[0] for row in rows] == [option.name for option in options]
        for row, option in zip(rows, options, strict=True):
            assert all(choice in row[1] for choice in option.choices)
            if isinstance(option.default, int | float) and not isinstance(option.default, bool):
                assert row[2] == str(option.default)


def test_every_command_and_flag_is_in_the_reference(site, hooks):
    page = site[1]["reference/commands.html"]
    open_commands = [(name, hooks.load_command(name)) for name in COMMANDS]
    while open_commands:
        name, command = open_commands.pop()
        assert name in page.ids
        flags = [flag for one in command.params for flag in one.opts if flag.startswith("-")]
        assert [flag for flag in flags if flag not in page.words] == []
        children = getattr(command, "commands", {})
        open_commands += [(f"{name}-{child}", children[child]) for child in children]


def test_what_is_broken_is_named(generator, tmp_path):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    config |= {"docs_dir": str(tmp_path / "docs"), "plugins": [], "hooks": [], "nav": ["index.md"]}
    config["extra_css"] = []
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(config))
    lines = ["# Top", "[a](gone.md)", "![b](gone.png)", "[c](#nowhere)", "[d](/gone.md)"]
    (tmp_path / "docs/index.md").write_text("\n\n".join(lines))
    content, said = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert not content
    for name in ("'gone.md'", "'gone.png'", "'#nowhere'", "'/gone.md'"):
        assert name in said
    (tmp_path / "docs/index.md").write_text('# Top\n\n--8<-- "gone.py"\n')
    content, said = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert not content
    assert "gone.py" in said


# ---- the pages


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_example_is_shown_or_linked():
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert [path.name for path in EXAMPLES if path.stem not in text] == []


def test_code_blocks_need_no_scrolling():
    shown = [(path.name, path.read_text("utf-8")) for path in EXAMPLES]
    for path in PAGES_NOW:
        blocks = FENCE.finditer(path.read_text("utf-8"))
        shown += [(path.name, block[2]) for block in blocks]
    wide = []
    for name, text in shown:
        wide += [f"{name}: {line}" for line in text.split("\n") if len(line) > WIDEST]
    assert wide == []


def shown_commands():
    """Every `wordmask ...` of the pages, in a code block or between backticks."""
    found = {}
    for path in PAGES_NOW:
        text = path.read_text("utf-8")
        blocks = "\n".join(block[2] for block in FENCE.finditer(text)).replace("\\\n", " ")
        lines = re.findall(r"^(?:\$ )?(wordmask [^\n]+)", blocks, re.MULTILINE)
        lines += re.findall(r"`(wordmask [a-z][^`\n]*)`", FENCE.sub("", text))
        for line in lines:
            found.setdefault(line.replace("\\|", "|"), path.relative_to(ROOT).as_posix())
    return found


def test_shown_commands_are_what_the_command_line_takes(hooks):
    wrong = {}
    for line, page in shown_commands().items():
        try:
            parse(hooks, line)
        except Exception as error:  # of the parser, or none such: both are told
            wrong[f"{page}: {line}"] = getattr(error, "message", repr(error))
    assert wrong == {}


def parse(hooks, line):
    """Let the command line read a line as a shell would hand it over; nothing is run."""
    words = shlex.split(line, comments=True)[1:]
    for end in ("|", ">", "&&"):
        words = words[: words.index(end)] if end in words else words
    name = words.pop(0)
    command = hooks.load_command(name)
    while words and words[0] in getattr(command, "commands", {}):
        name = words.pop(0)
        command = command.commands[name]
    if words and "--help" not in words:
        command.make_context(name, words)


def test_files_that_pages_name_are_there():
    folders = [ROOT / name for name in ("src", "tests", "docs", "scripts")]
    files = ["/" + str(path.relative_to(ROOT)) for place in folders for path in place.rglob("*")]
    missing = []
    for page in PAGES_NOW:
        if page.name == "coming-from.md":  # which names the files of others
            continue
        text = FENCE.sub("", page.read_text("utf-8"))
        for name in FILE_NAME.findall(text):
            if not any(file.endswith("/" + name) for file in files):
                missing.append(f"{page.relative_to(ROOT)}: {name}")
    assert missing == []


def test_the_table_of_layers_is_the_one_that_is_enforced():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", DESIGN.read_text("utf-8"), re.MULTILINE)
    layers = set(MAY_IMPORT) - {"", "__main__"}
    shown = {layer: set(text.split(", ")) for layer, text in rows}
    everything = layers - {"doors", "errors", "version"}
    meant = {name: MAY_IMPORT[name] - {""} or {"nothing of ours"} for name in layers}
    assert MAY_IMPORT["doors"] - {""} == everything
    assert shown == meant | {"doors": {"everything"}}


def test_every_room_is_in_the_plan_of_the_house():
    plan = FENCE.findall(DESIGN.read_text("utf-8"))[1][1]
    package = ROOT / "src/wordmask"
    rooms = {path.parent.name for path in package.rglob("*.py") if path.parent != package}
    assert [room for room in rooms if f"{room}/" not in plan] == []


def test_modules_that_pages_name_can_be_imported():
    missing = []
    for page in PAGES_NOW:
        for name in MODULE_NAME.findall(page.read_text("utf-8")):
            if not resolves(name):
                missing.append(f"{page.relative_to(ROOT)}: {name}")
    assert missing == []


def resolves(name):
    """Whether `name` is a module, or an attribute of one."""
    module, rest = name, []
    while module:
        try:
            found = import_module(module)
        except ImportError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for part in rest:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.fixture(scope="module")
def hooks(generator):
    """scripts/docs_hooks.py as a module."""
    path = ROOT / "scripts/docs_hooks.py"
    spec = importlib.util.spec_from_file_location("docs_hooks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
