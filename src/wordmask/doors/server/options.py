"""Everything that can be set about the server; every limit is one of these."""

from dataclasses import dataclass
from ipaddress import ip_address
from os import cpu_count
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Interval, Len

from wordmask.core.options import check
from wordmask.errors import Mend, OptionError
from wordmask.media.reading.limits import Limits, VideoLimits, amount

Seconds = Annotated[float, Gt(0)]


@dataclass(frozen=True)
class ServeOptions:
    """Where the server listens, who may use it, and how much it takes on."""

    host: str = "127.0.0.1"
    """Address to listen on. Any other than this machine's own needs a token."""
    port: Annotated[int, Interval(ge=0, le=65535)] = 8000
    """Port to listen on; 0: any that is free."""
    token: str = ""
    """What clients must send as `Authorization: Bearer TOKEN`; also read from WORDMASK_TOKEN."""
    model: Annotated[tuple[str, ...], Len(1)] = ("auto",)
    """Engines that are served; the first one answers where a request names none."""
    open_metrics: bool = False
    """Show the figures for Prometheus without the token."""
    allow_host: tuple[str, ...] = ()
    """Further names under which this server is reached; others are refused."""
    allow_origin: tuple[str, ...] = ()
    """Web pages of other hosts that may ask, such as https://example.org."""
    trust_proxy: tuple[str, ...] = ()
    """Addresses of proxies that are believed about who the client is."""
    workers: Annotated[int, Interval(ge=0, le=256)] = 0
    """Requests that are computed at a time; 0: one for each core."""
    queue: Annotated[int, Ge(1)] = 64
    """Requests that may wait for a worker; further ones get 503."""
    client_requests: Annotated[int, Ge(1)] = 16
    """Requests that one client may have under way; further ones get 429."""
    deadline_s: Seconds = 30.0
    """Seconds that a request may wait before it gets 503."""
    cache_bytes: str = "1GB"
    """Memory for pictures and their encodings; those used longest ago are forgotten."""
    max_bytes: str = "25MB"
    """Larger picture files are refused."""
    max_pixels: str = "50MP"
    """Pictures of more pixels are refused."""
    max_side: Annotated[int, Ge(1)] = 16_384
    """Pictures with a longer side are refused."""
    max_json: str = "2MB"
    """More JSON than this, beside a picture in it, is refused."""
    max_depth: Annotated[int, Ge(1)] = 32
    """JSON that is nested deeper is refused."""
    max_words: Annotated[int, Ge(1)] = 1000
    """More words in one request are refused."""
    max_prompts: Annotated[int, Ge(1)] = 64
    """More points or boxes in one request are refused."""
    body_s: Seconds = 60.0
    """Seconds in which a request must have arrived."""
    idle_s: Seconds = 10.0
    """Seconds that may pass without a byte of a request that has begun."""
    max_video_bytes: str = "200MB"
    """Larger videos are refused."""
    max_video_s: Seconds = 600.0
    """Longer videos are refused."""
    max_jobs: Annotated[int, Ge(1)] = 8
    """Jobs that may wait or run; further ones get 503."""
    job_kept_s: Seconds = 3600.0
    """Seconds that the files of a finished job are kept."""
    folder: Path | None = None
    """Folder of pictures to label on the page; their labels are kept in wordmask-labels in it."""
    index: Path | None = None
    """Index that is searched at /v1/search (extra `search`); `wordmask index` makes one."""
    label_studio: str = ""
    """Address of the Label Studio whose tasks' pictures are fetched; no other host is asked."""
    label_studio_token: str = ""
    """Token for it, legacy or personal; also read from LABEL_STUDIO_API_KEY."""
    keep_alive_s: Annotated[int, Ge(1)] = 75
    """Seconds that a connection stays open between requests."""
    stop_s: Annotated[int, Ge(1)] = 8
    """Seconds that requests under way have to finish when the server is stopped."""

    def __post_init__(self) -> None:
        check(self)
        for name in ("cache_bytes", "max_bytes", "max_json", "max_video_bytes"):
            amount(getattr(self, name))  # an error now, not with the first request
        amount(self.max_pixels)
        if self.label_studio and not self.label_studio.startswith(("http://", "https://")):
            raise OptionError(
                f"label_studio must be an address, got {self.label_studio!r}",
                mend=Mend("label_studio", "http://localhost:8080"),
            )

    @property
    def limits(self) -> Limits:
        """For the pictures that clients send."""
        known = Limits.server()
        return Limits(
            max_bytes=amount(self.max_bytes),
            max_pixels=amount(self.max_pixels),
            max_side=self.max_side,
            max_frames=known.max_frames,
            max_pages=known.max_pages,
            formats=known.formats,
        )

    @property
    def video_limits(self) -> VideoLimits:
        known = VideoLimits.server()
        return VideoLimits(amount(self.max_video_bytes), self.max_video_s, known.max_pixels)

    @property
    def workers_now(self) -> int:
        return self.workers or cpu_count() or 1

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    def check_token(self) -> None:
        """Raise where strangers could reach a server that asks nobody for a token."""
        if not self.is_local and not self.token:
            raise OptionError(
                f"{self.host} can be reached from other machines, so a token is needed",
                mend=Mend("token", "SECRET"),
            )


def is_loopback(host: str) -> bool:
    """
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
