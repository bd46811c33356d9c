"""One picture as the engines see it: encoded once, whatever is asked of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.prompts import spellings
from wordmask.core.protocols import Dense, Encoding, FeatureMap, MaskedDense, Rivals, Segmenter
from wordmask.tasks.finding.grid import EverythingOptions, find_regions
from wordmask.tasks.finding.trace import Counted, Trace
from wordmask.tasks.finding.wordmaps import WordMaps

# What a lone word is held against where the engine cannot say "none of these": what lies behind things.
STUFF: tuple[str, ...] = ("sky", "cloud", "wall", "ceiling", "floor", "ground", "road", "grass")
STUFF += ("tree", "water", "mountain", "building", "door", "window", "curtain", "furniture")
SAME_WORD = (
    0.95  # cosine from which one of them is the word itself ("tree", "trees") and stands aside
)


@dataclass(frozen=True, eq=False)
class View:
    """A picture and its engines; the encoding and the features are made when first needed, and kept."""

    image: Image
    models: Models
    trace: Trace

    @cached_property
    def segmenter(self) -> Counted:
        return Counted(self.models.get(Segmenter), self.trace)

    @cached_property
    def encoding(self) -> Encoding:
        (encoding,) = self.segmenter.encode([self.image])
        return encoding

    @cached_property
    def features(self) -> FeatureMap:
        dense = self.models.get(Dense)
        self.trace.encodings += 1
        if isinstance(dense, MaskedDense) and dense.needs_masks and self.models.has(Segmenter):
            regions = [self._regions()]
            with self.trace.stage("features"):
                (features,) = dense.features([self.image], regions)
            return features
        with self.trace.stage("features"):
            (features,) = dense.features([self.image])
        return features

    def _regions(self) -> Masks:
        """Every region of the picture, unnamed."""
        options = EverythingOptions()
        return find_regions(self.image, self.segmenter, self.encoding, options).masks

    def words(self, phrases: Sequence[str]) -> WordMaps | None:
        """The words, each as near as its nearest spelling; None where no engine has dense features."""
        if not self.models.has(Dense):
            return None
        with self.trace.stage("words"):
            words = [spellings(phrase) for phrase in phrases]
            texts = self.models.get(Dense).embed_texts(
                [spelling for word in words for spelling in word]
            )
        features = self._in_company() if len(words) == 1 else self.features
        return WordMaps(features, texts, np.cumsum([0, *map(len, words[:-1])]))

    def _in_company(self) -> FeatureMap:
        """The features for one word: a softmax over it alone would be sure of it everywhere."""
        if self.features.none is not None or self.features.rivals is not None:
            return self.features
        with self.trace.stage("words"):
            vectors = self.models.get(Dense).embed_texts(STUFF)
        return replace(
            self.features, rivals=Rivals(vectors, vectors, np.arange(len(STUFF)), SAME_WORD)
        )
