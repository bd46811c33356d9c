"""A teacher cuts first: its cuts are kept, mirrored with their pictures, and corrected."""

from dataclasses import replace

import numpy as np
import pytest

from own_drawings import WORDS, write_own

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from tiny_ovsam import SIDE, ColourBackbone, ColourTeacher, embed, teach  # noqa: E402
from wordmask.errors import CapabilityError, FormatError, WeightsError  # noqa: E402
from wordmask.lab.data.own import open_own  # noqa: E402
from wordmask.lab.training.loop import Step, Training  # noqa: E402
from wordmask.lab.training.objective_distill import DistillObjective  # noqa: E402
from wordmask.lab.training.objective_recognise import (  # noqa: E402
    RecogniseObjective,
    embed_words,
    prompts_of,
)
from wordmask.lab.training.ovsam_cuts import CutDump, collate_cuts  # noqa: E402
from wordmask.lab.training.ovsam_figures import (  # noqa: E402
    MeasuredThings,
    fit_exponent,
    measure_things,
)
from wordmask.lab.training.ovsam_names import NameJudge, name_lines, name_rows  # noqa: E402
from wordmask.lab.training.ovsam_options import OvsamTrainOptions, plan_of  # noqa: E402
from wordmask.lab.training.ovsam_samples import ThingReader  # noqa: E402
from wordmask.lab.training.place import RunPlace  # noqa: E402
from wordmask.lab.training.teacher import TeacherDump, map_shapes  # noqa: E402
from wordmask.model.ovsam.whole import OvsamWhole  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_own(tmp_path_factory.mktemp("cuts") / "mine", range(12))


@pytest.fixture(scope="module")
def objective(data, tmp_path_factory):
    """The stage recognise on an adapter that has seen two steps of its teacher."""
    out = tmp_path_factory.mktemp("runs")
    reader = ThingReader([open_own(data)], SIDE)
    values = {"data": data, "batch": 3, "threads": 1, "half": False, "side": SIDE, "size": "small"}
    options = OvsamTrainOptions(out=out / "adapter", max_steps=2, rate=3e-3, **values)
    small = {"width": 32, "depth": 1, "heads": 4, "dim": 32}
    plan = replace(plan_of(options, ColourBackbone(), 3), **small)
    dump = TeacherDump(out / "adapter/teacher", ColourTeacher.name, SIDE, teach)
    adapter = Training(
        lambda o: DistillObjective(o, plan, reader, ColourBackbone(), dump), options
    ).run()
    options = replace(options, out=out / "names", stage="recognise", adapter=adapter, max_steps=0)
    plan = replace(plan, maps=map_shapes(ColourTeacher(), SIDE))
    return RecogniseObjective(options, plan, reader, ColourBackbone(), embed, ColourTeacher())


def test_before_any_step_the_cut_is_the_teachers(objective):
    assert objective.plan.maps == ((2, 4),)
    batch = objective.share(objective.maker.batch(1, 0), RunPlace())
    assert batch.before.any()
    encoded = objective.network.encode(objective.backbone(batch.pictures))
    cut = objective.network.cut(encoded, batch.of, prompts_of(batch))
    torch.testing.assert_close(cut.masks, batch.before[:, 0])


def test_a_step_changes_the_decoder_and_neither_adapter_nor_maps(objective):
    batch = objective.share(objective.maker.batch(1, 0), RunPlace())
    loss, figures = objective.losses(batch, Step(0, 0.0, False))
    loss.backward()
    gradients = {n: p.grad is not None for n, p in objective.network.named_parameters()}
    assert gradients["decoder.mask.4.weight"]
    assert not any(has for n, has in gradients.items() if n.startswith(("adapter", "outputs")))
    assert 0 < figures["iou"] <= 1
    assert objective.maker.dump.whole.network is not objective.network  # which may be in parts


def test_a_picture_is_cut_once_and_its_cuts_stay_close(objective, monkeypatch):
    source = objective.reader.learn[0]
    first = objective.maker.dump.read(source)
    monkeypatch.setattr(ColourTeacher, "cut", lambda *_: pytest.fail("cut again"))
    again = objective.maker.dump.read(source)
    for one, other in zip(first[1:], again[1:], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.things.words, again.things.words)
    with pytest.raises(FormatError, match=r"made by .*, not by others"):
        CutDump(objective.maker.dump.folder, "others", objective.whole, objective.reader)


def test_a_mirrored_picture_has_mirrored_prompts_and_cuts(objective):
    cut = objective.maker.dump.read(objective.reader.learn[0])
    sides = {}
    for seed in range(40):
        batch = collate_cuts([cut], np.random.default_rng(seed))
        mirrored = not np.array_equal(batch.pictures[0].permute(1, 2, 0), cut.things.pixels)
        for mask, xy, kinds in zip(batch.masks, batch.xy, batch.kinds, strict=True):
            if kinds[2] == 1:  # a click lies in its mask
                x, y = (xy[2] // 4).long()
                assert mask[y, x] == 1
            else:
                assert (xy[1] > xy[0]).all()
        sides[mirrored] = batch.before.sum((0, 1)).mean(0)
    assert set(sides) == {True, False}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (ColourTeacher, "distilled from colours@1, not from others@2"),
        (ColourBackbone, "distilled on colours, not on others@2"),
    ],
)
def test_an_adapter_of_another_teacher_or_backbone_is_refused(part, said, objective, monkeypatch):
    monkeypatch.setattr(part, "name", "others@2")
    with pytest.raises(WeightsError, match=said):
        RecogniseObjective(
            objective.options,
            objective.plan,
            objective.reader,
            ColourBackbone(),
            embed,
            ColourTeacher(),
        )


def test_a_checkpoint_of_another_stage_or_side_is_no_adapter(objective, tmp_path):
    state = torch.load(objective.options.adapter, weights_only=True)
    plan = state["objective"].pop("plan")
    options = replace(objective.options, adapter=tmp_path / "other.pt")

    def begin(content):
        torch.save(content, options.adapter)
        teacher = ColourTeacher()
        RecogniseObjective(
            options, objective.plan, objective.reader, ColourBackbone(), embed, teacher
        )

    with pytest.raises(WeightsError, match="is no checkpoint of the stage distill"):
        begin(state)
    state["objective"]["plan"] = plan | {"side": 128}
    with pytest.raises(WeightsError, match="squares of 128 pixels, not of 64"):
        begin(state)


def test_without_its_teacher_the_network_cuts_nothing(objective):
    whole = OvsamWhole(objective.network, ColourBackbone())
    with pytest.raises(CapabilityError, match="there is no teacher"):
        whole.see(torch.zeros(1, 3, SIDE, SIDE))


def test_names_are_told_apart_by_whether_training_named_them(objective):
    things = measure_things(objective.whole, objective.reader, objective.reader.learn)
    texts, starts = embed_words([(word,) for word in WORDS], embed)
    rows = name_rows(things, NameJudge(texts, starts, 1.0, (1,)))
    counts = {(row["words"], row["by"]): row["things"] for row in rows}
    assert counts["all words", "box"] == len(things.words)
    assert counts["base words", "click"] + counts["novel words", "click"] == len(things.words)
    alone = next(row for row in rows if row["words"] == "novel, among them")
    assert alone["fused"] == alone["pooled"] == 1  # there is no other word to say
    assert all(row["gain"] == 0 for row in rows)  # the exponent 1 is the pooled opinion
    assert len(name_lines(rows)) == len(rows) + 1
    both = things.join(things.of_words([1]))
    assert len(both.picture) == len(both.words) == both.iou.shape[1]
    assert len(set(both.picture)) == len(set(things.picture)) + counts["novel words", "click"]


def test_few_words_that_stand_apart_weigh_as_much_as_all_others():
    """Roi is right about all of the word 0, pooled about some of it and all of the word 1."""
    texts, starts = torch.eye(2), torch.arange(2)
    says_0, says_1 = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    words = torch.tensor([0] * 9 + [1])
    pooled = torch.cat([says_0.expand(4, 2), says_1.expand(6, 2)])
    things = MeasuredThings(
        np.arange(10),
        words,
        torch.zeros(2, 10),
        says_0.expand(2, 10, 2),
        pooled.expand(2, 10, 2),
    )
    assert fit_exponent(things, texts, starts) <= 0.5
    assert fit_exponent(things, texts, starts, (1,)) > 0.5
