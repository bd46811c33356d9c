import numpy as np
import pytest

from drawing import draw
from wordmask.lab.metrics import clicks
from wordmask.lab.metrics.clicks import SimulatedClick

EMPTY = draw(".......", ".......", ".......")
BLOCK = draw("###....", "###....", "###....")


@pytest.mark.parametrize(
    ("truth", "mask", "click"),
    [
        pytest.param(
            np.pad(BLOCK, 1),
            np.pad(EMPTY, 1),
            SimulatedClick(2.5, 2.5, True),
            id="first click in the middle",
        ),
        pytest.param(
            np.pad(EMPTY, 1), np.pad(BLOCK, 1), SimulatedClick(2.5, 2.5, False), id="all surplus"
        ),
        pytest.param(BLOCK, BLOCK, None, id="no error"),
        pytest.param(EMPTY, EMPTY, None, id="nothing to find"),
        pytest.param(
            draw("#.", ".."),
            draw(".#", ".."),
            SimulatedClick(0.5, 0.5, True),
            id="a tie goes to what is missing",
        ),
    ],
)
def test_next_click(truth, mask, click):
    assert clicks.next_click(truth, mask) == click


def test_the_larger_error_is_clicked():
    truth = draw("#....###", "#....###", "#....###")
    mask = draw("#.......", "#.......", "#.......")
    click = clicks.next_click(np.pad(truth, 1), np.pad(mask, 1))
    assert click == SimulatedClick(7.5, 2.5, True)


def test_void_is_never_clicked_nor_counted():
    void = draw("###....", "###....", "###....")
    assert clicks.next_click(BLOCK, EMPTY, void) is None
    assert clicks.iou(BLOCK, EMPTY, void) == 1


def test_a_cutter_that_knows_needs_one_click_and_one_that_does_not_needs_all():
    assert clicks.simulate(BLOCK, lambda _: BLOCK, limit=5) == [1.0] * 5
    assert clicks.simulate(BLOCK, lambda _: EMPTY, limit=5) == [0.0] * 5


def test_a_cutter_that_paints_its_clicks_gets_there_pixel_by_pixel():
    def paint(made):
        mask = np.zeros_like(BLOCK)
        for click in made:
            mask[int(click.y), int(click.x)] = click.keep
        return mask

    values = clicks.simulate(BLOCK, paint, limit=12)
    assert values == pytest.approx([min(k, 9) / 9 for k in range(1, 13)])


def test_clicks_needed_by_hand():
    values = np.array([[0.5, 0.86, 0.91], [0.5, 0.6, 0.7], [0.9, 0.9, 0.9]])
    assert clicks.clicks_needed(values, 0.85).tolist() == [2, 3, 1]
    assert clicks.clicks_needed(values, 0.9).tolist() == [3, 3, 1]
