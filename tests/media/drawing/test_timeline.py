import numpy as np

from wordmask.media.drawing import palette
from wordmask.media.drawing.timeline import MOST, WIDTH, TimelineRow, draw_timeline


def columns_of(picture, id):
    """The columns in which an object's colour stands, as shares of the width."""
    hit = (np.asarray(picture) == palette.nth(id)).all(2).any(0)
    return np.flatnonzero(hit)


def test_bars_stand_where_the_object_is():
    rows = [TimelineRow(1, "dog", [(0, 49)]), TimelineRow(2, "cat", [(50, 99)])]
    picture = draw_timeline(rows, 100)
    dog, cat = columns_of(picture, 1), columns_of(picture, 2)
    assert abs(len(dog) - len(cat)) <= 3
    assert dog.max() < cat.min()
    assert cat.max() >= WIDTH - 15


def test_one_frame_of_many_is_seen():
    picture = draw_timeline([TimelineRow(3, "", [(5000, 5000)])], 100_000)
    assert len(columns_of(picture, 3)) >= 1


def test_nobody_and_very_many():
    assert draw_timeline([], 0).size[0] == WIDTH
    many = [TimelineRow(k, "bee", [(0, 1)]) for k in range(1, 2 * MOST)]
    assert draw_timeline(many, 2).size[1] < 30 * (MOST + 2)
