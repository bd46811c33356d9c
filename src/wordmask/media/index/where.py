"""Filters on an index's columns in SQL, from strangers: an expression over columns, nothing more.

What comes through is a condition: columns of the index, literals, comparisons, AND, OR, NOT, IN,
LIKE, BETWEEN, IS NULL. No function, no second statement, no other table.
"""

import re
from collections.abc import Sequence
from typing import Any

from wordmask.errors import Mend, OptionError, near_miss

COLUMNS = (
    "album", "area", "date", "height", "keywords", "latitude", "longitude", "name", "name_score",
    "path", "quality", "share", "width", "x0", "x1", "y0", "y1",
)  # fmt: skip
LONGEST = 2000  # characters
COMMENTS = ("--", "/*")  # a database would not read what comes after them
DEEPEST = 20  # parentheses within parentheses
_WORDS = {
    "and", "or", "not", "in", "like", "between", "is", "null", "true", "false", "escape",
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s+ | (?P<text>'(?:[^']|'')*') | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<word>[A-Za-z_]\w*) | (?P<mark><=|>=|<>|!=|[=<>(),+\-*/%?])""",
    re.VERBOSE,
)


def check_where(text: str, values: Sequence[Any] = (), columns: Sequence[str] = COLUMNS) -> str:
    """The condition, safe to hand on; `values` take the place of its question marks.

    >>> check_where("date > ? AND name = 'dog'", ["2024-01-01"])
    "date > '2024-01-01' AND name = 'dog'"
    """
    if len(text) > LONGEST:
        raise _refusal(f"a condition has at most {LONGEST} characters, got {len(text)}")
    parts: list[str] = []
    left, depth, place = list(values), 0, 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _refusal(f"a condition has no {text[place : place + 12]!r}")
        token = found[0]
        if parts and parts[-1] + token in COMMENTS:
            raise _refusal(f"a condition has no comments, got {parts[-1] + token!r}")
        if found["word"]:
            _check_word(token, columns)
        if token == "?":
            if not left:
                raise _refusal(f"{text!r} has more question marks than values ({len(values)})")
            token = quote(left.pop(0))
        depth += (token == "(") - (token == ")")
        if not 0 <= depth <= DEEPEST:
            raise _refusal(f"the parentheses of {text[:80]!r} do not fit, or are too many")
        parts.append(token)
        place = found.end()
    if left or depth:
        raise _refusal(f"{text[:80]!r} leaves a parenthesis open, or a value without its place")
    return "".join(parts).strip()


def quote(value: Any) -> str:
    """A value as SQL writes it.

    >>> quote("it's"), quote(3), quote(None)
    ("'it''s'", '3', 'NULL')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def any_of(column: str, values: Sequence[str]) -> str:
    """
    >>> any_of("path", ["a", "b"])
    "path IN ('a', 'b')"
    """
    return f"{column} IN ({', '.join(quote(value) for value in values)})"


def _check_word(word: str, columns: Sequence[str]) -> None:
    if word.lower() not in _WORDS and word not in columns:
        guess = near_miss(word, columns) or f" Known: {', '.join(columns)}."
        raise _refusal(f"an index has no column {word!r}.{guess}")


def _refusal(message: str) -> OptionError:
    return OptionError(message, mend=Mend("where", "\"date > '2024-01-01'\""))
