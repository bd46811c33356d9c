"""SAM 2.1-large and CLIP B/16 at full size on a GPU, random weights: ours against transformers.

For each number format, eager and compiled: seconds to encode 1, 4 and 16 pictures, to cut 1,024
points, and for the dense features of 16 pictures. Beside each the time of transformers' plain
forward pass in the same run, and the share of the machine's measured matrix-product rate that the
encoder reaches. Ours start from pictures in memory, transformers' from pixels on the GPU.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from wordmask.core.image import Image
from wordmask.core.protocols import Dense, FeatureMap, PromptBatch, Segmenter
from wordmask.errors import CapabilityError
from wordmask.lab.bench.random_networks import libraries, random_network, write_network
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.window import starts

BATCHES = (1, 4, 16)
POINTS, THEIR_BATCH = 1024, 64  # the batch is transformers' own default
MATRIX = 8192  # side of the product that gives the machine's rate
SAM_INPUT = 1024  # side of SAM 2's input, in pixels
Format = Literal["fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class GpuOptions(SuiteOptions):
    """What is timed."""

    formats: tuple[Format, ...] = ("fp32", "fp16", "bf16")
    """Number formats."""
    compiled: bool = True
    """Time the compiled network too."""


class GpuSuite(Suite[GpuOptions]):
    name = "gpu"
    about = "SAM 2.1-large and CLIP B/16 at full size on a GPU, against transformers"
    options = GpuOptions

    def run(self, kit: SuiteKit[GpuOptions]) -> Findings:
        torch, _ = libraries()
        if not torch.cuda.is_available():
            raise CapabilityError("there is no CUDA device here, so nothing was measured")
        modes = (False, True) if kit.options.compiled else (False,)
        rows: list[dict[str, Any]] = []
        with TemporaryDirectory() as folder:
            sam = write_network(random_network("sam2.1-large"), Path(folder) / "sam")
            clip = write_network(random_network("clip-b16"), Path(folder) / "clip")
            for name in kit.options.formats:
                place = GpuPlace(torch, "cuda", name)
                for compiled in modes:
                    mode = "compiled" if compiled else "eager"
                    kit.say(f"sam2.1-large, {name}, {mode}")
                    models = kit.load(sam, device="cuda", dtype=name, compile=compiled)
                    head = {"network": "sam2.1-large", "format": name, "mode": mode}
                    rows.append(head | time_sam(place, models.get(Segmenter)))
                    torch.cuda.empty_cache()
                kit.say(f"clip-b16, {name}")
                models = kit.load(clip, device="cuda", dtype=name)
                head = {"network": "clip-b16", "format": name, "mode": "eager"}
                rows.append(head | time_clip(place, models.get(Dense)))
        return Findings(
            metrics=flatten(rows),
            tables={torch.cuda.get_device_name(): FindingTable.of(rows)},
            seeds={"weights": 0, "pictures": 0},
        )


def flatten(rows: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """`sam2.1-large.fp16.eager.encode_1_s` -> seconds."""
    found: dict[str, float | None] = {}
    for row in rows:
        head = f"{row['network']}.{row['format']}.{row['mode']}"
        for name, value in row.items():
            if name not in ("network", "format", "mode"):
                found[f"{head}.{name}"] = value
    return found


@dataclass(frozen=True)
class GpuPlace:
    """Where and in which number format."""

    torch: Any
    device: str
    format: str

    @property
    def dtype(self) -> Any:
        names = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
        return getattr(self.torch, names[self.format])

    def seconds(self, work: Callable[[], object], repeat: int = 5) -> float:
        """Median of some runs after two to warm up, the device waited for."""
        times = []
        for _ in range(repeat + 2):
            self._wait()
            start = time.perf_counter()
            work()
            self._wait()
            times.append(time.perf_counter() - start)
        return float(np.median(times[2:]))

    def _wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def rate(self) -> float:
        """Operations per second of a large matrix product: what this machine reaches at best."""
        one, two = (
            self.torch.randn(MATRIX, MATRIX, device=self.device, dtype=self.dtype) for _ in range(2)
        )
        return 2 * MATRIX**3 / self.seconds(lambda: one @ two)


def time_sam(place: GpuPlace, engine: Segmenter) -> dict[str, float]:
    """Ours and theirs, one number format."""
    torch = place.torch
    pictures = noise_pictures(max(BATCHES), (768, 1024))
    found = {}
    for batch in BATCHES:
        found[f"encode_{batch}_s"] = place.seconds(partial(engine.encode, pictures[:batch]))
    (encoded,) = engine.encode(pictures[:1])
    places = np.random.default_rng(0).uniform(0, 768, (POINTS, 2))
    prompts = PromptBatch.points(places)
    found["cut_s"] = place.seconds(lambda: engine.cut(encoded, prompts), 2)
    if place.device == "cuda":
        found["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    plain = random_network("sam2.1-large").to(place.device, place.dtype).eval()
    shape = (1, 3, SAM_INPUT, SAM_INPUT)
    pixels = torch.randn(shape, device=place.device, dtype=place.dtype)
    points = torch.from_numpy(places).to(place.device, place.dtype)[None, :, None]
    with torch.no_grad():
        work = operations(plain, pixels)
        found["encode_share_of_rate"] = work / found["encode_1_s"] / place.rate()
        theirs = place.seconds(lambda: plain.get_image_embeddings(pixels))
        found["transformers_encode_1_s"] = theirs
        maps = list(plain.get_image_embeddings(pixels))

        def cut() -> None:
            for some in points.split(THEIR_BATCH, dim=1):
                plain(image_embeddings=maps, input_points=some).pred_masks.cpu()

        found["transformers_cut_s"] = place.seconds(cut, 2)
    return found


def time_clip(place: GpuPlace, engine: Dense) -> dict[str, float]:
    """Dense features of pictures, against transformers' forward pass on as many windows."""
    torch, count = place.torch, max(BATCHES)
    pictures = noise_pictures(count, (480, 640))
    # The engine's windows: 224 x 224 every 112 pixels, the short side being 336.
    windows = count * len(starts(336, 224, 112)) * len(starts(448, 224, 112))
    plain = random_network("clip-b16").to(place.device, place.dtype).eval()
    pixels = torch.randn(windows, 3, 224, 224, device=place.device, dtype=place.dtype)

    def describe_all() -> list[FeatureMap]:
        return [engine.features(seen) for seen in engine.encode(pictures)]

    with torch.no_grad():
        return {
            "windows": windows,
            "features_s": place.seconds(describe_all),
            "transformers_s": place.seconds(lambda: plain.get_image_features(pixels)),
        }


def operations(network: Any, pixels: Any) -> float:
    """Floating-point operations of one encoder pass, counted by torch."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        network.get_image_embeddings(pixels)
    return float(counter.get_total_flops())


def noise_pictures(count: int, size: tuple[int, int]) -> list[Image]:
    shape = (*size, 3)
    return [
        Image(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
        for seed in range(count)
    ]
