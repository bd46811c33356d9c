"""How the command line says an error: in one sentence, with the flag that mends it."""

from typing import Any

from wordmask.errors import WordmaskError, did_you_mean, near_miss


def flag(option: str) -> str:
    """
    >>> flag("min_confidence")
    '--min-confidence'
    """
    return "--" + option.replace("_", "-")


def sentence(error: WordmaskError) -> str:
    """What is wrong, and the flag that mends it.

    >>> from wordmask.errors import Mend
    >>> sentence(WordmaskError("mini is not here", mend=Mend("checkpoint", "FOLDER")))
    'mini is not here; give --checkpoint FOLDER'
    >>> sentence(WordmaskError("how must be one of a, b; got 'c'", mend=Mend("how", "a")))
    "--how must be one of a, b; got 'c'"
    """
    if error.mend is None:
        return error.message
    spelled = flag(error.mend.option)
    if error.names_option:
        return spelled + error.message.removeprefix(error.mend.option)
    return f"{error.message}; give {spelled} {error.mend.example}".rstrip()


def usage_sentence(error: Any, commands: tuple[str, ...]) -> str:
    """What typer found wrong with a command; `commands` are the names that could stand there.

    Typer's errors are told apart by what they carry, as their classes moved between its versions.
    """
    if getattr(error, "option_name", None) and hasattr(error, "possibilities"):
        name: str = error.option_name
        guess = near_miss(name, _flags_of(error))
        return f"there is no option {name}.{guess}" if guess else f"there is no option {name}"
    message: str = error.format_message()
    if "No such command" in message:
        wrong = message.split("'")[1]
        return f"there is no command {wrong!r}.{did_you_mean(wrong, commands)}"
    parameter = getattr(error, "param", None)
    if parameter is None:
        return message[:1].lower() + message[1:].removesuffix(".")
    name = _parameter_name(parameter)
    if hasattr(error, "param_type"):
        return f"{name} is missing"
    return f"{name}: {error.message.removeprefix('Value error, ').removesuffix('.')}"


def _flags_of(error: Any) -> list[str]:
    """The flags that the command has."""
    command = getattr(getattr(error, "ctx", None), "command", None)
    parameters = getattr(command, "params", [])
    return [text for one in parameters for text in (*one.opts, *one.secondary_opts)]


def _parameter_name(parameter: Any) -> str:
    """An option by its flag, an argument by its name in capitals."""
    flags = [text for text in parameter.opts if text.startswith("--")]
    return str(flags[0] if flags else parameter.name.upper())
