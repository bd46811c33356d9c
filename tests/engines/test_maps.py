"""Encodings that are taken apart and put together again cut as they did."""

from dataclasses import replace

import numpy as np
import pytest

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.maps import MapSegmenter
from wordmask.core.protocols import PromptBatch
from wordmask.errors import CapabilityError

PROMPTS = PromptBatch.of_boxes(np.array([[8, 8, 60, 50], [20, 4, 70, 58]], np.float32))


def see(engine):
    image = Image(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8))
    (seen,) = engine.encode([image])
    return seen


def check(engine, seen) -> None:
    maps = engine.maps(seen)
    assert all(one.ndim == 3 and one.dtype == np.float32 for one in maps)
    found = engine.cut(engine.see_maps(seen.size, maps), PROMPTS)
    np.testing.assert_allclose(found.logits, engine.cut(seen, PROMPTS).logits, atol=2e-4)


def test_mini_cuts_by_its_maps_alone_and_knows_no_words_then():
    engine = engines.load("mini").get(MapSegmenter)
    check(engine, replace(see(engine), mirrored=None))  # maps alone cannot be mirrored
    (seen,) = engine.encode([Image(np.zeros((32, 32, 3), np.uint8))])
    with pytest.raises(CapabilityError, match="only the maps"):
        engine.features(engine.see_maps((32, 32), engine.maps(seen)))


@pytest.mark.parametrize("kind", ["Sam", "SamHQ", "Sam2"])
def test_sams_cut_by_their_maps(kind, tmp_path):
    pytest.importorskip("torch", reason="SAM needs torch: pip install 'wordmask[hf]'")
    from tiny_sams import save_sam
    from wordmask.engines.options import EngineOptions

    folder = save_sam(kind, tmp_path / kind)
    options = EngineOptions(device="cpu", offline=True)
    engine = engines.load(str(folder), options=options).get(MapSegmenter)
    check(engine, see(engine))
