"""Seconds and memory of SAM and SAM 2 at full size, encode and cut, on random weights (which cost the same time).

scripts/bench sam [--network sam-b|sam2.1-tiny|sam2.1-small|sam2.1-large] [--device cpu] [--dtype fp32] [--side 1024]
                  [--prompts 32] [--repeat 2] [--json FILE]
"""

import argparse
import json
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch
from wordmask.engines.hub.runtime import runtime
from wordmask.engines.hub.sam_networks import Sam, Sam2
from wordmask.engines.options import EngineOptions
from wordmask.engines.sam import SamEngine

# Hiera: width, blocks per stage, heads per stage, windows per stage, blocks that see everything, background size.
HIERA = {
    "tiny": (96, [1, 2, 7, 2], [1, 2, 4, 8], [8, 4, 14, 7], [5, 7, 9], [7, 7]),
    "small": (96, [1, 2, 11, 2], [1, 2, 4, 8], [8, 4, 14, 7], [7, 10, 13], [7, 7]),
    "base-plus": (112, [2, 3, 16, 3], [2, 4, 8, 16], [8, 4, 14, 7], [12, 16, 20], [14, 14]),
    "large": (144, [2, 6, 36, 4], [2, 4, 8, 16], [8, 4, 16, 8], [23, 33, 43], [7, 7]),
}


def network(name: str) -> Any:
    """A full-size network with random weights."""
    if name == "sam-b":
        return transformers.SamModel(transformers.SamConfig())
    width, blocks, heads, windows, everywhere, background = HIERA[name.removeprefix("sam2.1-")]
    widths = [width * 2**stage for stage in range(4)]
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=width,
        num_attention_heads=heads[0],
        blocks_per_stage=blocks,
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=heads,
        window_size_per_stage=windows,
        global_attention_blocks=everywhere,
        window_positional_embedding_background_size=background,
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=widths[::-1]
    )
    return transformers.Sam2Model(transformers.Sam2Config(vision_config=vision))


def engine(name: str, options: EngineOptions) -> SamEngine:
    place = runtime(options)
    family = Sam if name == "sam-b" else Sam2
    return SamEngine(name, family(network(name), place, options.input_side), place)


def seconds(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Wall and processor seconds of the best run; far apart, they tell of a machine that others use too."""
    times = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--network", default="sam-b", choices=["sam-b", *(f"sam2.1-{size}" for size in HIERA)]
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="fp32")
    parser.add_argument("--side", type=int)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    torch.manual_seed(0)
    options = EngineOptions(device=wanted.device, dtype=wanted.dtype, input_side=wanted.side)
    sam = engine(wanted.network, options)
    picture = Image(np.random.default_rng(0).integers(0, 256, (768, 1024, 3), dtype=np.uint8))
    prompts = PromptBatch.points(np.random.default_rng(0).uniform(0, 768, (wanted.prompts, 2)))
    encodings: list[Any] = []
    encode = seconds(lambda: encodings.extend(sam.encode([picture])), wanted.repeat)
    encoding = encodings[0]
    cut = seconds(lambda: sam.cut(encoding, prompts), wanted.repeat)
    result = {
        "network": wanted.network,
        "side": sam.input_side,
        "dtype": wanted.dtype,
        "device": wanted.device,
        "encode_s": round(encode[0], 2),
        "encode_cpu_s": round(encode[1], 2),
        "cut_s_per_prompt": round(cut[0] / wanted.prompts, 4),
        "cut_cpu_s_per_prompt": round(cut[1] / wanted.prompts, 4),
        "prompts_at_a_time": sam.prompts_at_a_time,
        "encoding_mb": round(encoding.nbytes / 1e6, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()} {platform.system()}",
    }
    print(json.dumps(result))
    if wanted.json:
        wanted.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
