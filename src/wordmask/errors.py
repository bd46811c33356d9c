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
    ├── OutputError (4)           a result could not be written
    └── RemoteError (1)           a server did not answer a client as asked

Messages say what is wrong, what was got, and how to mend it. Where an option mends it, the error
carries a `Mend`, and each door spells it: the command line as a flag, the server as a field, Python
as an argument. Exit code 5 is a batch's own: it ran to its end, but some files failed. Exit code
130 is Ctrl-C.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple, Self

SOME_FAILED = 5
INTERRUPTED = 130


class Mend(NamedTuple):
    """The option that would mend an error, and a value for it."""

    option: str
    example: str = ""


class WordmaskError(Exception):
    """The root: catch this to catch all of ours.

    >>> error = OptionError("the picture has 60 MP, at most 50", mend=Mend("max_pixels", "60MP"))
    >>> error.message
    'the picture has 60 MP, at most 50'
    >>> print(error)
    the picture has 60 MP, at most 50; set max_pixels=60MP
    """

    exit_code = 1

    def __init__(self, *args: Any, mend: Mend | None = None) -> None:
        super().__init__(*args)
        self.mend = mend

    @property
    def message(self) -> str:
        """What is wrong and what was got, without the mend."""
        return ", ".join(str(part) for part in self.args)

    @property
    def names_option(self) -> bool:
        """Whether the message begins with the option that mends it: "how must be one of ..."."""
        return self.mend is not None and self.message.startswith(f"{self.mend.option} ")

    def __str__(self) -> str:
        if self.mend is None or self.names_option:
            return self.message
        value = f"={self.mend.example}" if self.mend.example else ""
        return f"{self.message}; set {self.mend.option}{value}"

    def mended_by(self, option: str, example: str = "") -> Self:
        """The same error where another option mends it, for a caller with options of its own."""
        error = type(self)(*self.args, mend=Mend(option, example))
        return error.with_traceback(self.__traceback__)


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


class MissingExtraError(EngineError, ImportError):
    """A library is missing; the message names the extra that installs it."""


class WeightsError(EngineError):
    """A weights file that is missing, cut, swapped or unsafe to load."""


class CapabilityError(EngineError):
    """This engine cannot do what was asked of it."""


class OutputError(WordmaskError, OSError):
    """A result could not be written."""

    exit_code = 4


class RemoteError(WordmaskError):
    """What a server answered instead: `status` of HTTP (0: nothing), the `field` that mends it."""

    def __init__(
        self, *args: Any, mend: Mend | None = None, status: int = 0, field: str = ""
    ) -> None:
        super().__init__(*args, mend=mend)
        self.status, self.field = status, field


def did_you_mean(got: str, known: Iterable[str]) -> str:
    """`" Did you mean 'mini'?"` where a known name is near, else a list of the known ones.

    >>> did_you_mean("mnii", ["mini", "fake"])
    " Did you mean 'mini'?"
    """
    names = sorted(known)
    return near_miss(got, names) or f" Known: {', '.join(names) or 'none'}."


def near_miss(got: str, known: Iterable[str]) -> str:
    """`" Did you mean 'mini'?"` where a known name is near, else nothing."""
    near = get_close_matches(got.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def missing_extra(what: str, extra: str) -> MissingExtraError:
    """The error for a library that is not installed; `what` is the module or the capability."""
    return MissingExtraError(
        f"{what} is not installed; it comes with the extra: pip install 'wordmask[{extra}]'"
    )
