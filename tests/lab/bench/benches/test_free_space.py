import json

import numpy as np
import pytest
from PIL import Image as Pictures

from wordmask.errors import FormatError
from wordmask.lab.data import open_data


def write_road(root, name="road"):
    """Grey below, white above; the label is the same."""
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    card = {"classes": ["sky", name], "labels": "labels/{stem}.png", "ignore": 255}
    (root / "dataset.json").write_text(json.dumps(card))
    labels = np.zeros((60, 80), np.uint8)
    labels[30:] = 1
    pixels = np.where(labels[..., None] == 1, 128, 255).repeat(3, 2).astype(np.uint8)
    Pictures.fromarray(pixels).save(root / "images/a.png")
    Pictures.fromarray(labels).save(root / "labels/a.png")
    return open_data(root)


def test_the_road_that_is_found_is_scored(tmp_path, measure, monkeypatch):
    from wordmask.tasks import scene

    spelled = {word: f"{word} thing" for word in scene.CITYSCAPES}
    monkeypatch.setattr(scene, "SPELLED", spelled | {"road": "grey", "sky": "white"})
    results = measure("free-space", data=write_road(tmp_path / "data"))
    assert results["metrics"]["iou"] > 0.9
    assert results["metrics"]["row_error"] < 0.05


def test_a_set_without_road_is_refused(tmp_path, measure):
    with pytest.raises(FormatError, match="no class 'road'"):
        measure("free-space", data=write_road(tmp_path / "data", "street"))
