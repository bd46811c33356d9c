"""Build TensorRT plans of a folder that wordmask exported, and hold them against onnxruntime.

    python build_tensorrt.py [FOLDER]         all graphs of the folder (default: this file's own)

Needs tensorrt 10 or 11 and onnxruntime, and a GPU to run what was built; tensorrt_rtx builds plans
without one. Precision is that of the ONNX files: the network is strongly typed, so nothing is
converted behind your back. Export with fp16 for half precision. Each graph gets ONE profile over
all its axes; NAME.json beside NAME.plan says what it was built with.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

# Least, usual and most of each axis; what stands nowhere here is 1, 1, 4.
RANGES = {
    "pictures": (1, 1, 4),
    "prompts": (1, 1, 64),
    "points": (1, 2, 16),
    "masks": (1, 1, 64),
    "objects": (1, 1, 16),
    "frames": (1, 7, 10),
    "pointers": (1, 16, 20),
    "windows": (1, 4, 16),
    "sentences": (1, 8, 160),
    "tokens": (2, 16, 64),
}
Entry = Mapping[str, Any]  # of one graph in the manifest
MEMORY = 4 << 30  # bytes that tactics may take while a plan is built
LIMIT = {"fp32": 1e-3, "fp16": 3e-2}


def say(line: str) -> None:
    """One line on stdout."""
    sys.stdout.write(f"{line}\n")


def find_library() -> Any:
    """The installed library, or None."""
    if util.find_spec("tensorrt"):
        import tensorrt

        return tensorrt
    if util.find_spec("tensorrt_rtx"):
        import tensorrt_rtx

        return tensorrt_rtx
    return None


def ranges_of(shape: Sequence[int | str]) -> tuple[tuple[int, ...], ...]:
    """The three shapes of a profile.

    >>> ranges_of(["prompts", "points", 2])
    ((1, 1, 2), (1, 2, 2), (64, 16, 2))
    """
    rows = [side_range(side) for side in shape]
    return tuple(tuple(row[place] for row in rows) for place in range(3))


def side_range(side: int | str) -> tuple[int, int, int]:
    """
    >>> side_range(7), side_range("8*rows")
    ((7, 7, 7), (8, 8, 32))
    """
    if isinstance(side, int):
        return side, side, side
    step, name = re.findall(r"^(?:(\d+)\*)?(\w+)$", side)[0]
    least, usual, most = RANGES.get(name, (1, 1, 4))
    return int(step or 1) * least, int(step or 1) * usual, int(step or 1) * most


def build(trt: Any, folder: Path, entry: Entry) -> bytes:
    """The plan of one graph, as bytes."""
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    # Required in 10, harmless in 11, where EXPLICIT_BATCH is gone.
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(folder / entry["file"])):
        faults = "; ".join(str(parser.get_error(k)) for k in range(parser.num_errors))
        sys.exit(f"{entry['file']}: TensorRT cannot read it: {faults}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, MEMORY)
    profile = builder.create_optimization_profile()
    for port in entry["inputs"]:
        profile.set_shape(port["name"], *ranges_of(port["shape"]))
    config.add_optimization_profile(profile)
    cache_file = folder / "timing.cache"
    cache = config.create_timing_cache(cache_file.read_bytes() if cache_file.exists() else b"")
    config.set_timing_cache(cache, False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        sys.exit(f"{entry['file']}: TensorRT built nothing; its log above says why")
    cache_file.write_bytes(bytes(memoryview(cache.serialize())))
    return bytes(memoryview(plan))


def write_plan(trt: Any, folder: Path, name: str, entry: Entry, precision: str) -> None:
    """NAME.plan and NAME.json; nothing is built where both fit the graph already."""
    source = hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
    if source != entry["sha256"][entry["file"]]:
        sys.exit(f"{entry['file']} is not the file of the manifest; export again")
    note = {"onnx_sha256": source, "version": trt.__version__, "precision": precision}
    file = folder / f"{name}.json"
    if (folder / f"{name}.plan").exists() and file.exists():
        known = json.loads(file.read_text())
        if all(known.get(key) == value for key, value in note.items()):
            say(f"{name}.plan: is there")
            return
    plan = build(trt, folder, entry)
    note["plan_sha256"] = hashlib.sha256(plan).hexdigest()
    note["inputs"] = {port["name"]: ranges_of(port["shape"]) for port in entry["inputs"]}
    (folder / f"{name}.plan").write_bytes(plan)
    file.write_text(json.dumps(note, indent=1))
    say(f"{name}.plan: {len(plan) / 1e6:.1f} MB")


def compare(trt: Any, folder: Path, name: str, entry: Entry, precision: str) -> None:
    """The plan against onnxruntime at the least, usual and largest shapes; needs a GPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / entry["file"]))
    runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
    engine = runtime.deserialize_cuda_engine((folder / f"{name}.plan").read_bytes())
    context = engine.create_execution_context()
    outputs = [port["name"] for port in entry["outputs"]]
    for place, label in enumerate(("least", "usual", "most")):
        feed = made_up(entry, place)
        found = run(context, feed, outputs)
        for key, wanted in zip(outputs, session.run(outputs, feed), strict=True):
            largest = np.abs(wanted).max(initial=1.0)
            worst = np.abs(found[key] - wanted).max(initial=0) / largest
            say(f"{name} {key} at {label}: {worst:.1e}")
            if not worst <= LIMIT[precision]:
                sys.exit(f"{name}: the plan answers differently; at most {LIMIT[precision]:g}")


def made_up(entry: Entry, place: int) -> dict[str, Any]:
    """Inputs at one of the three shapes of the profile."""
    rng = np.random.default_rng(0)
    feed = {}
    for port in entry["inputs"]:
        shape = ranges_of(port["shape"])[place]
        whole = "int" in port["type"]
        feed[port["name"]] = np.zeros(shape, np.int64) if whole else rng.random(shape, np.float32)
    return feed


def run(context: Any, feed: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    """The outputs of a plan, by torch's memory on the GPU."""
    import torch

    kept = {key: torch.from_numpy(value).cuda() for key, value in feed.items()}
    for key, tensor in kept.items():
        context.set_input_shape(key, tuple(tensor.shape))
        context.set_tensor_address(key, tensor.data_ptr())
    for key in outputs:
        kept[key] = torch.empty(tuple(context.get_tensor_shape(key)), device="cuda")
        context.set_tensor_address(key, kept[key].data_ptr())
    context.execute_async_v3(torch.cuda.current_stream().cuda_stream)
    torch.cuda.synchronize()
    return {key: kept[key].cpu().numpy() for key in outputs}


def main(arguments: Sequence[str]) -> None:
    """Build what is missing, then compare where a GPU is."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    trt = find_library()
    if trt is None:
        sys.exit("TensorRT is not installed: pip install tensorrt")
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, entry in manifest["graphs"].items():
        write_plan(trt, folder, name, entry, manifest["precision"])
    if util.find_spec("torch") is None or util.find_spec("onnxruntime") is None:
        say("not compared: that needs torch and onnxruntime")
        return
    import torch

    if not torch.cuda.is_available():
        say("not compared: there is no GPU here")
        return
    for name, entry in manifest["graphs"].items():
        compare(trt, folder, name, entry, manifest["precision"])


if __name__ == "__main__":
    main(sys.argv[1:])
