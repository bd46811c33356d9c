"""Every bench that a model can do, on the evaluation packs: the tables of docs/benchmarks.md.

One command for all of it. A run that was killed goes on, and one that is there already, of the same
weights and pictures, is not measured again. On a CPU the figures are the same to the last digit.
"""

from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import cv2
import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.errors import CapabilityError
from wordmask.lab.bench.benches import BENCHES
from wordmask.lab.bench.benches.clicks import ClicksOptions
from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.options import BenchOptions, ThresholdOptions
from wordmask.lab.bench.run import BenchRun, run_bench
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import open_pack
from wordmask.lab.data import Dataset
from wordmask.media.reading.read import read
from wordmask.media.writing import write_picture

ROOMS = ThresholdOptions(words=("chair", "sofa", "bed", "table"))
FEW = ClicksOptions(objects=3, num_samples=40)
SHEET = "rooms_worst.jpg"
WIDTH = 600  # pixels of a strip in the sheet
WORST = 10


class Line(NamedTuple):
    """One line of the table: a bench on a pack, and the figures that are shown."""

    bench: str
    pack: str
    figures: tuple[str, ...]
    options: BenchOptions | None = None


SEMANTIC = ("miou", "pixel_accuracy", "boundary_iou")
RETRIEVAL = ("miou_auto", "miou_best", "best_threshold")
CLICKS = ("miou_1_click", "miou_5_clicks", "noc85", "noc90")
LINES = (
    *(Line("semantic", pack, SEMANTIC, SemanticOptions(how="dense"))
      for pack in ("voc", "nyu", "camvid", "ccp", "coco")),
    Line("semantic", "voc", SEMANTIC, SemanticOptions(how="guided")),
    *(Line("instance", pack, ("ap", "ap50", "ar100")) for pack in ("coco", "coco_person")),
    *(Line("panoptic", pack, ("pq", "sq", "rq")) for pack in ("coco", "camvid")),
    Line("retrieval", "nyu", RETRIEVAL, ROOMS),
    Line("retrieval", "voc", RETRIEVAL),
    *(Line("clicks", pack, CLICKS, FEW) for pack in ("coco", "davis")),
    *(Line("recognise", pack, ("accuracy", "top5", "box_miou")) for pack in ("coco", "voc", "nyu")),
    Line("video", "davis", ("jf", "j", "f", "stability")),
    Line("depth", "nyu", ("abs_rel", "delta1", "delta2")),
    *(Line("search", pack, ("recall@1", "map", "word_map")) for pack in ("voc", "coco")),
    *(Line("calibration", pack, ("ece", "pixel_ece")) for pack in ("voc", "nyu", "coco")),
    Line("pose", "coco_person", ("oks", "ar")),
    Line("ask", "coco", ("effective_reliability", "accuracy")),
    Line("free-space", "camvid", ("iou", "row_error")),
)  # fmt: skip
BY_THEMSELVES = ("volume",)  # benches whose data are no packs of pictures


@dataclass(frozen=True)
class TablesOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs/eval")
    """Folder in which the data sets lie."""
    pictures: Annotated[int, Ge(0)] = 0
    """Only the first so many pictures of each set; 0 = all."""
    model: str = "mini"
    """Engine, or several joined by +."""
    only: tuple[str, ...] = ()
    """Only these benches."""


class TablesSuite(Suite[TablesOptions]):
    name = "tables"
    about = "every bench that a model can do, on several data sets: one table"
    options = TablesOptions

    def run(self, kit: SuiteKit[TablesOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        sets: dict[str, Dataset] = {}
        rows: list[dict[str, Any]] = []
        tables, pictures, curves = {}, [], {}
        for line in LINES:
            if options.only and line.bench not in options.only:
                continue
            data = sets.setdefault(line.pack, open_pack(options.data, line.pack))
            kit.say(f"{line.bench} on {line.pack}")
            folder = place(kit, models, line)
            results = measure_line(kit, line, data, folder)
            rows += line_rows(line, results)
            if results is not None and line.options is ROOMS:
                tables["rooms"] = FindingTable.of(room_rows(results))
                curves = {"rooms": results["curves"]["why the failures failed"]}
                tables["worst rooms"] = FindingTable.of(worst_rooms(results))
                if results["pictures"]:
                    draw_sheet(results, folder, kit.output / SHEET)
                    pictures.append(SHEET)
        return Findings(
            metrics={
                f"{r['bench']}.{r['data']}.{r['how']}.{r['figure']}": r["value"] for r in rows
            },
            tables={"benches": FindingTable.of(rows), **tables},
            curves=curves,
            models=[models],
            data=list(sets.values()),
            seeds={"bootstrap": 0},
            pictures=pictures,
        )


def options_of(line: Line, pictures: int) -> BenchOptions:
    """The line's options; drawing takes as long as measuring, so only the rooms are drawn."""
    options = line.options or BENCHES[line.bench].options()
    if line.options is not ROOMS and any(item.name == "show" for item in fields(options)):
        options = replace(options, show=0)  # type: ignore[call-arg]  # a picture bench has it
    if pictures:
        options = replace(options, num_samples=min(pictures, options.num_samples or pictures))
    return options


def place(kit: SuiteKit[TablesOptions], models: Models, line: Line) -> Path:
    """The run's folder: other weights, or another number of pictures, are other runs."""
    made_by = "+".join(models.made_by).replace("sha256:", "").replace("/", "-")
    how = getattr(line.options, "how", "auto").replace("auto", "")
    name = "-".join(part for part in (line.bench, line.pack, how) if part)
    return kit.output / f"{made_by}-{kit.options.pictures or 'all'}" / name


def measure_line(
    kit: SuiteKit[TablesOptions], line: Line, data: Dataset, folder: Path
) -> dict[str, Any] | None:
    """The results of the run; None where the model cannot do the bench."""
    load = partial(kit.load, kit.options.model)
    options = options_of(line, kit.options.pictures)
    try:
        return run_bench(BenchRun(line.bench, data, load, folder, options))
    except CapabilityError as error:
        kit.say(f"not possible: {error}")
        return None


def line_rows(line: Line, results: dict[str, Any] | None) -> list[dict[str, Any]]:
    """One row for each figure; a single row without one where the model cannot do the bench."""
    how = getattr(line.options, "how", "auto")
    row: dict[str, Any] = {"bench": line.bench, "data": line.pack, "how": how}
    if results is None:
        return [row | {"pictures": None, "figure": None, "value": None}]
    row["pictures"] = len(results["per_picture"])
    rows = []
    for figure in line.figures:
        low, high = results["intervals"][figure]
        value = {"figure": figure, "value": results["metrics"][figure], "low": low, "high": high}
        rows.append(row | value | {"seconds": results["times"]["total"]["p50"]})
    return rows


def room_rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The words of the rooms, one by one."""
    rows = []
    for word in results["words"]:
        own = results["per_class"][word]
        figures = {
            name: own[name] if own["pictures"] else None for name in ("miou_auto", "miou_best")
        }
        row = {"word": word, "pictures": own["pictures"], **figures}
        rows.append(row | {"best_threshold": own["best_threshold"]})
    return rows


def worst_rooms(results: dict[str, Any]) -> list[dict[str, Any]]:
    worst = [picture for picture in results["pictures"] if picture["group"] == "worst"]
    return [{"room": one["name"], "miou_auto": one["miou_auto"]} for one in worst[:WORST]]


def draw_sheet(results: dict[str, Any], folder: Path, path: Path) -> None:
    """The strips of the worst rooms, two to a row."""
    worst = [picture for picture in results["pictures"] if picture["group"] == "worst"]
    strips = [read(folder / picture["file"]).pixels for picture in worst[:WORST]]
    tiles = [_tile(strip) for strip in strips]
    height = max(len(tile) for tile in tiles)
    cells = [_pad(tile, height) for tile in tiles]
    if len(cells) % 2:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[start : start + 2]) for start in range(0, len(cells), 2)]
    write_picture(path, np.vstack(rows), quality=80)


def _tile(strip: Array) -> Array:
    """(h, WIDTH + 6, 3) with a white edge at right and below."""
    height = round(WIDTH * strip.shape[0] / strip.shape[1])
    small = cv2.resize(strip, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.pad(small, ((0, 6), (0, 6), (0, 0)), constant_values=255)


def _pad(tile: Array, height: int) -> Array:
    return np.pad(tile, ((0, height - len(tile)), (0, 0), (0, 0)), constant_values=255)
