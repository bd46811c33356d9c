"""The suite of Open-Vocabulary SAM, on colours in place of networks."""

import json
from dataclasses import replace

import pytest

from own_drawings import WORDS, write_own

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[train]'")

from tiny_ovsam import SIDE, ColourBackbone, ColourTeacher, embed  # noqa: E402
from wordmask.core.models import Models  # noqa: E402
from wordmask.errors import CapabilityError, FormatError, WeightsError  # noqa: E402
from wordmask.lab.bench.run_suite import run_suite  # noqa: E402
from wordmask.lab.bench.suite import SuiteKit  # noqa: E402
from wordmask.lab.bench.suites import find_suite  # noqa: E402
from wordmask.model.ovsam.net import OvsamNetwork  # noqa: E402
from wordmask.model.ovsam.plan import OvsamPlan  # noqa: E402
from wordmask.model.ovsam.whole import OvsamWhole  # noqa: E402

PLAN = OvsamPlan(
    ColourBackbone.channels, ColourBackbone.strides, 3, side=SIDE, width=32, depth=1, heads=4,
    dim=32, scale=20.0, maps=((2, SIDE // 16),),
)  # fmt: skip


class ColourEngine:
    """An engine that can be taken apart; it was trained to name the first of the words."""

    name, exponent, trained_words = "tiny", 1.0, WORDS[:1]

    def __init__(self, plan=PLAN):
        torch.manual_seed(0)
        teacher = ColourTeacher() if plan.maps else None
        self.whole = OvsamWhole(OvsamNetwork(plan).eval(), ColourBackbone(), teacher)

    def encode(self, images):
        raise AssertionError("the parts are asked, not the engine")

    features = encode

    def embed_texts(self, phrases):
        return embed(phrases)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_own(tmp_path_factory.mktemp("judged") / "mine", range(5))


@pytest.fixture
def measure(data, tmp_path):
    """The results with some engine and some teacher."""

    def run(engine, teacher=ColourTeacher, **more):
        parts = {"tiny": engine, "colours": teacher()}
        suite = find_suite("ovsam")
        options = suite.options(model="tiny", teacher="colours", **({"data": data} | more))
        load = lambda name, **_: Models(name, (parts[name],))  # noqa: E731
        return run_suite(suite, SuiteKit(options, load, tmp_path / "out"))

    return run


def test_masks_of_every_kind_of_maps_and_names_by_every_opinion(measure, tmp_path):
    results = measure(ColourEngine())
    assert results == json.loads((tmp_path / "out/results.json").read_text())
    table = results["tables"]["masks"]
    rows = {tuple(row[:2]): dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
    kinds = ("blind", "adapter", "teacher", "network")
    assert set(rows) == {(kind, way) for kind in kinds for way in ("click", "box")}
    for way in ("click", "box"):
        assert rows["teacher", way]["iou"] > rows["blind", way]["iou"]
        # Before any training the network's masks are those of its adapter's maps.
        assert rows["network", way]["iou"] == pytest.approx(rows["adapter", way]["iou"])
    assert all(row["low"] <= row["iou"] <= row["high"] for row in rows.values())
    metrics = results["metrics"]
    for way in ("click", "box"):
        # The exponent 1 is the pooled opinion.
        assert metrics[f"all words.{way}.fused"] == metrics[f"all words.{way}.pooled"]
        assert metrics[f"novel, among them.{way}.pooled"] == 1
    assert any("of the teacher's" in line for line in results["verdicts"])
    assert any("aim +0.02: not reached" in line for line in results["verdicts"])


def test_a_network_that_cuts_alone_has_masks_of_its_own_only(measure):
    results = measure(ColourEngine(replace(PLAN, maps=())), pictures=2)
    assert {row[0] for row in results["tables"]["masks"]["rows"]} == {"network"}


def test_data_without_a_single_thing_is_said(measure, tmp_path):
    path = write_own(tmp_path / "empty", range(2))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
    with pytest.raises(FormatError, match="no picture of the data has a thing"):
        measure(ColourEngine(), data=path)


def test_another_teacher_and_another_engine_are_refused(measure):
    class OtherTeacher(ColourTeacher):
        name = "others@2"

    with pytest.raises(WeightsError, match="distilled from colours@1, not from others@2"):
        measure(ColourEngine(), OtherTeacher)
    with pytest.raises(CapabilityError, match="no Open-Vocabulary SAM"):
        measure(ColourTeacher())
