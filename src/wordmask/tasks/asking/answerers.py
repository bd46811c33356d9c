"""An engine that answers in words, asked about the whole picture and about a close look."""

import re

import numpy as np

from wordmask.core.answer import UNKNOWN
from wordmask.core.image import Image
from wordmask.core.protocols import Answerer, Segmenter, Wording
from wordmask.core.result import Result
from wordmask.tasks.asking.nouns import Thing, strip_article
from wordmask.tasks.asking.rules import Draft
from wordmask.tasks.asking.sightings import Sightings
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions

MARGIN = 0.25  # of a thing's own size, around it in the close look
LEAST = 32  # pixels: a smaller crop shows too little


def ask_answerer(
    view: View, question: str, thing: Thing | None, segmenting: SegmentOptions
) -> Draft:
    """What the engine says; `UNKNOWN` where the thing is not there, or the two looks disagree."""
    engine = view.models.get(Answerer)
    whole = engine.answer(view.encoding_of(engine), question)
    nothing = Result.nothing(view.image.size, () if thing is None else thing.words)
    if thing is None or not view.models.has(Segmenter):
        return Draft(whole.text, whole.score, nothing, "asked of the whole picture")
    seen = Sightings(view, thing.words, segmenting)
    found = seen.find(thing).rows
    if not len(found):
        absent = seen.absent(thing.word)
        if absent.unknown:  # what was never learned may well be there
            return Draft(whole.text, whole.score, nothing, "asked of the whole picture")
        rows = found.replace(absent=seen.all.absent)
        return Draft(UNKNOWN, 1 - absent.best, rows, f"no {thing} was found")
    rows = found[:1].replace(absent=seen.all.absent)
    (close,) = engine.encode([cut_around(view.image, rows)])
    near = engine.answer(close, question)
    return _agree(whole, near, rows)


def _agree(whole: Wording, near: Wording, rows: Result) -> Draft:
    first, second = (normalise_answer(reply.text) for reply in (whole, near))
    score = min(whole.score, near.score, float(rows.scores[0]))
    if first != second:
        told = f"the whole picture says {whole.text!r}, a close look {near.text!r}"
        return Draft(UNKNOWN, score, rows, told)
    return Draft(whole.text, score, rows, "the whole picture and a close look agree")


def cut_around(image: Image, rows: Result) -> Image:
    """The picture around the first region, with some of its surroundings."""
    x0, y0, x1, y1 = rows.masks.boxes[0].tolist()
    margin = max(MARGIN * max(x1 - x0, y1 - y0), (LEAST - min(x1 - x0, y1 - y0)) / 2, 0.0)
    height, width = image.size
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    right, bottom = min(width, int(x1 + margin)), min(height, int(y1 + margin))
    return Image(np.ascontiguousarray(image.pixels[top:bottom, left:right]), f"{image.name} closer")


def normalise_answer(text: str) -> str:
    """For a comparison: lower case, no punctuation, no article.

    >>> normalise_answer("A red  Car."), normalise_answer("yes")
    ('red car', 'yes')
    """
    return strip_article(" ".join(re.sub(r"[^\w\s]", " ", text.lower()).split()))
