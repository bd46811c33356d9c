"""An engine that sees every shape finds every annotated shape."""

import numpy as np

from drawing import draw
from wordmask.core.masks import Masks
from wordmask.lab.bench.suites.regions import RegionsOptions, RegionsSuite, count_found


def test_the_fake_finds_the_shapes_that_were_drawn(kit, data_folder):
    options = RegionsOptions(data=data_folder, sets=("drawn",), model="fake", least=4)
    findings = RegionsSuite().run(kit(options))
    row = dict(
        zip(findings.tables["regions"].columns, findings.tables["regions"].rows[0], strict=True)
    )
    assert row["recall"] == 1
    assert row["objects"] > 0
    assert row["regions"] >= row["objects"] / row["pictures"]
    assert row["seconds"] > 0


def test_an_object_is_found_where_a_region_covers_half_of_both():
    wanted = Masks.from_dense(np.stack([draw("##.."), draw("...#")]))
    assert count_found(Masks.from_dense(draw("###.")[None]), wanted) == 1
    assert count_found(Masks.from_dense(draw("####")[None]), wanted) == 1
    assert count_found(Masks.from_dense(draw(".##.")[None]), wanted) == 0
    assert count_found(Masks.empty((1, 4)), wanted) == 0
