"""One picture from the web: over https, from public addresses, within limits of time and bytes.

A host name can be made to point into a private network, and to point elsewhere the second time it
is looked up. So it is looked up once for each hop, every address it gives must be public, and the
connection goes to that very address. Redirects are followed by hand under the same rule.
"""

import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from threading import Timer
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

from wordmask.errors import ImageError, Mend
from wordmask.media.reading.limits import human, round_up

Resolve = Callable[[str], Iterable[str]]
Connect = Callable[[str, str, float], socket.socket]

# Tunnels inside 2000::/3: they lead to an IPv4 address, which may be private.
_TUNNELS = [ip_network(text) for text in ("2001::/23", "2002::/16")]
_PUBLIC_IPV6 = IPv6Network("2000::/3")


def _resolve(host: str) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


def _connect(address: str, host: str, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((address, 443), timeout_s)
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


@dataclass(frozen=True)
class WebOptions:
    """How pictures are fetched; the last two fields let tests do without a network."""

    timeout_s: float = 5.0
    """For everything: names, all hops, all bytes."""
    most_hops: int = 3
    """Redirects that are followed."""
    resolve: Resolve = _resolve
    """The addresses of a host name."""
    connect: Connect = _connect
    """(address, host, seconds): a socket that speaks TLS with `host`."""


DEFAULT = WebOptions()


class WebAnswerError(ImageError):
    """A server answered, but not with the picture; `status` is HTTP's."""

    def __init__(self, *args: Any, mend: Mend | None = None, status: int = 0) -> None:
        super().__init__(*args, mend=mend)
        self.status = status


def fetch(url: str, most_bytes: int, options: WebOptions = DEFAULT) -> bytes:
    """The bytes at `url`, at most `most_bytes`; an ImageError names the address."""
    until = monotonic() + options.timeout_s
    here = url
    for _ in range(options.most_hops + 1):
        try:
            data, location = _one_hop(here, most_bytes, until, options)
        except (OSError, HTTPException, UnicodeError) as error:
            raise ImageError(
                f"{here} cannot be fetched: {error or type(error).__name__}"
            ) from error
        if location is None:
            return data
        here = urljoin(here, location)
    raise ImageError(f"{url} leads on more than {options.most_hops} times; give the last address")


def _one_hop(
    url: str, most_bytes: int, until: float, options: WebOptions
) -> tuple[bytes, str | None]:
    """The body, or the address to which the answer redirects."""
    host, path = _parts(url)
    address = _public_address(url, host, options.resolve)
    sock = options.connect(address, host, _left(until))
    # A timeout counts anew for each byte of a trickle; the alarm counts once.
    alarm = Timer(_left(until), lambda: _hang_up(sock))
    alarm.start()
    try:
        return _ask(url, HTTPSConnection(host), sock, path, most_bytes)
    finally:
        alarm.cancel()
        sock.close()
        _left(until)  # a body that the alarm cut short must not pass for a whole one


def _ask(
    url: str, line: HTTPSConnection, sock: socket.socket, path: str, most_bytes: int
) -> tuple[bytes, str | None]:
    line.sock = sock
    line.request(
        "GET",
        path,
        headers={"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "wordmask"},
    )
    with line.getresponse() as answer:
        location = answer.getheader("Location")
        if 300 <= answer.status < 400 and location:
            return b"", location
        if answer.status != 200:
            raise WebAnswerError(
                f"{url} answers {answer.status} {answer.reason}; is the address right?",
                status=answer.status,
            )
        return _body(url, answer, most_bytes), None


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _parts(url: str) -> tuple[str, str]:
    """Host and path, once the address has passed: https on its usual port, no user, no password."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ImageError(f"{url!r} is no web address: {error}") from None
    if parts.scheme != "https":
        raise ImageError(f"{url} is not https; pictures are fetched over https only")
    if not host or parts.username is not None or port not in (None, 443):
        raise ImageError(f"{url}: expected https://host/path, without a user and on the usual port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, path


def _public_address(url: str, host: str, resolve: Resolve) -> str:
    """The first address of `host`, if all of them are public."""
    addresses = list(resolve(host))
    if not addresses:
        raise ImageError(f"{url}: the name {host} has no address")
    for address in addresses:
        if not is_public(address):
            raise ImageError(
                f"{url} leads to {address}, which is not a public address; download it yourself"
            )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the whole internet can reach `address`.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:93.184.216.34")
    (True, False, False)
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address):
        return ip in _PUBLIC_IPV6 and not any(ip in tunnel for tunnel in _TUNNELS)
    return ip not in ip_network("192.0.0.0/24") and ip not in ip_network("192.88.99.0/24")


def _body(url: str, answer: HTTPResponse, most_bytes: int) -> bytes:
    # One byte over the limit tells that it is exceeded; fewer bytes than promised raise.
    data = answer.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ImageError(
            f"{url} has over {human(most_bytes, 'B')}",
            mend=Mend("max_bytes", round_up(2 * most_bytes, "B")),
        )
    if answer.length:
        raise ImageError(f"{url} breaks off after {len(data):,} bytes; try again")
    return data


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left
