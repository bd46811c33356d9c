"""`wordmask models`: the engines that can be asked for by name, grouped by what they do."""

import json as jsonlib
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import typer

from wordmask import engines
from wordmask.engines.cards import CARDS, EngineCard
from wordmask.engines.weights import home
from wordmask.media.reading.limits import human

AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.", metavar=" ")]


class EngineGroup(NamedTuple):
    """What some engines can do; an engine stands in every group that it belongs to."""

    title: str
    protocols: frozenset[str]  # what an engine must have


GROUPS = (
    EngineGroup("Words to masks", frozenset({"Segmenter", "Dense"})),
    EngineGroup("Clicks and boxes to masks", frozenset({"Segmenter"})),
    EngineGroup("Names for regions (join with one that takes clicks)", frozenset({"Dense"})),
    EngineGroup("Words to boxes (join with one that takes boxes)", frozenset({"Detector"})),
    EngineGroup("Objects through a video", frozenset({"Tracker"})),
    EngineGroup("Depth", frozenset({"DepthModel"})),
    EngineGroup("Joints of people (join with one that takes boxes)", frozenset({"PoseModel"})),
    EngineGroup("Questions (join with one that finds things)", frozenset({"Answerer"})),
    EngineGroup("Fill what is removed", frozenset({"Inpainter"})),
)
OTHERS = "Others"
RECORDED = (
    "name", "source", "protocols", "licence", "revision", "sha256", "nbytes", "size_mb",
    "input_side", "extra", "gated",
)  # fmt: skip
WIDTHS = {"name": 20, "size": 9, "here": 5, "needs": 22, "licence": 27}


def models(json: AsJson = False) -> None:
    """What can be loaded by name: what it does, how large it is, whether it is here.

    wordmask segment kitchen.jpg cup --model sam2.1-large+clip-b16
    """
    rows = [*CARDS.values()]
    rows += [_plugin(name, where) for name, where in engines.plugins().items()]
    if json:
        typer.echo(jsonlib.dumps([_record(row) for row in rows]))
        return
    _print_groups(group_engines(rows))
    typer.echo(
        "\nEngines join with +, as in sam2.1-large+clip-b16; a local folder or hub:owner/name "
        "works in\nplace of a name. `needs` names the extra to install: pip install "
        "'wordmask[hf]'."
    )


def group_engines(rows: Sequence[EngineCard]) -> dict[str, list[EngineCard]]:
    """The engines by the titles of their groups: `mini` first, then as they come, `fake` last."""
    order = {"mini": -1, "fake": 1}
    ordered = sorted(rows, key=lambda row: order.get(row.name, 0))
    groups = {
        group.title: [row for row in ordered if group.protocols <= set(row.protocols)]
        for group in GROUPS
    }
    known = {row.name for members in groups.values() for row in members}
    groups[OTHERS] = [row for row in ordered if row.name not in known]
    return {title: members for title, members in groups.items() if members}


def _print_groups(groups: dict[str, list[EngineCard]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)  # a licence may hold [brackets]
    for number, (title, members) in enumerate(groups.items()):
        table = Table(box=None, pad_edge=False, show_header=number == 0, header_style="dim")
        for column, width in WIDTHS.items():
            table.add_column(column, width=width, justify="right" if column == "size" else "left")
        for row in members:
            table.add_row(row.name, _size(row), _here(row), _needs(row), row.licence)
        console.print(f"\n{title}" if number else title, style="bold")
        console.print(table)


def _plugin(name: str, where: str) -> EngineCard:
    return EngineCard(name, where, "plug-in", (), "see the package")


def _record(row: EngineCard) -> dict[str, Any]:
    cached = home.is_here(row) if row.source != "plug-in" else None
    return {key: getattr(row, key) for key in RECORDED} | {"cached": cached}


def _needs(row: EngineCard) -> str:
    parts = [row.extra] if row.extra else []
    parts += ["an agreement"] if row.gated else []
    return ", ".join(parts)


def _size(row: EngineCard) -> str:
    if row.source == "shipped":
        return human(sum(path.stat().st_size for path in home.shipped_files(row.name)), "B")
    nbytes = row.nbytes or (row.size_mb or 0) * 1_000_000
    return human(nbytes, "B") if nbytes else ""


def _here(row: EngineCard) -> str:
    """Whether it can be used at once; what needs no weights is always here."""
    if row.source == "plug-in":
        return "yes"
    state = home.is_here(row)
    return "yes" if state or state is None else "no"
