"""The walls of the house: who may import whom, how large a thing may grow, what may not be written.

The checker reads syntax trees, so it needs no import. Below, every wall is broken once in a small tree of files,
and the checker must name the breach.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from wordmask.engines.weights import ROWS

PACKAGE = Path(__file__).parents[1] / "src/wordmask"

# layer -> the layers it may import, besides itself and errors. "" is wordmask/__init__.py, a door.
MAY_IMPORT = {
    "errors": set(),
    "core": set(),
    "ops": {"core"},
    "media": {"core", "ops"},
    "model": {"core", "ops"},
    "engines": {"core", "ops"},
    "tasks": {"core", "ops"},
    "lab": {"core", "ops", "tasks", "model", "media"},
    "doors": {"", "core", "ops", "media", "model", "engines", "tasks", "lab"},
    "": {"core", "ops", "media", "model", "engines", "tasks", "lab", "doors"},
}
SHARE_CONSTANTS_WITH_MODEL = {"engines/mini.py", "engines/fake.py"}
ENGINES = {row.factory.split(":")[0].split(".")[2] for row in ROWS.values()}  # strangers to each other
# Where a module is looked up by a string, and why that is no way around the wall.
MAY_LOOK_UP = {
    "__init__.py": "the public names are loaded when they are first used",
    "core/result.py": "save, show and the notebook picture are media's; core itself stays free of files",
    "engines/hub/runtime.py": "libraries of the extra hf, by name, so that a missing one names its extra",
    "lab/benches/__init__.py": "a benchmark is one module of this folder, found by its name",
    "engines/__init__.py": 'engines are found by name: "module:factory"',
}
LINES_OF_FILE, LINES_OF_FUNCTION, MEDIAN_OF_FUNCTIONS, PARAMETERS = 400, 60, 12, 6
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "misc", "common"}


class Function(NamedTuple):
    place: str
    lines: int
    parameters: int


def breaches(package: Path) -> list[str]:
    """Every broken wall below `package`, as "file: what"."""
    found: list[str] = []
    functions: list[Function] = []
    free = commands(package)
    for path in sorted(package.rglob("*.py")):
        name, source = path.relative_to(package).as_posix(), path.read_text("utf-8")
        tree = ast.parse(source)
        mine = list(functions_of(tree, name))
        functions += mine
        found += imports_broken(tree, name) + grown(source, mine, name, free)
        found += unwanted(tree, source, name) + silenced(source, name)
    middle = median(one.lines for one in functions) if functions else 0
    if middle > MEDIAN_OF_FUNCTIONS:
        found.append(f"package: the median function has {middle:g} lines, at most {MEDIAN_OF_FUNCTIONS}")
    return found


def imports_broken(tree: ast.AST, name: str) -> list[str]:
    layer, found = layer_of(name), []
    if layer not in MAY_IMPORT:
        return [f"{name}: {layer} is no layer; see DESIGN's table"]
    for module in sorted(set(modules_imported(tree, name))):
        target = [*module.split("."), "", ""][1:3]
        if target[0] not in MAY_IMPORT[layer] | {layer, "errors"} and not allowed_constants(name, target[0]):
            found.append(f"{name}: {layer} must not import {module}")
        elif layer == target[0] == "engines" and target[1] in ENGINES - {name.split("/")[1].removesuffix(".py")}:
            found.append(f"{name}: engines must not import each other ({module})")
        elif layer == target[0] == "doors" and target[1] != name.split("/")[1].removesuffix(".py"):
            found.append(f"{name}: doors must not import each other ({module})")
    looked_up = any(
        isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__"))
        for node in ast.walk(tree)
    )
    if looked_up and name not in MAY_LOOK_UP and layer != "doors":
        found.append(f"{name}: looks a module up by a string; not in MAY_LOOK_UP")
    return found


def allowed_constants(name: str, target: str) -> bool:
    return target == "model" and name in SHARE_CONSTANTS_WITH_MODEL


def layer_of(name: str) -> str:
    first = name.split("/", maxsplit=1)[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def modules_imported(tree: ast.AST, name: str) -> Iterator[str]:
    """Our own modules as dotted names, `from wordmask.a import b` as wordmask.a.b (b may be a module)."""
    package = ["wordmask", *name.split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "wordmask")
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module.split(".")[0] == "wordmask":
                yield from (f"{module}.{alias.name}" for alias in node.names if not is_own_name(module, alias.name))


def is_own_name(module: str, name: str) -> bool:
    """`from wordmask import __version__` imports no layer."""
    return module == "wordmask" and name.startswith("__")


def functions_of(tree: ast.AST, name: str) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [arg.arg for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(f"{name}: {node.name}", lines, len([arg for arg in names if arg not in ("self", "cls")]))


def grown(source: str, functions: list[Function], name: str, free: set[str]) -> list[str]:
    found = []
    lines = source.count("\n")
    if lines > LINES_OF_FILE:
        found.append(f"{name}: {lines} lines, at most {LINES_OF_FILE}")
    for one in functions:
        if one.lines > LINES_OF_FUNCTION:
            found.append(f"{one.place} has {one.lines} lines, at most {LINES_OF_FUNCTION}")
        if one.parameters > PARAMETERS and one.place not in free:
            found.append(
                f"{one.place} has {one.parameters} parameters, at most {PARAMETERS}; group them in an options dataclass"
            )
    return found


def unwanted(tree: ast.AST, source: str, name: str) -> list[str]:
    found = [f"{name}: {part} says nothing" for part in name.removesuffix(".py").split("/") if part in VAGUE]
    found += [
        f"{name}:{node.lineno}: assert does not check input; raise an error"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            found.append(f"{name}:{number}: unfinished work")
        if "../shared" in line:
            found.append(f"{name}:{number}: speaks of a folder that only its makers have")
    return found


SILENCED = re.compile(
    r"#\s*(?:type:\s*ignore|noqa)(?:\[(?P<kind>[\w,\s-]+)\]|:\s*(?P<rule>[A-Z]+\d+(?:,\s*[A-Z]+\d+)*))?(?P<rest>.*)"
)


def silenced(source: str, name: str) -> list[str]:
    """Where a checker is silenced without a reason; one reason per file serves for a rule that is met again."""
    marks = [(number, found) for number, line in enumerate(source.splitlines(), 1) if (found := SILENCED.search(line))]
    reasoned = {found["kind"] or found["rule"] for _, found in marks if len(re.findall(r"\w{2,}", found["rest"])) >= 2}
    return [
        f"{name}:{number}: a checker is silenced without a reason"
        for number, found in marks
        if (found["kind"] or found["rule"]) not in reasoned
    ]


def commands(package: Path) -> set[str]:
    """The functions that the command line's table names: their parameters are flags, a page for people and no call."""
    table = package / "doors/cli/__init__.py"
    if not table.is_file():
        return set()
    calls = [
        node
        for node in ast.walk(ast.parse(table.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Command"
    ]
    told = [[ast.literal_eval(part) for part in call.args[:2]] for call in calls]
    return {f"doors/cli/{module}.py: {function}" for module, function in told}


def test_every_wall_stands():
    assert breaches(PACKAGE) == []


def test_exceptions_are_still_needed():
    """A door in the wall that nobody uses is closed."""
    for name in MAY_LOOK_UP:
        assert "import_module" in (PACKAGE / name).read_text("utf-8"), name


LONG = "def f():\n" + "    x = 1\n" * 60


@pytest.mark.parametrize(
    ("file", "source", "breach"),
    [
        ("errors.py", "from wordmask.core import image", "errors must not import wordmask.core.image"),
        ("core/a.py", "from wordmask.ops import boxes", "core must not import wordmask.ops.boxes"),
        ("core/a.py", "import wordmask.media.read", "core must not import wordmask.media.read"),
        ("core/a.py", "from ..media.read import read", "core must not import wordmask.media.read"),
        ("core/a.py", "def f():\n    from wordmask import engines", "core must not import wordmask.engines"),
        ("ops/a.py", "from wordmask.model import net", "ops must not import wordmask.model.net"),
        ("media/a.py", "from wordmask.engines import load", "media must not import wordmask.engines.load"),
        ("model/a.py", "from wordmask.tasks import segment", "model must not import wordmask.tasks.segment"),
        ("engines/sam.py", "from wordmask.media import read", "engines must not import wordmask.media.read"),
        ("engines/sam.py", "from wordmask.engines import clip", "engines must not import each other"),
        ("engines/hub/x.py", "from wordmask.engines.sam import load", "engines must not import each other"),
        ("engines/sam.py", "from wordmask.model import net", "engines must not import wordmask.model.net"),
        ("tasks/a.py", "from wordmask.engines import load", "tasks must not import wordmask.engines.load"),
        ("tasks/a.py", "from wordmask.media.read import read", "tasks must not import wordmask.media.read"),
        ("tasks/a.py", "from wordmask.doors import cli", "tasks must not import wordmask.doors.cli"),
        ("lab/a.py", "from wordmask.doors import cli", "lab must not import wordmask.doors.cli"),
        ("lab/a.py", "from wordmask.engines import load", "lab must not import wordmask.engines.load"),
        ("doors/server.py", "from wordmask.doors import cli", "doors must not import each other"),
        ("tasks/a.py", "import importlib\nimportlib.import_module('wordmask.media')", "looks a module up by a string"),
        ("novel/a.py", "", "novel is no layer"),
        ("ops/a.py", "x = 1\n" * 401, "401 lines, at most 400"),
        ("ops/a.py", LONG, "f has 61 lines, at most 60"),
        (
            "ops/a.py",
            "\n\n".join("def f():\n" + "    x = 1\n" * 12 for _ in range(3)),
            "the median function has 13 lines",
        ),
        ("ops/a.py", "def f(a, b, c, d, *, e, g, h): ...", "f has 7 parameters, at most 6"),
        ("doors/a.py", "def f(a, b, c, d, *, e, g, h): ...", "f has 7 parameters, at most 6"),
        ("ops/utils.py", "", "utils says nothing"),
        ("ops/helpers/a.py", "", "helpers says nothing"),
        ("ops/a.py", "assert True", "assert does not check input"),
        ("ops/a.py", "x = 1  # TO" + "DO: later", "unfinished work"),
        ("ops/a.py", "x = f()  # type: ignore", "silenced without a reason"),
        ("ops/a.py", "x = f()  # type: ignore[no-any-return]", "silenced without a reason"),
        ("ops/a.py", "x = f()  # noqa: E501", "silenced without a reason"),
        ("ops/a.py", "x = '../shared/data'", "a folder that only its makers have"),
    ],
)
def test_a_broken_wall_is_named(tmp_path, file, source, breach):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    found = breaches(tmp_path)
    assert any(breach in one for one in found), found


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/a.py", "import numpy\nfrom wordmask.errors import MaskError\nfrom wordmask.core.masks import Masks"),
        ("engines/mini.py", "from wordmask.model import words\nfrom wordmask.engines import weights"),
        (
            "engines/sam.py",
            "from wordmask.engines.hub import runtime\nfrom wordmask.engines.options import EngineOptions",
        ),
        ("doors/cli/a.py", "from wordmask import __version__, engines\nfrom wordmask.doors.cli import b"),
        ("doors/cli/__init__.py", "TABLE = {'f': Command('__init__', 'f', 'Help.')}\ndef f(a, b, c, d, e, g, h): ..."),
        ("ops/a.py", "def f(self, a, b, c, d, e, g, *rest, **more): ..."),
        ("ops/a.py", "x = f()  # type: ignore[call-arg]  # the stub of cv2 lacks this argument"),
        ("ops/a.py", "x = f()  # noqa: S310 the scheme was checked above"),
        ("ops/a.py", "x = 1\n" * 400),
        ("", ""),
    ],
)
def test_what_is_allowed_is_not_named(tmp_path, file, source):
    if file:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(source)
    assert breaches(tmp_path) == []
