"""A look at a data set before it is trained on: what is broken in it, and what it has of what."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wordmask.core.result import UNNAMED
from wordmask.errors import FormatError, Mend, WordmaskError
from wordmask.lab.data.sample import Dataset, Sample, Truth

FEW = 10  # pictures; a word with fewer is hardly learned
SHOWN = 5  # pictures that are named for each fault

FAULTS = {
    "unreadable": "pictures that cannot be read",
    "size": "pictures of another size than their annotations",
    "leak": "pictures that are in the test set too, pixel for pixel",
    "twice": "pictures that are there twice, pixel for pixel",
    "nothing": "pictures without any named region",
    "empty": "regions without a pixel",
    "unnamed": "regions without a name",
}
# What would spoil the training or its figures; the rest is left out, and said.
BREAKS = ("unreadable", "size", "leak")


class NamedSet(NamedTuple):
    """A data set, by the name that its owner gave."""

    name: str
    data: Dataset


class Fault(NamedTuple):
    """What is wrong with one picture."""

    kind: str
    picture: str


@dataclass
class DataReport:
    """What a look has found."""

    pictures: int = 0
    shown: dict[str, set[str]] = field(default_factory=dict)
    """Picture -> the words that it shows."""
    faults: list[Fault] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    """Hash of a picture's pixels -> its name."""

    @property
    def words(self) -> Counter[str]:
        """Word -> how many pictures show it."""
        return Counter(word for words in self.shown.values() for word in words)

    def pictures_with(self, *kinds: str) -> set[str]:
        return {fault.picture for fault in self.faults if fault.kind in kinds}

    def lines(self, name: str) -> Iterator[str]:
        """What a person is told."""
        words = self.words
        yield f"{name}: {self.pictures:,} pictures, {len(words)} words"
        for kind, text in FAULTS.items():
            found = [fault.picture for fault in self.faults if fault.kind == kind]
            if found:
                more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
                shown = ", ".join(dict.fromkeys(found[:SHOWN]))
                yield f"  {len(found):,} {text}: {shown}{more}"
        rare = [f"{word} ({count})" for word, count in words.items() if count < FEW]
        if rare:
            yield f"  words with fewer than {FEW} pictures: {', '.join(sorted(rare))}"


def inspect_sets(
    sets: Sequence[NamedSet], test: NamedSet | None, say: Callable[[str], None], *, skip: bool
) -> tuple[list[DataReport], DataReport]:
    """Look at everything, say what was found, and refuse what is broken unless it is skipped.

    A report of each set, and of the test set.
    """

    def look(one: NamedSet, test: DataReport | None) -> DataReport:
        report = inspect_data(one.data, test)
        for line in report.lines(one.name):
            say(line)
        return report

    test_report = DataReport() if test is None else look(test, None)
    reports = [look(one, test_report) for one in sets]
    refuse_broken(reports, test_report, skip=skip)
    return reports, test_report


def inspect_data(data: Dataset, test: DataReport | None = None) -> DataReport:
    """Read every picture and its truth once; `test` is what was found in the test set."""
    report = DataReport()
    for sample in data.samples:
        report.pictures += 1
        try:
            faults = list(_look_at(data, sample, report, test))
        except (WordmaskError, OSError):
            faults = ["unreadable"]
        report.faults += [Fault(kind, sample.name) for kind in faults]
    return report


def _look_at(
    data: Dataset, sample: Sample, report: DataReport, test: DataReport | None
) -> Iterator[str]:
    """The faults of one picture."""
    image = data.image(sample)
    truth = data.truth(sample)
    if truth.result.size != image.size:
        yield "size"
        return
    if test is not None and image.digest in test.digests:
        yield "leak"
    if image.digest in report.digests:
        yield "twice"
    report.digests.setdefault(image.digest, sample.name)
    yield from ["empty"] * int((truth.result.masks.areas == 0).sum())
    yield from ["unnamed"] * int((truth.result.label_ids == UNNAMED).sum())
    report.shown[sample.name] = shown_words(data, truth)
    if not report.shown[sample.name]:
        yield "nothing"


def shown_words(data: Dataset, truth: Truth) -> set[str]:
    """The words, without the background, that have a pixel in a picture."""
    result = truth.result
    has_pixels = result.masks.areas > 0
    names = {name for name, seen in zip(result.names, has_pixels, strict=True) if seen and name}
    return names & set(data.words)


def refuse_broken(learn: Sequence[DataReport], test: DataReport, *, skip: bool) -> None:
    """An error that names what is broken, unless such pictures are to be left out."""
    broken = [
        f"{len(found):,} {FAULTS[kind]} (the first is {min(found)})"
        for report in (*learn, test)
        for kind in BREAKS
        if (found := report.pictures_with(kind))
    ]
    if broken and not skip:
        raise FormatError(f"the data has {'; '.join(broken)}", mend=Mend("skip_broken"))
    words = {word for report in learn for word in report.words}
    if not words:
        raise FormatError("no picture has a named region, so there is nothing to learn")
    unknown = sorted(set(test.words) - words)
    if unknown and not skip:
        raise FormatError(
            f"the test set shows words that training never does: {', '.join(unknown[:SHOWN])}",
            mend=Mend("skip_broken"),
        )


def usable(
    samples: Iterable[Sample], report: DataReport, *, named: bool = True
) -> tuple[Sample, ...]:
    """The samples without those that are broken or there twice, or, if `named`, say nothing."""
    left_out = report.pictures_with(*BREAKS, "twice", *(["nothing"] if named else []))
    return tuple(one for one in samples if one.name not in left_out)
