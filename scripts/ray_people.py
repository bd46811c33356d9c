"""Four people click on 20 new pictures, 200 times: ADDRESS, and "kill" to kill a replica meanwhile.

What came of it is printed as JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from threading import Thread

import numpy as np

from wordmask import Client
from wordmask.doors.client import file_bytes
from wordmask.errors import WordmaskError

PEOPLE, CLICKS, PICTURES = 4, 50, 20
counts = {"clicks": 0, "sent": 0, "errors": []}


class CountingClient(Client):
    """Counts the pictures that are sent: each is encoded once where it arrives."""

    def _exchange(self, method, path, body, session):
        counts["sent"] += path == "/v1/pictures"
        return super()._exchange(method, path, body, session)


def click(seed: int, pictures: list[bytes]) -> None:
    rng = np.random.default_rng(seed)
    with CountingClient(sys.argv[1]) as client:
        for number in range(CLICKS):
            place = tuple(rng.uniform(20, 180, 2))
            try:
                client.click(pictures[(seed + PEOPLE * number) % PICTURES], [place])
                counts["clicks"] += 1
            except WordmaskError as error:
                counts["errors"].append(str(error))


def kill_replica() -> None:
    found = subprocess.run(
        ["pgrep", "-f", "ray::ServeReplica:wordmask"], capture_output=True, text=True, check=True
    )
    os.kill(int(found.stdout.split()[0]), signal.SIGKILL)


rng = np.random.default_rng(time.time_ns())
drawn = [file_bytes(rng.integers(0, 255, (200, 300, 3), np.uint8)) for _ in range(PICTURES)]
threads = [Thread(target=click, args=(seed, drawn)) for seed in range(PEOPLE)]
for thread in threads:
    thread.start()
if "kill" in sys.argv[2:]:
    time.sleep(2)
    kill_replica()
for thread in threads:
    thread.join()
print(json.dumps(counts))
