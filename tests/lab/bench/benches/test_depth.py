import numpy as np
from PIL import Image as Pictures

from lab_sets import write_squares
from seeing import encode_sizes
from wordmask.core.depth import Depth
from wordmask.core.models import Models
from wordmask.lab.data import open_data

METRES = np.linspace(1, 9, 40 * 60).reshape(40, 60)


class Knowing:
    """Knows the depth up to scale and shift, and inverse."""

    name = "knowing"

    def encode(self, images):
        return encode_sizes(images)

    def depth(self, seen):
        return Depth((3 / METRES + 1).astype(np.float32))


def test_depth_is_fitted_and_scored(tmp_path, measure):
    root = write_squares(tmp_path / "data", "")
    (root / "depth").mkdir()
    for number in range(4):
        pixels = (METRES * 25.5).round().astype(np.uint8)
        Pictures.fromarray(pixels).save(root / f"depth/{number:05d}.png")
    models = Models("knowing", (Knowing(),))
    results = measure("depth", data=open_data(root), load=lambda: models)
    assert results["metrics"]["delta1"] == 1
    assert results["metrics"]["abs_rel"] < 0.01  # what 8 bits lose
    assert results["how"] is None
    assert [row["group"] for row in results["pictures"]] == ["worst", "best"]
