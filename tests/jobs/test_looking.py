"""Pictures looked at by workers of a Ray cluster: the same rows, whatever dies."""

import importlib.util
import os
import signal

import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

from albums import FAKE, LOOK, draw_shapes, file_names, find, index
from wordmask.errors import ImageError, MissingExtraError
from wordmask.jobs.index import IndexJob
from wordmask.jobs.looking import RayLooker, RayWorker
from wordmask.jobs.outputs import WorkItem
from wordmask.media.index.rows import REGIONS
from wordmask.media.index.store import RegionStore
from wordmask.media.reading.sources import find as find_files
from wordmask.tasks.describe import Description

HERE = importlib.util.find_spec("ray") is not None


def items(folder) -> list[WorkItem]:
    return [WorkItem(found, found.path) for found in find_files(str(folder))]


def test_a_worker_answers_with_what_it_found_or_why_not(tmp_path):
    draw_shapes(tmp_path / "a.png", ("red", "disc", 40))
    (tmp_path / "b.png").write_bytes(b"no picture")
    good, bad = (RayWorker(LOOK, FAKE).look(item) for item in items(tmp_path))
    assert isinstance(good, Description)
    assert isinstance(bad, ImageError)


def test_what_is_looked_at_ahead_is_what_is_new(tmp_path):
    for number in range(3):
        draw_shapes(tmp_path / f"album/{number}.png", ("red", "disc", 30 + 20 * number))
    index(tmp_path / "album", tmp_path / "db")
    draw_shapes(tmp_path / "album/new.png", ("blue", "disc", 40))
    (tmp_path / "album/0.png").rename(tmp_path / "album/moved.png")
    job = IndexJob(tmp_path / "db", LOOK, FAKE)
    asked = []

    class Watcher:
        def begin(self, items, is_wanted):
            asked.extend(item.path.name for item in items if is_wanted(item))

        def look(self, item):
            return RayWorker(LOOK, FAKE).look(item)

    job.looker = Watcher()
    list(job.run(str(tmp_path / "album")))
    assert asked == ["new.png"]
    assert job.tally.counts == {"new": 1, "moved": 1, "unchanged": 2, "gone": 0}
    assert file_names(find(tmp_path / "db", "blue")) == ["new.png"]


@pytest.mark.skipif(HERE, reason="ray is installed")
def test_without_ray_the_extra_is_named():
    with pytest.raises(MissingExtraError, match=r"wordmask\[ray\]"):
        RayLooker(LOOK, FAKE)


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="ray is not installed")
@pytest.mark.filterwarnings("ignore::Warning")  # ray's own, about its dashboard and its sockets
def test_workers_that_die_change_no_row(tmp_path):
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for number in range(12):
        draw_shapes(tmp_path / f"album/{number}.png", ("red", "disc", 20 + 7 * number))
    index(tmp_path / "album", tmp_path / "alone")
    job = IndexJob(tmp_path / "db", LOOK, FAKE)
    try:
        job.looker = RayLooker(LOOK, FAKE, workers=2)
        deaths = 0
        for event in job.run(str(tmp_path / "album")):
            if event.kind == "made" and event.count % 3 == 0 and deaths < 3:
                deaths += kill_worker(job.looker)
    finally:
        ray.shutdown()
    keys = [sorted(RegionStore(tmp_path / db).column(REGIONS, "key")) for db in ("alone", "db")]
    assert deaths == 3
    assert keys[0] == keys[1]


def kill_worker(looker: RayLooker) -> bool:
    """Kill the process of one of the workers."""
    import ray

    worker = looker.workers[0]
    pid = ray.get(worker.__ray_call__.remote(lambda _: os.getpid()))
    os.kill(pid, signal.SIGKILL)
    return True
