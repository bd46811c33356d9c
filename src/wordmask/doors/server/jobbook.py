"""Long work as resources: started, watched, stopped, its files fetched, forgotten after a while.

Jobs run one at a time on a thread of their own, but each of their steps takes its turn in the lane
after all clicks and words.
"""

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp
from threading import Event, Lock, Thread
from typing import Any, Literal

from wordmask.doors.server.lanes import Lane, Priority
from wordmask.doors.server.problems import RefusalError, busy, refusal_of

log = logging.getLogger("wordmask.server")
State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
AGAIN_S = 0.2  # after which a step that found no room in the lane tries again
STEP_WAIT_S = 3600.0  # a step has no deadline of its own
STOP_S = 3.0  # that a job has to close its files when the server stops


@dataclass(frozen=True)
class JobStep:
    """How far a job is."""

    count: int
    total: int  # 0: not known


Steps = Generator[JobStep, None, None]
Start = Callable[[Path], Steps]


@dataclass(eq=False)
class JobRecord:
    """One job. Its folder holds the files that it writes, and nothing else."""

    id: str
    kind: str
    folder: Path
    state: State = "waiting"
    count: int = 0
    total: int = 0
    problem: dict[str, Any] | None = None
    stop: Event = field(default_factory=Event)
    changed_at: float = field(default_factory=time.monotonic)

    def note(self, state: State) -> None:
        self.state, self.changed_at = state, time.monotonic()

    @property
    def files(self) -> dict[str, Path]:
        """What can be fetched: only of a job that has ended, so no file is half written."""
        if self.state not in ENDED or not self.folder.is_dir():
            return {}
        found = sorted(self.folder.rglob("*"))
        return {
            path.relative_to(self.folder).as_posix(): path
            for path in found
            if path.is_file() and not path.name.startswith(".")
        }

    def describe(self) -> dict[str, Any]:
        value: dict[str, Any] = {"job": self.id, "kind": self.kind, "state": self.state}
        value |= {"count": self.count, "total": self.total}
        if self.problem is not None:
            value["problem"] = self.problem
        return value | {"files": list(self.files)}


class JobBook:
    """All jobs of a server, and the folder below which their files lie."""

    def __init__(self, lane: Lane, most: int, kept_s: float) -> None:
        self._lane, self._most, self._kept_s = lane, most, kept_s
        self._jobs: dict[str, JobRecord] = {}
        self._lock, self._queue = Lock(), SimpleQueue[tuple[JobRecord, Start] | None]()
        self.folder = Path(mkdtemp(prefix="wordmask-"))
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def add(self, kind: str, start: Start) -> JobRecord:
        """A new job; `start` is given the folder for its files, and held until the job has ended:
        so are the pictures and the video that it needs.
        """
        self.forget_old()
        with self._lock:
            if self.open_count >= self._most:
                raise busy(30)
            id = secrets.token_hex(8)
            job = JobRecord(id, kind, self.folder / "jobs" / id)
            job.folder.mkdir(parents=True)
            self._jobs[id] = job
        self._queue.put((job, start))
        return job

    @property
    def open_count(self) -> int:
        """Jobs that wait or run."""
        return sum(job.state not in ENDED for job in list(self._jobs.values()))

    def find(self, id: str) -> JobRecord:
        self.forget_old()
        job = self._jobs.get(id)
        if job is None:
            raise RefusalError(404, "there is no such job (any more)", field="job")
        return job

    def all(self) -> list[JobRecord]:
        self.forget_old()
        return list(self._jobs.values())

    def remove(self, job: JobRecord) -> None:
        """Stop it at its next step, and forget it with its files."""
        job.stop.set()
        with self._lock:
            self._jobs.pop(job.id, None)
        if job.state == "waiting":
            job.note("cancelled")
        if job.state in ENDED:
            shutil.rmtree(job.folder, ignore_errors=True)

    def forget_old(self) -> None:
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.state in ENDED and now - job.changed_at > self._kept_s:
                self.remove(job)

    def close(self) -> None:
        """Stop all jobs and remove all files."""
        for job in list(self._jobs.values()):
            job.stop.set()
        self._queue.put(None)
        self._thread.join(STOP_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _serve(self) -> None:
        while (taken := self._queue.get()) is not None:
            job, start = taken
            self._run(job, start)
            del taken, start
            if job.id not in self._jobs:
                shutil.rmtree(job.folder, ignore_errors=True)

    def _run(self, job: JobRecord, start: Start) -> None:
        if job.stop.is_set():
            job.note("cancelled")
            return
        job.note("running")
        try:
            steps: Steps = self._step(job, lambda: start(job.folder))
            with closing(steps):  # an overlay is finished wherever a job ends
                while (step := self._step(job, lambda: next(steps, None))) is not None:
                    job.count, job.total = step.count, step.total
                    job.changed_at = time.monotonic()
        except CancelledError:
            job.note("cancelled")
        except Exception as error:
            job.problem = refusal_of(error).describe()
            job.note("failed")
        else:
            job.note("done")

    def _step(self, job: JobRecord, work: Callable[[], Any]) -> Any:
        """The outcome of a step, which is put into the lane again as often as it is pushed out."""
        while not job.stop.is_set():
            try:
                return self._lane.submit(work, Priority.JOB, STEP_WAIT_S).result()
            except RefusalError as refusal:
                if refusal.retry_s is None:
                    raise
                job.stop.wait(AGAIN_S)
        raise CancelledError
