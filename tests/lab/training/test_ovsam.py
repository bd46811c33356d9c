"""Both stages of Open-Vocabulary SAM on tiny random networks, and what they may not do."""

import json
from dataclasses import replace

import numpy as np
import pytest

from commands import run_here
from own_drawings import WORDS, write_own

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
pytest.importorskip("transformers", reason="the backbones: pip install 'wordmask[hf]'")

from tiny_networks import save_clip  # noqa: E402
from tiny_ovsam import SIDE, ColourBackbone, embed, teach  # noqa: E402
from tiny_sams import save_sam  # noqa: E402
from wordmask import engines  # noqa: E402
from wordmask.core.image import Image  # noqa: E402
from wordmask.core.protocols import Dense, PromptBatch, Segmenter  # noqa: E402
from wordmask.errors import FormatError, OptionError, WeightsError  # noqa: E402
from wordmask.lab.data.own import open_own  # noqa: E402
from wordmask.lab.training.loop import Step, Training  # noqa: E402
from wordmask.lab.training.losses_ovsam import mask_losses, uncertain_points  # noqa: E402
from wordmask.lab.training.objective_distill import DistillObjective  # noqa: E402
from wordmask.lab.training.objective_recognise import RecogniseObjective  # noqa: E402
from wordmask.lab.training.ovsam_figures import (  # noqa: E402
    MeasuredThings,
    fit_exponent,
    paired_interval,
)
from wordmask.lab.training.ovsam_options import OvsamTrainOptions, plan_of  # noqa: E402
from wordmask.lab.training.ovsam_samples import (  # noqa: E402
    ThingBatches,
    ThingReader,
    box_prompt,
    click_prompt,
)
from wordmask.lab.training.place import RunPlace  # noqa: E402
from wordmask.lab.training.teacher import TeacherDump  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_own(tmp_path_factory.mktemp("ovsam") / "mine", range(24))


@pytest.fixture
def options(data, tmp_path):
    def make(**more):
        values = {"data": data, "out": tmp_path / "run", "batch": 3, "threads": 1, "half": False}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0, "side": SIDE, "size": "small"}
        return OvsamTrainOptions(**(values | more))

    return make


@pytest.fixture
def distill(options, data, tmp_path):
    def make(name="adapter", **more):
        chosen = options(out=tmp_path / name, **more)
        plan = replace(plan_of(chosen, ColourBackbone(), 3), width=32, depth=2, heads=4, dim=32)
        reader = ThingReader([open_own(data)], SIDE)
        dump = TeacherDump(tmp_path / "dump", "shades", SIDE, teach)
        return Training(lambda o: DistillObjective(o, plan, reader, ColourBackbone(), dump), chosen)

    return make


@pytest.fixture
def recognise(options, data, distill, tmp_path):
    adapter = distill(max_steps=0).run()

    def make(name="names", without=(), **more):
        chosen = options(
            out=tmp_path / name, stage="recognise", adapter=adapter, without_words=without, **more
        )
        plan = replace(plan_of(chosen, ColourBackbone(), 3), width=32, depth=2, heads=4, dim=32)
        reader = ThingReader([open_own(data)], SIDE, without)
        return Training(
            lambda o: RecogniseObjective(o, plan, reader, ColourBackbone(), embed), chosen
        )

    return make


def test_the_adapter_learns_what_the_teacher_sees_and_goes_on_exactly(distill):
    whole = distill("whole", max_steps=60, rate=3e-3, eval_steps=60)
    whole.run()
    rows = [json.loads(line) for line in whole.log.read_text().splitlines()]
    assert rows[-1]["eval_map0"] < 0.3  # 1 is what the teacher's mean gives
    distill("parts", max_steps=30, rate=3e-3).run()
    resumed = distill("parts", max_steps=60, rate=3e-3)
    resumed.run()
    for name, value in whole.average.state["adapter"].items():
        torch.testing.assert_close(resumed.average.state["adapter"][name], value)


def test_a_picture_is_shown_to_the_teacher_once(tmp_path):
    asked = []
    dump = TeacherDump(tmp_path, "a", 8, lambda pixels: [asked.append(1) or np.ones((2, 1, 1))])
    pixels = np.zeros((8, 8, 3), np.uint8)
    assert dump.maps(pixels)[0].shape == dump.maps(pixels)[0].shape == (2, 1, 1)
    assert len(asked) == 1
    with pytest.raises(FormatError, match="made by a at 8, not by b at 8"):
        TeacherDump(tmp_path, "b", 8, teach)


@pytest.mark.slow
def test_cuts_and_names_are_learned_on_a_frozen_adapter(recognise):
    training = recognise(max_steps=140, rate=5e-3, average=0.9, eval_steps=140)
    before = {k: v.clone() for k, v in training.objective.network.adapter.state_dict().items()}
    training.run()
    for name, value in training.objective.network.adapter.state_dict().items():
        assert torch.equal(before[name], value)
    figures = json.loads(training.log.read_text().splitlines()[-1])
    assert figures["eval_box_iou"] > 0.4
    assert figures["eval_box_fused"] > 0.9


def test_names_come_from_what_was_cut_and_not_from_the_truth(recognise):
    """Another truth changes the losses of masks and no loss of a name."""
    objective = recognise(max_steps=0).objective
    batch = objective.share(objective.maker.batch(1, 0), RunPlace())
    other = replace(batch, masks=1 - batch.masks)
    torch.manual_seed(0)
    _, first = objective.losses(batch, Step(0, 0.0, False))
    torch.manual_seed(0)
    _, second = objective.losses(other, Step(0, 0.0, False))
    assert first["dice"] != second["dice"]
    for name in ("roi", "pooled", "roi_right", "pooled_right"):
        assert first[name] == second[name]


def test_words_that_are_kept_from_training_lose_their_names_only(data):
    whole = ThingReader([open_own(data)], SIDE)
    without = ThingReader([open_own(data)], SIDE, ("zorb",))
    assert (whole.words, without.words) == (WORDS, ("quill pad",))
    one, other = (reader.read(reader.learn[0]) for reader in (whole, without))
    assert len(one.masks) == len(other.masks)
    assert set(other.words.tolist()) <= {-1, 0}


def test_pictures_that_are_named_as_a_whole_teach_a_name_and_no_mask(tmp_path, data):
    from PIL import Image as Pictures

    (tmp_path / "red_kite").mkdir()
    Pictures.new("RGB", (50, 30), (200, 10, 10)).save(tmp_path / "red_kite/a.png")
    reader = ThingReader([open_own(data), open_own(tmp_path)], SIDE)
    assert reader.words == (*WORDS, "red kite")
    sources = [one for one in (*reader.learn, *reader.held) if one.sample.name == "red_kite/a.png"]
    things = reader.read(sources[0])
    assert things.is_whole
    assert things.words.tolist() == [2]
    xy, _ = box_prompt(things.masks[0])
    assert xy[:2].tolist() == [[0, 0], [64, 40]]


def test_a_batch_is_half_boxes_half_clicks_and_processes_share_it(data):
    batch = ThingBatches(ThingReader([open_own(data)], SIDE), 12).batch(1, 0)
    by_box = (batch.kinds[:, 0] == 2).float().mean().item()
    assert 0.2 < by_box < 0.8
    parts = [batch.share(RunPlace(rank=rank, count=2)) for rank in range(2)]
    assert sum(len(one.words) for one in parts) == len(batch.words)
    assert torch.equal(torch.cat([one.masks for one in parts]), batch.masks)
    for one in parts:
        assert one.of.max() < len(one.pictures) == 6


def test_a_click_lies_in_the_mask():
    mask = np.zeros((16, 16), bool)
    mask[3:9, 5:14] = True
    for seed in range(20):
        xy, kinds = click_prompt(mask, np.random.default_rng(seed))
        x, y = (xy[2] // 4).astype(int)
        assert mask[y, x]
        assert kinds.tolist() == [-1, -1, 1]


def test_most_points_lie_where_a_mask_is_in_doubt():
    torch.manual_seed(0)
    columns = torch.linspace(-8, 8, 32).expand(1, 32, 32)
    places = uncertain_points(columns, 400)
    near = (places[..., 0].abs() < 0.3).float().mean()
    assert near > 0.6


def test_a_right_mask_costs_nothing_and_no_mask_at_all_is_no_error():
    target = torch.zeros(1, 16, 16)
    target[:, :8] = 1
    cross, dice = mask_losses((target - 0.5) * 80, target)
    wrong, _ = mask_losses((0.5 - target) * 80, target)
    assert float(cross) < float(wrong) / 3  # between cells of the edge both read as doubt
    assert float(dice) < 0.2
    nothing = mask_losses(torch.zeros(0, 16, 16), torch.zeros(0, 16, 16))
    assert [len(one) for one in nothing] == [0, 0]


def test_the_exponent_is_the_one_that_names_most_things_right():
    texts, starts = torch.eye(2), torch.arange(2)
    right, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    things = MeasuredThings(
        np.zeros(1, int),
        torch.tensor([0]),
        torch.zeros(2, 1),
        wrong.expand(2, 1, 2),
        right.expand(2, 1, 2),
    )
    assert fit_exponent(things, texts, starts) == pytest.approx(0.5, abs=0.06)
    swapped = replace(things, roi=right.expand(2, 1, 2))
    assert fit_exponent(swapped, texts, starts) == 0.5


def test_a_gain_on_every_picture_has_an_interval_above_zero():
    first, second = torch.zeros(30), torch.ones(30)
    assert paired_interval(first, second, np.arange(30) // 3) == (1.0, 1.0, 1.0)


def test_an_adapter_of_another_size_and_none_at_all_are_said(options, distill, data):
    with pytest.raises(OptionError, match="needs a distilled adapter"):
        RecogniseObjective(
            options(stage="recognise"),
            plan_of(options(), ColourBackbone(), 3),
            ThingReader([open_own(data)], SIDE),
            ColourBackbone(),
            embed,
        )
    with pytest.raises(WeightsError, match="backbone and size: size mismatch"):
        RecogniseObjective(
            options(stage="recognise", adapter=distill(max_steps=0).run()),
            plan_of(options(), ColourBackbone(), 3),
            ThingReader([open_own(data)], SIDE),
            ColourBackbone(),
            embed,
        )


def test_a_side_that_does_not_fit_the_strides_is_refused(options):
    with pytest.raises(OptionError, match="divisible by 64, got 100"):
        plan_of(options(side=100), ColourBackbone(), 3)


@pytest.mark.slow
def test_end_to_end_from_two_folders_to_an_engine_that_names_what_is_clicked(
    data, tmp_path, capsys
):
    """Backbone and teacher as folders of transformers, both stages through the command line."""
    clip, sam = save_clip("tipsv2", tmp_path / "clip"), save_sam("Sam", tmp_path / "sam")
    flags = ["--data", data, "--backbone", clip, "--size", "small", "--side", "128"]
    flags += ["--batch", "2", "--max-steps", "2", "--minutes", "30", "--no-half", "--threads", "1"]
    adapter = tmp_path / "adapter"
    assert run_here("train", "ovsam", *flags, "--teacher", sam, "--out", adapter) == 0
    assert "mean IoU by the teacher's cutter" in capsys.readouterr().out
    names = tmp_path / "names"
    more = ["--stage", "recognise", "--teacher", sam, "--adapter", adapter / "last.pt"]
    more += ["--out", names]
    assert run_here("train", "ovsam", *flags, *more) == 0
    assert "named right" in capsys.readouterr().out

    models = engines.load(str(names / "files"))
    image = Image(np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))
    segmenter, dense = models.get(Segmenter), models.get(Dense)
    (seen,) = segmenter.encode([image])
    cuts = segmenter.cut(seen, PromptBatch.points(np.array([[30, 20], [60, 40]])))
    assert cuts.logits.shape == (2, 1, 21, 32)
    texts = dense.embed_texts(WORDS)
    assert cuts.vectors.shape == (2, 1, texts.shape[1])
    np.testing.assert_allclose(np.linalg.norm(cuts.vectors, axis=2), 1, atol=1e-5)
    assert dense.features(seen).vectors.shape == (5, 8, texts.shape[1])

    picture = data.parent / "images/p01.png"
    asked = ["--point", "40,40", "--word", "zorb", "--word", "quill pad", "--json"]
    out = ["--model", names / "files", "--output-dir", tmp_path / "cut"]
    assert run_here("click", picture, *asked, *out) == 0
    assert json.loads(capsys.readouterr().out)
