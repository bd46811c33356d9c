"""The command `wordmask`. Each command's module is imported only when that command runs."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

import typer

from wordmask.doors.cli.errors import sentence, usage_sentence
from wordmask.doors.cli.help import group
from wordmask.errors import INTERRUPTED, WordmaskError
from wordmask.version import __version__


class Command(NamedTuple):
    """Where a command lives, and its line in the help."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "segment": Command("segment", "segment", "Masks of what words name, in a picture or a folder."),
    "click": Command("segment", "click", "Cut out one thing, shown by points or a box."),
    "everything": Command("segment", "everything", "Every region of a picture, without names."),
    "ask": Command("ask", "ask", "Answer questions about a picture, with what shows it."),
    "scene": Command("scene", "scene", "Watch a drive: road users, free road, warnings."),
    "track": Command("track", "track", "Follow what words name, or what is shown, in a video."),
    "pose": Command("pose", "pose", "People's joints, masks and parts of their bodies."),
    "volume": Command(
        "volume", "volume", "Cut a thing out of a scan (NIfTI, DICOM), in three dimensions."
    ),
    "index": Command("index", "index", "Keep every region of many pictures, to find them again."),
    "find": Command("find", "find", "Find regions in an index, by words or by example."),
    "draw": Command("files", "draw", "Draw saved results over their pictures."),
    "convert": Command("files", "convert", "Turn results from one format into another."),
    "edit": Command("edit", "edit", "Remove, replace or restyle what words or clicks name."),
    "effect": Command(
        "edit", "effect", "Blur, recolour, outline, cut out ... what words or clicks name."
    ),
    "lift": Command("lift", "lift", "Things in space with their sizes, from what words name."),
    "serve": Command("serve", "serve", "Answer over HTTP; a page to try it, and all routes."),
    "page": Command("page", "page", "The page in a browser: name, click, correct, export."),
    "bench": Command("bench", "app", "Measure models on data sets, compare two runs."),
    "train": Command("train", "app", "Train the embedded model."),
    "export": Command("export", "export", "Write an engine as ONNX files that need no torch."),
    "models": Command(
        "models", "models", "Engines by what they do: size, needs, whether they are here."
    ),
    "doctor": Command(
        "doctor", "doctor", "What works on this machine, and what to install for the rest."
    ),
    "lint-words": Command(
        "lint_words", "lint_words", "Warn of words that will be confused with each other."
    ),
}


STOPPED = "stopped; run the same command again to go on"
EXIT_CODES = (
    "Exit codes: 0 done, 1 a warning of lint-words, 2 wrong use or a file that cannot be used, "
    "3 an engine is missing or cannot do it, 4 an output cannot be written, 5 some of many failed, "
    "130 stopped (Ctrl-C)."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: errors become one line and an exit code, Ctrl-C leaves quietly."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _app(arguments)(arguments, prog_name="wordmask", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer takes Ctrl-C for an exit
            _complain(STOPPED)
    except WordmaskError as error:
        _complain(f"error: {sentence(error)}")
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain(STOPPED)
        code = INTERRUPTED
    except BrokenPipeError:  # `wordmask ... | head`: the reader has gone, so nobody is to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _usage(error)
    sys.exit(code if isinstance(code, int) else 0)


def _app(arguments: Sequence[str]) -> typer.Typer:
    """Only the command that is asked for is imported; the others are a line in the help."""
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    app = group("wordmask: name it, get its mask.", EXIT_CODES)
    app.callback()(_version)
    for name, command in COMMANDS.items():
        _add(app, name, command, load=name == wanted)
    return app


def _add(app: typer.Typer, name: str, command: Command, *, load: bool) -> None:
    """The real command, or a line that stands for it in the help."""
    if not load:
        app.command(name, help=command.help)(lambda: None)
        return
    found = getattr(import_module(f"wordmask.doors.cli.{command.module}"), command.attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, help=command.help)
    else:
        app.command(name)(found)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wordmask {__version__}")
        raise typer.Exit


def _version(
    version: bool = typer.Option(
        False,
        "--version",
        help="Show the version and leave.",
        is_eager=True,
        callback=_show_version,
    ),
) -> None:
    """wordmask: name it, get its mask."""


def _usage(error: Exception) -> int:
    """Wrong usage is told in a line; anything else is a bug and keeps its traceback."""
    show = getattr(error, "format_message", None)
    if show is None:
        raise error
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "wordmask"
    if show():  # it is empty where a group without a command has shown its help
        known = getattr(getattr(context, "command", None), "commands", COMMANDS)
        _complain(f"error: {usage_sentence(error, tuple(known))}\ntry: {path} --help")
    return int(getattr(error, "exit_code", 2))


def _complain(message: str) -> None:
    typer.echo(message, err=True)
