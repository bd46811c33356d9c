"""`wordmask page`: the page on this machine, in a browser."""

import threading
import time
import urllib.request
import webbrowser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from annotated_types import Interval

from wordmask import files
from wordmask.core.options import check
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.serve import load_server
from wordmask.engines import EngineOptions
from wordmask.errors import Mend, OptionError

PAGES = (".html", ".htm")
WAIT_S = 120.0  # until the engine is loaded


@dataclass(frozen=True)
class PageOptions:
    """Where the page is shown."""

    port: Annotated[int, Interval(ge=0, le=65535)] = 0
    """Port to listen on; 0: any that is free."""
    model: tuple[str, ...] = ("auto",)
    """Engines that are served; the first one answers."""
    browser: bool = True
    """Open the page in the browser."""
    one_file: Path | None = None
    """Serve nothing; write the page and mini into one HTML file that opens from disk, offline."""
    runtime: Path | None = None
    """With one-file: onnxruntime-web as a .tgz of npm; none: fetched by npm once."""
    other_words: bool = True
    """With one-file: the text network too, for words that are not in mini's table (27 MB more)."""
    webgpu: bool = False
    """With one-file: a runtime that uses the graphics card where the browser can (4 MB more)."""

    def __post_init__(self) -> None:
        check(self)
        if self.one_file is not None and Path(self.one_file).suffix.lower() not in PAGES:
            raise OptionError(
                f"one_file must end in {' or '.join(PAGES)}; got {str(self.one_file)!r}",
                mend=Mend("one_file", "page.html"),
            )


@with_options(options=PageOptions, engine=EngineOptions)
def page(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of pictures, to label one after the other.")
    ] = None,
    *,
    options: PageOptions,
    engine: EngineOptions,
) -> None:
    """Open the page: name things, click on them, correct them; with FOLDER, label its pictures.

    wordmask page holiday/
    wordmask page --one-file OUT.html   (a file that needs no server and no network)

    Only this machine can reach it. Labels are kept in FOLDER/wordmask-labels, saved as you go.
    """
    if options.one_file is not None:
        write_one_file(options.one_file, options, engine)
        return
    serving = load_server("options").ServeOptions(port=options.port, model=options.model)
    if folder is not None:
        serving = replace(serving, folder=folder)
    running, app = load_server("run"), load_server("app").make_app(serving, engine)
    listening = running.open_socket(serving)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    typer.echo(f"{address}  stop it with Ctrl-C", err=True)
    if options.browser:
        threading.Thread(target=open_when_ready, args=(address,), daemon=True).start()
    running.serve(app, serving, listening)


def write_one_file(path: Path, options: PageOptions, engine: EngineOptions) -> None:
    """The page that needs no server."""
    from wordmask.doors.cli import npm, onefile

    runtime = npm.read_runtime(options.runtime, webgpu=options.webgpu)
    folder = None if engine.checkpoint is None else Path(engine.checkpoint)
    text = onefile.build(runtime, folder, other_words=options.other_words)
    files.write_text(path, text)
    typer.echo(f"{path}  {len(text) / 1e6:.0f} MB: open it in a browser", err=True)


def open_when_ready(address: str, open_page: Any = webbrowser.open) -> None:
    """Show the page once the server can answer; a person can also type the address."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}ready", timeout=5):
                break
        except OSError:
            time.sleep(0.1)
    open_page(address)
