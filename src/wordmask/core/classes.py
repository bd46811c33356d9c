"""Classes that an engine tells apart in a picture, beside the words that its vectors learned."""

from dataclasses import dataclass, field

import numpy as np

from wordmask.core.image import Array
from wordmask.core.once import Last, Once


@dataclass(frozen=True, eq=False)
class ClassNames:
    """What an engine knows by name: the words of its dense vectors, and a classifier's classes."""

    learned: Array  # (T, D) unit rows: words that the dense vectors were trained on
    names: Array  # (M, D) unit rows: names of classes
    classes: Array  # (M, K) bool: the classes that each name means
    alike: float = 0.6  # cosine from which a phrase is near enough to a learned word
    same: float = 0.9  # cosine from which a phrase is a name
    # Pictures of a folder are asked for the same words, and a long list costs.
    _learned: Last[Array, Array] = field(default_factory=Last, repr=False)
    _meant: Last[Array, Array] = field(default_factory=Last, repr=False)

    def are_learned(self, texts: Array) -> Array:
        """(S,) bool: the phrases (S, D), which never change, that the dense vectors can judge."""
        return self._learned.get(texts, self._are_learned)

    def classes_of(self, texts: Array) -> Array:
        """(S, K) bool: the classes that each phrase (S, D) means; the rows never change."""
        return self._meant.get(texts, self._classes_of)

    def are_known(self, texts: Array) -> Array:
        """(S,) bool: the phrases (S, D) that the dense vectors or the classes can judge."""
        known: Array = self._are_learned(texts) | self._classes_of(texts).any(1)
        return known

    def _are_learned(self, texts: Array) -> Array:
        near: Array = (texts @ self.learned.T).max(1) >= self.alike
        return near

    def _classes_of(self, texts: Array) -> Array:
        meant = np.zeros((len(texts), self.classes.shape[1]), bool)
        for phrase, name in zip(*np.nonzero(texts @ self.names.T >= self.same), strict=True):
            meant[phrase] |= self.classes[name]
        return meant


@dataclass(frozen=True, eq=False)
class ClassMaps:
    """Probabilities of K classes in a picture."""

    local: tuple[Array, ...]  # (K, h, w) of each pass, on grids that cover the picture
    whole: Array  # (K,) of the picture as a whole
    summary: Array  # (2 K,) mean and peak of each class's logit, from which a context is computed


@dataclass(frozen=True, eq=False)
class ClassEvidence:
    """A classifier's opinion on one picture, made when a word needs it.

    A word's evidence in a cell is the mean over the passes of the log-odds of its classes there,
    plus `weight` times their log-odds in the whole picture; `slope` and `offset` make log-odds of
    "the word is here" of it. Under a mask the log-odds in it count alone, plus `region_offset`.
    A word that the vectors learned gets `support` times its evidence above `support_from` added to
    its logit, but no more than `support_most`.
    """

    names: ClassNames
    maps: Once[ClassMaps]
    weight: float
    slope: float
    offset: float
    region_offset: float
    support: float
    support_from: float
    support_most: float

    @property
    def nbytes(self) -> int:
        return sum(made.whole.nbytes + sum(a.nbytes for a in made.local) for made in self.maps.made)


@dataclass(frozen=True, eq=False)
class ContextEvidence:
    """What the picture as a whole says about which words are in it.

    A word's log-odds are its vector times the direction, plus the direction's last number.
    `weight` times these plus `offset`, kept between `least` and `most`, is what it gains. Losses
    are added to the word's logit in every cell; gains too, but the less the surer its peak is
    without them: a word that is seen clearly somewhere needs no help elsewhere. And the likelier a
    word is, the lower a peak it needs to count as present: the peak's log-odds plus `peak_share` of
    those of the word must reach `limit`.
    """

    direction: Once[Array]  # (D + 1,)
    weight: float
    offset: float
    least: float
    most: float
    peak_share: float
    limit: float

    def log_odds(self, texts: Array) -> Array:
        """(S,) of phrases (S, D)."""
        direction = self.direction()
        odds: Array = texts @ direction[:-1] + direction[-1]
        return odds

    def gains(self, log_odds: Array) -> Array:
        """What the logits of words with these log-odds gain; losses are negative."""
        gained: Array = np.clip(self.weight * (log_odds + self.offset), self.least, self.most)
        return gained
