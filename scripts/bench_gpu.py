"""SAM 2.1-large and CLIP B/16 at full size on a GPU, random weights: ours against transformers' own path.

    scripts/bench gpu [--json FILE]

Per number format, eager and compiled: pictures encoded per second at several batch sizes, 1,024 points cut, CLIP
windows per second, 1,000 words; beside each the time of transformers' plain forward pass in the same run, and the
share of the machine's measured matrix-product rate that the encoder reaches. Without CUDA it says so and ends.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from bench_sam import network

from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch
from wordmask.engines.clip import ClipEngine
from wordmask.engines.hub import towers
from wordmask.engines.hub.runtime import Checkpoint, runtime
from wordmask.engines.hub.sam_networks import Sam2
from wordmask.engines.options import EngineOptions
from wordmask.engines.sam import SamEngine

BATCHES = (1, 4, 16)
POINTS = 1024
TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def seconds(work: Callable[[], object], repeat: int = 5) -> float:
    """Median of some runs after two to warm up, the device waited for."""
    times = []
    for _ in range(repeat + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def roof(dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: what this card reaches at best, not what its maker prints."""
    one, two = (torch.randn(8192, 8192, device="cuda", dtype=dtype) for _ in range(2))
    return 2 * 8192**3 / seconds(lambda: one @ two)


def operations(model: Any, pixels: torch.Tensor) -> float:
    """Floating-point operations of one encoder pass, counted by torch."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.get_image_embeddings(pixels)
    return float(counter.get_total_flops())


def sam(name: str, *, compiled: bool) -> dict[str, float]:
    """Ours and theirs, one number format."""
    place = runtime(EngineOptions(device="cuda", dtype=name, compile=compiled))
    model = network("sam2.1-large")
    engine = SamEngine("sam2.1-large", Sam2(model, place, None), place)
    pictures = [
        Image(np.random.default_rng(k).integers(0, 256, (768, 1024, 3), dtype=np.uint8))
        for k in range(max(BATCHES))
    ]
    found: dict[str, float] = {}
    for batch in BATCHES:
        pixels = torch.stack([engine.network.pixels(image) for image in pictures[:batch]])
        found[f"encode_{batch}_s"] = seconds(lambda pixels=pixels: engine.network.encode(pixels))
    ready = engine.network.pixels(pictures[0])[None].to("cuda", TYPES[name])
    found["encode_share_of_roof"] = (
        operations(model, ready) / found["encode_1_s"] / roof(TYPES[name])
    )
    (seen,) = engine.encode(pictures[:1])
    points = np.random.default_rng(0).uniform(0, 768, (POINTS, 2))
    found["cut_1024_s"] = seconds(lambda: engine.cut(seen, PromptBatch.points(points)), 2)
    found["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    plain = network("sam2.1-large").to("cuda", TYPES[name]).eval()
    with torch.no_grad():
        found["transformers_encode_1_s"] = seconds(lambda: plain.get_image_embeddings(ready))
        maps = plain.get_image_embeddings(ready)
        theirs = torch.from_numpy(points).to("cuda", TYPES[name])[None, :, None]

        def cut() -> None:
            for start in range(0, POINTS, 64):  # its own default batch
                plain(
                    image_embeddings=list(maps), input_points=theirs[:, start : start + 64]
                ).pred_masks.cpu()

        found["transformers_cut_1024_s"] = seconds(cut, 2)
    return found


def clip(name: str) -> dict[str, float]:
    """CLIP B/16: windows of many pictures, against transformers' forward on the same windows."""
    place = runtime(EngineOptions(device="cuda", dtype=name))
    model = transformers.CLIPModel(transformers.CLIPConfig(vision_config={"patch_size": 16}))
    checkpoint = Checkpoint(Path("/nowhere"), {"model_type": "clip"})
    tower = towers.Clip(model, checkpoint, place)
    engine = ClipEngine("clip-b16", tower, None, place)  # no words are asked for here
    pictures = [
        Image(np.random.default_rng(k).integers(0, 256, (480, 640, 3), dtype=np.uint8))
        for k in range(16)
    ]
    windows = 16 * len(engine._plan(pictures[0]).corners)
    pixels = torch.randn(windows, 3, 224, 224, device="cuda", dtype=TYPES[name])
    with torch.no_grad():
        return {
            "clip_windows": windows,
            "clip_16_pictures_s": seconds(
                lambda: [engine.features(seen) for seen in engine.encode(pictures)]
            ),
            "transformers_windows_s": seconds(lambda: model.get_image_features(pixels)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device here, so nothing was measured")
    torch.manual_seed(0)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout
    result: dict[str, Any] = {
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "commit": commit.strip(),
    }
    for name in TYPES:
        for compiled in (False, True):
            result[f"sam2.1-large {name} {'compiled' if compiled else 'eager'}"] = sam(
                name, compiled=compiled
            )
            torch.cuda.empty_cache()
        result[f"clip-b16 {name}"] = clip(name)
    print(json.dumps(result, indent=2))
    if wanted.json:
        wanted.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
