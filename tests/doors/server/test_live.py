"""The real command in a process of its own: sockets, slow and rude clients, the graceful stop."""

import http.client
import json
import signal
import socket
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands import run_apart
from serving import lawn_png, run_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with run_server("--idle-s", "0.5", "--body-s", "2", log=log) as (address, process):
        yield address, process, log


def connect(address: str) -> socket.socket:
    place = urlsplit(address)
    return socket.create_connection((place.hostname, place.port), timeout=20)


def put_picture(address: str) -> str:
    request = urllib.request.Request(f"{address}/v1/pictures", lawn_png(), method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["picture"]


def descriptors(process) -> int:
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


HEAD = b"PUT /v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"


def test_a_slow_body_is_cut_off(server):
    address, _, _ = server
    with connect(address) as stalled, connect(address) as trickling:
        for one in (stalled, trickling):
            one.sendall(HEAD)
        start = time.monotonic()
        got = b""
        trickling.settimeout(0.3)
        while b"408" not in got and time.monotonic() - start < 10:
            try:
                trickling.sendall(b"x")
                got += trickling.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
        assert b"408" in got
        assert b"408" in stalled.recv(4096)


def test_a_cut_body_and_a_rude_end_leave_nothing_open(server):
    address, process, _ = server
    put_picture(address)
    before = descriptors(process)
    for _ in range(20):
        with connect(address) as rude:
            rude.sendall(HEAD + b"x" * 100)
    time.sleep(0.3)  # until all of them have been taken
    for _ in range(100):
        if descriptors(process) <= before + 1:
            break
        time.sleep(0.05)
    put_picture(address)
    assert descriptors(process) <= before + 1


@pytest.mark.parametrize(
    "text",
    [
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        b"PUT /v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"PUT /v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /pages/..%2f..%2fapp.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_raw_requests_that_lie(server, text):
    address, _, _ = server
    with connect(address) as lying:
        lying.sendall(text)
        status = int(lying.recv(4096).split()[1])
    assert status in (400, 403, 404, 413)


def test_a_connection_stays_open_and_ranges_are_not_served(server):
    address, _, _ = server
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    for _ in range(2):
        connection.request("GET", "/docs", headers={"Range": "bytes=" + "0-1," * 1000 + "5-6"})
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()


def test_the_log_is_json_without_tokens_or_pictures(server):
    address, _, log = server
    id = put_picture(address)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{address}/v1/pictures/{id}?token=hush", timeout=20)
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    rows = [json.loads(line) for line in lines]
    assert {"time", "level", "event", "route", "status", "ms", "method"} <= rows[-1].keys()
    assert "hush" not in log.read_text()
    assert id not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_sigterm_lets_work_end_and_is_quick(tmp_path):
    with run_server(log=tmp_path / "log") as (address, process):
        put_picture(address)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)
        assert time.monotonic() - start < 10
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_and_a_missing_token_are_told_in_a_line(server):
    address, _, _ = server
    taken = run_apart("serve", "--model", "fake", "--port", urlsplit(address).port)
    assert taken.returncode == 2
    assert "--port" in taken.stderr
    open_to_all = run_apart("serve", "--host", "0.0.0.0")
    assert open_to_all.returncode == 2
    assert "--token" in open_to_all.stderr
    assert "Traceback" not in taken.stderr + open_to_all.stderr
