"""Own pictures, looked at and divided: to learn from, to fit scores on, to judge by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array
from wordmask.core.options import check
from wordmask.errors import FormatError, Mend
from wordmask.lab.data.inspect import DataReport, NamedSet, inspect_sets, usable
from wordmask.lab.data.own import WHOLE, open_own
from wordmask.lab.data.sample import VOID, Dataset, Sample, Truth
from wordmask.lab.data.storages import DataAddress

FITTED = 0.1  # share of what is learned from that is set aside to fit scores on
MOST_FITTED = 30  # pictures


@dataclass(frozen=True)
class OwnDataOptions:
    """What own data says and how it is divided."""

    test: DataAddress | None = None
    """Data of the same kind that is never trained on; else a part of the data is held out."""
    images: DataAddress | None = None
    """Folder of the pictures, where they do not lie beside their annotations."""
    held_out: Annotated[float, Interval(ge=0.01, le=0.9)] = 0.2
    """Share of the data that is held out where there is no test set."""
    labelled: Literal["all", "some"] = "all"
    """all: what no region covers shows none of the words; some: nothing is said of it."""
    skip_broken: bool = False
    """Leave out what is broken, and pictures that the test set has too, instead of refusing."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class OwnSplit:
    """Own data, each part as a data set, and the words that it teaches."""

    learn: Dataset
    fit: Dataset
    test: Dataset
    words: tuple[str, ...]
    shown: dict[str, set[str]]
    """Picture of `learn` -> the words that it shows."""
    complete: bool
    """Whether what no region covers shows none of the words."""

    def labels(self, data: Dataset, truth: Truth) -> Array:
        """(H, W) int32 number of each pixel's word, `len(words)` = none of them, or VOID."""
        none = len(self.words)
        numbers = {word: number for number, word in enumerate(self.words)}
        table = [
            none if row == data.background else numbers.get(name, VOID)
            for row, name in enumerate(data.classes)
        ]
        uncovered = none if self.complete and truth.exhaustive else VOID
        labels = truth.result.label_map() if truth.labels is None else truth.labels
        found: Array = np.array([*table, uncovered], np.int32)[labels]
        if truth.crowd is not None and len(truth.crowd):
            found[truth.crowd.masks.union() & (labels < 0)] = VOID
        return found


def open_split(data: DataAddress, options: OwnDataOptions, say: Callable[[str], None]) -> OwnSplit:
    """Read and check everything; what was found is said before anything is refused."""
    whole = open_own(data, options.images)
    if WHOLE in whole.notes:
        raise FormatError(f"{data} names pictures as a whole; words need regions or label maps")
    test = None if options.test is None else open_own(options.test, options.images)
    (report,), test_report = inspect_sets(
        [NamedSet(str(data), whole)],
        None if test is None else NamedSet(str(options.test), test),
        say,
        skip=options.skip_broken,
    )
    samples = usable(whole.samples, report)
    if test is None:
        held, samples = _hold_out(samples, report, options.held_out)
        test, test_report = replace(whole, samples=held), report
    test = replace(test, samples=usable(test.samples, test_report))
    count = min(MOST_FITTED, round(len(samples) * FITTED))
    learn, fit = samples[count:], samples[:count]
    if not (learn and fit and test.samples):
        raise FormatError(
            f"{len(samples)} pictures to learn from and {len(test.samples)} to judge by are too "
            "few; a word needs some ten pictures",
            mend=Mend("held_out", "0.2"),
        )
    words = sorted({word for one in learn for word in report.shown[one.name]})
    parts = (replace(whole, samples=learn), replace(whole, samples=fit), test)
    say(
        f"{len(learn):,} pictures to learn from, {len(fit):,} to fit scores on, "
        f"{len(test.samples):,} to judge by; {len(words)} words"
    )
    return OwnSplit(*parts, tuple(words), report.shown, options.labelled == "all")


def _hold_out(
    samples: Sequence[Sample], report: DataReport, share: float
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """(held out, rest), by the hash of what the pictures show, so that it is always the same."""
    hashes = {name: digest for digest, name in report.digests.items()}
    order = sorted(samples, key=lambda one: hashes[one.name])
    count = max(1, round(len(order) * share))
    return tuple(order[:count]), tuple(order[count:])
