import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.metrics import instances
from wordmask.lab.metrics.instances import ClassTable, Verdicts, Wanted

SIZE = (220, 260)
CLASSES = ("cat", "dog", "cup")


def blobs(draw: np.random.Generator, count: int) -> Masks:
    """Ellipses from a few pixels to most of the picture."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    centres = draw.uniform(0, 1, (count, 2)) * SIZE
    radii = np.exp(draw.uniform(np.log(3), np.log(90), (count, 2)))
    dense = [
        ((rows - cy) / ry) ** 2 + ((columns - cx) / rx) ** 2 <= 1
        for (cy, cx), (ry, rx) in zip(centres, radii, strict=True)
    ]
    return Masks.from_dense(np.array(dense).reshape(count, *SIZE))


def scene(seed: int) -> tuple[Wanted, Result]:
    """Truth with crowds; an answer of shifted truth, wrong names, doubles and inventions."""
    draw = np.random.default_rng(seed)
    truth = Result.of(blobs(draw, 7), CLASSES, label_ids=draw.integers(0, 3, 7))
    crowd = Result.of(blobs(draw, 2), CLASSES, label_ids=draw.integers(0, 3, 2))
    near = [truth.masks.move(SIZE, draw.integers(-4, 5, 2)) for _ in range(2)]
    masks = Masks.concatenate([*near, blobs(draw, 6)])
    labels = np.concatenate([truth.label_ids, truth.label_ids, draw.integers(0, 3, 6)])
    wrong = draw.random(len(labels)) < 0.2
    labels = np.where(wrong, draw.integers(0, 3, len(labels)), labels)
    kept = masks.areas > 0
    scores = draw.random(len(labels)).astype(np.float32)
    return Wanted(truth, crowd), Result.of(
        masks[kept], CLASSES, scores=scores[kept], label_ids=labels[kept]
    )


def ours(
    scenes: list[tuple[Wanted, Result]], weights: np.ndarray | None = None
) -> dict[str, float]:
    rows: dict[int, list[tuple[int, Verdicts]]] = {}
    for picture, (wanted, found) in enumerate(scenes):
        for label, verdicts in instances.judge(wanted, found).items():
            # through JSON, as a run stores it
            rows.setdefault(label, []).append((picture, Verdicts.from_json(verdicts.to_json())))
    tables = {label: ClassTable.of(found, len(scenes)) for label, found in rows.items()}
    return instances.figures(tables, np.ones(len(scenes)) if weights is None else weights)


def cocos(scenes: list[tuple[Wanted, Result]]) -> dict[str, float]:
    annotations, detections = [], []
    for picture, (wanted, found) in enumerate(scenes, 1):
        for crowd, result in ((0, wanted.result), (1, wanted.crowd)):
            for code, area, label in zip(
                result.masks.to_rle(), result.masks.areas, result.label_ids, strict=True
            ):
                row = {
                    "id": len(annotations) + 1,
                    "image_id": picture,
                    "category_id": int(label) + 1,
                    "iscrowd": crowd,
                }
                annotations.append(
                    row | {"segmentation": code, "area": int(area), "bbox": [0, 0, 1, 1]}
                )
        for code, score, label in zip(
            found.masks.to_rle(), found.scores, found.label_ids, strict=True
        ):
            row = {
                "image_id": picture,
                "category_id": int(label) + 1,
                "segmentation": code,
                "score": float(score),
            }
            detections.append(row)
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [
            {"id": k, "height": SIZE[0], "width": SIZE[1]} for k in range(1, len(scenes) + 1)
        ],
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(CLASSES)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(detections), "segm")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    sizes = ["small", "medium", "large"]
    names = ["ap", "ap50", "ap75", *(f"ap_{size}" for size in sizes), "ar1", "ar10", "ar100"]
    names += [f"ar_{size}" for size in sizes]
    # pycocotools writes -1 where there was nothing to find; we write nan
    return {
        name: value if value >= 0 else float("nan")
        for name, value in zip(names, judge.stats.tolist(), strict=True)
    }


@pytest.mark.parametrize("seed", range(4))
def test_all_twelve_figures_are_pycocotools(seed):
    scenes = [scene(100 * seed + k) for k in range(5)]
    expected = cocos(scenes)
    assert 0 < expected["ap"] < 1, "the case is worth nothing"
    assert ours(scenes) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_weighting_a_picture_twice_is_having_it_twice():
    scenes = [scene(k) for k in range(3)]
    doubled = ours([scenes[0], scenes[0], scenes[2]])
    assert ours(scenes, np.array([2, 0, 1])) == pytest.approx(doubled, abs=1e-9, nan_ok=True)


def test_truth_against_itself_is_exactly_one():
    truth = scene(3)[0].result
    found = ours([(Wanted(truth), truth)])
    assert {name: found[name] for name in ("ap", "ap50", "ap75", "ar100")} == {
        "ap": 1,
        "ap50": 1,
        "ap75": 1,
        "ar100": 1,
    }


def test_names_shuffled_between_far_apart_regions_find_nothing():
    truth = scene(3)[0].result
    answer = Result.of(truth.masks, CLASSES, label_ids=(truth.label_ids + 1) % 3)
    boxes = truth.masks.iou(truth.masks) - np.eye(len(truth))
    assert boxes.max() < 0.5, "two truths overlap so much that one may stand for the other"
    assert ours([(Wanted(truth), answer)])["ap"] == 0


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        pytest.param(1, 0, 0.0, id="empty answer"),
        pytest.param(0, 1, float("nan"), id="empty truth: there is nothing to find"),
        pytest.param(0, 0, float("nan"), id="both empty"),
    ],
)
def test_empty(truth, answer, expected):
    square = Masks.from_dense(np.ones((1, *SIZE), bool))
    results = [
        Result.of(square[:count], CLASSES, label_ids=[0] * count) for count in (truth, answer)
    ]
    assert ours([(Wanted(results[0]), results[1])])["ap"] == pytest.approx(expected, nan_ok=True)


def test_lvis_does_not_count_what_was_not_checked():
    square = Masks.from_dense(np.ones((1, *SIZE), bool))
    truth = Result.of(square, CLASSES, label_ids=[0])
    answer = Result.of(Masks.concatenate([square, square]), CLASSES, label_ids=[0, 1])
    everything = instances.judge(Wanted(truth), answer)
    checked = instances.judge(Wanted(truth, judged=frozenset({0})), answer)
    assert (sorted(everything), sorted(checked)) == ([0, 1], [0])
    free = instances.judge(Wanted(truth, open_classes=frozenset({1})), answer)
    assert (everything[1].skips[0], free[1].skips[0]) == (0, 1023)


def test_an_area_of_the_annotation_beats_the_masks():
    square = Masks.from_dense(np.ones((1, 10, 10), bool))
    truth = Result.of(square, CLASSES, label_ids=[0])
    small, large = (
        instances.judge(Wanted(truth, areas=np.array([area])), truth)[0] for area in (100, 99 * 99)
    )
    assert (small.truths.tolist(), large.truths.tolist()) == ([1, 1, 0, 0], [1, 0, 0, 1])
