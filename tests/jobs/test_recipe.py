import json

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError, OptionError
from wordmask.jobs.recipe import PaintOptions, Recipe
from wordmask.tasks.edit import EditOptions


def recipe() -> Recipe:
    dense = np.zeros((2, 6, 8), bool)
    dense[0, 1:4, 1:4] = dense[1, 3:5, 5:8] = True
    target = Result.of(
        Masks.from_dense(dense), ("cat", "dog"), scores=[0.9, 0.7], label_ids=[1, -1]
    )
    paint, edit = PaintOptions(fill="telea", steps=9, strength=0.5), EditOptions(seed=4, dilate=0.1)
    return Recipe(
        "remove",
        "../a.png",
        "ab",
        target,
        words="w",
        paint=paint,
        edit=edit,
        made_by=("fake",),
        output="cd",
    )


def test_a_recipe_comes_back_from_json_as_it_was():
    first = recipe()
    again = Recipe.from_json(json.loads(json.dumps(first.to_json())))
    assert again.to_json() == first.to_json()
    assert (again.target.masks.union() == first.target.masks.union()).all()
    assert again.target.names == ("dog", "")
    assert (again.paint, again.edit) == (first.paint, first.edit)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"wordmask_recipe": 99}, id="version"),
        pytest.param({"verb": "explode"}, id="verb"),
        pytest.param({"picture": 3}, id="path is a number"),
        pytest.param({"size": [3]}, id="size"),
        pytest.param({"size": [7, 8]}, id="size of other masks"),
        pytest.param({"regions": [{"name": "x"}]}, id="region without a mask"),
        pytest.param({"regions": {}}, id="regions are no list"),
        pytest.param({"paint": {"fill": "magic"}}, id="fill"),
        pytest.param({"paint": {"steps": "30"}}, id="steps are text"),
        pytest.param({"paint": {"steps": True}}, id="steps are true"),
        pytest.param({"paint": {"hack": 1}}, id="unknown option"),
        pytest.param({"edit": {"seed": 1.5}}, id="seed is no whole number"),
        pytest.param({"edit": []}, id="options are a list"),
    ],
)
def test_a_broken_recipe_is_refused_with_our_error(change):
    with pytest.raises((FormatError, OptionError)):
        Recipe.from_json(recipe().to_json() | change)


@pytest.mark.parametrize("value", [None, [], "recipe", {}])
def test_what_is_no_recipe_is_refused(value):
    with pytest.raises(FormatError, match="not an edit recipe"):
        Recipe.from_json(value)


@pytest.mark.parametrize(
    "missing", ["verb", "digest", "size", "regions", "paint", "edit", "made_by"]
)
def test_every_part_of_a_recipe_is_needed(missing):
    value = recipe().to_json()
    del value[missing]
    with pytest.raises(FormatError, match=missing):
        Recipe.from_json(value)


@pytest.mark.parametrize(
    ("options", "engine"),
    [
        ({}, "patch"),
        ({"fill": "classical"}, "patch"),
        ({"fill": "telea"}, "telea"),
        ({"fill": "none"}, None),
        ({"use_inpainting": True}, "sd1.5-inpaint"),
        ({"fill": "diffusion"}, "sd1.5-inpaint"),
        ({"use_inpainting": True, "fill_model": "sdxl-inpaint"}, "sdxl-inpaint"),
        ({"fill": "lama", "fill_model": "big.onnx"}, "big.onnx"),
    ],
)
def test_what_paints(options, engine):
    assert PaintOptions(**options).engine == engine


@pytest.mark.parametrize(
    "options",
    [
        {"fill": "x"},
        {"steps": 0},
        {"guidance": -1},
        {"strength": 0},
        {"fill": "lama"},
        {"fill": "telea", "use_inpainting": True},
        {"fill": "telea", "fill_model": "big.onnx"},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(OptionError):
        PaintOptions(**options)
