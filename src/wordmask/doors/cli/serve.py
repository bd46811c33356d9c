"""`wordmask serve`: the HTTP server. What it needs comes with the extra `serve`."""

import os
from dataclasses import replace
from importlib import import_module
from typing import Any

import typer

from wordmask.doors.cli.flags import with_options
from wordmask.engines import EngineOptions, check_spec
from wordmask.errors import missing_extra


def load_server(module: str) -> Any:
    """A module of the server, which is another door: looked up, so that the doors stay apart."""
    try:
        return import_module(f"wordmask.doors.server.{module}")
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library == "wordmask":
            raise
        raise missing_extra(f"{library or error} (needed by the server)", "serve") from error


@with_options(
    options=load_server("options").ServeOptions,
    spread=load_server("rayserve").RayOptions,
    engine=EngineOptions,
)
def serve(options: Any, spread: Any, engine: EngineOptions) -> None:
    """Answer over HTTP: words, clicks and boxes in, masks out. A page at /, all routes at /docs.

    wordmask serve --model mini --port 8000
    """
    secrets = {"token": "WORDMASK_TOKEN", "label_studio_token": "LABEL_STUDIO_API_KEY"}
    for field, variable in secrets.items():
        given = getattr(options, field) or os.environ.get(variable, "")
        options = replace(options, **{field: given})
    options.check_token()
    for name in options.model:
        check_spec(name, engine)
    if spread.ray:
        address = f"http://{options.host}:{options.port}/"
        typer.echo(f"{', '.join(options.model)} on Ray Serve at {address}", err=True)
        load_server("rayserve").serve_on_ray(options, engine, spread)
        return
    running, app = load_server("run"), load_server("app").make_app(options, engine)
    listening = running.open_socket(options)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"{', '.join(options.model)} at http://{shown}:{port}/  routes: /docs", err=True)
    running.serve(app, options, listening)
