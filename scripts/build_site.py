"""README.md and docs/*.md -> plain HTML in site/: no network, no theme to fetch, every link checked.

A code block that begins ```python examples/NAME.py stands for that file: the block must equal it (--write copies
it in), and every file in docs/examples is run. So what the pages show has run.
"""

import argparse
import html
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name
from pygments.util import ClassNotFound

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python (examples/[\w./-]+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> dict[Path, str]:
    """Source -> name in the site; the README is the front page."""
    found = {ROOT / "README.md": "index.html"} if (ROOT / "README.md").exists() else {}
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        if (ROOT / name).exists():
            found[ROOT / name] = f"{Path(name).stem.lower()}.html"
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return found | {
        path: path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in docs
    }


def slug(text: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def coloured(code: str, name: str, _: str) -> str:
    try:
        lexer = get_lexer_by_name(name) if name else TextLexer()
    except ClassNotFound:
        lexer = TextLexer()
    return f'<div class="highlight">{highlight(code, lexer, HtmlFormatter())}</div>'


def fence(self: object, tokens: list[Token], index: int, options: object, env: object) -> str:
    """A code block, without the <pre> that would be put around a second time."""
    return coloured(tokens[index].content, tokens[index].info.split(" ")[0], "")


class Site:
    """Pages as they are read, the links between them, and what is wrong."""

    def __init__(self, target: Path) -> None:
        self.target, self.names = target, pages()
        self.markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.markdown.add_render_rule("fence", fence)
        self.anchors: dict[Path, set[str]] = {}
        self.titles: dict[Path, str] = {}
        self.wrong: list[str] = []

    def build(self) -> list[str]:
        """Write the site; what is wrong, one line each."""
        read = {source: self.markdown.parse(source.read_text("utf-8")) for source in self.names}
        for source, tokens in read.items():
            self.note_headings(source, tokens)
        for source, tokens in read.items():
            for token in tokens:
                for child in [token, *(token.children or [])]:
                    self.rewrite(source, child)
            self.write(source, self.markdown.renderer.render(tokens, self.markdown.options, {}))
        (self.target / "style.css").write_text(
            (Path(__file__).parent / "site.css").read_text()
            + HtmlFormatter().get_style_defs(".highlight")
        )
        self.wrong += different_examples()
        return self.wrong

    def note_headings(self, source: Path, tokens: list[Token]) -> None:
        self.anchors[source], self.titles[source] = set(), source.stem
        for opening, inline in itertools.pairwise(tokens):
            if opening.type == "heading_open":
                text = "".join(child.content for child in inline.children or [])
                anchor, count = slug(text), 1
                while anchor in self.anchors[source]:
                    anchor, count = f"{slug(text)}-{count}", count + 1
                opening.attrSet("id", anchor)
                if opening.tag == "h1" and not any(token.meta.get("titled") for token in tokens):
                    self.titles[source], opening.meta["titled"] = text, True
                self.anchors[source].add(anchor)

    def rewrite(self, source: Path, token: Token) -> None:
        """Turn a link to a page into one to its HTML, copy a picture, and check that both are there."""
        for name in ("href", "src"):
            link = str(token.attrGet(name) or "")
            if link and not re.match(r"[a-z][a-z0-9+.-]*:|//", link):
                token.attrSet(name, self.resolved(source, link))

    def resolved(self, source: Path, link: str) -> str:
        path, _, anchor = link.partition("#")
        place = (source.parent / unquote(path)).resolve() if path else source
        if place in self.names:
            if anchor and anchor not in self.anchors[place]:
                self.wrong.append(f"{source.relative_to(ROOT)}: {link}: no such heading")
            other = os.path.relpath(self.names[place], Path(self.names[source]).parent)
            return other + (f"#{anchor}" if anchor else "")
        if not place.exists() or not place.is_relative_to(ROOT):
            self.wrong.append(f"{source.relative_to(ROOT)}: {link}: there is no such file")
            return link
        if place.is_dir():
            return link
        copy = self.target / "files" / place.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, copy)
        return os.path.relpath(copy, (self.target / self.names[source]).parent)

    def write(self, source: Path, body: str) -> None:
        path = self.target / self.names[source]
        path.parent.mkdir(parents=True, exist_ok=True)
        up = os.path.relpath(self.target, path.parent)
        menu = "".join(
            f'<a class="{"here" if other == source else ""}" href="{up}/{name}">{html.escape(self.titles[other])}</a>'
            for other, name in self.names.items()
        )
        path.write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">'
            f'<title>{html.escape(self.titles[source])}</title><link rel="stylesheet" href="{up}/style.css"></head>'
            f'<body><div class="page"><nav>{menu}</nav><main>{body}</main></div></body></html>',
            "utf-8",
        )


def different_examples(*, write: bool = False) -> list[str]:
    """Code blocks that are not what their file says; with `write` they are made so."""
    wrong = []
    for page in pages():
        text = page.read_text("utf-8")
        for name, shown in BLOCK.findall(text):
            file = ROOT / "docs" / name
            if not file.exists():
                wrong.append(f"{page.relative_to(ROOT)}: {name}: there is no such file")
            elif file.read_text("utf-8") != shown:
                wrong.append(
                    f"{page.relative_to(ROOT)}: the block is not {name}; scripts/docs --write copies it"
                )
                text = text.replace(
                    f"```python {name}\n{shown}```",
                    f"```python {name}\n{file.read_text('utf-8')}```",
                )
        if write:
            page.write_text(text, "utf-8")
    return wrong


def examples() -> list[Path]:
    return sorted((ROOT / "docs/examples").glob("*.py"))


def run_example(path: Path) -> str:
    """Run one example in an empty folder; what it said if it failed, else nothing."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=False
        )
    return (
        "" if done.returncode == 0 else f"{path.relative_to(ROOT)} failed:\n{done.stderr[-3000:]}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--no-run", action="store_true", help="do not run docs/examples/*.py")
    parser.add_argument(
        "--write", action="store_true", help="copy the examples into their pages first"
    )
    parser.add_argument("--to", type=Path, default=ROOT / "site", help="where to build")
    arguments = parser.parse_args()
    if arguments.write:
        different_examples(write=True)
    arguments.to.mkdir(parents=True, exist_ok=True)
    wrong = Site(arguments.to).build()
    if not arguments.no_run:
        wrong += [said for path in examples() if (said := run_example(path))]
    print("\n".join(wrong) or f"{len(pages())} pages in {arguments.to}, every link leads somewhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
