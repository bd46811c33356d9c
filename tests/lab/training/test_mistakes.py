"""Prompts are corrected where the answer so far is wrong."""

import numpy as np
import pytest

from drawing import draw

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.lab.training.mistakes import (  # noqa: E402
    MOST_TURNS,
    Prompts,
    correct_some,
    worst_mistake,
)
from wordmask.model.mini.constants import NEGATIVE, NOTHING, POSITIVE  # noqa: E402
from wordmask.model.mini.decoder import PromptMaps  # noqa: E402


@pytest.mark.parametrize(
    ("found", "wanted", "click"),
    [
        pytest.param(".....", "###..", (6, 2, POSITIVE), id="missing"),
        pytest.param("#####", "##...", (14, 2, NEGATIVE), id="too much"),
    ],
)
def test_the_click_lies_in_the_larger_mistake(found, wanted, click):
    x, y, kind = worst_mistake(draw(found), draw(wanted))
    assert kind == click[2]
    assert draw(wanted)[0, int(x // 4)] == (kind == POSITIVE)
    assert y == click[1]


def everything(maps, prompts):
    """A decoder that answers "all of it" to every prompt, in its third candidate."""
    size = maps.detail.shape[2:]
    masks = torch.full((len(prompts.xy), 3, *size), -5.0)
    masks[:, 2] = 5
    return [masks, torch.tensor([[0.0, 0.0, 1.0]]).expand(len(prompts.xy), 3)]


@pytest.fixture
def corrected():
    torch.manual_seed(0)
    count = 200
    maps = PromptMaps(*(torch.zeros(count, 1, 4 * k, 4 * k) for k in (1, 2, 4)))
    prompts = Prompts(
        torch.zeros(count, 6, 2),
        torch.tensor([[NOTHING, NOTHING, POSITIVE, NOTHING, NOTHING, NOTHING]]).repeat(count, 1),
        torch.zeros(count, 1, 8, 8),
    )
    masks = torch.zeros(count, 16, 16)
    masks[:, :, :8] = 1  # the left half
    return prompts, correct_some(everything, maps, prompts, masks)


def test_some_prompts_get_up_to_three_clicks_that_take_away(corrected):
    _, after = corrected
    added = (after.kinds[:, 3:] == NEGATIVE).sum(1)
    assert set(added.tolist()) == set(range(MOST_TURNS + 1))
    taken_away = after.xy[:, 3:][after.kinds[:, 3:] == NEGATIVE]
    assert (taken_away[:, 0] > 32).all()  # in the right half of 64 pixels


def test_most_of_them_see_the_answer_so_far(corrected):
    _, after = corrected
    has_clicks = (after.kinds[:, 3:] == NEGATIVE).any(1)
    sees = (after.before > 0).flatten(1).any(1)
    assert not sees[~has_clicks].any()
    assert 0.5 < sees[has_clicks].float().mean() < 1


def test_the_given_prompts_stay_as_they_are(corrected):
    before, _ = corrected
    assert (before.kinds[:, 3:] == NOTHING).all()
    assert not before.before.any()
    assert np.isfinite(before.xy.numpy()).all()
