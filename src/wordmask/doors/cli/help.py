"""What `--help` shows: first the options that people need first, of the others only the names.

`--help-all` explains every option. Which option stands in which panel is decided here, so that the
options dataclasses say nothing of a page.
"""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

LIMITS, PAINTING, ENGINE = "Limits on inputs", "Painting", "Engine"
WALK, FOUND, EXAMPLE = "The walk", "What comes of it", "The example"
PANEL_OF_CLASS: dict[str, str | None] = {
    "SegmentOptions": "Thresholds",
    "ClickOptions": "Thresholds",
    "EverythingOptions": "Grid and thresholds",
    "TargetOptions": "What is meant",
    "PaintOptions": PAINTING,
    "EditOptions": "Edge and surroundings",
    "TrackOptions": "Following",
    "LiftOptions": "Camera, and what is thrown away",
    "PoseOptions": "People and their parts",
    "SmoothOptions": "In a video",
    "VolumeOptions": "Solids",
    "EngineOptions": ENGINE,
    "BenchOptions": "Measuring",
    "TrainOptions": "Training",
    "RayTrainOptions": "Training",
    "OwnDataOptions": "Own data",
    "ServeOptions": "Server and its limits",
    "RayOptions": "Several processes or machines",
    "DescribeOptions": "What is kept",
    "TileOptions": "Of any size",
    "AskOptions": "How it is answered",
    "SceneOptions": "How it is watched",
    "FormatOptions": None,
}
PANEL_OF_FIELD = {  # of the other classes
    "max_pixels": LIMITS,
    "max_bytes": LIMITS,
    "max_side": LIMITS,
    "max_frames": LIMITS,
    "max_pages": LIMITS,
    "named": "What is shown",
    "slice": "What is shown",
    "frame": "Which volume",
    "series": "Which volume",
    "view": "Output",
    "report": "Output",
    "max_inflated": LIMITS,
    "max_ratio": LIMITS,
    "max_voxels": LIMITS,
    "web": LIMITS,
    "overwrite": "Output",
    "model": ENGINE,
    "edit_prompt": PAINTING,
    "style": PAINTING,
    "reference": PAINTING,
    "fps": "Output",
    "background": "Output",
    "as_video": "Output",
    "ray": WALK,
    "workers": WALK,
    "write_every": WALK,
    "copies": "Which are listed",
    "group": "Which are listed",
    "near": "Which are listed",
    "together": "Which are listed",
    "coco": FOUND,
    "copy_to": FOUND,
    "link_to": FOUND,
    "xmp": FOUND,
    "box": EXAMPLE,
    "result": EXAMPLE,
    "region": EXAMPLE,
}
OUTPUT = ("model", "output_dir", "format", "json", "verbose")
# The options of a panel that a command shows at once; a group's name stands for all its commands.
# Options without a panel are always shown.
FIRST: dict[str, tuple[str, ...]] = {
    "segment": ("how", "vocabulary", "min_confidence", *OUTPUT),
    "click": ("box", *OUTPUT),
    "everything": ("points_per_side", "min_region_size", *OUTPUT),
    "edit segment": ("prompt", "click", "box", "result", "example", "model", "output_dir"),
    "edit remove": ("prompt", "click", "box", "result", "fill", "model", "output_dir"),
    "edit replace": (
        "prompt", "click", "edit_prompt", "use_inpainting", "fill", "fill_model", "output_dir",
    ),
    "edit style": (
        "prompt", "click", "style", "reference", "edit_prompt", "use_inpainting", "output_dir",
    ),
    "effect": ("prompt", "click", "output_dir"),
    "bench": ("model", "how", "num_samples", "words"),
    "bench clicks": ("model", "num_samples", "clicks", "objects"),
    "track": (
        "click", "box", "mask", "look_every", "model", "output_dir", "format", "json",
    ),
    "lift": ("known", "depth_at", "focal_px", "model"),
    "pose": ("box", *OUTPUT),
    "volume": (
        "click", "box", "planes", "window", "output", "surface", "sheet", "model", "json",
    ),
    "serve": ("host", "port", "token", "model"),
    "train": ("minutes", "max_steps", "test"),
    "train ovsam": ("stage", "backbone", "teacher", "adapter", "minutes", "test"),
    "lint-words": ("model",),
    "index": ("words", "points_per_side", "model"),
    "find": ("model",),
    "scene": ("look_every", "markings", "line", "camera_height", "focal_px"),
    "ask": ("how", "min_score", "model", "output_dir"),
}  # fmt: skip


def panel_of(field: str, options: type) -> str | None:
    """The panel in which the option stands; None: with the options that people need first."""
    for kind in options.__mro__:
        if kind.__name__ in PANEL_OF_CLASS:
            return PANEL_OF_CLASS[kind.__name__]
    return PANEL_OF_FIELD.get(field)


def group(help: str, epilog: str = "") -> typer.Typer:
    """Commands below a command, with this help for each."""
    return _App(no_args_is_help=True, help=help, epilog=epilog, cls=_HelpfulGroup, **SETTINGS)


def help_all() -> Any:
    """The option that explains every option."""
    return typer.Option(
        "--help-all",
        help="Explain every option and leave.",
        is_eager=True,
        callback=_explain_all,
        metavar=" ",
    )


SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
_ALL = "wordmask.help_all"


def _explain_all(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.meta[_ALL] = True
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit


class _HelpfulCommand(TyperCommand):
    """A command whose help is short unless all is wanted."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        everything = ctx.meta.get(_ALL, False)
        parameters: list[Any] = self.get_params(ctx)
        _tidy(parameters)
        others = _panels(parameters, _first_of(ctx.command_path))
        for option in (option for panel in others.values() for option in panel):
            option.hidden = not everything
        for option in parameters:
            if option.name == "help_all":
                option.hidden = not others
        super().format_help(ctx, formatter)
        if others and not everything:
            _print_names(others)


class _HelpfulGroup(TyperGroup):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _tidy(self.get_params(ctx))
        super().format_help(ctx, formatter)


class _App(typer.Typer):
    """Commands whose help is short unless all is wanted."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        return super().command(name, **({"cls": _HelpfulCommand} | settings))


def _tidy(parameters: list[Any]) -> None:
    """Arguments in capitals, as the texts name them; no type beside a switch."""
    for parameter in parameters:
        if parameter.name in ("help", "version"):
            parameter.metavar = " "
        elif parameter.param_type_name == "argument" and parameter.metavar is None:
            parameter.metavar = parameter.name.upper()


def _first_of(path: str) -> tuple[str, ...]:
    """
    >>> _first_of("wordmask effect blur")
    ('prompt', 'click', 'output_dir')
    """
    _, *names = path.split()
    for count in range(len(names), 0, -1):
        found = FIRST.get(" ".join(names[:count]))
        if found is not None:
            return found
    return ()


def _panels(parameters: list[Any], first: tuple[str, ...]) -> dict[str, list[Any]]:
    """The options that are not needed first, by panel; required ones and `first` leave theirs."""
    panels: dict[str, list[Any]] = {}
    for option in parameters:
        panel = getattr(option, "rich_help_panel", None)
        if panel is None:
            continue
        if option.name in first or option.required:
            option.rich_help_panel = None
        else:
            panels.setdefault(panel, []).append(option)
    return panels


def _print_names(panels: dict[str, list[Any]]) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for panel, options in panels.items():
        table.add_row(panel, "  ".join(_useful_flag(option) for option in options))
    title = "Further options, explained by --help-all"
    Console().print(Panel(table, title=title, title_align="left", border_style="dim"))


def _useful_flag(option: Any) -> str:
    """The flag that changes something: of a switch that is on, the one that turns it off."""
    flags: list[str] = option.secondary_opts if option.default is True else option.opts
    return flags[0]
