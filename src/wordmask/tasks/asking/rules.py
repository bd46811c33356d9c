"""One rule for each kind of question. An answer is as sure as the least sure thing it rests on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wordmask.core.answer import UNKNOWN
from wordmask.core.masks import Masks
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.ops.colour_terms import name_colours
from wordmask.tasks.asking.grammar import Kind, ParsedQuestion
from wordmask.tasks.asking.nouns import Thing
from wordmask.tasks.asking.places import direction, join, list_places, place_of
from wordmask.tasks.asking.sightings import CLEAR, Sighted, Sightings
from wordmask.tasks.everyday import EVERYDAY_WORDS
from wordmask.tasks.segment import segment_view

EVEN = 0.5  # score from which a thing is rather there than not
CRUMB = 0.03  # of the largest region's area
EACH_MORE = 0.8  # of every further thing of a count; fitted on the training pack of COCO
LISTED = 8  # things that "what is there" names
RELATIVE = ("inside", "on", "left of", "right of", "above", "below")  # the first that holds is told


class Draft(NamedTuple):
    """An answer before its score is judged."""

    text: str
    score: float
    rows: Result  # the evidence
    reason: str = ""


def answer_exists(seen: Sightings, question: ParsedQuestion) -> Draft:
    thing = _thing(question)
    found = seen.find(thing)
    if len(found.rows):
        return Draft("yes", _best(found.rows), found.rows, _count_words(found.rows, thing))
    return _say_nothing(seen, found, thing, "no")


def answer_count(seen: Sightings, question: ParsedQuestion) -> Draft:
    thing = _thing(question)
    found = seen.find(thing)
    if not len(found.rows):
        return _say_nothing(seen, found, thing, "0")
    rows, score = count_sure(found.rows)
    left_out = len(found.rows) - len(rows)
    reason = f"{left_out} more would be unsure" if left_out else ""
    return Draft(str(len(rows)), score, rows, reason)


def answer_colour(seen: Sightings, question: ParsedQuestion) -> Draft:
    thing = _thing(question)
    found = seen.find(thing)
    if not len(found.rows):
        return _say_nothing(seen, found, thing, UNKNOWN)
    named = name_colours(seen.view.image.pixels, found.rows.masks.union())
    share = sum(one.share for one in named)
    told = ", ".join(f"{one.term} {one.share:.0%}" for one in named)
    text = join([one.term for one in named])
    return Draft(text, min(_best(found.rows), share), found.rows, f"of its pixels {told}")


def answer_is_colour(seen: Sightings, question: ParsedQuestion) -> Draft:
    draft = answer_colour(seen, question)
    if draft.text == UNKNOWN:
        return draft
    is_so = question.colour.replace("gray", "grey") in draft.text.split(" and ")
    return draft._replace(text="yes" if is_so else "no")


def answer_where(seen: Sightings, question: ParsedQuestion) -> Draft:
    thing = _thing(question)
    found = seen.find(thing)
    if not len(found.rows):
        return _say_nothing(seen, found, thing, UNKNOWN)
    if question.other is None:
        rows = _keep_sure(found.rows)
        return Draft(list_places(rows.masks), _least(rows), rows)
    other = seen.find(question.other)
    if not len(other.rows):
        return _say_nothing(seen, other, question.other, UNKNOWN)
    first, second = found.rows[:1], other.rows[:1]
    held = [name for name in RELATIVE if seen.relate(name, first.masks, second.masks).any()]
    how = held[0] if held else direction(first.masks, second.masks)
    score = min(_best(first), _best(second))
    return Draft(f"{how} the {question.other}", score, _join_rows(first, second))


def answer_related(seen: Sightings, question: ParsedQuestion) -> Draft:
    pair = _find_pair(seen, question)
    if isinstance(pair, Draft):
        return pair
    first, second = pair
    held = seen.relate(question.relation, first.masks, second.masks)
    if not held.any():
        rows = _join_rows(first[:1], second[:1])
        where = direction(first.masks, second.masks)
        return Draft("no", _least(rows), rows, f"it is {where} the {question.other}")
    scores = np.where(held, np.minimum(first.scores[:, None], second.scores[None]), -1)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    rows = _join_rows(first[[int(row)]], second[[int(column)]])
    return Draft("yes", float(scores.max()), rows)


def answer_size(seen: Sightings, question: ParsedQuestion) -> Draft:
    thing = _thing(question)
    found = seen.find(thing)
    if not len(found.rows):
        return _say_nothing(seen, found, thing, UNKNOWN)
    rows = found.rows if question.measure == "" else found.rows[:1]
    height, width = rows.size
    x0, y0, x1, y1 = rows.masks.boxes[0].tolist()
    share = float(np.count_nonzero(rows.masks.union()) / (height * width))
    text = f"{share:.1%} of the picture"
    if question.measure in ("tall", "high", "height"):
        text = f"{y1 - y0} pixels, {(y1 - y0) / height:.0%} of the picture's height"
    elif question.measure in ("wide", "width"):
        text = f"{x1 - x0} pixels, {(x1 - x0) / width:.0%} of the picture's width"
    elif question.measure:
        text += f", {x1 - x0} x {y1 - y0} pixels"
    return Draft(text, _best(rows), rows, _count_words(found.rows, thing))


def answer_which(seen: Sightings, question: ParsedQuestion) -> Draft:
    if question.other is None:
        return _choose_among(seen, question)
    pair = _find_pair(seen, question)
    if isinstance(pair, Draft):
        return pair
    ahead, rows = _compare(seen, question, pair)
    if abs(ahead) < CLEAR:
        return Draft(UNKNOWN, 1.0, rows, f"neither is clearly {question.more}")
    text = str(question.thing if ahead > 0 else question.other)
    return Draft(text, _least(rows), rows, _note(question))


def answer_is_more(seen: Sightings, question: ParsedQuestion) -> Draft:
    draft = answer_which(seen, question)
    if draft.text == UNKNOWN:
        return draft
    return draft._replace(text="yes" if draft.text == str(question.thing) else "no")


def answer_list(seen: Sightings, question: ParsedQuestion) -> Draft:
    """What of the everyday words is there, or stands in the relation to a thing."""
    other: Result | None = None
    if question.thing is not None:
        found = seen.find(question.thing)
        if not len(found.rows):
            return _say_nothing(seen, found, question.thing, UNKNOWN)
        other = found.rows
    every = _keep_sure(segment_view(seen.view, Text(EVERYDAY_WORDS)))
    if other is not None and question.thing is not None:
        every = every[[name != question.thing.word for name in every.names]]
        every = every[seen.relate(question.relation, every.masks, other.masks).any(1)]
    names = list(dict.fromkeys(every.names))[:LISTED]
    if not names:
        return Draft(UNKNOWN, 0.0, every, "nothing that everyday words name is there")
    rows = every[[name in names for name in every.names]]
    return Draft(join(names), _least(rows), rows)


# ---- what they share


def count_sure(rows: Result) -> tuple[Result, float]:
    """The regions that count, and how sure their number is.

    Those that are rather there than not count; each after the first makes the number less sure, and
    so does what nearly counted, unless it is a crumb beside the others.
    """
    is_sure = rows.scores >= EVEN
    if not is_sure.any():
        is_sure[:] = True
    kept, rest = rows[is_sure], rows[~is_sure]
    rest = rest[rest.masks.areas >= CRUMB * kept.masks.areas.max()]
    doubt = float(rest.scores.max()) if len(rest) else 0.0
    return kept, min(_least(kept), 1 - doubt) * EACH_MORE ** (len(kept) - 1)


def _thing(question: ParsedQuestion) -> Thing:
    """The thing that the question is about; `ask` has made sure that there is one."""
    return question.thing or Thing("")


def _find_pair(seen: Sightings, question: ParsedQuestion) -> tuple[Result, Result] | Draft:
    """The regions of both things; or the answer, where one is not there."""
    rows = []
    for thing in (_thing(question), question.other or Thing("")):
        found = seen.find(thing)
        if not len(found.rows):
            return _say_nothing(seen, found, thing, UNKNOWN)
        rows.append(found.rows)
    return rows[0], rows[1]


def _compare(
    seen: Sightings, question: ParsedQuestion, pair: tuple[Result, Result]
) -> tuple[float, Result]:
    """How much the most so of the first things exceeds that of the second, and the two rows."""
    values = [seen.measure(question.more, rows.masks) for rows in pair]
    best = [int(value.argmax()) for value in values]
    rows = [part[[row]] for part, row in zip(pair, best, strict=True)]
    return float(values[0][best[0]] - values[1][best[1]]), _join_rows(*rows)


def _choose_among(seen: Sightings, question: ParsedQuestion) -> Draft:
    """Which of several things of one kind."""
    thing = _thing(question)
    found = seen.find(thing)
    if not len(found.rows):
        return _say_nothing(seen, found, thing, UNKNOWN)
    values = np.sort(seen.measure(question.more, found.rows.masks))[::-1]
    row = found.rows[[int(seen.measure(question.more, found.rows.masks).argmax())]]
    if len(values) > 1 and values[0] - values[1] < CLEAR:
        return Draft(UNKNOWN, 1.0, found.rows, f"no {thing} is clearly the {question.more} one")
    return Draft(f"the one at {place_of(row.masks)}", _least(row), row, _note(question))


def _say_nothing(seen: Sightings, found: Sighted, thing: Thing, text: str) -> Draft:
    """The answer where the thing is not there; `text` is what follows from that."""
    if found.missing is not None:
        absent = seen.absent(found.missing.word)
        told = "was never learned" if absent.unknown else "is not there"
        return Draft(UNKNOWN, 1 - absent.best, found.rows, f"{found.missing} {told}")
    if found.nearly is not None and len(found.nearly):
        there = _count_words(found.nearly, Thing(thing.word))
        return Draft(text, _best(found.nearly), found.nearly, f"{there}, but no {thing}")
    absent = seen.absent(thing.word)
    if absent.unknown:
        return Draft(UNKNOWN, 0.0, found.rows, f"{thing.word} was never learned")
    told = f"no {thing.word} was found (best {absent.best:.2f}, needs {absent.needed:.2f})"
    return Draft(text, 1 - absent.best, found.rows, told)


def _keep_sure(rows: Result) -> Result:
    """Those that are rather there than not; all where none is."""
    is_sure = rows.scores >= EVEN
    return rows[is_sure] if is_sure.any() else rows


def _join_rows(first: Result, second: Result) -> Result:
    masks = Masks.concatenate([first.masks, second.masks])
    return Result.of(
        masks,
        first.vocabulary,
        scores=np.concatenate([first.scores, second.scores]),
        label_ids=np.concatenate([first.label_ids, second.label_ids]),
        made_by=first.made_by,
    )


def _best(rows: Result) -> float:
    return float(rows.scores.max())


def _least(rows: Result) -> float:
    return float(rows.scores.min())


def _count_words(rows: Result, thing: Thing) -> str:
    return f"{len(rows)} x {thing.word}"


def _note(question: ParsedQuestion) -> str:
    is_size = question.more in ("bigger", "smaller", "taller", "wider")
    return "as it looks in the picture" if is_size else ""


RULES: dict[Kind, Callable[[Sightings, ParsedQuestion], Draft]] = {
    "exists": answer_exists,
    "count": answer_count,
    "colour": answer_colour,
    "is colour": answer_is_colour,
    "where": answer_where,
    "related": answer_related,
    "size": answer_size,
    "which": answer_which,
    "is more": answer_is_more,
    "list": answer_list,
}
