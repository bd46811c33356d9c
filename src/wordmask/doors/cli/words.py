"""Words as people hand them over: one by one, parted by commas, or a line each in a file."""

from collections.abc import Sequence
from pathlib import Path

from wordmask.errors import PromptError


def listed(given: Sequence[str]) -> tuple[str, ...]:
    """The words in the order given: "cup,oven" is two of them, "@words.txt" one per line of the file."""
    return tuple(word for text in given for word in _words(text))


def _words(text: str) -> list[str]:
    if not text.startswith("@"):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        lines = Path(text[1:]).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"the words in {text[1:]} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]
