"""Things as a question names them: "the two red cups on the table" -> what to look for.

A phrase is `[superlative] [colour] WORDS [RELATION PHRASE | PLACE]`. The words are looked for as
they stand, in the singular.
"""

import re
from dataclasses import dataclass

from wordmask.ops.colour_terms import TERMS

ARTICLES = re.compile(
    r"^(?:(?:the|these|those|his|her|their|all) (?:two|three|four|five)|the|an?|any|some|this|that|"
    r"these|those|all|every|each|his|her|their|its|my|your|both)\s+"
)
# Words that name no thing: a question about them is about nothing in particular.
NOTHING = {
    "it", "he", "she", "they", "them", "him", "her", "this", "that", "these", "those", "one", "you",
    "anything", "something", "nothing", "everything", "thing", "object", "stuff", "there", "i",
}  # fmt: skip
# What follows a thing and says nothing: everything is asked of the picture.
IN_PICTURE = re.compile(
    r"(?:^|\s+)(?:(?:visible |shown |seen )?(?:in|on|of|inside) (?:the|this|that) "
    r"(?:picture|photo|photograph|image|scene|frame|view)|here|visible|at all|altogether)$"
)
RELATION_WORDS = {
    "next to": "next to", "beside": "next to", "near": "next to", "close to": "next to",
    "inside of": "inside", "inside": "inside", "in front of": "in front of", "behind": "behind",
    "on the left of": "left of", "to the left of": "left of", "left of": "left of",
    "on the right of": "right of", "to the right of": "right of", "right of": "right of",
    "on top of": "on", "above": "above", "over": "above", "below": "below", "under": "below",
    "underneath": "below", "beneath": "below", "on": "on", "in": "inside",
}  # fmt: skip
PLACE_WORDS = {
    "on the left side": "left", "on the right side": "right", "on the left": "left",
    "on the right": "right", "to the left": "left", "to the right": "right", "at the top": "top",
    "at the bottom": "bottom", "in the middle": "centre", "in the centre": "centre",
    "in the center": "centre",
}  # fmt: skip
SUPERLATIVES = {
    "leftmost": "left", "left-most": "left", "left": "left", "rightmost": "right", "right": "right",
    "right-most": "right", "topmost": "top", "highest": "top", "bottommost": "bottom",
    "lowest": "bottom", "biggest": "bigger", "largest": "bigger", "smallest": "smaller",
    "nearest": "nearer", "closest": "nearer", "farthest": "farther", "furthest": "farther",
    "tallest": "taller", "widest": "wider",
}  # fmt: skip
_PLACE = r"\s+the (?:left|right|middle|centre|center)(?: side)?(?!\s+of)\b"
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse",
    "geese": "goose", "feet": "foot", "teeth": "tooth", "leaves": "leaf", "knives": "knife",
    "shelves": "shelf", "loaves": "loaf", "wolves": "wolf", "scarves": "scarf", "buses": "bus",
    "lenses": "lens", "shoes": "shoe", "canoes": "canoe", "toes": "toe",
}  # fmt: skip
_PLURAL_ONLY = {
    "scissors", "jeans", "trousers", "pants", "shorts", "skis", "glasses", "sunglasses", "goggles",
    "headphones", "binoculars", "clothes", "stairs",
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """What a phrase names."""

    word: str
    colour: str = ""  # one of `TERMS`
    extreme: str = ""  # a value of `SUPERLATIVES`: only the one that is most so
    place: str = ""  # a value of `PLACE_WORDS`: only those there
    relation: str = ""  # a value of `RELATION_WORDS`
    other: "Thing | None" = None  # to which it stands in the relation

    @property
    def words(self) -> tuple[str, ...]:
        """All that has to be looked for."""
        return (self.word,) if self.other is None else (self.word, *self.other.words)

    def __str__(self) -> str:
        parts = [self.colour, self.word, self.place and f"({self.place})"]
        if self.other is not None:
            parts += [self.relation, str(self.other)]
        return " ".join(part for part in parts if part)


def parse_thing(text: str) -> Thing | None:
    """The thing that a phrase names; None where it names nothing.

    >>> parse_thing("the red cups on the table")
    Thing(word='cup', colour='red', extreme='', place='', relation='on', other=Thing(word='table', \
colour='', extreme='', place='', relation='', other=None))
    >>> parse_thing("the leftmost dog").extreme, parse_thing("people at the top").place
    ('left', 'top')
    """
    text = IN_PICTURE.sub("", text.strip()).strip()
    head, relation, rest = split_relation(text)
    other = parse_thing(rest) if relation else None
    text, place = _take_place(head if other is not None else text)
    text = strip_article(text)
    extreme, text = _take(text, SUPERLATIVES)
    colour, text = _take(strip_article(text), {**{term: term for term in TERMS}, "gray": "grey"})
    word = make_singular(strip_article(text))
    if not re.search(r"\w", word) or word in NOTHING:
        return None
    return Thing(word, colour, extreme, place, relation if other is not None else "", other)


def split_relation(text: str) -> tuple[str, str, str]:
    """(what stands before, relation, what follows); the relation is "" where there is none.

    >>> split_relation("cup in front of the box"), split_relation("hot dog")
    (('cup', 'in front of', 'the box'), ('hot dog', '', ''))
    """
    spellings = "|".join(sorted(map(re.escape, RELATION_WORDS), key=len, reverse=True))
    found = re.match(rf"(.*?)(?:^|\s+)({spellings})(?!{_PLACE})\s+(.+)$", text)
    if not found:
        return text, "", ""
    return found[1].strip(), RELATION_WORDS[found[2]], found[3].strip()


def strip_article(text: str) -> str:
    """
    >>> strip_article("the two cups")
    'cups'
    """
    while (shorter := ARTICLES.sub("", text)) != text:
        text = shorter
    return text


def _take_place(text: str) -> tuple[str, str]:
    """The phrase without the place at its end, and the place."""
    for words, meaning in PLACE_WORDS.items():
        if text.endswith(f" {words}"):
            return text.removesuffix(words).strip(), meaning
    return text, ""


def _take(text: str, meanings: dict[str, str]) -> tuple[str, str]:
    """The meaning of the first word, if it has one and is not all there is; and the rest."""
    first, _, rest = text.partition(" ")
    return (meanings[first], rest.strip()) if rest and first in meanings else ("", text)


def make_singular(phrase: str) -> str:
    """The phrase with its noun, the last word or the one before "of", in the singular.

    >>> [make_singular(word) for word in ("people", "wine glasses", "berries", "buses", "bus")]
    ['person', 'wine glass', 'berry', 'bus', 'bus']
    >>> make_singular("cups of tea"), make_singular("horses"), make_singular("scissors")
    ('cup of tea', 'horse', 'scissors')
    """
    head, of, rest = phrase.partition(" of ")
    before, _, noun = head.rpartition(" ")
    single = _singular_noun(noun, alone=not before)
    return f"{before} {single}".strip() + of + rest


def _singular_noun(noun: str, *, alone: bool) -> str:
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if (alone and noun in _PLURAL_ONLY) or noun.endswith(("ss", "us", "is")) or len(noun) < 4:
        return noun
    if noun in _PLURAL_ONLY and noun != "glasses":
        return noun
    for ending, single in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + single
    if noun.endswith(("xes", "oes", "zes")):
        return noun[:-2]
    return noun.removesuffix("s")
