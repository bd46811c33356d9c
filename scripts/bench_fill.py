"""How well the classical painters fill: PSNR against what was there, on textures and photographs.

    python scripts/bench_fill.py [--speed] [--json FILE]

Pictures: textures and photographs of skimage.data that come with the package, and drawn regular textures. In each,
blob-shaped holes of three sizes at three places are cut where the answer is known. "mean" fills with the picture's
mean colour: on an irregular texture no painter that does not know the answer can be much above it, and one that
makes a texture of its own must be below (an independent sample has twice the error variance of the mean).
"sharpness" is the gradient energy in the hole over that of the truth: 1 is as crisp as the rest, 0 is flat.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from wordmask.core.image import Image
from wordmask.engines import EngineOptions, inpaint

PAINTERS = ("telea", "navier-stokes", "patch")
RADII = (16, 32, 64)
PLACES = 2


def drawn(kind: str) -> np.ndarray:
    """A regular texture with a little noise, 384 x 384."""
    y, x = np.mgrid[:384, :384]
    if kind == "weave":
        plane = (
            128
            + 60 * np.sin(2 * np.pi * x / 9)
            + 50 * np.sign(np.sin(2 * np.pi * (y + x // 9 * 5) / 12))
        )
    elif kind == "tiles":
        plane = np.where(
            (x % 32 < 2) | (y % 32 < 2), 60, 170 + 25 * (((x // 32) * 7 + (y // 32) * 3) % 3)
        )
    else:
        plane = np.where((x + (y // 14 % 2) * 16) % 32 < 3, 210, np.where(y % 14 < 3, 210, 120))
    plane = plane + np.random.default_rng(0).normal(0, 4, plane.shape)
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def pictures() -> dict[str, np.ndarray]:
    """Name -> (H, W, 3) uint8."""
    loaded = {
        name: getattr(skimage.data, name)()
        for name in ("brick", "grass", "gravel", "coffee", "chelsea")
    }
    colour = {
        name: np.repeat(p[..., None], 3, 2) if p.ndim == 2 else p for name, p in loaded.items()
    }
    return {kind: drawn(kind) for kind in ("weave", "tiles", "bond")} | colour


def blob(size: tuple[int, int], radius: int, seed: int) -> np.ndarray:
    """(H, W) bool: a wobbly disc somewhere well inside."""
    rng = np.random.default_rng(seed)
    cy, cx = (int(rng.integers(2 * radius, side - 2 * radius)) for side in size)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    waves = sum(rng.normal(0, 0.12) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(2, 6))
    points = np.stack(
        [cx + radius * (1 + waves) * np.cos(angles), cy + radius * (1 + waves) * np.sin(angles)], 1
    )
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    return mask > 0


def psnr(got: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((got[hole].astype(float) - truth[hole]) ** 2)))


def sharpness(got: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    def energy(pixels: np.ndarray) -> float:
        grey = pixels.mean(2)
        return float(
            (np.abs(np.diff(grey, axis=0, append=0)) + np.abs(np.diff(grey, axis=1, append=0)))[
                hole
            ].mean()
        )

    return energy(got) / energy(truth)


def measured(truth: np.ndarray, painters: dict[str, object]) -> dict[str, dict[str, float]]:
    """Mean PSNR and sharpness of each painter over sizes and places."""
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in (*painters, "mean")}
    for radius in RADII:
        for seed in range(PLACES):
            hole = blob(truth.shape[:2], radius, seed)
            dirty = Image(np.where(hole[..., None], np.uint8(255), truth))
            for name, painter in painters.items():
                got = painter.fill(dirty, hole).pixels  # type: ignore[attr-defined]  # each is an Inpainter
                rows[name].append((psnr(got, truth, hole), sharpness(got, truth, hole)))
            flat = np.where(hole[..., None], truth[~hole].mean(0), truth)
            rows["mean"].append((psnr(flat, truth, hole), 0.0))
    means = {name: np.mean(values, 0) for name, values in rows.items()}
    return {name: {"psnr": float(p), "sharpness": float(s)} for name, (p, s) in means.items()}


def speed() -> tuple[float, float]:
    """Seconds by the clock and of processor time for a hole of 10 % in a picture of 1 MP."""
    pixels = cv2.resize(skimage.data.astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    hole = np.zeros((1024, 1024), np.uint8)
    cv2.circle(hole, (700, 400), 183, 1, -1)
    start, cpu = time.perf_counter(), time.process_time()
    inpaint.load("patch", EngineOptions()).fill(Image(pixels), hole > 0)
    return time.perf_counter() - start, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--speed", action="store_true", help="only the time for 1 MP with a hole of 10 %%"
    )
    parser.add_argument("--json", default="")
    args = parser.parse_args()
    cv2.setNumThreads(2)
    if args.speed:
        wall, cpu = speed()
        print(f"patch: 1 MP, hole of 10 %: {wall:.1f} s, {cpu:.1f} s of processor time")
        return
    painters = {name: inpaint.load(name, EngineOptions()) for name in PAINTERS}
    rows = {}
    for name, truth in pictures().items():
        rows[name] = measured(truth, painters)
        told = "  ".join(
            f"{p} {row['psnr']:5.2f} dB ({row['sharpness']:.2f})" for p, row in rows[name].items()
        )
        gain = rows[name]["patch"]["psnr"] - rows[name]["telea"]["psnr"]
        print(f"{name:8} {told}  patch - telea {gain:+.2f} dB", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
