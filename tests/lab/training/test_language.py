"""Vectors of words and captions: grouped as they were given, cached, whitened."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="vectors are tensors: pip install 'wordmask[train]'")

from wordmask.lab.data.packs import Packs, Record
from wordmask.lab.data.sample import Sample
from wordmask.lab.training.language import build_language, caption_words
from wordmask.lab.training.vocabulary import Whitening, phrases

WORDS = ("tv", "wall", "zebra")


class Encoder:
    """A sentence encoder whose vectors begin with the number of letters; counts its calls."""

    calls = 0

    def __call__(self, lines):
        self.calls += 1
        rows = np.random.default_rng(len(lines)).normal(size=(len(lines), 300))
        rows[:, 0] = [len(line) for line in lines]
        return rows.astype(np.float32)


@pytest.fixture
def packs(tmp_path):
    captions = [("A dog, a dog runs.", "a cat"), (), ("The dog saw 2 cats",)]
    samples = [Sample(str(k), tmp_path / f"{k}.jpg") for k in range(3)]
    records = [
        Record("set", tmp_path, sample, captions=told)
        for sample, told in zip(samples, captions, strict=True)
    ]
    return Packs({}, (), tuple(records))


def test_usual_words_are_letters_only_and_not_rare(packs):
    assert caption_words(packs) == ["dog"]
    assert caption_words(packs, at_least=1) == ["cat", "cats", "dog", "runs", "saw", "the"]


def test_every_word_and_picture_has_its_own_vectors(packs, tmp_path):
    plain = Whitening(np.zeros(300, np.float32), np.eye(300, 256, dtype=np.float32))
    found = build_language(packs, WORDS, tmp_path / "kept.npz", plain, Encoder())
    assert [len(rows) for rows in found.words] == [len(phrases(word)) for word in WORDS]
    assert {name: len(rows) for name, rows in found.captions.items()} == {"set/0": 2, "set/2": 1}
    ratios = found.captions["set/0"][:, 0]
    assert ratios[0] > ratios[1]  # 18 letters and 5


def test_vectors_are_made_once_and_again_when_the_lines_change(packs, tmp_path):
    encoder = Encoder()
    for words, calls in ((WORDS, 1), (WORDS, 1), (WORDS[:2], 2)):
        build_language(packs, words, tmp_path / "kept.npz", None, encoder)
        assert encoder.calls == calls


def test_a_step_draws_one_unit_vector_per_word(packs, tmp_path):
    language = build_language(packs, WORDS, tmp_path / "kept.npz", None, Encoder())
    first, again, other = (language.draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (3, 256)
    np.testing.assert_allclose(first.norm(dim=1), 1, rtol=1e-5)
    assert (first == again).all()
    assert not (first == other).all()
