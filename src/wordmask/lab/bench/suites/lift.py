"""How right sizes and distances are: a measured stereo pair, boxes of known size, measured rooms.

The pair is scikit-image's motorcycle (Middlebury 2014): real disparity, f = 994.978 px, baseline
193.001 mm, offset 31.086 px. Known depths are drawn from it, a share of which is told wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge

from wordmask.core.depth import Camera, Depth
from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Share
from wordmask.core.protocols import DepthModel
from wordmask.core.result import Result
from wordmask.errors import missing_extra
from wordmask.lab.bench.benches.depth import in_metres
from wordmask.lab.bench.rendered_boxes import SCENE, RenderedBox, RenderedScene, render_boxes
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import open_pack, spread_samples
from wordmask.lab.data import Dataset
from wordmask.lab.metrics import depth as metrics
from wordmask.ops.depth_fit import fit_depth
from wordmask.tasks.lift import lift

FOCAL, BASELINE, OFFSET = 994.978, 0.193001, 31.086  # px, m, px
NOISE = 0.03  # of the disparity, in place of a good network's errors
SIZE = (480, 640)
FLATTEST = 0.2  # cosine to the line of sight: below, a face is a few pixels wide
WANTED = {"median": 0.01, "sides": 0.03}


@dataclass(frozen=True)
class LiftSuiteOptions(SuiteOptions):
    """How much is measured."""

    data: Path = Path("packs/eval")
    """Folder in which the rooms lie; without it they are left out, which is said."""
    set: str = "nyu"
    """The data set of rooms with measured depth, a folder in it."""
    pictures: Annotated[int, Ge(0)] = 26
    """At most so many rooms, evenly spread; 0 = all."""
    model: str = "mini"
    """Engine that knows depth."""
    known: Annotated[int, Ge(2)] = 100
    """Depths that are known in the pair."""
    wrong: Share = 0.2
    """Share of them that is told wrong, by a factor of 1.5 to 3."""
    trials: Annotated[int, Ge(1)] = 20
    """Drawings of known depths, and of rendered boxes."""
    seed: int = 0
    """Seed of all drawings."""


class StereoPair(NamedTuple):
    """The left picture, and what was measured."""

    image: Image
    inverse: Array  # (H, W) 1 / metres; 0 where nothing was measured
    z: Array  # (H, W) metres; NaN there


class LiftSuite(Suite[LiftSuiteOptions]):
    name = "lift"
    about = (
        "distances of a measured pair from known depths, sizes of rendered boxes, depth of rooms"
    )
    options = LiftSuiteOptions

    def run(self, kit: SuiteKit[LiftSuiteOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        kit.say("motorcycle")
        pair_rows = measure_pair(motorcycle(), models.get(DepthModel), options)
        kit.say("boxes")
        box_rows = measure_boxes(options)
        data = _open_rooms(kit)
        rooms = {} if data is None else measure_rooms(data, models, options.pictures)
        title = f"{options.known} known depths, {options.wrong:.0%} of them wrong"
        tables = {
            f"motorcycle: {title}": FindingTable.of(pair_rows),
            "boxes": FindingTable.of(box_rows),
        }
        if data is not None:
            tables[f"rooms: {data.name}"] = FindingTable.of([rooms])
        figures = {f"pair.{row['depth']}.median": float(row["median off"]) for row in pair_rows}
        figures |= {f"boxes.{row['boxes']}.worst": float(row["worst side off"]) for row in box_rows}
        figures |= {f"rooms.{name}": value for name, value in rooms.items()}
        return Findings(
            metrics=figures,
            tables=tables,
            verdicts=_judge(pair_rows, box_rows, data),
            models=[models],
            data=[] if data is None else [data],
            seeds={"drawings": options.seed},
        )


def motorcycle() -> StereoPair:
    """The pair; nothing is downloaded, as it comes with scikit-image."""
    try:
        from skimage.data import stereo_motorcycle
    except ImportError:
        raise missing_extra("scikit-image", "dev") from None
    left, _, disparity = stereo_motorcycle()
    known = np.isfinite(disparity) & (disparity > 0)
    inverse = np.where(known, (disparity + OFFSET) / (FOCAL * BASELINE), 0)
    z = np.where(known, 1 / np.where(known, inverse, 1), np.nan)
    return StereoPair(Image(left, "motorcycle"), inverse, z)


def measure_pair(
    pair: StereoPair, model: DepthModel, options: LiftSuiteOptions
) -> list[dict[str, float | str]]:
    """A row for each kind of depth: how far the median of the picture's depth is off."""
    (seen,) = model.encode([pair.image])
    noise = np.random.default_rng(options.seed).normal(1, NOISE, pair.z.shape)
    depths = {
        "exact, up to scale and shift": Depth(0.7 * pair.inverse - 0.2),
        f"exact with {NOISE:.0%} noise": Depth(0.7 * pair.inverse * noise - 0.2),
        model.name: model.depth(seen),
    }
    rows: list[dict[str, float | str]] = []
    for name, depth in depths.items():
        trials = [_try_known(pair, depth, options, trial) for trial in range(options.trials)]
        off, plain, error = np.mean(trials, 0).tolist()
        row = {"median off": off, "by least squares": plain, "mean error": error}
        rows.append({"depth": name, **row})
    return rows


def _try_known(
    pair: StereoPair, depth: Depth, options: LiftSuiteOptions, trial: int
) -> tuple[float, float, float]:
    """How far the median is off by our fit and by least squares, and our fit's mean error."""
    rng = np.random.default_rng((options.seed, trial))
    rows, columns = np.nonzero(np.isfinite(pair.z))
    chosen = rng.choice(len(rows), options.known, replace=False)
    at = rows[chosen], columns[chosen]
    told = pair.z[at].copy()
    wrong = np.arange(len(told)) < options.wrong * len(told)
    told[wrong] *= rng.uniform(1.5, 3, wrong.sum()) ** rng.choice([-1, 1], wrong.sum())
    values = depth.values[at].astype(np.float64)
    fit = fit_depth(values, told, inverse=depth.inverse, seed=trial)
    if fit is None:
        return 1.0, 1.0, 1.0
    found = _z_of(depth, fit.scale, fit.shift)
    design = np.stack([values, np.ones(len(values))], 1)
    (scale, shift), *_ = np.linalg.lstsq(design, 1 / told if depth.inverse else told)
    error = np.nanmean(np.abs(found / pair.z - 1))
    return _median_off(found, pair), _median_off(_z_of(depth, scale, shift), pair), float(error)


def _z_of(depth: Depth, scale: float, shift: float) -> Array:
    fitted = np.maximum(depth.values.astype(np.float64) * scale + shift, 1e-3)
    z: Array = 1 / fitted if depth.inverse else fitted
    return z


def _median_off(found: Array, pair: StereoPair) -> float:
    known = np.isfinite(pair.z)
    return float(abs(np.median(found[known]) / np.median(pair.z[known]) - 1))


# ---- boxes


def measure_boxes(options: LiftSuiteOptions) -> list[dict[str, float | str]]:
    """Rows: the fixed scene, and boxes drawn at random, each alone."""
    camera = Camera.of(SIZE, 520)
    scenes: dict[str, Sequence[tuple[RenderedBox, ...]]] = {
        "the scene": [SCENE],
        "at random": draw_boxes(camera, options),
    }
    rows: list[dict[str, float | str]] = []
    for name, sets in scenes.items():
        parts = [side_errors(boxes, render_boxes(boxes, camera, SIZE), camera) for boxes in sets]
        errors = np.concatenate(parts)
        row = {
            "sides": float(len(errors)),
            "median side off": float(np.median(errors)),
            "9 in 10 within": float(np.quantile(errors, 0.9)),
            "worst side off": float(errors.max()),
        }
        rows.append({"boxes": name, **row})
    return rows


def draw_boxes(camera: Camera, options: LiftSuiteOptions) -> Sequence[tuple[RenderedBox, ...]]:
    """Boxes that are seen whole, with three faces none of which is seen flatly."""
    rng = np.random.default_rng(options.seed)
    found: list[tuple[RenderedBox, ...]] = []
    while len(found) < options.trials:
        sides = rng.uniform(0.4, 1.5, 3).tolist()
        centre = rng.uniform((-1.2, -0.5, -5), (1.2, 0.6, -3.2)).tolist()
        box = RenderedBox(tuple(sides), tuple(centre), rng.uniform(-90, 90), rng.uniform(10, 50))
        mask = render_boxes((box,), camera, SIZE).masks[0]
        edge = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
        sight = np.array(centre) / np.linalg.norm(centre)
        if not edge and np.abs(box.axes @ sight).min() > FLATTEST:
            found.append((box,))
    return found


def side_errors(boxes: tuple[RenderedBox, ...], scene: RenderedScene, camera: Camera) -> Array:
    """How far each side of each box is off, from its exact depth."""
    names = tuple(f"box {number}" for number in range(len(boxes)))
    scores = np.linspace(1, 0.5, len(boxes))
    masks = Masks.from_dense(scene.masks)
    result = Result.of(masks, names, scores=scores, label_ids=range(len(boxes)))
    depth = Depth(scene.z, metric=True, inverse=False)
    lifted = lift(Image(scene.pixels), result, depth, camera)
    real = [np.sort(boxes[region.row].sides)[::-1] for region in lifted.regions]
    found = [region.box.sides for region in lifted.regions]
    errors: Array = np.abs(np.concatenate(found) / np.concatenate(real) - 1)
    return errors


# ---- rooms


def _open_rooms(kit: SuiteKit[LiftSuiteOptions]) -> Dataset | None:
    folder = kit.options.data / kit.options.set
    if not folder.is_dir():
        kit.say(f"{folder} is not there: rooms are left out")
        return None
    kit.say(kit.options.set)
    return open_pack(kit.options.data, kit.options.set)


def measure_rooms(data: Dataset, models: Models, count: int) -> dict[str, float]:
    """The figures of the bench `depth`, mean over the pictures."""
    model = models.get(DepthModel)
    rows = []
    for sample in spread_samples(data, count):
        real = data.truth(sample).depth
        if real is not None:
            (seen,) = model.encode([data.image(sample)])
            figures = metrics.figures(real, in_metres(model.depth(seen), real))
            rows.append([figures[name] for name in metrics.NAMES])
    means = np.mean(rows, 0).tolist() if rows else [float("nan")] * len(metrics.NAMES)
    return {"pictures": float(len(rows)), **dict(zip(metrics.NAMES, means, strict=True))}


def _judge(
    pair: Sequence[dict[str, float | str]],
    boxes: Sequence[dict[str, float | str]],
    data: Dataset | None,
) -> list[str]:
    verdicts = [
        f"motorcycle, {row['depth']}: median {float(row['median off']):.2%} off "
        f"(wanted: {WANTED['median']:.0%}; least squares: {float(row['by least squares']):.1%})"
        for row in pair
    ]
    verdicts += [
        f"boxes, {row['boxes']}: worst side {float(row['worst side off']):.1%} off "
        f"(wanted: {WANTED['sides']:.0%})"
        for row in boxes
    ]
    return verdicts if data is not None else [*verdicts, "rooms were left out: no data set"]
