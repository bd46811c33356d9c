"""Work in a process of its own, so that its peak of memory is its own and no cache is warm."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from wordmask.errors import EngineError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def run_alone(
    function: Callable[Given, Answer], *arguments: Given.args, **named: Given.kwargs
) -> Answer:
    """`function(*arguments)` in a fresh process; function, arguments and answer are pickled."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments, **named).result()
        except BrokenProcessPool:
            raise EngineError(
                f"the process that ran {function.__qualname__} was killed; was memory enough?"
            ) from None
