"""Words as people hand them over: one by one, joined by commas, or a line each in a file."""

from collections.abc import Sequence
from pathlib import Path

from wordmask.errors import PromptError


def split_words(texts: Sequence[str]) -> tuple[str, ...]:
    """The words in the order given: "cup,oven" is two, "@words.txt" one for each line of the file.

    A text that starts with @ makes this read a file, so it is not for texts from strangers.
    """
    return tuple(word for text in texts for word in _split(text))


def _split(text: str) -> list[str]:
    if text.startswith("@"):
        return _read_lines(text[1:])
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_lines(name: str) -> list[str]:
    try:
        lines = Path(name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"the words in {name} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]
