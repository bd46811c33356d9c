"""How good answers in words are, and how good it is to know when not to answer.

Accuracy of VQA (Antol et al. 2015): the mean over every nine of ten people of min(n / 3, 1), where
n of the nine gave the answer. Effective reliability (Whitehead et al. 2022): the accuracy of what
is answered, minus `COST` for each answer that is wholly wrong, and 0 for what is left unanswered.
"""

import re
from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array

COST = 1.0
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS)} | {"none": "0"}


def normalise(text: str) -> str:
    """Lower case, without punctuation and articles, numbers as digits, "and" in any order.

    >>> normalise("The  Two dogs."), normalise("None"), normalise("red and black")
    ('2 dogs', '0', 'black and red')
    """
    words = re.sub(r"[^\w\s]", " ", text.lower().replace("'", "")).split()
    line = " ".join(_DIGITS.get(word, word) for word in words if word not in ("a", "an", "the"))
    return " and ".join(sorted(line.split(" and ")))


def accuracy(text: str, answers: Sequence[str]) -> float:
    """Of one answer against those of people; against a single one it is right or wrong.

    >>> accuracy("2", ["two"] * 3 + ["three"] * 7), accuracy("yes", ["Yes."])
    (0.9, 1.0)
    """
    said = normalise(text)
    same = sum(normalise(answer) == said for answer in answers)
    if len(answers) == 1:
        return float(same)
    count = len(answers)
    # Leaving one person out: `same` times one who said it, else one who did not.
    with_less, with_all = min((same - 1) / 3, 1.0), min(same / 3, 1.0)
    return (same * max(with_less, 0.0) + (count - same) * with_all) / count


def effective_reliability(right: Array, answered: Array, cost: float = COST) -> Array:
    """(N,) of every question, from its accuracy and whether it was answered."""
    gains = np.where(right > 0, right, -cost)
    found: Array = np.where(answered, gains, 0.0)
    return found


def risk_coverage(right: Array, scores: Array) -> tuple[Array, Array]:
    """(N,) coverage and (N,) risk, where only the 1, 2, ... N surest questions are answered."""
    order = np.argsort(-scores, kind="stable")
    count = np.arange(1, len(right) + 1)
    risk = 1 - np.cumsum(right[order]) / count
    return count / max(len(right), 1), risk


def coverage_at(right: Array, scores: Array, most: float) -> float:
    """The largest share that can be answered with a risk of at most `most`."""
    coverage, risk = risk_coverage(right, scores)
    within = coverage[risk <= most]
    return float(within.max()) if len(within) else 0.0
