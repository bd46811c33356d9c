"""Solids of what is shown in slices, with the engine that knows colours."""

import numpy as np
import pytest

from scans import ball, paint
from wordmask import engines
from wordmask.core.volume import Volume
from wordmask.errors import OptionError, PromptError
from wordmask.tasks.volume import (
    DISCLAIMER,
    Solid,
    VolumeOptions,
    VolumePrompt,
    join_solids,
    volume,
)

SHAPE = (40, 44, 30)
ONE, TWO = ball(SHAPE, (12, 14, 15), 9), ball(SHAPE, (28, 30, 14), 8)


@pytest.fixture(scope="module")
def models():
    return engines.load("fake")


def scan(*solids, affine=None):
    return Volume(paint(solids, SHAPE), np.eye(4) if affine is None else affine, name="drawn")


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def click(i, j, k, **facts):
    return VolumePrompt((i, j, k), **facts)


@pytest.mark.parametrize("planes", ["axial", "coronal", "sagittal", "all"])
def test_any_plane_is_as_good(models, planes):
    found = volume(scan((ONE, 150)), [click(12, 14, 15)], models, VolumeOptions(planes=planes))
    (solid,) = found.solids
    assert dice(found.labels == 1, ONE) > 0.97
    assert solid.by == "engine and values"
    assert set(solid.slices) == ({planes} if planes != "all" else {"axial", "coronal", "sagittal"})


@pytest.mark.parametrize("how", ["tracker", "neighbour"])
def test_followed_both_ways_until_it_ends(models, how):
    options = VolumeOptions(how=how, refine="none")
    found = volume(scan((ONE, 150)), [click(12, 14, 15)], models, options)
    first, last = found.solids[0].slices["axial"]
    assert abs(first - 6) <= 1
    assert abs(last - 24) <= 1
    assert found.solids[0].by == "engine"
    assert dice(found.labels == 1, ONE) > 0.85


def test_two_objects_and_their_sizes(models):
    affine = np.diag([2.0, 2, 2, 1])
    prompts = [click(12, 14, 15, name="left"), click(28, 30, 14, id=7)]
    found = volume(scan((ONE, 110), (TWO, 190), affine=affine), prompts, models)
    assert sorted(np.unique(found.labels)) == [0, 1, 7]
    assert found.millilitres(1) == pytest.approx(ONE.sum() * 0.008, rel=0.03)
    assert dice(found.labels == 7, TWO) > 0.97
    assert [solid.name for solid in found.solids] == ["left", ""]
    assert "left" in repr(found)
    assert "Not a medical device" in DISCLAIMER == found.note


def test_two_solids_that_are_one_are_split():
    shape = (48, 24, 24)
    left, right = ball(shape, (14, 12, 12), 9), ball(shape, (32, 12, 12), 9)
    both = [
        Solid(
            id=id, name="", block=(slice(0, 48), slice(0, 24), slice(0, 24)), voxels=left | right,
            score=1.0, slices={}, by="engine", seeds=np.array([seed]),
        )
        for id, seed in ((1, (14, 12, 12)), (2, (32, 12, 12)))
    ]  # fmt: skip
    labels = join_solids(shape, both)
    assert dice(labels == 1, left) > 0.97
    assert dice(labels == 2, right) > 0.97


def test_a_solid_inside_another_is_cut_out_of_it(models):
    core = ball(SHAPE, (12, 14, 15), 4)
    prompts = [click(12, 14, 22), click(12, 14, 15, id=2)]
    options = VolumeOptions(window="200/130")
    found = volume(scan((ONE, 120), (core, 220)), prompts, models, options)
    assert dice(found.labels == 2, core) > 0.93
    assert dice(found.labels > 0, ONE) > 0.93


def test_only_the_piece_that_was_clicked_on(models):
    far = ball(SHAPE, (30, 14, 15), 6)
    both = scan((ONE, 150), (far, 150))
    prompts = [click(12, 14, 15), click(2, 40, 2, keep=False)]
    assert not volume(both, prompts, models, VolumeOptions(how="values")).labels[far].any()
    found = volume(both, prompts, models, VolumeOptions(how="values", pieces="all"))
    assert not found.labels[far].any()  # it was grown from the click, so nothing else came of it


def test_clicks_on_it_and_beside_it_without_an_engine(models):
    prompts = [click(12, 14, 15), click(2, 2, 2, keep=False)]
    found = volume(scan((ONE, 150)), prompts, models, VolumeOptions(how="values"))
    assert found.solids[0].by == "values"
    assert dice(found.labels == 1, ONE) > 0.97
    with pytest.raises(PromptError, match="one beside"):
        volume(scan((ONE, 150)), prompts[:1], models, VolumeOptions(how="values"))


def test_an_answer_against_the_clicks_gives_way_to_the_values(models):
    """The engine takes both shades for one thing; the clicks tell them apart."""
    halo = ball(SHAPE, (12, 14, 15), 11)
    prompts = [click(12, 14, 15), click(12, 24, 15, keep=False)]
    found = volume(scan((halo, 120), (ONE, 140)), prompts, models)
    assert dice(found.labels == 1, ONE) > 0.9


def test_between_two_painted_slices_shapes_are_blended(models):
    slicing = scan().slicing("axial")
    prompts = [
        VolumePrompt(mask=slicing.take(ONE, index), plane="axial", index=index)
        for index in (7, 11, 15, 19, 23)
    ]
    options = VolumeOptions(between="interpolate", refine="none", max_slices=0)
    found = volume(scan(), prompts, models, options)
    assert dice(found.labels == 1, ONE & (found.labels.any((0, 1)))) > 0.95
    assert found.solids[0].slices == {"axial": (7, 23)}


def test_a_box_is_one_voxel_thick_in_its_slice(models):
    coronal = VolumePrompt(box=(3, 14, 6, 22, 15, 25))
    found = volume(scan((ONE, 150)), [coronal], models)
    assert set(found.solids[0].slices) == {"coronal"}
    assert dice(found.labels == 1, ONE) > 0.95
    thick = VolumePrompt(box=(3, 5, 6, 22, 24, 25))
    assert set(volume(scan((ONE, 150)), [thick], models).solids[0].slices) == {"axial"}


def test_closed_holes(models):
    hollow = ONE & ~ball(SHAPE, (12, 14, 15), 4)
    prompts = [click(12, 14, 21), click(2, 2, 2, keep=False)]
    for holes, is_filled in (("fill", True), ("keep", False)):
        options = VolumeOptions(how="values", holes=holes)
        found = volume(scan((hollow, 150)), prompts, models, options)
        assert bool(found.labels[12, 14, 15]) == is_filled


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], "nothing to segment"),
        ([click(40, 0, 0)], "outside"),
        ([click(1, 1, 1, keep=False)], "only shown by what it is not"),
        ([VolumePrompt(box=(0, 0, 0, 50, 1, 5))], "outside"),
        ([VolumePrompt(mask=np.ones((2, 2), bool), plane="axial", index=0)], "mask of a axial"),
        ([VolumePrompt(mask=np.ones((44, 40), bool), plane="axial", index=30)], "no axial slice"),
    ],
)
def test_what_cannot_be_meant_is_refused(models, prompts, message):
    with pytest.raises(PromptError, match=message):
        volume(scan(), prompts, models)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"voxel": (1, 1, 1), "box": (0, 0, 0, 1, 1, 1)},
        {"box": (0, 0, 0, 1, 0, 1)},
        {"voxel": (1, 1, 1), "plane": "oblique"},
        {"voxel": (1, 1, 1), "id": 0},
        {"mask": np.ones((2, 2), bool)},
    ],
)
def test_prompts_that_are_none(facts):
    with pytest.raises(PromptError):
        VolumePrompt(**facts)


def test_options_are_checked():
    with pytest.raises(OptionError, match="planes"):
        VolumeOptions(planes="oblique")


def test_thick_slices_are_looked_at_where_pixels_are_finest():
    assert VolumeOptions().planes_of(scan()) == ("axial",)
    thick = scan(affine=np.diag([1.0, 4, 1, 1]))
    assert VolumeOptions().planes_of(thick) == ("coronal",)
