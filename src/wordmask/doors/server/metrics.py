"""What the server does, for Prometheus (`/metrics`) and for its log: a line of JSON a request.

Neither names a picture, a path, a client or a token: a route is named by its pattern.
"""

import json
import logging
import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "(none)"  # the route of a request that none answers
log = logging.getLogger("wordmask.access")


class Key(NamedTuple):
    """What requests are counted by."""

    route: str
    method: str
    status: int


class Metrics:
    """Counts and durations since the start; gauges are asked for when they are shown."""

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_S) + 1))
        self._seconds: dict[str, float] = defaultdict(float)
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._lock = Lock()

    def add_gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        self._gauges[name] = (help, value)

    def note(self, scope: Any, status: int, seconds: float) -> None:
        """One request that was answered."""
        route = getattr(scope.get("route"), "path", OTHER)
        with self._lock:
            self._counts[Key(route, _method(scope), status)] += 1
            self._buckets[route][bisect_left(BOUNDS_S, seconds)] += 1
            self._seconds[route] += seconds
        line = {"method": _method(scope), "route": route, "status": status}
        log.info("request", extra={"fields": line | {"ms": round(seconds * 1e3, 1)}})

    def text(self) -> str:
        """Prometheus' text format."""
        lines = [
            "# HELP wordmask_requests_total Requests answered.",
            "# TYPE wordmask_requests_total counter",
        ]
        with self._lock:
            for key, count in sorted(self._counts.items()):
                labels = f'route="{key.route}",method="{key.method}",status="{key.status}"'
                lines.append(f"wordmask_requests_total{{{labels}}} {count}")
            lines += self._histogram()
        for name, (help, value) in self._gauges.items():
            lines += [f"# HELP {name} {help}", f"# TYPE {name} gauge", f"{name} {value():g}"]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        name = "wordmask_request_seconds"
        lines = [f"# HELP {name} Time from a request to its answer.", f"# TYPE {name} histogram"]
        for route, counts in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*BOUNDS_S, "+Inf"), counts, strict=True):
                total += count
                lines.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'{name}_count{{route="{route}"}} {total}')
        return lines


def _method(scope: Any) -> str:
    known = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
    return scope["method"] if scope["method"] in known else "OTHER"


class JsonLines(logging.Formatter):
    """One line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        value = {"time": f"{seconds}.{int(record.msecs):03d}Z", "level": record.levelname.lower()}
        value |= {"event": record.getMessage()} | getattr(record, "fields", {})
        return json.dumps(value, ensure_ascii=False)


def log_to_stderr() -> None:
    """All of wordmask's log as lines of JSON on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("wordmask", "wordmask.access"):
        logging.getLogger(name).setLevel(logging.INFO)
    root = logging.getLogger("wordmask")
    root.handlers, root.propagate = [handler], False
