"""A server in a process of its own, and what the kernel knows of it (Linux: /proc)."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wordmask.errors import CapabilityError

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
START_S = 120.0


@dataclass(frozen=True)
class RunningServer:
    """Its address and its process."""

    address: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        """What it holds in memory now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@contextmanager
def run_server(arguments: Sequence[str], ready_at: str) -> Iterator[RunningServer]:
    """`python ARGUMENTS` with a free port in place of PORT, until it answers at `ready_at`."""
    if not Path("/proc/self/stat").exists():
        raise CapabilityError("the suite reads /proc, which this system does not have")
    port = str(free_port())
    command = [sys.executable, *(port if one == "PORT" else one for one in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = RunningServer(f"http://127.0.0.1:{port}", process.pid)
        wait_for(server.address + ready_at, process)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise CapabilityError("the server did not start; `wordmask serve` says why")
