"""`everything` against the published generator on one full-size random SAM ViT-B.

Each side runs in its own process, in turns, after its encoder pass; neither's time nor memory
counts the encoder or the network. The published side is Meta's `segment_anything` where that is
installed (lab/bench/published.py says how), else transformers' functions for it, less the NMS that
needs torchvision. It is given the same points; all thresholds are open, so that every candidate
goes through the filters and the NMS of either side. Both return what they return by default: theirs
dense masks, ours crops. Linux only: the peak of memory is read from /proc.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Ge, Predicate

from wordmask.core.image import Image
from wordmask.lab.bench.alone import run_alone
from wordmask.lab.bench.random_networks import libraries, random_network
from wordmask.lab.bench.suite import (
    Findings,
    FindingTable,
    ModelLoader,
    Suite,
    SuiteKit,
    SuiteOptions,
)
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.grid import grid_points
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

MB = 1e6
OURS = "ours"


def is_size(text: str) -> bool:
    """
    >>> is_size("4000x3000"), is_size("large")
    (True, False)
    """
    width, _, height = text.partition("x")
    return width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 40


@dataclass(frozen=True)
class EverythingSuiteOptions(SuiteOptions):
    """How large the work is."""

    picture: Annotated[str, Predicate(is_size)] = "4000x3000"
    """Width and height of the drawn picture."""
    points: Annotated[int, Ge(1)] = 1024
    """Points of the grid, about."""
    batch: Annotated[int, Ge(1)] = 64
    """Points at a time on the published side (ours: at most 32)."""
    rounds: Annotated[int, Ge(1)] = 1
    """Runs of either side, in turns; the best counts."""
    threads: Annotated[int, Ge(1)] = 2
    """Threads of torch."""

    @property
    def size_wh(self) -> tuple[int, int]:
        width, _, height = self.picture.partition("x")
        return int(width), int(height)


class EverythingSuite(Suite[EverythingSuiteOptions]):
    name = "everything"
    about = "`everything` against the published generator on a random SAM: time and memory"
    options = EverythingSuiteOptions

    def run(self, kit: SuiteKit[EverythingSuiteOptions]) -> Findings:
        libraries()
        from wordmask.lab.bench import published

        rival = "meta" if published.is_installed() else "transformers"
        rows = []
        with TemporaryDirectory() as folder:
            run_alone(write_network, rival, Path(folder))
            for _ in range(kit.options.rounds):
                for side in (OURS, rival):
                    kit.say(side)
                    rows.append(run_alone(measure_side, side, kit.load, Path(folder), kit.options))
        ratios = {}
        for key in ("s_per_point", "processor_s_per_point", "peak_mb"):
            best = {
                side: min(row[key] for row in rows if row["side"] == side) for side in (OURS, rival)
            }
            ratios[f"{key}_ratio"] = best[OURS] / max(1e-9, best[rival])
        return Findings(
            metrics=ratios,
            tables={kit.options.picture: FindingTable.of(rows)},
            verdicts=[f"{name}: ours / {rival} = {value:.3f}" for name, value in ratios.items()],
            seeds={"weights": 0, "picture": 0},
        )


def draw_discs(size_wh: tuple[int, int]) -> Image:
    """Discs on noise."""
    rng = np.random.default_rng(0)
    width, height = size_wh
    coarse = rng.integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
    pixels = cv2.resize(coarse, size_wh)
    for _ in range(40):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = rng.integers(0, 256, 3).tolist()
        cv2.circle(pixels, centre, int(rng.integers(20, 400)), colour, -1)
    return Image(pixels, "drawn")


def write_network(side: str, folder: Path) -> None:
    """A random ViT-B as that side reads it; ours reads both.

    All weights are shifted: fresh ones answer almost 0 to everything. The heads are scaled to
    logits of a trained network's size and to estimates of the IoU between 0 and 1.
    """
    torch, _ = libraries()
    if side == "meta":
        from safetensors.torch import save_file

        from wordmask.lab.bench import published

        torch.manual_seed(0)
        network = published.package().sam_model_registry["vit_b"]()
        decoder = network.mask_decoder
        last = [head.layers[-1] for head in decoder.output_hypernetworks_mlps]
        quality = decoder.iou_prediction_head.layers[-1]
    else:
        network = random_network("sam-b")
        decoder = network.mask_decoder
        last = [head.proj_out for head in decoder.output_hypernetworks_mlps]
        quality = decoder.iou_prediction_head.proj_out
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape))
        for layer in last:
            layer.weight.mul_(20)
        quality.bias.fill_(0.6)
    if side == "meta":
        state = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(state, folder / "sam.safetensors")
    else:
        network.save_pretrained(folder)


# ---- each side: network and picture -> a function that does the rest: how many masks


def prepare_ours(
    load: ModelLoader, path: Path, image: Image, options: EverythingSuiteOptions
) -> Callable[[], int]:
    view = View(image, load(str(path), device="cpu", offline=True), Trace())
    chosen = EverythingOptions(
        points_per_side=points_per_side(image, options.points),
        adaptive=False,
        min_quality=0.0,
        min_stability=0.0,
        iou_threshold=0.7,
        min_region_size=0,
        prompts_per_batch=min(options.batch, 32),
    )
    _ = view.encoding
    return lambda: len(everything_result(view, chosen))


def prepare_meta(path: Path, image: Image, options: EverythingSuiteOptions) -> Callable[[], int]:
    from safetensors.torch import load_file

    from wordmask.lab.bench import published

    package = published.package()
    network = package.sam_model_registry["vit_b"]()
    network.load_state_dict(load_file(path))
    side = points_per_side(image, options.points)
    grid = grid_points(image.size, side) / np.array(image.size[::-1])
    generator = package.SamAutomaticMaskGenerator(
        network,
        None,
        options.batch,
        pred_iou_thresh=0,
        stability_score_thresh=0,
        point_grids=[grid],
    )
    generator.predictor.set_image(image.pixels)
    # The picture is encoded already; generate() would do it again and forget it between crops.
    generator.predictor.set_image = lambda pixels: None

    def generate() -> int:
        found: list[Any] = generator.generate(image.pixels)
        return len(found)

    return generate


def prepare_transformers(
    path: Path, image: Image, options: EverythingSuiteOptions
) -> Callable[[], int]:
    torch, transformers = libraries()
    network = transformers.SamModel.from_pretrained(path).eval()
    processor = transformers.SamImageProcessorPil()
    inputs = processor(image.pixels, return_tensors="pt")
    with torch.no_grad():
        encoded = network.get_image_embeddings(inputs["pixel_values"])
    side = points_per_side(image, options.points)
    places = torch.from_numpy(grid_points(image.size, side) * (1024 / max(image.size)))
    sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
    box = [0, 0, image.size[1], image.size[0]]

    def generate() -> int:
        codes: list[Any] = []
        for some in places.split(options.batch):
            with torch.no_grad():
                out = network(image_embeddings=encoded, input_points=some[None, :, None])
            masks = processor.post_process_masks(out.pred_masks, *sizes, binarize=False)
            found = processor.filter_masks(masks[0], out.iou_scores[0], image.size, box, 0.0, 0.0)
            codes += found[0]
        return len(codes)

    return generate


def points_per_side(image: Image, points: int) -> int:
    """The side of a grid of about so many points over the picture."""
    height, width = image.size
    return max(1, round(math.sqrt(points * max(width, height) / min(width, height))))


# ---- one process each


def measure_side(
    side: str, load: ModelLoader, folder: Path, options: EverythingSuiteOptions
) -> dict[str, Any]:
    """One run, in this process; the peak is above what was held once the picture was encoded."""
    torch, _ = libraries()
    torch.set_num_threads(options.threads)
    image = draw_discs(options.size_wh)
    file = folder / "sam.safetensors"
    path = file if file.is_file() else folder
    if side == OURS:
        generate = prepare_ours(load, path, image, options)
    elif side == "meta":
        generate = prepare_meta(path, image, options)
    else:
        generate = prepare_transformers(path, image, options)
    # The network's own peak while it encoded would hide that of the run.
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    masks = generate()
    count = len(grid_points(image.size, points_per_side(image, options.points)))
    return {
        "side": side,
        "points": count,
        "batch": options.batch,
        "masks": masks,
        "s_per_point": round((time.perf_counter() - wall) / count, 4),
        "processor_s_per_point": round((time.process_time() - cpu) / count, 4),
        "peak_mb": round((memory("VmHWM") - before) / MB),
    }


def memory(name: str) -> int:
    """Bytes, from Linux' own account of this process: VmRSS now, VmHWM at most since cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
