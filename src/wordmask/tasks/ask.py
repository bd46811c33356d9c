"""A question about a picture -> an answer with its evidence, or "unknown" with what was sought.

Rules answer what the grammar knows (asking/grammar.py); an `Answerer` answers the rest, if there is
one, and is asked twice: about the whole picture, and about what the question names from close by.
"""

from dataclasses import dataclass, field
from typing import Literal

from wordmask.core.answer import UNKNOWN, Answer
from wordmask.core.options import Share, check
from wordmask.core.protocols import Answerer
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, PromptError
from wordmask.tasks.asking.answerers import ask_answerer
from wordmask.tasks.asking.grammar import ParsedQuestion, parse_question
from wordmask.tasks.asking.rules import RULES, Draft
from wordmask.tasks.asking.sightings import Sightings
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions

LONGEST = 500  # characters of a question
EXAMPLE = 'ask such as "how many cups are on the table?"'


@dataclass(frozen=True)
class AskOptions:
    """How a question is answered."""

    how: Literal["auto", "rules", "answerer"] = "auto"
    """rules (from what is found in the picture), answerer (an engine for questions), or auto: rules
    where they know the kind of question, else the engine, if there is one."""
    min_score: Share = 0.5
    """Answers that are less sure than this are given as "unknown"."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class _Asked:
    """One question on its way."""

    view: View
    text: str
    parsed: ParsedQuestion
    options: AskOptions
    segmenting: SegmentOptions = field(default_factory=SegmentOptions)

    @property
    def nothing(self) -> Result:
        return Result.nothing(self.view.image.size, self.parsed.words)


def ask(view: View, question: str, options: AskOptions | None = None) -> Answer:
    """The answer; `UNKNOWN` where what is asked about is not there, or nothing is sure enough."""
    if not question.strip():
        raise PromptError(f"the question is empty; {EXAMPLE}")
    if len(question) > LONGEST:
        raise PromptError(
            f"the question has {len(question)} characters, at most {LONGEST} are read"
        )
    options = options or AskOptions()
    asked = _Asked(view, question.strip(), parse_question(question), options)
    is_free = asked.parsed.kind == "free"
    if options.how == "answerer" or (options.how == "auto" and is_free):
        return _ask_engine(asked)
    if is_free:
        return _refuse(asked, f"no rule answers this; {EXAMPLE}")
    return _follow_rule(asked)


def _follow_rule(asked: _Asked) -> Answer:
    parsed = asked.parsed
    how = f"rule: {parsed.kind}"
    if parsed.thing is None and parsed.kind != "list":
        return _refuse(asked, f"the question names nothing to look for; {EXAMPLE}")
    words = parsed.words or ("thing",)
    seen = Sightings(asked.view, words, asked.segmenting)
    try:
        draft = RULES[parsed.kind](seen, parsed)
    except CapabilityError as error:
        return _refuse(asked, error.message)
    rows = draft.rows.replace(absent=seen.all.absent) if parsed.words else draft.rows
    return _judge(asked, draft._replace(rows=rows), how)


def _ask_engine(asked: _Asked) -> Answer:
    """By the engine for questions, where there is one."""
    if not asked.view.models.has(Answerer):
        if asked.options.how == "answerer":
            asked.view.models.get(Answerer)  # raises, and says what to add
        return _refuse(
            asked,
            "no rule answers this, and no engine for questions is there; add one, as in "
            f"{asked.view.models.spec}+blip-vqa; {EXAMPLE}",
        )
    draft = ask_answerer(asked.view, asked.text, asked.parsed.thing, asked.segmenting)
    return _judge(asked, draft, asked.view.models.get(Answerer).name)


def _judge(asked: _Asked, draft: Draft, how: str) -> Answer:
    """The answer, or "unknown" where it is not sure enough."""
    text, reason = draft.text, draft.reason
    score = float(min(max(draft.score, 0.0), 1.0))
    if text != UNKNOWN and score < asked.options.min_score:
        needed = asked.options.min_score
        reason = f"perhaps {text}, but only {score:.2f} sure, needs {needed:.2f}; {reason}"
        text = UNKNOWN
    return Answer(asked.text, text, score, draft.rows, how, reason.strip(" ;"), asked.parsed.words)


def _refuse(asked: _Asked, reason: str) -> Answer:
    return Answer(asked.text, UNKNOWN, 0.0, asked.nothing, "none", reason, asked.parsed.words)
