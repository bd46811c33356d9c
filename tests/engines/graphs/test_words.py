"""CLIP exported and run without torch: patches, pictures and texts are those of torch."""

import numpy as np
import pytest

from exports import export, once
from seeing import see
from tiny_networks import CPU, picture, save_clip
from wordmask import engines
from wordmask.core.protocols import Dense, Embedder
from wordmask.engines import clip
from wordmask.engines.options import EngineOptions
from wordmask.errors import OptionError

IMAGES = [picture(60, 80), picture(40, 120, 1)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    def make(folder):
        save_clip("clip", folder / "hub")
        engine = clip.load(str(folder / "hub"), CPU)
        export(engine, folder / "onnx", engine.parts)

    return once(tmp_path_factory, "clip", make)


@pytest.fixture(scope="module")
def graphs(folders):
    return engines.load(str(folders / "onnx")).get(Dense)


@pytest.fixture(scope="module")
def library(folders):
    return clip.load(str(folders / "hub"), CPU)


@pytest.mark.parametrize("image", IMAGES)
def test_patches_and_pictures_are_those_of_torch(image, graphs, library):
    ours, expected = (one.features(see(one, image)) for one in (graphs, library))
    assert ours.vectors.shape == expected.vectors.shape
    assert np.abs(ours.vectors - expected.vectors).max() < 1e-5
    assert (ours.size, ours.scale) == (expected.size, expected.scale)
    vectors = [one.embed(see(one, image)) for one in (graphs, library)]
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-5
    assert isinstance(graphs, Embedder)
    assert not graphs.needs_masks


def test_words_are_those_of_torch(graphs, library):
    words = ("a cat", "dog", "a very long name of a thing")
    ours, expected = graphs.embed_texts(words), library.embed_texts(words)
    assert np.abs(ours - expected).max() < 1e-5
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    assert graphs.embed_texts(()).shape[0] == 0


def test_a_folder_is_for_one_dense_mode(folders):
    options = EngineOptions(dense_mode="sclip")
    with pytest.raises(OptionError, match="dense_mode must be naclip"):
        engines.load(str(folders / "onnx"), options=options)
