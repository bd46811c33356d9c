"""A server for tests: the app in this process on the weightless engine, or a process of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from starlette.testclient import TestClient

from commands import RUN
from wordmask.doors.server.app import make_app
from wordmask.doors.server.options import ServeOptions

PNG = "image/png"


@contextmanager
def open_client(headers: dict[str, str] | None = None, **options) -> Iterator[TestClient]:
    """A client of an app whose options are these; it serves the engine `fake`."""
    settings = {"model": ("fake",), "workers": 2} | options
    app = make_app(ServeOptions(**settings))
    with TestClient(app, base_url="http://localhost", headers=headers or {}) as client:
        app.state.service.shelf.find(None).result(60)
        yield client


def lawn_png(size: tuple[int, int] = (120, 160)) -> bytes:
    """A red disc and a blue square on green, as a PNG."""
    pixels = np.full((*size, 3), (60, 160, 30), np.uint8)
    cv2.circle(pixels, (45, 60), 16, (20, 20, 220), -1)
    cv2.rectangle(pixels, (100, 40), (129, 69), (220, 20, 20), -1)
    return cv2.imencode(".png", pixels)[1].tobytes()


def send(client: TestClient, data: bytes | None = None) -> str:
    """The id of a picture that is sent."""
    answer = client.put("/v1/pictures", content=lawn_png() if data is None else data)
    assert answer.status_code == 200, answer.text
    return answer.json()["picture"]


def read_png(data: bytes) -> np.ndarray:
    """Grey, RGB or RGBA, with the file's depth."""
    raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if raw.ndim == 2:
        return raw
    return cv2.cvtColor(raw, cv2.COLOR_BGRA2RGBA if raw.shape[2] == 4 else cv2.COLOR_BGR2RGB)


@contextmanager
def run_server(*arguments: str, log: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """`wordmask serve` on a free port, of `fake` if no model is named: its address, its process."""
    model = () if "--model" in arguments else ("--model", "fake")
    command = [*RUN, "serve", "--port", "0", *model, *arguments]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, env=os.environ)
        try:
            address = _address(log, process)
            wait_until_ready(address)
            yield address, process
        finally:
            process.kill()
            process.wait()


def _address(log: Path, process: subprocess.Popen) -> str:
    for _ in range(600):
        words = log.read_text().split()
        found = [word for word in words if word.startswith("http://")]
        if found:
            return found[0].rstrip("/")
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"no address on {sys.platform}: {log.read_text()}")


def wait_until_ready(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not become ready")
