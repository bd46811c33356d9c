import numpy as np

from wordmask.lab.bench.benches.clicks import ClicksTable


def test_an_object_reached_by_the_very_last_click_was_reached():
    values = [{"objects": [{"label": -1, "iou": [0.5, 0.9]}, {"label": -1, "iou": [0.5, 0.5]}]}]
    figures = ClicksTable({"classes": []}, values).measure(np.ones(1))
    assert (figures["noc85"], figures["noc85_not_reached"]) == (2, 0.5)


def test_only_the_largest_objects_are_clicked(measure):
    every = measure("clicks", "all", clicks=1)
    one = measure("clicks", "one", clicks=1, objects=1)
    assert {row["objects"] for row in one["per_picture"]} == {1}
    assert max(row["objects"] for row in every["per_picture"]) > 1
