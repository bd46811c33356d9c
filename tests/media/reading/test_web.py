"""Pictures from the web: only if allowed, over https, from public addresses, within limits."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from wordmask.errors import ImageError
from wordmask.media.reading import web
from wordmask.media.reading.read import read
from wordmask.media.reading.web import WebOptions, fetch, is_public
from wordmask.media.writing import encode_picture

PUBLIC = "93.184.216.34"
PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.1.2.3", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::",
    "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1",
    "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
    "4000::1", "f000::1", "localhost", "", "127.1", "0x7f.1", "2130706433", "017700000001",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_public_and_nothing_is_sent_there(address):
    assert not is_public(address)

    def connect(*where: object) -> socket.socket:
        raise AssertionError(f"connected to {where}")

    options = WebOptions(resolve=lambda host: [PUBLIC, address], connect=connect)
    with pytest.raises(ImageError, match="not a public address"):
        fetch("https://example.org/cat.png", 1000, options)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001::1"]
)
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org/a.png", "over https only"),
        ("ftp://example.org/a.png", "over https only"),
        ("file:///etc/passwd", "over https only"),
        ("https:///a.png", "expected https://host/path"),
        ("https://user:secret@example.org/a.png", "without a user"),
        ("https://example.org:22/a.png", "on the usual port"),
        ("https://example.org:x/a.png", "is no web address"),
        ("https://[::1/a.png", "is no web address"),
    ],
)
def test_addresses_that_are_not_asked_at_all(url, said):
    with pytest.raises(ImageError, match=said):
        fetch(url, 1000, WebOptions(resolve=lambda host: [PUBLIC]))


@contextmanager
def answering(
    *answers: bytes | Callable[[socket.socket], None], timeout_s: float = 60
) -> Iterator[tuple[WebOptions, list[str]]]:
    """Options that reach servers with these answers in turn, and what each was asked."""
    asked: list[str] = []
    waiting, threads = iter(answers), []

    def connect(address: str, host: str, timeout_s: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        asked.append(f"{host} at {address}")
        threads.append(threading.Thread(target=serve, args=(theirs, next(waiting))))
        threads[-1].start()
        return ours

    def serve(theirs: socket.socket, answer: bytes | Callable[[socket.socket], None]) -> None:
        with theirs, suppress(OSError):
            asked.append(theirs.recv(4096).decode().splitlines()[0])
            answer(theirs) if callable(answer) else theirs.sendall(answer)

    yield WebOptions(timeout_s=timeout_s, resolve=lambda host: [PUBLIC], connect=connect), asked
    for thread in threads:
        thread.join()


def ok(body: bytes, *, length: int | None = None) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) if length is None else length)
        + body
    )


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_picture_is_fetched_from_the_very_address_that_was_checked():
    with answering(ok(b"a picture")) as (options, asked):
        assert fetch("https://example.org/pics/cat.png?w=9", 1000, options) == b"a picture"
    assert asked == [f"example.org at {PUBLIC}", "GET /pics/cat.png?w=9 HTTP/1.1"]


def test_each_hop_is_looked_up_and_checked_anew():
    with answering(moved("https://cdn.example.org/cat.png"), moved("/b.png"), ok(b"here")) as (
        options,
        asked,
    ):
        assert fetch("https://example.org", 1000, options) == b"here"
    assert asked[2::2] == [f"cdn.example.org at {PUBLIC}"] * 2
    assert asked[1::2] == ["GET / HTTP/1.1", "GET /cat.png HTTP/1.1", "GET /b.png HTTP/1.1"]


@pytest.mark.parametrize(
    "to", ["http://example.org/", "https://169.254.169.254/latest", "file:///etc/passwd"]
)
def test_a_redirect_to_where_it_may_not_go(to):
    with answering(moved(to)) as (options, _):
        checked = WebOptions(
            60,
            resolve=lambda host: [host if host[0].isdigit() else PUBLIC],
            connect=options.connect,
        )
        with pytest.raises(ImageError, match=r"https|public"):
            fetch("https://example.org/", 1000, checked)


def test_a_name_that_changes_between_two_questions_is_asked_once_a_hop():
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with answering(ok(b"x")) as (options, asked):
        turning = WebOptions(60, resolve=lambda host: next(answers), connect=options.connect)
        assert fetch("https://rebind.example/", 1000, turning) == b"x"
    assert asked[0] == f"rebind.example at {PUBLIC}"


def test_a_ring_of_redirects_ends():
    with (
        answering(*[moved("/again")] * 4) as (options, _),
        pytest.raises(ImageError, match="more than 3 times"),
    ):
        fetch("https://example.org/", 1000, options)


def trickle(theirs: socket.socket) -> None:
    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        theirs.sendall(b"x")
        time.sleep(0.05)


def trickled_head(theirs: socket.socket) -> None:
    for _ in range(100):
        theirs.sendall(b"H")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(ok(bytes(1001)), "over 1 kB; set max_bytes=2KB", id="too long"),
        pytest.param(ok(b"", length=10**12), "IncompleteRead|breaks off", id="nothing of much"),
        pytest.param(ok(bytes(900), length=950), "IncompleteRead|breaks off", id="cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2000), "over 1 kB", id="no length said"),
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "answers 404 Not Found",
            id="404",
        ),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "cannot be fetched", id="no http"),
        pytest.param(b"", "cannot be fetched", id="silence"),
        pytest.param(trickle, "takes too long", id="a byte at a time"),
        pytest.param(trickled_head, "takes too long", id="a byte of head at a time"),
    ],
)
def test_answers_that_are_no_picture(answer, said):
    slow = callable(answer)  # the others get all the time that a busy machine needs
    with (
        answering(answer, timeout_s=0.6 if slow else 60) as (options, _),
        pytest.raises(ImageError, match=said),
    ):
        fetch("https://example.org/", 1000, options)


def test_a_name_without_an_address():
    with pytest.raises(ImageError, match="has no address"):
        fetch("https://example.org/", 1000, WebOptions(resolve=lambda host: []))


def test_no_time_left_is_an_error_before_anything_is_sent():
    options = WebOptions(
        timeout_s=0, resolve=lambda host: [PUBLIC], connect=lambda *_: pytest.fail("connected")
    )
    with pytest.raises(ImageError, match="takes too long"):
        fetch("https://example.org/", 1000, options)


def test_a_name_that_cannot_be_looked_up(monkeypatch):
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(web.socket, "getaddrinfo", unknown)
    with pytest.raises(ImageError, match=r"cannot be fetched: .*Name or service not known"):
        fetch("https://nowhere.example/", 1000)


def test_names_are_looked_up_by_the_system(monkeypatch):
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(web.socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(ImageError, match=r"leads to 10\.0\.0\.7"):
        fetch("https://intern.example/", 1000)


def test_the_line_is_tls_for_the_host_to_the_address(monkeypatch):
    """Over a plain socket that answers nonsense, TLS must fail, and the socket be closed."""
    ours, theirs = socket.socketpair()
    dialled: list[object] = []
    monkeypatch.setattr(
        web.socket, "create_connection", lambda where, timeout: dialled.append(where) or ours
    )
    theirs.sendall(b"no TLS here, sorry" * 10)
    with theirs, pytest.raises(ssl.SSLError):
        web._connect(PUBLIC, "example.org", 1.0)
    assert dialled == [(PUBLIC, 443)]
    assert ours.fileno() == -1


def test_read_fetches_only_when_asked(monkeypatch):
    data = encode_picture(np.full((2, 3, 3), 9, np.uint8))
    monkeypatch.setattr(web, "fetch", lambda url, most_bytes: data)
    image = read("https://example.org/a.png", web=True)
    assert image.size == (2, 3)
    assert image.name == "https://example.org/a.png"
    with pytest.raises(ImageError, match="not fetched unless you allow it; set web"):
        read("https://example.org/a.png")
