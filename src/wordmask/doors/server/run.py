"""Run the server: one process, stopped within seconds by SIGTERM or Ctrl-C."""

import socket
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from wordmask.doors.server.metrics import log_to_stderr
from wordmask.doors.server.options import ServeOptions
from wordmask.errors import Mend, OptionError

BACKLOG = 2048  # connections that wait to be taken


class GracefulServer(uvicorn.Server):
    """Tells the app that it is to stop before connections are waited for: streams end by that."""

    def __init__(self, config: uvicorn.Config, app: Any) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.is_stopping = True
        super().handle_exit(sig, frame)


def open_socket(options: ServeOptions) -> socket.socket:
    """The socket to listen on, or the error that says why it cannot be had."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OptionError(
            f"{options.host} port {options.port} cannot be listened on: {error.strerror or error}",
            mend=Mend("port", "0"),
        ) from None


def serve(app: FastAPI, options: ServeOptions, listening: socket.socket) -> None:
    """Serve until stopped."""
    log_to_stderr()
    config = uvicorn.Config(
        app,
        timeout_keep_alive=options.keep_alive_s,
        timeout_graceful_shutdown=options.stop_s,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(options.trust_proxy),
        forwarded_allow_ips=list(options.trust_proxy),
    )
    GracefulServer(config, app).run(sockets=[listening])
