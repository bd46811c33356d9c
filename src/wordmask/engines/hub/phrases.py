"""Phrases -> the rows of tokens that detectors read, and each phrase's own place in them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wordmask.errors import PromptError

log = logging.getLogger("wordmask.engines")


@dataclass(frozen=True)
class TokenRow:
    """`[CLS] cat . hot dog . [SEP]`, and where each phrase stands in it."""

    ids: tuple[int, ...]
    phrases: tuple[int, ...]  # numbers among all phrases
    spans: tuple[tuple[int, int], ...]  # the tokens of each phrase: start, and end (exclusive)


def token_rows(tokenizer: Any, phrases: Sequence[str], limit: int) -> Iterator[TokenRow]:
    """All phrases in as few rows of at most `limit` tokens as their order allows.

    A row is built token by token, so the place of each phrase is known and not guessed from the
    text: "dog" and "hot dog" cannot be mixed up. Full stops and question marks would end a phrase
    early, so they are dropped.
    """
    stop = tokenizer.convert_tokens_to_ids(".")
    head, tail = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids: list[int] = [head]
    numbers: list[int] = []
    spans: list[tuple[int, int]] = []
    for number, phrase in enumerate(phrases):
        tokens = _tokens(tokenizer, phrase, limit - 3)
        if len(ids) + len(tokens) + 2 > limit:
            yield TokenRow((*ids, tail), tuple(numbers), tuple(spans))
            ids, numbers, spans = [head], [], []
        spans.append((len(ids), len(ids) + len(tokens)))
        numbers.append(number)
        ids += [*tokens, stop]
    if numbers:
        yield TokenRow((*ids, tail), tuple(numbers), tuple(spans))


def _tokens(tokenizer: Any, phrase: str, most: int) -> list[int]:
    text = " ".join(phrase.lower().replace(".", " ").replace("?", " ").split())
    tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    if not tokens:
        raise PromptError(f"the phrase {phrase!r} has no word that the detector can read")
    if len(tokens) > most:
        log.warning(
            "the phrase %r has %d tokens; the detector reads the first %d",
            phrase[:40],
            len(tokens),
            most,
        )
    return tokens[:most]
