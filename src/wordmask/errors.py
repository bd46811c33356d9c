"""Every exception that wordmask raises on purpose, and the exit code each has on the command line.

    WordmaskError (1)
    ├── InputError (2)            what the caller handed over cannot be used
    │   ├── ImageError            a picture: corrupt, too large, wrong shape
    │   ├── MaskError             a mask or run-length code that does not fit its picture
    │   ├── PromptError           words, points, boxes: empty, outside, not numbers
    │   ├── FormatError           a file in none of the formats, or a broken one
    │   └── OptionError           an option outside its range
    ├── EngineError (3)           the models
    │   ├── UnknownEngineError    no engine of that name
    │   ├── MissingExtraError     a library that an extra installs is not there
    │   ├── WeightsError          a weights file is missing, cut, swapped or unsafe
    │   └── CapabilityError       this engine cannot do what was asked
    └── OutputError (4)           a result could not be written

Messages say what is wrong, what was got, and how to mend it. Exit code 5 is the batch's own:
it ran to its end, but some files failed. Exit code 130 is Ctrl-C.
"""

from collections.abc import Iterable
from difflib import get_close_matches

SOME_FAILED = 5
INTERRUPTED = 130


class WordmaskError(Exception):
    """The root: catch this to catch all of ours."""

    exit_code = 1


class InputError(WordmaskError, ValueError):
    """Something handed over by the caller cannot be used."""

    exit_code = 2


class ImageError(InputError):
    """A picture that is corrupt, too large or of the wrong shape."""


class MaskError(InputError):
    """A mask or run-length code that does not fit its picture."""


class PromptError(InputError):
    """Words, points, boxes or examples that cannot be used."""


class FormatError(InputError):
    """A file in none of the known formats, or a broken one."""


class OptionError(InputError):
    """An option outside its range."""


class EngineError(WordmaskError):
    """Something about the models."""

    exit_code = 3


class UnknownEngineError(EngineError, KeyError):
    """No engine of that name."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


class MissingExtraError(EngineError, ImportError):
    """A library is missing; the message names the extra that installs it."""


class WeightsError(EngineError):
    """A weights file that is missing, cut, swapped or unsafe to load."""


class CapabilityError(EngineError):
    """This engine cannot do what was asked of it."""


class OutputError(WordmaskError, OSError):
    """A result could not be written."""

    exit_code = 4


def did_you_mean(got: str, known: Iterable[str]) -> str:
    """`" Did you mean 'mini'?"` where a known name is near, else a list of the known ones.

    >>> did_you_mean("mnii", ["mini", "fake"])
    " Did you mean 'mini'?"
    """
    names = sorted(known)
    near = get_close_matches(got.lower(), names, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(names) or 'none'}."


def missing_extra(what: str, extra: str) -> MissingExtraError:
    """The error for a library that is not installed; `what` is the module or the capability."""
    return MissingExtraError(
        f"{what} is not installed; it comes with the extra: pip install 'wordmask[{extra}]'"
    )
