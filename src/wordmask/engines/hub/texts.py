"""Phrases -> vectors: 80 templates, and a bank on disk so that each phrase is computed once."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OutputError
from wordmask.files import atomic

log = logging.getLogger("wordmask.engines")

# The ensemble that CLIP was published with (OpenAI, MIT licence).
TEMPLATES = tuple(
    line.strip()
    for line in """
    a bad photo of a {}.|a photo of many {}.|a sculpture of a {}.|a photo of the hard to see {}.
    a low resolution photo of the {}.|a rendering of a {}.|graffiti of a {}.|a bad photo of the {}.
    a cropped photo of the {}.|a tattoo of a {}.|the embroidered {}.|a photo of a hard to see {}.
    a bright photo of a {}.|a photo of a clean {}.|a photo of a dirty {}.|a dark photo of the {}.
    a drawing of a {}.|a photo of my {}.|the plastic {}.|a photo of the cool {}.
    a close-up photo of a {}.|a black and white photo of the {}.|a painting of the {}.
    a painting of a {}.|a pixelated photo of the {}.|a sculpture of the {}.
    a bright photo of the {}.|a cropped photo of a {}.
    a plastic {}.|a photo of the dirty {}.|a jpeg corrupted photo of a {}.|a blurry photo of the {}.
    a photo of the {}.|a good photo of the {}.|a rendering of the {}.|a {} in a video game.
    a photo of one {}.|a doodle of a {}.|a close-up photo of the {}.|a photo of a {}.
    the origami {}.|the {} in a video game.|a sketch of a {}.|a doodle of the {}.
    a origami {}.|a low resolution photo of a {}.|the toy {}.|a rendition of the {}.
    a photo of the clean {}.|a photo of a large {}.|a rendition of a {}.|a photo of a nice {}.
    a photo of a weird {}.|a blurry photo of a {}.|a cartoon {}.|art of a {}.
    a sketch of the {}.|a embroidered {}.|a pixelated photo of a {}.|itap of the {}.
    a jpeg corrupted photo of the {}.|a good photo of a {}.|a plushie {}.|a photo of the nice {}.
    a photo of the small {}.|a photo of the weird {}.|the cartoon {}.|art of the {}.
    a drawing of the {}.|a photo of the large {}.|a black and white photo of a {}.|the plushie {}.
    a dark photo of a {}.|itap of a {}.|graffiti of the {}.|a toy {}.
    itap of my {}.|a photo of a cool {}.|a photo of a small {}.|a tattoo of the {}.
    """.replace("\n", "|").split("|")
    if line.strip()
)


def ensemble(phrases: Sequence[str], embed: Callable[[list[str]], Array]) -> Array:
    """(P, D) unit rows: the mean of `embed`'s unit rows over the templates."""
    sentences = [template.format(phrase) for phrase in phrases for template in TEMPLATES]
    # Short ones together: less padding
    order = np.argsort([len(sentence) for sentence in sentences], kind="stable")
    rows = embed([sentences[place] for place in order])
    sorted_back = np.empty_like(rows)
    sorted_back[order] = rows
    means = sorted_back.reshape(len(phrases), len(TEMPLATES), -1).mean(1)
    unit: Array = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return unit


class TextBank:
    """Vectors of phrases under one network's weights, in memory and in one file.

    The file's name holds the weights' hash and the templates', so another network never reads them.
    A file that cannot be read is made anew: it is a cache.
    """

    def __init__(self, folder: Path, stamp: str) -> None:
        key = hashlib.sha256("\n".join((stamp, *TEMPLATES)).encode()).hexdigest()[:24]
        self.path = folder / f"{key}.npz"
        self._rows: dict[str, Array] | None = None

    def rows(self, phrases: Sequence[str], compute: Callable[[list[str]], Array]) -> Array:
        """(P, D), computing only what is not in the bank."""
        known = self._load()
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in known]
        if new:
            # A new dictionary, not a change in place: another thread may be reading.
            known = known | dict(zip(new, compute(new).astype(np.float32), strict=True))
            self._rows = known
            self._write(known)
        return np.stack([known[phrase] for phrase in phrases])

    def _load(self) -> dict[str, Array]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> dict[str, Array]:
        if not self.path.is_file():
            return {}
        try:
            # Opened here: numpy leaves the file open where the zip is broken.
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return dict(zip(data["phrases"].tolist(), data["rows"], strict=True))
        except Exception as error:  # a cut zip raises any of a dozen types
            log.warning("the text bank %s cannot be read (%s); it is made anew", self.path, error)
            return {}

    def _write(self, rows: dict[str, Array]) -> None:
        try:
            with atomic(self.path) as part:
                np.savez(part, phrases=np.array(list(rows)), rows=np.stack(list(rows.values())))
        except OutputError as error:
            log.warning("the text bank cannot be written: %s", error)
