"""Seconds and memory of SAM and SAM 2 at full size, encode and cut, on random weights.

Random weights cost the same time as trained ones. Device, number format and input side are those of
the engine's options. Time by the clock and processor time are of the best run; where they are far
apart, others use the machine too.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch, Segmenter
from wordmask.lab.bench.provenance import peak_memory_mb
from wordmask.lab.bench.random_networks import random_network, write_network
from wordmask.lab.bench.suite import Findings, Suite, SuiteKit, SuiteOptions


@dataclass(frozen=True)
class SamOptions(SuiteOptions):
    """What is timed."""

    network: Literal["sam-b", "sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam2.1-large"] = (
        "sam-b"
    )
    """Which network."""
    prompts: Annotated[int, Ge(1)] = 32
    """Points that are cut."""
    repeat: Annotated[int, Ge(1)] = 2
    """Runs, of which the fastest counts."""


class SamSuite(Suite[SamOptions]):
    name = "sam"
    about = "seconds and memory of SAM and SAM 2 at full size, on random weights"
    options = SamOptions

    def run(self, kit: SuiteKit[SamOptions]) -> Findings:
        options = kit.options
        with TemporaryDirectory() as folder:
            kit.say(f"writes a random {options.network}")
            models = kit.load(write_network(random_network(options.network), Path(folder)))
        sam = models.get(Segmenter)
        rng = np.random.default_rng(0)
        picture = Image(rng.integers(0, 256, (768, 1024, 3), dtype=np.uint8))
        places = np.random.default_rng(0).uniform(0, 768, (options.prompts, 2))
        prompts = PromptBatch.points(places)
        kit.say("encodes")
        encodings: list[Any] = []
        wall, cpu = best_seconds(lambda: encodings.extend(sam.encode([picture])), options.repeat)
        kit.say("cuts")
        cut_wall, cut_cpu = best_seconds(lambda: sam.cut(encodings[0], prompts), options.repeat)
        return Findings(
            metrics={
                "encode_s": round(wall, 2),
                "encode_processor_s": round(cpu, 2),
                "cut_s_per_prompt": round(cut_wall / options.prompts, 4),
                "cut_processor_s_per_prompt": round(cut_cpu / options.prompts, 4),
                "encoding_mb": round(encodings[0].nbytes / 1e6, 1),
                "peak_mb": peak_memory_mb(),
            },
            models=[models],
            seeds={"weights": 0, "picture": 0},
        )


def best_seconds(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Of the best run by the clock: seconds by the clock and of processor time."""
    times = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(times)
