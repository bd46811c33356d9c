"""Questions that rules can answer: what each asks, and of which things.

The table `PATTERNS` is the grammar, which docs/ask.md explains. N is a thing (see nouns.py).
"""

import re
from dataclasses import dataclass
from typing import Literal

from wordmask.ops.colour_terms import TERMS
from wordmask.tasks.asking.nouns import (
    IN_PICTURE,
    SUPERLATIVES,
    Thing,
    parse_thing,
    split_relation,
)

Kind = Literal[
    "exists", "count", "colour", "is colour", "where", "related", "size", "which", "is more",
    "list", "free",
]  # fmt: skip
MORE = {
    "bigger": "bigger", "larger": "bigger", "smaller": "smaller", "nearer": "nearer",
    "closer": "nearer", "farther": "farther", "further": "farther", "taller": "taller",
    "higher": "top", "lower": "bottom", "wider": "wider", "more to the left": "left",
    "more to the right": "right", "further left": "left", "further right": "right",
    **SUPERLATIVES,
}  # fmt: skip
_MORE = "|".join(sorted(map(re.escape, MORE), key=len, reverse=True))
_COLOURS = "|".join((*TERMS, "gray"))
_LOOKS = "are there|is there|are visible|can you see|do you see|are shown|can be seen"
_PICTURE = r"(?:the|this|that) (?:picture|photo|photograph|image|scene|frame)"
# The first pattern that fits decides; a group is a thing, or named.
PATTERNS: tuple[tuple[str, Kind], ...] = (
    (rf"how many (?P<a>.+?) (?:{_LOOKS})(?: (?P<rest>.+))?", "count"),
    (rf"how many (?P<a>.+?) (?:is|are) (?P<colour>{_COLOURS})", "count"),
    (r"how many (?P<a>.+?) (?:is|are) (?P<rest>.+)", "count"),
    (r"how many (?P<a>.+)", "count"),
    (r"(?:what is )?the (?:number|count) of (?P<a>.+)", "count"),
    (r"count (?P<a>.+)", "count"),
    (r"(?:is|are) there (?P<a>.+)", "exists"),
    (r"(?:can|do) (?:you|i|we) see (?P<a>.+)", "exists"),
    (rf"does {_PICTURE} (?:show|have|contain) (?P<a>.+)", "exists"),
    (r"(?:what|which) (?:is the )?colou?rs? (?:is|are|has|of) (?P<a>.+)", "colour"),
    (r"(?:what is|name) the colou?rs? of (?P<a>.+)", "colour"),
    (
        r"where (?:is|are) (?P<a>.+?)(?: (?:relative to|compared (?:to|with)|in relation to|"
        r"as seen from|from) (?P<b>.+))?",
        "where",
    ),
    (r"how (?P<measure>big|large|small|tall|high|wide) (?:is|are) (?P<a>.+)", "size"),
    (r"(?:what is )?the (?P<measure>size|height|width|area) of (?P<a>.+)", "size"),
    (rf"how much of {_PICTURE} (?:is|does|do) (?P<a>.+?)(?: cover| fill| take up)?", "size"),
    (
        rf"(?:which|what|who)(?: one| thing)?(?: of them)? is (?:the )?(?P<more>{_MORE})"
        r"(?: one)?(?: to (?:us|the camera|the viewer))?[,:]? (?P<a>.+?),? or (?P<b>.+)",
        "which",
    ),
    (
        rf"(?:is|are) (?P<a>.+?) (?P<more>{_MORE})(?: to (?:us|the camera|the viewer))? "
        r"than (?P<b>.+)",
        "is more",
    ),
    (
        rf"which (?:one of )?(?P<a>.+?) is (?:the )?(?P<more>{_MORE})"
        r"(?: one)?(?: to (?:us|the camera|the viewer))?",
        "which",
    ),
    (rf"(?:what|which) (?:can|do) (?:you|i|we) see(?: in {_PICTURE})?", "list"),
    (rf"what (?:things |objects )?(?:is|are)(?: there)? (?:in|on) {_PICTURE}", "list"),
    (rf"(?:what|who) (?:is|are|stands|sits|lies) (?P<beside>(?!the (?:{_MORE})).+)", "list"),
    (rf"(?:is|are) (?P<a>.+) (?P<colour>{_COLOURS})", "is colour"),
    (r"(?:is|are) (?P<related>.+)", "related"),
)
# Questions about one thing that only an engine can answer: where to look closely.
_ABOUT = (
    r"(?:what|which) (?:kind|type|sort|brand|make|breed) of (?:thing )?(?:is )?(?P<a>.+)",
    r"(?:what|who|how) (?:is|are) (?P<a>(?:the|this|that|these|those|an?) .+?) \w+ing\b.*",
    r"(?:what|how) (?:is|are) (?P<a>.+?) made (?:of|from)",
    r"(?:is|are|does|do|has|have|can) (?P<a>(?:the|this|that|these|those|an?) \w+) .+",
)
_VERBS = "that|who|which|is|are|does|do|has|have|with|without|wearing|holding|and|or|than"
_NUMBERS = r"two|three|four|five|six|seven|eight|nine|ten|\d+|many|several|more|less|no|not"
_POLITE = re.compile(
    r"^(?:please |so |and |well |hey |can you tell me |could you tell me |tell me |do you know )+"
)


@dataclass(frozen=True)
class ParsedQuestion:
    """What is asked of which things."""

    kind: Kind
    thing: Thing | None = None
    other: Thing | None = None
    more: str = ""  # a value of `MORE`
    relation: str = ""  # of "related" and "list"
    colour: str = ""  # of "is colour"
    measure: str = ""  # of "size": how it was asked

    @property
    def words(self) -> tuple[str, ...]:
        """All that has to be looked for, each once."""
        things = [thing for thing in (self.thing, self.other) if thing is not None]
        return tuple(dict.fromkeys(word for thing in things for word in thing.words))


def parse_question(text: str) -> ParsedQuestion:
    """The question; "free" where no rule can answer it.

    >>> question = parse_question("How many cups are on the table?")
    >>> question.kind, str(question.thing)
    ('count', 'cup on table')
    >>> parse_question("Which is nearer, the dog or the cat?").more
    'nearer'
    >>> parse_question("Why is he sad?").kind
    'free'
    """
    line = tidy_question(text)
    for pattern, kind in PATTERNS:
        found = re.fullmatch(pattern, line)
        if found:
            question = _build(kind, {k: v for k, v in found.groupdict().items() if v})
            if question is not None:
                return question
    return ParsedQuestion("free", _about(line))


def tidy_question(text: str) -> str:
    """
    >>> tidy_question(" Please tell me: What's  the colour of it? ")
    'what is the colour of it'
    """
    line = " ".join(text.lower().replace("’", "'").split())
    line = re.sub(r"^((?:please |can you |could you )?tell me)[:,] ", r"\1 ", line)
    line = _POLITE.sub("", line.rstrip("?!. "))
    line = re.sub(r"\b(what|where|who|which|there)'s\b", r"\1 is", line)
    return re.sub(r"\bgray\b", "grey", line).strip()


def _build(kind: Kind, groups: dict[str, str]) -> ParsedQuestion | None:
    """The question that a pattern found; None where what follows is no thing after all."""
    if kind == "related":
        return _build_related(groups["related"])
    if kind == "list":
        return _build_list(groups.get("beside", ""))
    phrase = groups["a"]
    if "colour" in groups and kind == "count":
        phrase = f"{groups['colour']} {phrase}"
    if "rest" in groups:
        phrase = f"{phrase} {groups['rest']}"
    thing = parse_thing(phrase)
    says_where = thing is not None and (thing.relation or thing.place)
    if "rest" in groups and not says_where and not IN_PICTURE.search(groups["rest"]):
        return None  # "how many people are wearing hats"
    other = parse_thing(groups["b"]) if "b" in groups else None
    if ("b" in groups and other is None) or (thing and _is_clause(thing.word)):
        return None
    more = MORE.get(groups.get("more", ""), "")
    colour = groups.get("colour", "") if kind == "is colour" else ""
    return ParsedQuestion(kind, thing, other, more, "", colour, groups.get("measure", ""))


def _build_related(text: str) -> ParsedQuestion | None:
    """ "is the cup left of the box", "is the dog here" """
    if IN_PICTURE.search(text):
        thing = parse_thing(text)
        return ParsedQuestion("exists", thing) if thing and not _is_clause(thing.word) else None
    head, relation, rest = split_relation(text)
    thing, other = parse_thing(head), parse_thing(rest)
    if not relation or thing is None or other is None or _is_clause(thing.word):
        return None
    return ParsedQuestion("related", thing, other, relation=relation)


def _build_list(beside: str) -> ParsedQuestion | None:
    """ "what is on the table"; without a relation, all that is there"""
    if not beside:
        return ParsedQuestion("list")
    head, relation, rest = split_relation(beside)
    other = parse_thing(rest)
    if head or not relation or other is None:
        return None
    return ParsedQuestion("list", other, relation=relation)


def _is_clause(word: str) -> bool:
    """Whether a verb or a number stands in what should be a thing: "people wearing hats" """
    return bool(re.search(rf"\b(?:{_VERBS})\b|^(?:{_NUMBERS})\b", word))


def _about(line: str) -> Thing | None:
    """The thing that a free question is about, where that is clear."""
    for pattern in _ABOUT:
        found = re.fullmatch(pattern, line)
        if found:
            return parse_thing(found["a"])
    return None
