"""An answer in words to a question about a picture, with the regions that it rests on."""

from dataclasses import dataclass

from wordmask.core.result import Result
from wordmask.errors import OptionError

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Answer:
    """What is answered, and why."""

    question: str
    text: str  # "3", "yes", "red and white", "left of the dog", or UNKNOWN
    score: float  # in [0, 1]: the least sure of all that the answer rests on
    evidence: Result  # the regions; words that were looked for in vain are in `.absent`
    how: str  # "rule: count", or the engine that answered
    reason: str = ""  # how the answer came about, or why there is none
    looked_for: tuple[str, ...] = ()  # words

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise OptionError(f"an answer's score lies in [0, 1], got {self.score}")

    @property
    def is_known(self) -> bool:
        return self.text != UNKNOWN

    def __str__(self) -> str:
        return f"{self.text} ({self.score:.2f}; {self.how}) {self.reason}".rstrip()
