"""One network on torch, onnxruntime or OpenVINO, timed in a process of its own.

So that the peak of memory is that runtime's, and no pool of threads is in the way of another's.
Only what the runtime needs is imported.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.protocols import PromptBatch, Segmenter, Tracker
from wordmask.lab.bench.provenance import peak_memory_mb
from wordmask.lab.bench.suite import ModelLoader

RUNTIMES = ("torch", "onnxruntime", "openvino")
Part = Callable[[Mapping[str, Array]], dict[str, Array]]


@dataclass(frozen=True)
class RuntimeJob:
    """What a process times."""

    runtime: str  # of RUNTIMES
    folder: str  # with the network for that runtime
    threads: int
    rounds: int
    size: tuple[int, int]  # height and width of the picture
    frames: int = 0  # that an object is followed before a further one is timed


@dataclass(eq=False)
class RuntimeTimes:
    """What a process found, by the name of each part."""

    clock: dict[str, float] = field(default_factory=dict)  # seconds, least of the rounds
    processor: dict[str, float] = field(default_factory=dict)  # as above, of all threads together
    answers: dict[str, Array] = field(default_factory=dict)
    peak_mb: float = 0.0

    def time(self, part: str, work: Callable[[], Any], rounds: int) -> Any:
        """Time the work after one run to warm up, whose answer it gives."""
        answer, rows = work(), []
        for _ in range(rounds):
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            rows.append((time.perf_counter() - wall, time.process_time() - cpu))
        self.clock[part], self.processor[part] = np.min(rows, 0).tolist()
        return answer


def time_sam(job: RuntimeJob, load: ModelLoader) -> RuntimeTimes:
    """SAM 2 as an engine: a picture encoded, a click cut, an object remembered and followed."""
    set_threads(job)
    models = load(job.folder, device="cpu", dtype="fp32", op_threads=job.threads)
    cutter, tracker, found = models.get(Segmenter), models.get(Tracker), RuntimeTimes()
    height, width = job.size
    image = Image(noise(job.size))
    (seen,) = found.time("encode", partial(cutter.encode, [image]), job.rounds)
    click = PromptBatch.points(np.array([[width / 2, height / 2]], np.float32))
    cuts = found.time("prompt", partial(cutter.cut, seen, click), job.rounds)
    mask = np.zeros(job.size, bool)
    mask[height // 4 : height // 2, width // 4 : width // 2] = True
    memory = found.time("remember", partial(tracker.remember, seen, mask), job.rounds)
    for _ in range(job.frames):
        memory = tracker.step([memory], seen)[0].memory
    (step,) = found.time("follow", partial(tracker.step, [memory], seen), job.rounds)
    found.answers["prompt"] = cuts.logits
    # Of an object that is not there, only how sure that is.
    there = step.logits is not None
    found.answers["follow"] = step.logits if there else np.array([step.score])
    found.peak_mb = peak_memory_mb()
    return found


def set_threads(job: RuntimeJob) -> None:
    """For torch; the others are told when a network is opened."""
    if job.runtime == "torch":
        import torch

        torch.set_num_threads(job.threads)


def noise(size: tuple[int, int]) -> Array:
    """A picture (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


# ---- mini, graph by graph: as an engine it runs on onnxruntime alone


class MiniPart(NamedTuple):
    """A network of mini: its file and what goes in and out, in their order."""

    file: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]


MINI = {
    "encode": MiniPart(
        "encoder", ("picture",), ("vectors", "none", "neck", "early", "whole", "shared")
    ),
    "prepare": MiniPart("prepare", ("neck", "early", "shared"), ("cells", "middle", "detail")),
    "prompt": MiniPart(
        "cutter", ("cells", "middle", "detail", "xy", "kind", "before"), ("masks", "quality")
    ),
}


def time_mini(job: RuntimeJob) -> RuntimeTimes:
    """Encoder, what a picture's prompts share, and one click."""
    set_threads(job)
    parts, found = open_mini(job), RuntimeTimes()
    height, width = job.size  # divisible by 32
    known = {
        "picture": np.ascontiguousarray(noise(job.size).transpose(2, 0, 1)[None]),
        "xy": np.array([[[width / 16, height / 16], [0, 0]]], np.float32),  # in cells of 8 pixels
        "kind": np.array([[1, -1]]),
        "before": np.zeros((1, 1, height // 8, width // 8), np.float32),
    }
    for name, run in parts.items():
        given = {port: known[port] for port in MINI[name].takes}
        answer = found.time(name, partial(run, given), job.rounds)
        known.update(answer)
        found.answers[name] = answer[MINI[name].gives[0]]
    found.peak_mb = peak_memory_mb()
    return found


def open_mini(job: RuntimeJob) -> dict[str, Part]:
    """Each part of mini, from its folder."""
    if job.runtime == "torch":
        return _on_torch(Path(job.folder))
    open_one = _on_openvino if job.runtime == "openvino" else _on_onnxruntime
    return {
        name: open_one(Path(job.folder) / f"{part.file}.onnx", part, job.threads)
        for name, part in MINI.items()
    }


def _on_torch(folder: Path) -> dict[str, Part]:
    import torch

    from wordmask.lab.export import mini_graphs
    from wordmask.lab.export.mini_weights import load_shipped

    network = load_shipped(folder).network
    modules: dict[str, torch.nn.Module] = {
        "encode": mini_graphs.EncoderGraph(network),
        "prepare": mini_graphs.PrepareGraph(network),
        "prompt": mini_graphs.CutterGraph(network),
    }

    def run(name: str, given: Mapping[str, Array]) -> dict[str, Array]:
        with torch.inference_mode():
            values = modules[name](*(torch.from_numpy(given[port]) for port in MINI[name].takes))
        return {port: value.numpy() for port, value in zip(MINI[name].gives, values, strict=True)}

    return {name: partial(run, name) for name in modules}


def _on_onnxruntime(path: Path, part: MiniPart, threads: int) -> Part:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])

    def run(given: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(part.gives, session.run(part.gives, dict(given)), strict=True))

    return run


def _on_openvino(path: Path, part: MiniPart, threads: int) -> Part:
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    request = model.create_infer_request()

    def run(given: Mapping[str, Array]) -> dict[str, Array]:
        found = request.infer(dict(given))
        return {port: np.array(found[port]) for port in part.gives}

    return run
