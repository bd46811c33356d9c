"""Videos at an address: an RTSP camera, a file or stream on an HTTP server.

They are opened only where a person asks for it, because the address may lead into a private
network. What is found there must be a container on our list: a playlist could name any file or
address, so none is followed, and FFmpeg may use the protocols of this one address only.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from wordmask.errors import ImageError, Mend
from wordmask.media.reading.limits import VideoLimits
from wordmask.media.video.read import VideoFrame, decode, pyav, video_stream

ADDRESS = re.compile(r"(rtsps?|https?)://.+", re.IGNORECASE)
# What FFmpeg may open (scheme -> protocols) and what it may take it for.
PROTOCOLS = {
    "rtsp": "rtsp,rtp,srtp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,srtp,tcp,tls",
    "http": "http,tcp",
    "https": "https,tls,tcp",
}
CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,mpjpeg"
TIMEOUT_S = 10.0


def is_address(text: str) -> bool:
    return ADDRESS.fullmatch(text) is not None


def is_live(address: str) -> bool:
    """Whether what comes from there does not wait for one who is slow."""
    return address.lower().startswith("rtsp")


def check_allowed(address: str, *, web: bool) -> None:
    """Raise where addresses were not asked for."""
    if not web:
        raise ImageError(
            f"{name_of(address)} is an address, and videos are not fetched unless that is asked "
            "for",
            mend=Mend("web"),
        )


def name_of(address: str) -> str:
    """The address without the name and password in it, which would end up in files."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def frames_at(address: str) -> Generator[VideoFrame, None, None]:
    """Frame after frame, as they come."""
    name, limits = name_of(address), VideoLimits()
    with _open(address, name) as container:
        yield from decode(container, video_stream(container, limits, name), limits, name)


@contextmanager
def _open(address: str, name: str) -> Iterator[Any]:
    av = pyav()
    scheme = urlsplit(address).scheme.lower()
    options = {"protocol_whitelist": PROTOCOLS[scheme]}
    if is_live(address):
        options |= {"rtsp_transport": "tcp", "format_whitelist": "rtsp"}
    else:
        options["format_whitelist"] = CONTAINERS
    try:
        container = av.open(address, options=options, timeout=TIMEOUT_S, metadata_errors="replace")
    except (av.error.FFmpegError, MemoryError, ValueError) as error:
        raise ImageError(
            f"{name} gives no video: {_short(error)}; read are MP4, MOV, MKV, WebM, AVI, MPEG, FLV "
            "and Ogg, no playlists"
        ) from error
    with container:
        yield container


def _short(error: BaseException) -> str:
    """What FFmpeg says, without the address."""
    return getattr(error, "strerror", None) or type(error).__name__
