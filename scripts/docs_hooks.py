"""What the documentation takes from the code while it is built.

MkDocs calls the functions named `on_...` (mkdocs.yml, `hooks`):

* README.md, CONTRIBUTING.md and CHANGELOG.md become pages; the README is the front page.
* `<!-- options: SegmentOptions -->` in a page becomes the table of that dataclass.
* `<!-- effects -->` becomes the tables of all effects.
* `<!-- commands -->` becomes the flags of every command.
* `<!-- notebook: NAME -->` becomes the cells of docs/examples/NAME.ipynb.
* `<!-- live -->` becomes a link to the page that runs in the browser, where scripts/docs made it.

`PlainDocstrings` is what mkdocstrings reads the package's docstrings through.
"""

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import MISSING, is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import griffe
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import wordmask
from wordmask.core.options import Option, describe, range_words
from wordmask.doors import cli
from wordmask.tasks.effects.table import EFFECTS

Row = tuple[str, ...]  # the cells of a table
ROOT = Path(__file__).resolve().parent.parent
ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
MARKER = re.compile(
    r"^<!-- (options|effects|commands|notebook|live)(?:: (\w+))? -->$", re.MULTILINE
)
LIVE = "live.html"
PAGE_NAME = re.compile(r"\bdocs/([\w-]+)\.md\b")
TABLE_ROW = re.compile(r"^\|.*$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")
DOCTEST = re.compile(r"^>>> .*\n?(?:^(?!\s*$).*\n?)*", re.MULTILINE)
TRAILING_COMMENT = re.compile(r"\s#\s(.+)$")


# ---- pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie in the repository's root."""
    for source, page in ROOT_PAGES.items():
        text = (ROOT / source).read_text("utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    if live_page():
        files.append(File.generated(config, LIVE, abs_src_path=live_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the made tables where their markers stand, and mend links to the root's pages."""
    for source, target in ROOT_PAGES.items():
        markdown = markdown.replace(f"](../{source}", f"]({target}").replace(
            f"]({source}", f"]({target}"
        )
    markdown = TABLE_ROW.sub(lambda row: CODE.sub(plain_bars, row[0]), markdown)
    return MARKER.sub(lambda found: MAKERS[found[1]](found[2] or ""), markdown)


def live_page() -> str:
    """The file of `wordmask page --one-file`; empty where scripts/docs could not make it."""
    return os.environ.get("WORDMASK_LIVE_PAGE", "")


def live_link(_: str) -> str:
    return f"**[Open it here]({LIVE})**: 60 MB, then nothing more is loaded." if live_page() else ""


def plain_bars(code: re.Match[str]) -> str:
    """GitHub wants a backslash before a bar in the code of a table, Python-Markdown none."""
    return code[0].replace("\\|", "|")


# ---- options


def options_section(name: str) -> str:
    """Heading, import line, first sentence and table of the options dataclass of that name."""
    module, kind = find_class(name)
    about = (kind.__doc__ or "").strip()
    if about.startswith(f"{name}("):  # what `dataclass` writes where there is no docstring
        about = ""
    parts = [f"### {name} {{ #{name} }}", f"`from {module} import {name}`"]
    parts += [link_pages(about), inherited_sentence(kind), options_table(kind)]
    return "\n\n".join(part for part in parts if part)


def find_class(name: str) -> tuple[str, type]:
    """The module to import it from, and the class; a class's name stands once in the package."""
    if name in wordmask.__all__:
        return "wordmask", getattr(wordmask, name)
    package = Path(wordmask.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if re.search(rf"^class {name}\b", path.read_text("utf-8"), re.MULTILINE):
            module = ".".join(("wordmask", *path.relative_to(package).with_suffix("").parts))
            return module, getattr(import_module(module), name)
    raise PluginError(f"there is no class {name} in wordmask")


def own_options(kind: type) -> list[Option]:
    """The options that the class adds to those of the class it extends."""
    parent = kind.__base__
    known = {option.name for option in describe(parent)} if is_dataclass(parent) else set()
    return [option for option in describe(kind) if option.name not in known]


def inherited_sentence(kind: type) -> str:
    parent = kind.__base__
    if not is_dataclass(parent):
        return ""
    more = ", and:" if own_options(kind) else "."
    return f"Takes what [{parent.__name__}](#{parent.__name__}) takes{more}"


def options_table(kind: type) -> str:
    """The table, or nothing where the class adds no option to those of its parent."""
    rows = [
        (f"`{option.name}`", kind_cell(option), default_cell(option), link_pages(option.doc))
        for option in own_options(kind)
    ]
    return table(("option", "type", "default", "meaning"), rows) if rows else ""


def kind_cell(option: Option) -> str:
    """The choices, or the type with its range."""
    kind = kind_words(option.kind)
    bounds = range_words(option.minimum, option.maximum)
    typed = f"`{kind}` {bounds}".strip() if kind else ""
    choices = ", ".join(f"`{word}`" for word in option.choices)
    return " or ".join(part for part in (choices, typed) if part)


def kind_words(kind: Any) -> str:
    """A type as a reader of Python writes it; "" for a `Literal`, whose words are the choices."""
    if kind is NoneType:
        return "None"
    if get_origin(kind) is Literal:
        return ""
    if get_origin(kind) in (Union, UnionType):
        members = dict.fromkeys(kind_words(member) for member in get_args(kind))
        return " | ".join(member for member in members if member)
    if get_origin(kind) is None:
        return getattr(kind, "__name__", str(kind))
    members = ("..." if member is Ellipsis else kind_words(member) for member in get_args(kind))
    return f"{get_origin(kind).__name__}[{', '.join(members)}]"


def default_cell(option: Option) -> str:
    if option.default is MISSING:
        return "required"
    if option.default in ((), [], "", None):
        return "none" if option.default is None else "empty"
    if isinstance(option.default, bool):
        return "yes" if option.default else "no"
    value = option.default
    if isinstance(value, tuple):
        value = ", ".join(str(part) for part in value)
    return f"`{value}`"


def effects_sections(_: str) -> str:
    """One section for each effect: what it does, and its options."""
    parts = []
    for name, (function, kind) in EFFECTS.items():
        where = f"from {function.__module__} import {function.__name__}, {kind.__name__}"
        about = link_pages((function.__doc__ or "").strip().partition("\n")[0])
        heading = f"### {name} {{ #{kind.__name__} }}"
        parts.append(f"{heading}\n\n{about}\n\n`{where}`\n\n{options_table(kind)}")
    return "\n\n".join(parts)


# ---- commands


def commands_sections(_: str) -> str:
    """Every command with its arguments and flags, as `--help` groups them."""
    return "\n\n".join(command_section(load_command(name), (name,)) for name in cli.COMMANDS)


def command_section(command: Any, path: tuple[str, ...], known: Collection[Row] = ()) -> str:
    """A command and the commands below it; the rows `known` stand at the group above."""
    level = "#" * (1 + len(path))
    heading = f"{level} wordmask {' '.join(path)} {{ #{'-'.join(path)} }}"
    parts = [heading, command_text(command, known)]
    children = getattr(command, "commands", {})
    shared, sharing = shared_rows(children)
    if sharing:
        names = ", ".join(f"`{name}`" for name in sharing)
        params = children[sharing[0]].params
        common = [one for one in params if parameter_row(one) in shared]
        parts.append(f"Flags that each of {names} takes:\n\n{parameter_tables(common)}")
    for name, child in children.items():
        parts.append(command_section(child, (*path, name), shared if name in sharing else ()))
    return "\n\n".join(parts)


def shared_rows(children: dict[str, Any]) -> tuple[set[Row], list[str]]:
    """The rows that most of the commands have, and the names of those that have them all."""
    rows = {name: {parameter_row(one) for one in child.params} for name, child in children.items()}
    counts = Counter(row for each in rows.values() for row in each)
    shared = {row for row, count in counts.items() if count > len(rows) / 2 and count > 1}
    return shared, [name for name, each in rows.items() if shared and shared <= each]


def load_command(name: str) -> Any:
    """The parsed command, as the command line builds it."""
    return typer.main.get_command(cli._app([name])).commands[name]  # type: ignore[attr-defined]


def command_text(command: Any, known: Collection[Row]) -> str:
    """What the command does, and its flags but for the rows `known`."""
    about = (command.help or "").strip()
    lines = [
        f"```sh\n{line.strip()}\n```" if starts_command(line) else line
        for line in about.split("\n")
    ]
    own = [one for one in command.params if parameter_row(one) not in known]
    return link_pages("\n".join(lines)) + "\n\n" + parameter_tables(own)


def parameter_tables(parameters: list[Any]) -> str:
    """One table for each panel of the help."""
    panels: dict[str, list[Row]] = {}
    for parameter in parameters:
        if not getattr(parameter, "hidden", False):
            panel = getattr(parameter, "rich_help_panel", None) or ""
            panels.setdefault(panel, []).append(parameter_row(parameter))
    tables = [
        (f"**{panel}**\n\n" if panel else "") + table(("flag", "meaning"), rows)
        for panel, rows in panels.items()
    ]
    return "\n\n".join(tables)


def starts_command(line: str) -> bool:
    return line.strip().startswith("wordmask ")


def parameter_row(parameter: Any) -> Row:
    """The flag, and what it means with its range and its default."""
    if parameter.param_type_name == "argument":
        many = "..." if parameter.nargs == -1 else ""
        flag = f"`{parameter.name.upper()}{many}`"
    else:
        flag = "<br>".join(f"`{flag}`" for flag in [*parameter.opts, *parameter.secondary_opts])
    text = parameter.help or ""
    if "default" not in text:
        notes = [allowed_words(parameter), default_text(parameter)]
        noted = "; ".join(note for note in notes if note)
        text += f" [{noted}]" if noted else ""
    return flag, link_pages(text)


def default_text(parameter: Any) -> str:
    default = parameter.default
    if parameter.required and default in (None, ...):
        return "required"
    if default is None or default is False or default in ([], "") or callable(default):
        return ""
    if isinstance(default, list | tuple):
        return f"default: {' '.join(map(str, default))}"
    return f"default: {'yes' if default is True else default}"


def allowed_words(parameter: Any) -> str:
    """The words or the range that the flag takes."""
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    return range_words(parameter.min, parameter.max)


# ---- notebooks


def notebook_cells(name: str) -> str:
    """The text of a notebook and its code, without its title and its outputs."""
    notebook = json.loads((ROOT / f"docs/examples/{name}.ipynb").read_text("utf-8"))
    parts = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        parts.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else text)
    return "\n\n".join(parts).partition("\n")[2]


# ---- text


def table(head: Row, rows: list[Row]) -> str:
    """A table that a phone shows row below row (stylesheets/extra.css)."""
    lines = [head, ("---",) * len(head), *rows]
    text = "\n".join(f"| {' | '.join(cell(part) for part in line)} |" for line in lines)
    return f'<div class="options" markdown>\n\n{text}\n\n</div>'


def cell(text: str) -> str:
    """One line; a bar outside of `code` would end the cell."""
    parts = " ".join(text.split()).split("`")
    return "`".join(
        part if inside else part.replace("|", "\\|")
        for part, inside in zip(parts, itertools.cycle((False, True)))
    )


def link_pages(text: str) -> str:
    """`docs/ways.md` in a docstring as a link, seen from a page in docs/reference."""
    return PAGE_NAME.sub(r"[\1](../\1.md)", text)


MAKERS: dict[str, Callable[[str], str]] = {
    "options": options_section,
    "effects": effects_sections,
    "commands": commands_sections,
    "notebook": notebook_cells,
    "live": live_link,
}


class PlainDocstrings(griffe.Extension):
    """Reads docstrings as they are written here: plain text, `>>>` lines, comments on fields."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is None and obj.is_attribute:
            self.take_comment(obj)
        if obj.docstring is not None:
            fenced = DOCTEST.sub(
                lambda found: f"```python\n{found[0].rstrip()}\n```\n", obj.docstring.value
            )
            obj.docstring.value = link_pages(fenced)

    def take_comment(self, obj: griffe.Object) -> None:
        """`scores: Array  # (N,) float32, descending`: the comment is what there is to say."""
        found = TRAILING_COMMENT.search(obj.source)
        if found:
            obj.docstring = griffe.Docstring(found[1], lineno=obj.lineno, parent=obj)
