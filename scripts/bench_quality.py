"""How good the embedded model is: the table of docs/model-card.md, from the packs in ../shared/data/eval.

    scripts/bench quality [--data DIR] [--sets coco,voc,nyu,camvid] [--pictures N] [--model mini] [--json FILE]

Protocol. Whole pictures at the packed size. Words: the label of every pixel among the set's own words plus "none of
these" where the set leaves things unlabelled (COCO, VOC; NYU and CamVid label everything that is scored); mIoU over the
classes that truth or answer show. `segment` is the same from `tasks.segment`'s regions, where "none" is always allowed.
Cuts: instances (COCO) or 8-connected components of a class over 400 px; one click = the region's innermost point,
box = its tight box; the candidate is the one with the best predicted quality. Naming: the vector of the cut of a true
box against the set's words. Depth: absolute relative error after the best scale and shift per picture.
Intervals: 95 %, bootstrap over pictures. Tune nothing to these pictures.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from wordmask import engines
from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense, DepthModel, PromptBatch, Segmenter
from wordmask.engines.options import EngineOptions
from wordmask.lab.metrics import bootstrap, semantic
from wordmask.ops import regions
from wordmask.tasks.dense import DenseOptions, label, label_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import segment, segment_view

HERE = Path(__file__).resolve().parent.parent
DATA = HERE.parent / "shared/data/eval"
SMALL = 400  # pixels; smaller regions are not cut
OPEN = ("coco", "voc")  # sets that leave things unlabelled
FLOORS = {
    ("coco", "words"): 0.20, ("voc", "words"): 0.40, ("nyu", "words"): 0.19, ("camvid", "words"): 0.52,
    ("coco", "click"): 0.38, ("coco", "box"): 0.52, ("coco", "naming"): 0.58,
}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """One picture: what each pixel is (index into the words, len(words) = none, -1 = not scored), and its regions."""

    image: Image
    labels: Array
    masks: list[Array]
    names: list[int]
    depth: Array | None


@dataclass
class Tally:
    """Counts per picture, so that pictures can be resampled."""

    words: list[Array] = field(default_factory=list)
    segment: list[Array] = field(default_factory=list)
    click: list[list[float]] = field(default_factory=list)
    box: list[list[float]] = field(default_factory=list)
    naming: list[list[float]] = field(default_factory=list)
    named: list[tuple[int, bool]] = field(default_factory=list)
    depth: list[list[float]] = field(default_factory=list)


def read_set(folder: Path, limit: int) -> tuple[tuple[str, ...], Iterator[Truth]]:
    """The set's words and its pictures; `limit` > 0 takes that many, evenly spread."""
    info = json.loads((folder / "dataset.json").read_text())
    words = tuple(c for c in info["classes"] if c != "background")
    paths = sorted((folder / "images").iterdir())
    if 0 < limit < len(paths):
        paths = [paths[k] for k in np.linspace(0, len(paths) - 1, limit).round().astype(int)]
    if (folder / "instances.json").exists():
        return words, _with_instances(folder, paths, words)
    return words, _with_labels(folder, paths, info["classes"], words)


def _with_instances(folder: Path, paths: list[Path], words: tuple[str, ...]) -> Iterator[Truth]:
    coco = json.loads((folder / "instances.json").read_text())
    names = {c["id"]: words.index(c["name"]) for c in coco["categories"]}
    ids = {i["file_name"]: i["id"] for i in coco["images"]}
    for path in paths:
        image = _image(path)
        own = sorted(
            (a for a in coco["annotations"] if a["image_id"] == ids[path.name]),
            key=lambda a: -a["area"],
        )
        dense = Masks.from_rle([a["segmentation"] for a in own], image.size).dense()
        labels = np.full(image.size, len(words), np.int32)
        for mask, a in zip(dense, own, strict=True):
            labels[mask] = names[a["category_id"]]
        cut = [k for k, a in enumerate(own) if not a.get("iscrowd") and dense[k].sum() > SMALL]
        yield Truth(
            image,
            labels,
            [dense[k] for k in cut],
            [names[own[k]["category_id"]] for k in cut],
            None,
        )


def _with_labels(
    folder: Path, paths: list[Path], classes: list[str], words: tuple[str, ...]
) -> Iterator[Truth]:
    table = np.full(256, -1, np.int32)
    for k, c in enumerate(classes):
        table[k] = len(words) if c == "background" else words.index(c)
    for path in paths:
        labels = table[
            cv2.imread(str(folder / "labels" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        ]
        found = [
            (m, int(w))
            for w in np.unique(labels)
            if 0 <= w < len(words)
            for m in _pieces(labels == w)
        ]
        depth = folder / "depth" / f"{path.stem}.png"
        known = cv2.imread(str(depth), cv2.IMREAD_GRAYSCALE) if depth.exists() else None
        yield Truth(_image(path), labels, [m for m, _ in found], [w for _, w in found], known)


def _pieces(mask: Array) -> list[Array]:
    count, ids, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return [ids == k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] > SMALL]


def _image(path: Path) -> Image:
    return Image(np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1]), path.name)


def measure(name: str, words: tuple[str, ...], truth: Truth, models: Models, tally: Tally) -> None:
    """Everything that one picture can say."""
    view = View(truth.image, models, Trace())
    found, _ = label_view(view, Text(words), DenseOptions(none=name in OPEN))
    tally.words.append(_totals(truth.labels, found, len(words)))
    regions_found = segment_view(view, Text(words))
    tally.segment.append(_totals(truth.labels, regions_found.label_map(), len(words)))
    _measure_cuts(words, truth, view, tally)
    if truth.depth is not None and models.has(DepthModel):
        model = models.get(DepthModel)
        depth = model.depth(view.seen(model))
        tally.depth.append([_abs_rel(depth.values, truth.depth.astype(np.float64))])


def _totals(truth: Array, found: Array, words: int) -> Array:
    """(C + 1, 3) counts; what is left unlabelled counts as "none", the last class."""
    filled = np.where(found < 0, words, found)
    return semantic.totals(semantic.confusion(truth, filled, words + 1))


def _measure_cuts(words: tuple[str, ...], truth: Truth, view: View, tally: Tally) -> None:
    if not truth.masks:
        return
    points = np.array([regions.deepest_point(m) for m in truth.masks], np.float32)
    boxes = np.array([_tight(m) for m in truth.masks], np.float32)
    vectors = view.models.get(Dense).embed_texts(words)
    for prompts, column in (
        (PromptBatch.points(points), tally.click),
        (PromptBatch.of_boxes(boxes), tally.box),
    ):
        cuts = view.segmenter.cut(view.encoding, prompts)
        best = cuts.quality.argmax(1)
        column.append([_iou(cuts.logits[k, b], truth.masks[k]) for k, b in enumerate(best)])
    if cuts.vectors is not None:
        named = (cuts.vectors[np.arange(len(best)), best] @ vectors.T).argmax(1)
        tally.naming.append((named == truth.names).astype(float).tolist())
        tally.named += zip(truth.names, (named == truth.names).tolist(), strict=True)


def _tight(mask: Array) -> tuple[int, int, int, int]:
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def _iou(logits: Array, truth: Array) -> float:
    cut = cv2.resize(logits, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
    return float((cut & truth).sum() / max((cut | truth).sum(), 1))


def _abs_rel(found: Array, truth: Array) -> float:
    """After the scale and shift that minimise the relative error's squares."""
    known = truth > 0
    columns = np.stack([found[known], np.ones(known.sum())], 1) / truth[known][:, None]
    fit = np.linalg.lstsq(columns, np.ones(len(columns)), rcond=None)[0]
    return float(np.abs(columns @ fit - 1).mean())


def figures(tally: Tally) -> dict[str, dict[str, object]]:
    """Each figure with its interval and how much it rests on."""
    out: dict[str, dict[str, object]] = {}
    for name in ("words", "segment"):
        stack = np.stack(getattr(tally, name))
        out[name] = _with_interval(
            lambda w, s=stack: {"v": semantic.figures(np.tensordot(w, s, 1))["miou"]}, len(stack)
        )
    for name in ("click", "box", "naming", "depth"):
        rows = getattr(tally, name)
        if rows:
            sums, counts = np.array([sum(r) for r in rows]), np.array([len(r) for r in rows])
            out[name] = _with_interval(
                lambda w, s=sums, c=counts: {"v": float(w @ s / max(w @ c, 1))}, len(rows)
            )
            out[name]["regions"] = int(counts.sum())
    return out


def per_word(tally: Tally, words: tuple[str, ...]) -> dict[str, dict[str, float | int | None]]:
    """For each word: IoU of its pixels (None where neither truth nor answer has it), and named objects, right ones."""
    ious = semantic.class_iou(np.sum(tally.words, axis=0))[: len(words)]
    objects = np.array(tally.named or np.zeros((0, 2)), int)
    return {
        word: {
            "iou": None if np.isnan(ious[k]) else round(float(ious[k]), 4),
            "objects": int((objects[:, 0] == k).sum()),
            "named": int(objects[objects[:, 0] == k, 1].sum()),
        }
        for k, word in enumerate(words)
    }


def _with_interval(function: bootstrap.Measure, pictures: int) -> dict[str, object]:
    value = function(np.ones(pictures, np.int64))["v"]
    low, high = bootstrap.intervals(function, pictures, rounds=300)["v"]
    return {
        "value": round(float(value), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "pictures": pictures,
    }


def times(models: Models, rounds: int = 7) -> dict[str, float]:
    """Seconds on a 640 x 480 picture, warm: median of `rounds`, each on a picture not seen before."""
    rng = np.random.default_rng(0)
    pictures = [
        Image(cv2.resize(rng.integers(0, 255, (60, 80, 3), np.uint8), (640, 480)))
        for _ in range(2 * rounds + 1)
    ]
    ten = ("dog", "cat", "person", "car", "tree", "sky", "grass", "chair", "table", "road")
    thousand = (
        ten + tuple(f"{c} {n}" for c in ("red", "old", "tiny", "wet") for n in _nouns(248))[:990]
    )
    segment(pictures[0], Text(ten), models)
    found = {}
    for name, words, own in (
        ("words_10", ten, pictures[1 : rounds + 1]),
        ("words_1000", thousand, pictures[rounds + 1 :]),
    ):
        label(pictures[0], Text(words), models, DenseOptions())
        found[name] = _median(lambda p, w=words: label(p, Text(w), models, DenseOptions()), own)
    segmenter = models.get(Segmenter)
    (encoding,) = segmenter.encode([pictures[0]])
    clicks = [
        PromptBatch.points(np.array([xy], np.float32)) for xy in rng.uniform(50, 400, (21, 2))
    ]
    found["click"] = _median(lambda c: segmenter.cut(encoding, c), clicks)
    return found


def _nouns(count: int) -> list[str]:
    letters = "bcdfghjklmnprstvw"
    return [f"{a}o{b}e" for a in letters for b in letters][:count]


def _median(function: object, items: list[object]) -> float:
    seconds = []
    for item in items:
        begun = time.perf_counter()
        function(item)  # type: ignore[operator]
        seconds.append(time.perf_counter() - begun)
    return round(float(np.median(seconds)), 4)


def weights_hash(checkpoint: Path | None) -> str:
    folder = checkpoint or Path(engines.__file__).parent / "mini_files"
    return hashlib.sha256(
        b"".join(p.read_bytes() for p in sorted(folder.glob("*.onnx")))
    ).hexdigest()[:16]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", default="coco,voc,nyu,camvid")
    parser.add_argument("--pictures", type=int, default=0, help="at most this many of each set")
    parser.add_argument("--model", default="mini")
    parser.add_argument(
        "--checkpoint", type=Path, help="a folder made by lab.export, in place of the shipped files"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"skipped: there is no evaluation data at {args.data}")
        return 0
    models = engines.load(
        args.model, need=(Dense, Segmenter), options=EngineOptions(checkpoint=args.checkpoint)
    )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout
    made = {
        "commit": commit.strip(),
        "weights": weights_hash(args.checkpoint),
        "model": args.model,
        "seed": 0,
    }
    report = {
        **made,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "sets": {},
        "seconds": times(models),
    }
    print(
        f"{'':8}"
        + "".join(f"{c:>22}" for c in ("words", "segment", "click", "box", "naming", "depth"))
    )
    for name in args.sets.split(","):
        words, pictures = read_set(args.data / name, args.pictures)
        tally = Tally()
        for truth in pictures:
            measure(name, words, truth, models, tally)
        report["sets"][name] = found = figures(tally)
        report.setdefault("per_word", {})[name] = per_word(tally, words)
        cells = [found.get(c) for c in ("words", "segment", "click", "box", "naming", "depth")]
        row = "".join(
            f"{c['value']:.3f} [{c['low']:.3f} {c['high']:.3f}]".rjust(22) if c else " " * 22
            for c in cells
        )
        print(f"{name:8}{row}", flush=True)
    print("seconds:", report["seconds"])
    got = {(s, c): v["value"] for s, found in report["sets"].items() for c, v in found.items()}
    short = [
        f"{s} {c} {got[s, c]:.3f} < {floor}"
        for (s, c), floor in FLOORS.items()
        if got.get((s, c), 1) < floor
    ]
    print("below the floors of issue 4: " + ("; ".join(short) or "nothing"))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
