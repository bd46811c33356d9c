"""`everything` against the published generator on one full-size random SAM ViT-B: seconds per point and peak memory.

scripts/bench everything [--picture 4000x3000] [--points 1024] [--batch 64] [--rounds 1] [--threads 2] [--json FILE]

Each side runs in its own process, one after the other and in turns, after its encoder pass; neither's time nor memory
counts the encoder or the network. The published side is Meta's `segment_anything` where that is installed
(scripts/published.py says how), else transformers' functions for it, less the NMS that needs torchvision. It is
given the same points; all thresholds are open, so that every candidate goes through the filters and the NMS of
either side. Both return what they return by default: theirs dense masks, ours crops.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import published
import torch
import transformers

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.engines import sam
from wordmask.engines.options import EngineOptions
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.grid import grid_points
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

MB = 1e6


def drawn(width: int, height: int) -> Image:
    """Discs on noise."""
    rng = np.random.default_rng(0)
    pixels = cv2.resize(
        rng.integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8), (width, height)
    )
    for _ in range(40):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(pixels, centre, int(rng.integers(20, 400)), rng.integers(0, 256, 3).tolist(), -1)
    return Image(pixels, "drawn")


def write_network(path: Path) -> None:
    """A random SAM ViT-B in hub layout, all weights shifted: fresh ones answer almost 0 to everything."""
    torch.manual_seed(0)
    network = transformers.SamModel(transformers.SamConfig())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape))
        # Logits of a trained network's size; estimates of IoU between 0 and 1.
        for head in network.mask_decoder.output_hypernetworks_mlps:
            head.proj_out.weight.mul_(20)
        network.mask_decoder.iou_prediction_head.proj_out.bias.fill_(0.6)
    network.save_pretrained(path)


# ---- each side: network and picture -> a function that does the rest and returns how many masks there are


def ours(folder: Path, image: Image, points: int, batch: int) -> Callable[[], int]:
    engine = sam.load(str(folder), EngineOptions(device="cpu", offline=True))
    view = View(image, Models("sam-b", (engine,)), Trace())
    options = EverythingOptions(side_of(points, image), False, 0.0, 0.0, 0.7, 0, 0, min(batch, 32))
    _ = view.encoding
    return lambda: len(everything_result(view, options))


def meta(folder: Path, image: Image, points: int, batch: int) -> Callable[[], int]:
    package = published.package()
    network = package.sam_model_registry["vit_b"]()
    network.load_state_dict(published.state_of(transformers.SamModel.from_pretrained(folder)))
    grid = grid_points(image.size, side_of(points, image)) / np.array(image.size[::-1])
    generator = package.SamAutomaticMaskGenerator(
        network, None, batch, pred_iou_thresh=0, stability_score_thresh=0, point_grids=[grid]
    )
    generator.predictor.set_image(image.pixels)
    # The picture is encoded already; generate() would do it again and forget it between crops.
    generator.predictor.set_image = lambda pixels: None
    return lambda: len(generator.generate(image.pixels))


def library(folder: Path, image: Image, points: int, batch: int) -> Callable[[], int]:
    network = transformers.SamModel.from_pretrained(folder).eval()
    processor = transformers.SamImageProcessorPil()
    inputs = processor(image.pixels, return_tensors="pt")
    with torch.no_grad():
        encoded = network.get_image_embeddings(inputs["pixel_values"])
    places = grid_points(image.size, side_of(points, image)) * (1024 / max(image.size))
    return partial(
        _library, network, processor, (inputs, encoded, torch.from_numpy(places), image.size, batch)
    )


def _library(network: Any, processor: Any, work: tuple[Any, ...]) -> int:
    inputs, encoded, places, size, batch = work
    codes: list[Any] = []
    for some in places.split(batch):
        with torch.no_grad():
            out = network(image_embeddings=encoded, input_points=some[None, :, None])
        sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
        masks = processor.post_process_masks(out.pred_masks, *sizes, binarize=False)
        codes += processor.filter_masks(
            masks[0], out.iou_scores[0], size, [0, 0, size[1], size[0]], 0.0, 0.0
        )[0]
    return len(codes)


SIDES = {"ours": ours, "meta": meta, "transformers": library}


def side_of(points: int, image: Image) -> int:
    """The side of a grid of about so many points over the picture."""
    height, width = image.size
    return max(1, round((points * max(width, height) / min(width, height)) ** 0.5))


# ---- one process each


def measured(name: str, folder: Path, image: Image, points: int, batch: int) -> dict[str, Any]:
    """One run, in this process; the peak is above what was resident once the picture was encoded."""
    run = SIDES[name](folder, image, points, batch)
    # The network's own peak while it encoded would hide that of the run.
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    masks = run()
    count = len(grid_points(image.size, side_of(points, image)))
    return {
        "side": name, "points": count, "batch": batch, "masks": masks,
        "s_per_point": round((time.perf_counter() - wall) / count, 4),
        "cpu_s_per_point": round((time.process_time() - cpu) / count, 4),
        "peak_mb": round((resident("VmHWM") - before) / MB),
        "rusage_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB),
    }  # fmt: skip


def resident(field: str) -> int:
    """Bytes, from Linux' own account of this process: VmRSS now, VmHWM at most since it was cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", default="4000x3000")
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument(
        "--batch", type=int, default=64, help="points at a time, published side (ours: at most 32)"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    if published.found():
        published.package()  # before anything else meets its torchvision
    if wanted.one:
        image = drawn(*(int(side) for side in wanted.picture.split("x")))
        print(
            json.dumps(
                measured(wanted.one[0], Path(wanted.one[1]), image, wanted.points, wanted.batch)
            )
        )
        return
    rows = compared(wanted)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=2))


def compared(wanted: argparse.Namespace) -> list[dict[str, Any]]:
    """All rounds, the sides in turns; each row is printed as it comes."""
    rival = "meta" if published.found() else "transformers"
    shared = {"picture": wanted.picture, "threads": wanted.threads, "torch": torch.__version__}
    print(json.dumps(shared | {"machine": f"{platform.machine()} {platform.system()}"}))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_network(Path(folder))
        given = [
            part
            for name in ("picture", "points", "batch", "threads")
            for part in (f"--{name}", vars(wanted)[name])
        ]
        for side in ("ours", rival) * wanted.rounds:
            command = [
                sys.executable,
                __file__,
                *(str(part) for part in given),
                "--one",
                side,
                folder,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(
                    f"{side} stopped with {done.returncode} (-9: out of memory?): {done.stderr[-600:]}"
                )
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(rows[-1]), flush=True)
    mine, theirs = (
        [row for row in rows if (row["side"] == "ours") == own] for own in (True, False)
    )
    for key in ("s_per_point", "cpu_s_per_point", "peak_mb"):
        print(
            f"{key}: ours / {rival} = {min(r[key] for r in mine) / max(1e-9, min(r[key] for r in theirs)):.3f}"
        )
    return rows


if __name__ == "__main__":
    main()
