"""The walls of the house, as a checker that reads syntax trees and imports nothing of ours.

`breaches(package)` lists every broken wall below a folder as "file: what".
tests/test_architecture.py holds the house to it, and breaks each wall once in a small tree.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

# layer -> the layers it may import, besides itself. "" is wordmask/__init__.py, a door.
EVERYWHERE = {"errors", "version"}
MAY_IMPORT = {
    "errors": set(),
    "version": set(),
    "files": set(),
    "core": set(),
    "ops": {"core"},
    "media": {"core", "ops", "files"},
    "model": {"core", "ops", "files"},
    "engines": {"core", "ops", "files"},
    "tasks": {"core", "ops"},
    "jobs": {"core", "ops", "files", "media", "engines", "tasks"},
    "lab": {"core", "ops", "files", "media", "model", "tasks", "jobs"},
    "doors": {"", "core", "ops", "files", "media", "model", "engines", "tasks", "jobs", "lab"},
    "": {"core", "ops", "files", "media", "model", "engines", "tasks", "jobs", "lab", "doors"},
    "__main__": {"doors"},
}
SHARE_CONSTANTS_WITH_MODEL = ("engines/mini/", "engines/ovsam")
SHARED_BY_ENGINES = {"cards", "hub", "options", "weights"}  # every other name below engines is one
# Where a module is looked up by a string, and why that is no way around the wall.
MAY_LOOK_UP = {
    "__init__.py": "the public names are loaded when they are first used",
    "core/result.py": "save, show and the notebook picture are media's; core stays free of files",
    "engines/__init__.py": 'engines are found by name: "module:factory"',
}
# Strings that look like flags of ours but belong to other programs.
FLAGS_OF_OTHERS = {"lab/bench/provenance.py": "options of git"}
LINES_OF_FILE, LINES_OF_FUNCTION, MEDIAN_OF_FUNCTIONS, PARAMETERS, LINE = 400, 60, 12, 6, 100
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "misc", "common"}
# A function is named by a verb or by what it returns. These end like participles and are none.
NO_PARTICIPLES = {"embed", "feed", "need", "read", "seed", "speed", "embed_texts"}
PARTICIPLES = {
    "asked", "begun", "chosen", "cut_out", "done", "drawn", "found", "given", "grown", "kept",
    "known",
    "laid", "made", "meant", "met", "put", "said", "seen", "shown", "spelt", "spoken", "spread",
    "taken", "thought", "told", "written",
}  # fmt: skip


class Function(NamedTuple):
    place: str
    lines: int
    parameters: int


@lru_cache(maxsize=1)
def walk(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes; every check goes through those of a file."""
    return tuple(ast.walk(tree))


def breaches(package: Path) -> list[str]:
    """Every broken wall below `package`."""
    found: list[str] = []
    functions: list[Function] = []
    classes: list[tuple[str, str]] = []
    arrows: dict[str, set[str]] = {}
    free = commands(package)
    files = sorted(package.rglob("*.py"))
    modules = {module_name(path.relative_to(package).as_posix()) for path in files}
    for path in files:
        name, source = path.relative_to(package).as_posix(), path.read_text("utf-8")
        tree = ast.parse(source)
        own = list(functions_of(tree, name))
        functions += own
        classes += [(node.name, name) for node in walk(tree) if isinstance(node, ast.ClassDef)]
        arrows[module_name(name)] = imported_files(tree, name, modules)
        found += broken_imports(tree, name) + oversized(source, own, name, free)
        found += unwanted(tree, source, name) + silenced(source, name)
        found += flags_below_doors(tree, name) + participles(tree, name)
    found += [
        f"files import each other in a circle: {' -> '.join(ring)}" for ring in circles(arrows)
    ]
    found += repeated_classes(classes)
    middle = median(one.lines for one in functions) if functions else 0
    if middle > MEDIAN_OF_FUNCTIONS:
        found.append(
            f"package: the median function has {middle:g} lines, at most {MEDIAN_OF_FUNCTIONS}"
        )
    return found


# ---- who may import whom


def broken_imports(tree: ast.AST, name: str) -> list[str]:
    layer, found = layer_of(name), []
    if layer not in MAY_IMPORT:
        return [f"{name}: {layer} is no layer; see MAY_IMPORT in tests/architecture.py"]
    for module in sorted(set(modules_imported(tree, name))):
        target = [*module.split("."), "", ""][1:3]
        allowed = MAY_IMPORT[layer] | {layer} | EVERYWHERE
        if target[0] not in allowed and not allowed_constants(name, target[0]):
            found.append(f"{name}: {layer} must not import {module}")
        elif layer == target[0] == "engines" and is_foreign_engine(name, target[1]):
            found.append(f"{name}: engines must not import each other ({module})")
        elif layer == target[0] == "doors" and target[1] != second_part(name):
            found.append(f"{name}: doors must not import each other ({module})")
    if looks_modules_up(tree) and name not in MAY_LOOK_UP and layer != "doors":
        found.append(f"{name}: looks a module up by a string; not in MAY_LOOK_UP")
    return found


def is_foreign_engine(name: str, target: str) -> bool:
    own = second_part(name)
    if own == "__init__":  # the registry hands engines out
        return False
    return target not in SHARED_BY_ENGINES | {own}


def allowed_constants(name: str, target: str) -> bool:
    return target == "model" and name.startswith(SHARE_CONSTANTS_WITH_MODEL)


def looks_modules_up(tree: ast.AST) -> bool:
    calls = [ast.unparse(node.func) for node in walk(tree) if isinstance(node, ast.Call)]
    return any(call.endswith(("import_module", "__import__")) for call in calls)


def layer_of(name: str) -> str:
    first = name.split("/", maxsplit=1)[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def second_part(name: str) -> str:
    return name.split("/")[1].removesuffix(".py")


def modules_imported(tree: ast.AST, name: str) -> Iterator[str]:
    """Our own modules as dotted names; `from wordmask.a import b` is wordmask.a.b."""
    package = ["wordmask", *name.split("/")[:-1]]
    for node in walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                alias.name for alias in node.names if alias.name.split(".")[0] == "wordmask"
            )
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module.split(".")[0] == "wordmask":
                yield from (f"{module}.{alias.name}" for alias in node.names)


# ---- circles


def module_name(file: str) -> str:
    """`a/b.py` -> wordmask.a.b, `a/__init__.py` -> wordmask.a."""
    parts = ["wordmask", *file.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_files(tree: ast.AST, name: str, modules: set[str]) -> set[str]:
    """The modules of the package that this file imports, wherever in it the import stands."""
    targets = set()
    for dotted in modules_imported(tree, name):
        inside = dotted if dotted in modules else dotted.rpartition(".")[0]
        if inside in modules and inside != module_name(name):
            targets.add(inside)
    return targets


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Each group of files that reach each other, once."""
    found, placed = [], set()
    reach = {module: reachable(arrows, module) for module in arrows}
    for module in sorted(arrows):
        ring = sorted(other for other in reach[module] if module in reach.get(other, set()))
        if len(ring) > 1 and module not in placed:
            found.append(ring)
            placed.update(ring)
    return found


def reachable(arrows: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(arrows[start])
    while ahead:
        module = ahead.pop()
        if module not in seen:
            seen.add(module)
            ahead += arrows.get(module, ())
    return seen


# ---- sizes


def functions_of(tree: ast.AST, name: str) -> Iterator[Function]:
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            counted = [members(one) for one in arguments if one.arg not in ("self", "cls")]
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(f"{name}: {node.name}", lines, sum(counted))


def members(argument: ast.arg) -> int:
    """How many values an argument holds: a tuple of three counts as three."""
    note = argument.annotation
    if not isinstance(note, ast.Subscript) or ast.unparse(note.value) != "tuple":
        return 1
    parts = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
    return 1 if any(ast.unparse(part) == "..." for part in parts) else max(1, len(parts))


def oversized(source: str, functions: list[Function], name: str, free: set[str]) -> list[str]:
    found = []
    lines = source.splitlines()
    if len(lines) > LINES_OF_FILE:
        found.append(f"{name}: {len(lines)} lines, at most {LINES_OF_FILE}")
    found += [
        f"{name}:{number}: {len(line)} characters in a line, at most {LINE}"
        for number, line in enumerate(lines, 1)
        if len(line) > LINE
    ]
    for one in functions:
        if one.lines > LINES_OF_FUNCTION:
            found.append(f"{one.place} has {one.lines} lines, at most {LINES_OF_FUNCTION}")
        if one.parameters > PARAMETERS and one.place not in free:
            found.append(
                f"{one.place} has {one.parameters} parameters, at most {PARAMETERS} "
                "(members of a tuple count); group them in a dataclass"
            )
    return found


# ---- names


def repeated_classes(classes: list[tuple[str, str]]) -> list[str]:
    counts = Counter(name for name, _ in classes)
    return [
        f"class {name} stands in {', '.join(sorted(file for one, file in classes if one == name))}"
        for name, count in sorted(counts.items())
        if count > 1
    ]


def participles(tree: ast.AST, name: str) -> list[str]:
    """Functions named by a bare participle; properties may be adjectives."""
    return [
        f"{name}: function {node.name} is a bare participle; name it by a verb or its result"
        for node in walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and is_participle(node.name.strip("_"))
        and not any("property" in ast.unparse(mark) for mark in node.decorator_list)
    ]


def is_participle(word: str) -> bool:
    if word in NO_PARTICIPLES:
        return False
    return word in PARTICIPLES or (word.endswith("ed") and "_" not in word)


# ---- what may not be written


def flags_below_doors(tree: ast.AST, name: str) -> list[str]:
    """A door spells flags; below it, an error names the option and a text names no door."""
    if layer_of(name) in ("doors", "", "__main__") or name in FLAGS_OF_OTHERS:
        return []
    return [
        f"{name}:{node.lineno}: spells a flag ({found[0].strip()}); only a door does"
        for node in walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (found := re.search(r"(?<![\w-])--[a-z][\w-]*", node.value))
    ]


def unwanted(tree: ast.AST, source: str, name: str) -> list[str]:
    parts = name.removesuffix(".py").split("/")
    found = [f"{name}: {part} says nothing" for part in parts if part in VAGUE]
    found += [
        f"{name}:{node.lineno}: assert does not check input; raise an error"
        for node in walk(tree)
        if isinstance(node, ast.Assert)
    ]
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            found.append(f"{name}:{number}: unfinished work")
        if "../shared" in line:
            found.append(f"{name}:{number}: speaks of a folder that only its makers have")
    return found


SILENCED = re.compile(
    r"#\s*(?:type:\s*ignore|noqa)"
    r"(?:\[(?P<kind>[\w,\s-]+)\]|:\s*(?P<rule>[A-Z]+\d+(?:,\s*[A-Z]+\d+)*))?(?P<rest>.*)"
)


def silenced(source: str, name: str) -> list[str]:
    """Where a checker is silenced without a reason; a reason serves its rule in the whole file."""
    lines = enumerate(source.splitlines(), 1)
    marks = [(number, mark) for number, line in lines if (mark := SILENCED.search(line))]
    reasoned = set()
    for _, mark in marks:
        if len(re.findall(r"\w{2,}", mark["rest"])) >= 2:
            reasoned.add(mark["kind"] or mark["rule"])
    return [
        f"{name}:{number}: a checker is silenced without a reason"
        for number, mark in marks
        if (mark["kind"] or mark["rule"]) not in reasoned
    ]


def commands(package: Path) -> set[str]:
    """The functions in the command line's table: their parameters are flags, a page and no call."""
    table = package / "doors/cli/__init__.py"
    if not table.is_file():
        return set()
    calls = [
        node
        for node in ast.walk(ast.parse(table.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Command"
    ]
    rows = [[ast.literal_eval(part) for part in call.args[:2]] for call in calls]
    return {f"doors/cli/{module}.py: {function}" for module, function in rows}
