"""Questions about a picture whose truth is known, with their answers: as many yes as no, and things
that are not there. The choice depends on the picture's name only.
"""

from hashlib import sha256

import numpy as np

from wordmask.core.answer import UNKNOWN
from wordmask.core.image import Image
from wordmask.core.result import Result
from wordmask.lab.data.sample import LabelledQuestion, Truth
from wordmask.ops.colour_terms import name_colours
from wordmask.tasks.asking.places import join

PLURALS = {"person": "people", "mouse": "mice", "knife": "knives", "sheep": "sheep", "skis": "skis"}
PLURALS |= {"scissors": "scissors", "bus": "buses", "sandwich": "sandwiches", "couch": "couches"}
PLURALS |= {"bench": "benches", "wine glass": "wine glasses", "toothbrush": "toothbrushes"}
MOST = 2  # questions of a kind about a picture
LEAST_SHARE = 0.01  # of the picture: a thing whose colour or place is asked for is as large
CLEARLY = 1.5  # times as large is bigger


def build_questions(image: Image, truth: Truth, name: str) -> tuple[LabelledQuestion, ...]:
    """Some of each kind, as far as the picture has what they need."""
    rng = np.random.default_rng(int(sha256(name.encode()).hexdigest()[:8], 16))
    every = truth.result
    present = sorted(set(every.names))
    absent = sorted(set(every.vocabulary) - set(present))
    if truth.crowd is not None:
        absent = sorted(set(absent) - set(truth.crowd.names))
    some = _pick(rng, present)
    others = _pick(rng, absent, len(some))
    questions = [_ask(f"is there {_article(word)}?", "yes", "exists") for word in some]
    questions += [_ask(f"is there {_article(word)}?", "no", "exists") for word in others]
    questions += _count_questions(rng, truth, present)
    questions += [
        _ask(f"how many {make_plural(word)} are there?", "0", "count")
        for word in _pick(rng, absent, 1)
    ]
    questions += [
        _ask(f"what colour is the {word}?", UNKNOWN, "absent") for word in _pick(rng, absent, 1)
    ]
    questions += _colour_questions(rng, image, every)
    questions += _pair_questions(rng, every)
    return tuple(questions)


def _ask(text: str, answer: str, kind: str) -> LabelledQuestion:
    return LabelledQuestion(text, (answer,), kind)


def _pick(rng: np.random.Generator, words: list[str], most: int = MOST) -> list[str]:
    count = min(most, len(words))
    return [words[place] for place in rng.choice(len(words), count, replace=False)] if count else []


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def make_plural(word: str) -> str:
    """
    >>> make_plural("person"), make_plural("dog")
    ('people', 'dogs')
    """
    return PLURALS.get(word, f"{word}s")


def _count_questions(
    rng: np.random.Generator, truth: Truth, present: list[str]
) -> list[LabelledQuestion]:
    """Of things that stand apart; those of which there is a crowd are not counted."""
    crowds = set() if truth.crowd is None else set(truth.crowd.names)
    names = list(truth.result.names)
    words = _pick(rng, [word for word in present if word not in crowds])
    return [
        _ask(f"how many {make_plural(word)} are there?", str(names.count(word)), "count")
        for word in words
    ]


def _colour_questions(
    rng: np.random.Generator, image: Image, every: Result
) -> list[LabelledQuestion]:
    """Of things that are alone of their kind, by our own table under the true mask."""
    found = []
    for word in _pick(rng, _single(every)):
        mask = every.select(word).masks.one(0)
        text = join([one.term for one in name_colours(image.pixels, mask)])
        found.append(_ask(f"what colour is the {word}?", text, "colour"))
    return found


def _pair_questions(rng: np.random.Generator, every: Result) -> list[LabelledQuestion]:
    """Which is bigger, and whether one is left of the other, of two things alone of their kind."""
    words = _pick(rng, _single(every))
    if len(words) < 2:
        return []
    first, second = words
    masks = [every.select(word).masks for word in words]
    areas = [float(mask.areas[0]) for mask in masks]
    found = []
    if max(areas) >= CLEARLY * min(areas):
        bigger = words[int(np.argmax(areas))]
        found.append(_ask(f"which is bigger, the {first} or the {second}?", bigger, "bigger"))
    (x0, _, x1, _), (u0, _, u1, _) = (mask.boxes[0].tolist() for mask in masks)
    if x1 <= u0 or u1 <= x0:  # beside each other without a doubt
        answer = "yes" if x1 <= u0 else "no"
        found.append(_ask(f"is the {first} more to the left than the {second}?", answer, "left"))
    return found


def _single(every: Result) -> list[str]:
    """Words of which there is one region, that is not small."""
    names, areas = list(every.names), every.masks.areas
    least = LEAST_SHARE * every.size[0] * every.size[1]
    return sorted(
        name
        for name, area in zip(names, areas.tolist(), strict=True)
        if names.count(name) == 1 and area >= least
    )
