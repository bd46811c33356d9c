"""Open-Vocabulary SAM part by part: what its cuts owe to what, and which opinion names them right.

Every annotated thing is asked for by one click, deepest inside, and by its box. Masks are cut from
the mean of the teacher's maps (blind), from what the adapter says of the picture, and from the
teacher's own maps, all by the teacher's cutter; last by the network as it is used. Names come from
the mask that the network cut. Intervals are over pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.core.protocols import Dense
from wordmask.errors import CapabilityError, FormatError, Mend, WeightsError, missing_extra
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.data.own import open_own
from wordmask.lab.metrics.bootstrap import resamples

if TYPE_CHECKING:
    from wordmask.lab.training.ovsam_samples import SquareThings, ThingReader
    from wordmask.model.ovsam.whole import HasWhole

MAPS = ("blind", "adapter", "teacher")
USED = "network"
CLICK, GAP, GAIN = 0.85, 0.75, 0.02  # aims


@dataclass(frozen=True)
class OvsamSuiteOptions(SuiteOptions):
    """What is measured, on what."""

    model: str = "runs/ovsam/files"
    """Folder that the training wrote."""
    data: Path = Path("packs/eval/coco")
    """Pictures that it was not trained on, with instances, in any format that is read."""
    teacher: str = "mini"
    """The segmenter that it was distilled from."""
    pictures: Annotated[int, Ge(0)] = 0
    """Only the first so many; 0 = all."""


class OvsamSuite(Suite[OvsamSuiteOptions]):
    name = "ovsam"
    about = "Open-Vocabulary SAM: masks against its teacher's, names by each opinion"
    options = OvsamSuiteOptions

    def run(self, kit: SuiteKit[OvsamSuiteOptions]) -> Findings:
        try:
            from wordmask.lab.training.ovsam_samples import ThingReader
            from wordmask.model.ovsam.whole import HasWhole
        except ImportError as error:
            raise missing_extra(error.name or "torch", "train") from error
        models = kit.load(kit.options.model)
        if not models.has(HasWhole):
            raise CapabilityError(
                f"{models.spec} is no Open-Vocabulary SAM; give a folder that its training wrote"
            )
        engine, data = models.get(HasWhole), open_own(kit.options.data)
        reader = ThingReader([data], engine.whole.network.plan.side, test=data)
        if kit.options.pictures:
            reader.held = reader.held[: kit.options.pictures]
        names, used = judge_names(engine, reader, models.get(Dense))
        masks = cut_by_maps(kit, engine, reader) | {USED: used}
        mask_table = [row for name, ways in masks.items() for row in mask_rows(name, ways)]
        metrics = {f"{row['maps']}.{row['by']}": row["iou"] for row in mask_table}
        for row in names:
            head = f"{row['words']}.{row['by']}"
            metrics |= {f"{head}.{one}": row[one] for one in ("roi", "pooled", "fused", "gain")}
        return Findings(
            metrics=metrics | {"exponent": engine.exponent},
            tables={"masks": FindingTable.of(mask_table), "names": FindingTable.of(names)},
            intervals={f"{r['maps']}.{r['by']}": [r["low"], r["high"]] for r in mask_table},
            verdicts=verdicts(metrics, names),
            models=[models],
            data=[data],
            seeds={"bootstrap": 0},
        )


Masks = Mapping[str, list[Array]]  # way of asking -> the IoUs of each picture's things


def judge_names(
    engine: "HasWhole", reader: "ThingReader", dense: Dense
) -> tuple[list[dict[str, Any]], Masks]:
    """Rows about names, and the IoUs of the masks that they were read from."""
    from wordmask.lab.training.objective_recognise import embed_words
    from wordmask.lab.training.ovsam_figures import WAYS, measure_things
    from wordmask.lab.training.ovsam_names import NameJudge, name_rows

    things = measure_things(engine.whole, reader, reader.held)
    if not len(things.words):
        raise FormatError(
            "no picture of the data has a thing with a mask", mend=Mend("data", "FILE")
        )
    texts, starts = embed_words(reader.phrases, dense.embed_texts)
    trained = set(engine.trained_words)
    novel = tuple(k for k, word in enumerate(reader.words) if word not in trained)
    rows = name_rows(things, NameJudge(texts, starts, engine.exponent, novel))
    iou = things.iou.numpy()
    numbers = np.unique(things.picture)
    return rows, {
        way: [iou[k, things.picture == number] for number in numbers] for k, way in enumerate(WAYS)
    }


def cut_by_maps(
    kit: SuiteKit[OvsamSuiteOptions], engine: "HasWhole", reader: "ThingReader"
) -> dict[str, Masks]:
    """IoUs by the teacher's cutter from three kinds of maps; none where no teacher cuts."""
    from wordmask.lab.training.ovsam_figures import judge_maps

    plan = engine.whole.network.plan
    if not plan.maps:
        return {}
    teacher = kit.load(kit.options.teacher, input_side=plan.side).get(MapSegmenter)
    if engine.whole.teacher is not None and engine.whole.teacher.name != teacher.name:
        raise WeightsError(
            f"{kit.options.model} was distilled from {engine.whole.teacher.name}, "
            f"not from {teacher.name}",
            mend=Mend("teacher", "NAME"),
        )
    read = [reader.read(source) for source in reader.held]
    pictures = [one for one in read if len(one.masks) and not one.is_whole]
    own = [teach(teacher, one) for one in pictures]
    means = [np.mean([maps[k].mean((1, 2)) for maps in own], 0) for k in range(len(plan.maps))]
    found: dict[str, dict[str, list[Array]]] = {name: {} for name in MAPS}
    for things, maps in zip(pictures, own, strict=True):
        pairs = zip(means, maps, strict=True)
        blind = [np.broadcast_to(mean[:, None, None], one.shape) for mean, one in pairs]
        kinds = (blind, adapt(engine, things), maps)
        for name, kind in zip(MAPS, kinds, strict=True):
            for way, iou in judge_maps(teacher, list(kind), things).items():
                found[name].setdefault(way, []).append(iou)
    return dict(found)


def teach(teacher: MapSegmenter, things: "SquareThings") -> Sequence[Array]:
    """What the teacher itself sees."""
    from wordmask.lab.training.teacher import teach_by

    return teach_by(teacher)(things.pixels)


def adapt(engine: "HasWhole", things: "SquareThings") -> Sequence[Array]:
    """What the adapter says that the teacher sees."""
    import torch

    network = engine.whole.network
    device = next(network.parameters()).device
    with torch.no_grad():
        view = engine.whole.backbone(
            torch.from_numpy(things.pixels).permute(2, 0, 1)[None].to(device)
        )
        maps = network.teacher_maps(network.encode(view), view.levels)
    return [one[0].float().cpu().numpy() for one in maps]


def mask_rows(name: str, ways: Masks) -> list[dict[str, Any]]:
    rows = []
    for way, pictures in ways.items():
        sums = np.array([one.sum() for one in pictures])
        counts = np.array([len(one) for one in pictures])
        weights = resamples(len(counts))
        low, high = np.quantile((weights @ sums) / (weights @ counts), (0.025, 0.975))
        mean, things = float(sums.sum() / counts.sum()), int(counts.sum())
        row = {"maps": name, "by": way, "things": things, "iou": mean}
        rows.append(row | {"low": float(low), "high": float(high)})
    return rows


def verdicts(metrics: Mapping[str, float], names: Sequence[Mapping[str, Any]]) -> list[str]:
    """The aims, and whether they are reached."""
    from wordmask.lab.training.ovsam_names import AMONG

    said = []
    if "teacher.click" in metrics:
        blind, own = metrics["blind.click"], metrics["teacher.click"]
        for name in ("adapter", USED):
            click = metrics[f"{name}.click"]
            share, gap = click / max(own, 1e-6), (click - blind) / max(own - blind, 1e-6)
            said.append(
                f"clicks, {name}: {share:.2f} of the teacher's (aim {CLICK:.2f}), "
                f"{gap:.0%} of the gap from blind (aim {GAP:.0%})"
            )
    for row in names:
        if row["words"] == AMONG:
            continue
        reached = "reached" if row["gain_low"] >= GAIN else "not sure"
        if row["gain"] < GAIN:
            reached = "not reached"
        said.append(
            f"{row['words']}, {row['by']}: fused - pooled {row['gain']:+.3f} "
            f"({row['gain_low']:+.3f} to {row['gain_high']:+.3f}); aim +{GAIN:.2f}: {reached}"
        )
    return said
