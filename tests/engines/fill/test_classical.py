"""Painters without weights."""

import numpy as np
import pytest

from holes import scene
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import Inpainter
from wordmask.errors import MaskError

CLASSICAL = ("patch", "telea", "navier-stokes")


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_painters_load_by_name_and_change_the_hole_only(name):
    painter = engines.load(name, need=(Inpainter,)).get(Inpainter)
    image, hole = scene()
    dirty = Image(np.where(hole[..., None], np.uint8(255), image.pixels))
    filled = painter.fill(dirty, hole)
    assert (filled.pixels[~hole] == image.pixels[~hole]).all()
    assert (filled.pixels[hole] != 255).any()
    assert (painter.fill(dirty, hole).pixels == filled.pixels).all()


def test_patch_goes_on_with_stripes_where_telea_smears_them():
    image, hole = scene()
    apart = {
        name: float(
            np.abs(
                engines.load(name).get(Inpainter).fill(image, hole).pixels.astype(int)
                - image.pixels
            )[hole].mean()
        )
        for name in CLASSICAL
    }
    assert apart["patch"] < 5 < apart["telea"]


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_hole_without_surroundings_is_refused_with_a_way_out(name):
    image, hole = scene(32)
    with pytest.raises(MaskError, match=r"covers everything.*use_inpainting"):
        engines.load(name).get(Inpainter).fill(image, np.ones_like(hole))


def test_a_hole_of_another_size_is_refused():
    image, _ = scene(32)
    with pytest.raises(MaskError, match="the hole is"):
        engines.load("patch").get(Inpainter).fill(image, np.ones((3, 3), bool))
