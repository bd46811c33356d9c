"""One picture and the engines that look at it: each engine encodes it once, whatever is asked."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.once import Slot
from wordmask.core.prompts import spellings
from wordmask.core.protocols import (
    Dense,
    Detector,
    Encoder,
    FeatureMap,
    MaskedDense,
    MaskProposer,
    Proposals,
    Rivals,
    Seen,
    Segmenter,
)
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.grid import (
    EverythingOptions,
    drop_small_and_duplicate,
    find_regions,
)
from wordmask.tasks.finding.trace import CountingSegmenter, Trace
from wordmask.tasks.finding.wordmaps import WordMaps

# What a lone word competes with if the engine cannot say "none of these": what lies behind things.
STUFF: tuple[str, ...] = ("sky", "cloud", "wall", "ceiling", "floor", "ground", "road", "grass")
STUFF += ("tree", "water", "mountain", "building", "door", "window", "curtain", "furniture")
SAME_WORD = 0.95  # cosine from which one of them is the query word itself ("tree", "trees")


class View:
    """A picture and its engines. It owns the encodings, which are made when first needed.

    It may be shared by threads: those that need the same encoding wait for the one that makes it.
    """

    def __init__(self, image: Image, models: Models, trace: Trace) -> None:
        self.image, self.models, self.trace = image, models, trace
        self._encodings: dict[int, Slot[Seen]] = {}
        self._lock = Lock()
        self._features = Slot[FeatureMap]()

    def with_trace(self, trace: Trace) -> "View":
        """The same picture and encodings for another question, which notes its own cost."""
        other = View(self.image, self.models, trace)
        other._encodings, other._lock = self._encodings, self._lock
        other._features = self._features
        return other

    @property
    def nbytes(self) -> int:
        """Memory of the picture and of all that has been made of it so far."""
        with self._lock:
            made = [seen for slot in self._encodings.values() for seen in slot.made]
        return int(self.image.pixels.nbytes) + sum(seen.nbytes for seen in made)

    def encoding_of(self, engine: Encoder) -> Seen:
        """The picture as one of the engines encoded it."""
        with self._lock:
            slot = self._encodings.setdefault(id(engine), Slot())
        return slot.fill(lambda: self._encode(engine))

    def _encode(self, engine: Encoder) -> Seen:
        self.trace.encodings += 1
        with self.trace.stage("encode"):
            (seen,) = engine.encode([self.image])
        return seen

    # ---- what the tasks ask for

    @property
    def segmenter(self) -> CountingSegmenter:
        return CountingSegmenter(self.models.get(Segmenter), self.trace)

    @property
    def encoding(self) -> Seen:
        """The picture as the segmenter encoded it."""
        return self.encoding_of(self.models.get(Segmenter))

    @property
    def features(self) -> FeatureMap:
        """The dense features; an engine that needs masks for them gets those of every region."""
        return self._features.fill(self._make_features)

    def regions(self, options: EverythingOptions) -> Candidates:
        """Every region, unnamed, best first: from an engine that proposes all, or from a grid."""
        if not self.models.has(MaskProposer):
            return find_regions(self.image, self.segmenter, self.encoding, options)
        proposer = self.models.get(MaskProposer)
        seen = self.encoding_of(proposer)
        with self.trace.stage("propose"):
            proposals = proposer.propose_all(seen)
        prompts = ("everything",) * len(proposals.masks)
        found = Candidates(proposals.masks, prompts, proposals.quality)
        needed = options.thresholds(None)
        return drop_small_and_duplicate(found[found.quality >= needed.quality], options)

    @property
    def _finds_regions(self) -> bool:
        return self.models.has(MaskProposer) or self.models.has(Segmenter)

    def propose(self, phrases: Sequence[str]) -> Proposals:
        """What the detector finds for the phrases."""
        detector = self.models.get(Detector)
        seen = self.encoding_of(detector)
        with self.trace.stage("detect"):
            return detector.propose(seen, phrases)

    def words(self, phrases: Sequence[str]) -> WordMaps | None:
        """Where each word is probable, by its best spelling; None without dense features."""
        if not self.models.has(Dense):
            return None
        with self.trace.stage("words"):
            words = [spellings(phrase) for phrase in phrases]
            texts = self.models.get(Dense).embed_texts(
                [spelling for word in words for spelling in word]
            )
        features = self._with_rivals() if len(words) == 1 else self.features
        return WordMaps(features, texts, np.cumsum([0, *map(len, words[:-1])]))

    def _make_features(self) -> FeatureMap:
        dense = self.models.get(Dense)
        seen = self.encoding_of(dense)
        if isinstance(dense, MaskedDense) and dense.needs_masks and self._finds_regions:
            masks = self.regions(EverythingOptions()).masks
            with self.trace.stage("features"):
                return dense.features(seen, masks)
        with self.trace.stage("features"):
            return dense.features(seen)

    def _with_rivals(self) -> FeatureMap:
        """The features for one word: a softmax over it alone would be certain of it everywhere."""
        features = self.features
        if features.none is not None or features.rivals is not None:
            return features
        with self.trace.stage("words"):
            vectors = self.models.get(Dense).embed_texts(STUFF)
        return replace(features, rivals=Rivals(vectors, vectors, np.arange(len(STUFF)), SAME_WORD))
