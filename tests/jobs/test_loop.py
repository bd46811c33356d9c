"""The loop: what its events say, one bad item, cancellation, and every way to stop it midway."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wordmask import files as files_module
from wordmask.errors import ImageError
from wordmask.files import write_text
from wordmask.jobs.loop import run
from wordmask.jobs.outputs import OutputOptions, Outputs, Products
from wordmask.media.ledger import LEDGER
from wordmask.media.reading.sources import find


@pytest.fixture
def pictures(tmp_path) -> Path:
    for number in range(4):
        write_text(tmp_path / "in" / f"{number}.png", f"picture {number}")
    return tmp_path / "in"


def job(folder: Path, out: Path, bad: str = "none"):
    """Each picture becomes two files."""
    outputs = Outputs(list(find(str(folder))), Products("copy", {}, ()), OutputOptions(out))

    def work(item) -> str:
        if bad in item.name:
            raise ImageError(f"{item.name} is broken")
        text = item.path.read_text()
        write_text(item.file(".a.txt"), text * 2)
        write_text(item.file(".b.txt"), text * 1000)
        return text

    return run(outputs.items, work, outputs)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything under a final name; the ledger's order and times may differ."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LEDGER}


def test_events_tell_where_the_job_stands(pictures, tmp_path):
    events = list(job(pictures, tmp_path / "out", bad="2.png"))
    told = [(event.kind, Path(event.item).name, event.count, event.total) for event in events]
    assert told == [
        ("start", "0.png", 0, 4), ("made", "0.png", 1, 4),
        ("start", "1.png", 1, 4), ("made", "1.png", 2, 4),
        ("start", "2.png", 2, 4), ("failed", "2.png", 3, 4),
        ("start", "3.png", 3, 4), ("made", "3.png", 4, 4),
    ]  # fmt: skip
    assert events[0].rate == 0 < events[-1].rate
    assert [event.answer for event in events[1::2]] == ["picture 0", "picture 1", None, "picture 3"]
    assert isinstance(events[5].error, ImageError)
    assert events[5].message.endswith("2.png is broken (3 of 4)")


def test_what_was_made_before_is_skipped(pictures, tmp_path):
    list(job(pictures, tmp_path / "out", bad="2.png"))
    again = list(job(pictures, tmp_path / "out"))
    assert [event.kind for event in again[1::2]] == ["skipped", "skipped", "made", "skipped"]


def test_work_is_done_only_as_events_are_taken_so_whoever_stops_has_cancelled(pictures, tmp_path):
    for event in job(pictures, tmp_path / "out"):
        if event.count == 2:
            break
    assert sorted(contents(tmp_path / "out")) == ["0.a.txt", "0.b.txt", "1.a.txt", "1.b.txt"]
    rest = [event.kind for event in job(pictures, tmp_path / "out")][1::2]
    assert rest == ["skipped", "skipped", "made", "made"]


def test_a_bug_is_not_passed_over(pictures, tmp_path):
    outputs = Outputs(list(find(str(pictures))), Products("copy", {}, ()), OutputOptions(tmp_path))
    with pytest.raises(ZeroDivisionError):
        list(run(outputs.items, lambda item: 1 // 0, outputs))


def test_nothing_to_do_is_no_event():
    assert list(run([], lambda item: item)) == []


# ---- stopped midway


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_whichever_write_fails_the_next_run_gives_what_an_undisturbed_one_gives(
    pictures, tmp_path, monkeypatch, call
):
    """Write number 1, 2, 3 ... fails as on a full disk, until a run gets through without one."""
    list(job(pictures, tmp_path / "calm"))
    calm = contents(tmp_path / "calm")
    place = Path if call == "replace" else files_module.os
    real = getattr(place, call)
    number = 0
    while True:
        number += 1
        out, count = tmp_path / f"out-{number}", 0

        def failing(*arguments):
            nonlocal count
            count += 1
            if count == number:  # noqa: B023  called in this round only
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(place, call, failing)
            kinds = [event.kind for event in job(pictures, out)][1::2]
        if out.exists():
            assert contents(out).items() <= calm.items()  # nothing partial under a final name
        # A folder that cannot be synced is no failure: some network file systems never can.
        assert kinds.count("failed") == (count >= number) or call == "fsync"
        assert {event.kind for event in job(pictures, out)} <= {"start", "made", "skipped"}
        assert contents(out) == calm
        if count < number:
            break
    assert number > 4


WORK = """
import sys
from pathlib import Path
from wordmask.files import write_text
from wordmask.jobs.loop import run
from wordmask.jobs.outputs import OutputOptions, Outputs, Products
from wordmask.media.reading.sources import find
folder = Path(sys.argv[1])
found = list(find(str(folder / "in")))
outputs = Outputs(found, Products("copy", {}, (".json",)), OutputOptions(folder / "out"))

def work(item):
    write_text(item.file(".json"), item.path.read_text() * 2)
    write_text(item.file(".txt"), item.path.read_text() * 1000)

with (folder / "made.txt").open("a") as made:
    for event in run(outputs.items, work, outputs):
        if event.error is not None:
            raise event.error
        if event.kind == "made":
            print(event.item, file=made, flush=True)
"""


def test_kill_9_and_run_again_until_done_gives_what_an_undisturbed_run_gives(tmp_path):
    """200 pictures; killed again and again at random moments."""
    chance = np.random.default_rng(0)
    for name in ("killed", "calm"):
        for number in range(200):
            write_text(tmp_path / name / "in" / f"{number}.png", f"picture {number}")
    subprocess.run([sys.executable, "-c", WORK, str(tmp_path / "calm")], check=True)
    kills = 0
    while True:
        child = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path / "killed")])
        if kills < 8:
            before = lines(tmp_path / "killed" / "made.txt")
            while child.poll() is None and lines(tmp_path / "killed" / "made.txt") == before:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.02))
            child.send_signal(signal.SIGKILL)
        code = child.wait()
        assert code in (0, -signal.SIGKILL)
        if code == 0:
            break
        kills += 1
    assert kills > 3
    assert contents(tmp_path / "killed" / "out") == contents(tmp_path / "calm" / "out")
    made = (tmp_path / "killed" / "made.txt").read_text().split()
    assert len(set(made)) >= 200 - kills  # one may be recorded and killed before it is said
    assert len(made) <= 200  # nothing that was done is made again


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_what_a_killed_run_left_is_swept_and_never_taken_for_an_output(pictures, tmp_path):
    out = tmp_path / "out"
    list(job(pictures, out, bad="2.png"))
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from wordmask.files import atomic\n"
            "with atomic(sys.argv[1]): os.kill(os.getpid(), 9)",
            str(out / "2.a.txt"),
        ],
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert any(".part" in name for name in os.listdir(out))  # noqa: PTH208  names are enough
    list(job(pictures, out))
    assert len(contents(out)) == 8
