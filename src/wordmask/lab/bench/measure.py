"""One unit measured into one line of the ledger, alone or several at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from wordmask.errors import WordmaskError
from wordmask.lab.bench.bench import Bench, Clock, Kit, Unit
from wordmask.lab.bench.json_rows import plain
from wordmask.lab.bench.provenance import commit
from wordmask.media.ledger import Record

Todo = Sequence[tuple[int, Unit]]  # units with their place in the set


def measure_unit(kit: Kit[Any], bench: Bench[Any], index: int, unit: Unit) -> Record:
    """The ledger's line for one unit."""
    clock = Clock()
    name = unit[0].name if len(unit) == 1 else unit[0].sequence
    try:
        value = bench.score(kit, unit, clock)
    except WordmaskError as error:
        error.add_note(
            f"while measuring {name}; what was measured so far is kept, the same command goes on"
        )
        raise
    return {
        "index": index,
        "name": name,
        "value": plain(value),
        "seconds": {stage: round(spent, 6) for stage, spent in clock.seconds.items()},
        "commit": commit(),
    }


def measure_in_threads(kit: Kit[Any], bench: Bench[Any], todo: Todo) -> Iterator[Record]:
    """Records as they are done.

    At most two units per worker are under way, so memory does not grow with the set.
    """
    workers = kit.options.workers
    if workers == 1:
        for index, unit in todo:
            yield measure_unit(kit, bench, index, unit)
        return
    rest = iter(todo)
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[Record]] = set()
        try:
            while True:
                for index, unit in islice(rest, 2 * workers - len(running)):
                    running.add(pool.submit(measure_unit, kit, bench, index, unit))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
