"""Seconds of SAM 2.1-tiny and of mini on the processor: torch, onnxruntime and OpenVINO in one run.

SAM 2.1-tiny has random weights, which cost the same time as trained ones, and is exported first.
Each runtime is timed in a process of its own with the same number of threads, after one run to warm
up. Times are the least of the rounds; processor time is of all threads together, and is nearly the
same on a busy machine. Differences are to torch, as a share of the output's largest value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from annotated_types import Ge

from wordmask.core.graphs import Exportable
from wordmask.errors import missing_extra
from wordmask.lab.bench.alone import run_alone
from wordmask.lab.bench.random_networks import libraries, random_tracker, write_network
from wordmask.lab.bench.runtimes import RUNTIMES, RuntimeJob, RuntimeTimes, time_mini, time_sam
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions

SAM: Literal["sam2.1-tiny"] = "sam2.1-tiny"
MINI: Literal["mini"] = "mini"
NO_OPENVINO = (
    "OpenVINO is not installed here, so it was not measured: pip install 'wordmask[openvino]'"
)


@dataclass(frozen=True)
class ExportSuiteOptions(SuiteOptions):
    """What is timed, and how."""

    networks: tuple[Literal["sam2.1-tiny", "mini"], ...] = (SAM, MINI)
    """Which networks."""
    rounds: Annotated[int, Ge(1)] = 3
    """Runs of each part, of which the fastest counts."""
    threads: Annotated[int, Ge(1)] = 1
    """Threads that a runtime may take."""
    frames: Annotated[int, Ge(0)] = 6
    """Frames that an object is followed before a further one is timed; 6 fill the memory."""
    small: bool = False
    """A toy in place of SAM 2.1-tiny, and a small picture: to try the suite, not to time."""


class ExportSuite(Suite[ExportSuiteOptions]):
    name = "export"
    about = "seconds and memory of SAM 2.1-tiny and mini on torch, onnxruntime and OpenVINO"
    options = ExportSuiteOptions

    def run(self, kit: SuiteKit[ExportSuiteOptions]) -> Findings:
        runtimes = [one for one in RUNTIMES if one != "openvino" or find_spec("openvino")]
        works = {SAM: time_sam_each, MINI: time_mini_each}
        found = {name: works[name](kit, runtimes) for name in kit.options.networks}
        rows = [row for name, times in found.items() for row in part_rows(name, times)]
        peaks = [
            {"network": name, "runtime": runtime, "peak_mb": times.peak_mb}
            for name, each in found.items()
            for runtime, times in each.items()
        ]
        return Findings(
            metrics=flatten(rows, peaks),
            tables={"parts": parts_table(rows), "memory": FindingTable.of(peaks)},
            verdicts=() if "openvino" in runtimes else (NO_OPENVINO,),
            seeds={"weights": 0, "picture": 0},
        )


def time_sam_each(
    kit: SuiteKit[ExportSuiteOptions], runtimes: list[str]
) -> dict[str, RuntimeTimes]:
    """SAM 2.1-tiny, exported first."""
    with TemporaryDirectory() as folder:
        folders = write_runtimes(kit, Path(folder), runtimes)
        return time_each(kit, SAM, folders, partial(time_sam, load=kit.load))


def time_mini_each(
    kit: SuiteKit[ExportSuiteOptions], runtimes: list[str]
) -> dict[str, RuntimeTimes]:
    """mini, whose files all runtimes read; for torch it is rebuilt from them."""
    libraries()  # names the extra where torch is missing
    from wordmask.lab.export.mini_weights import SHIPPED

    return time_each(kit, MINI, dict.fromkeys(runtimes, str(SHIPPED)), time_mini)


def write_runtimes(
    kit: SuiteKit[ExportSuiteOptions], folder: Path, runtimes: list[str]
) -> dict[str, str]:
    """SAM 2 for each runtime; where it lies."""
    network = random_tracker(kit.options.small)  # names the extra where torch is missing
    try:
        from wordmask.lab.export.conversions import to_openvino
        from wordmask.lab.export.folder import ExportPlan, ExportSource, write_folder
    except ImportError as error:
        raise missing_extra(error.name or "onnx", "export") from None
    made = {name: folder / name for name in runtimes}
    kit.say(f"writes a random {SAM}")
    hub = write_network(network, made["torch"])
    engine = kit.load(hub, device="cpu", dtype="fp32").get(Exportable)
    source = ExportSource(SAM, "random weights", None, "Apache-2.0")
    plan = ExportPlan(engine.graphs(("image", "video")), source)
    write_folder(plan, made["onnxruntime"], kit.say)
    if "openvino" in made:
        to_openvino(made["onnxruntime"], made["openvino"], kit.say)
    return {name: str(path) for name, path in made.items()}


def time_each(
    kit: SuiteKit[ExportSuiteOptions],
    network: str,
    folders: Mapping[str, str],
    work: Callable[[RuntimeJob], RuntimeTimes],
) -> dict[str, RuntimeTimes]:
    """The same network on each runtime, one after the other."""
    options, found = kit.options, {}
    size = (96, 128) if options.small else (480, 640)
    job = RuntimeJob("", "", options.threads, options.rounds, size, options.frames)
    for runtime, folder in folders.items():
        kit.say(f"{network} on {runtime}")
        found[runtime] = run_alone(work, replace(job, runtime=runtime, folder=folder))
    return found


def part_rows(network: str, found: Mapping[str, RuntimeTimes]) -> list[dict[str, Any]]:
    """One row for each part and runtime."""
    from wordmask.lab.export.graph_files import difference

    exact, rows = found["torch"], []
    for part in exact.clock:
        for runtime, times in found.items():
            off = None
            if part in exact.answers:
                off = difference(times.answers[part], exact.answers[part])
            rows.append(
                {
                    "network": network,
                    "part": part,
                    "runtime": runtime,
                    "clock_s": times.clock[part],
                    "processor_s": times.processor[part],
                    "processor_of_torch": times.processor[part] / exact.processor[part],
                    "difference": off,
                }
            )
    return rows


def parts_table(rows: list[dict[str, Any]]) -> FindingTable:
    """The rows, with differences as texts: as decimals they would all be 0."""
    texts = [None if row["difference"] is None else f"{row['difference']:.0e}" for row in rows]
    pairs = zip(rows, texts, strict=True)
    return FindingTable.of([row | {"difference": text} for row, text in pairs])


def flatten(rows: list[dict[str, Any]], peaks: list[dict[str, Any]]) -> dict[str, float | None]:
    """`mini.encode.torch.clock_s` -> seconds."""
    found: dict[str, float | None] = {}
    for row in rows:
        head = f"{row['network']}.{row['part']}.{row['runtime']}"
        for name in ("clock_s", "processor_s", "difference"):
            found[f"{head}.{name}"] = row[name]
    for row in peaks:
        found[f"{row['network']}.{row['runtime']}.peak_mb"] = row["peak_mb"]
    return found
