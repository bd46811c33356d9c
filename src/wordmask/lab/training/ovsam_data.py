"""Data for Open-Vocabulary SAM: opened, looked at, and without what is broken.

Pictures in which nothing is named stay: a teacher's maps and masks can be learned from them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from wordmask.errors import FormatError, InputError, did_you_mean
from wordmask.lab.data.inspect import DataReport, NamedSet, inspect_sets, usable
from wordmask.lab.data.own import open_own
from wordmask.lab.data.sample import Dataset
from wordmask.lab.training.ovsam_options import OvsamTrainOptions
from wordmask.lab.training.ovsam_samples import Source, ThingReader, is_held_out
from wordmask.lab.training.vocabulary import word

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ThingSets:
    """What is learned from, and what is judged by where it is data of its own."""

    sets: tuple[Dataset, ...]
    test: Dataset | None
    say: Say

    def reader(self, options: OvsamTrainOptions, side: int) -> ThingReader:
        """Their pictures in squares of `side` pixels."""
        words, most = options.without_words, options.most_pictures
        self._check_withheld(words)
        reader = ThingReader(self.sets, side, words, most, self.test)
        if not reader.learn:
            raise FormatError("no picture is left to learn from")
        self.say(
            f"{len(reader.learn):,} pictures to learn from, {len(reader.held):,} to judge by; "
            f"{len(reader.words)} words"
        )
        return reader

    def _check_withheld(self, words: Sequence[str]) -> None:
        """A word that is spelled otherwise would be learned after all."""
        known = {word(name) for data in self.sets for name in data.words}
        unknown = [one for one in words if one not in known]
        if unknown:
            raise InputError(
                f"{unknown[0]!r} is to be withheld, but no data set names it."
                f"{did_you_mean(unknown[0], known)}"
            )


def open_things(options: OvsamTrainOptions, say: Say) -> ThingSets:
    """Open and check all data; what was found is said before anything is refused."""
    paths = (options.data, *options.more_data)
    sets = [NamedSet(str(path), open_own(path, options.images)) for path in paths]
    test = None
    if options.test is not None:
        test = NamedSet(str(options.test), open_own(options.test, options.images))
    if not options.check_data:
        return ThingSets(tuple(one.data for one in sets), test and test.data, say)
    reports, test_report = inspect_sets(sets, test, say, skip=options.skip_broken)
    kept = [_keep(one.data, report) for one, report in zip(sets, reports, strict=True)]
    if test is not None:
        return ThingSets(tuple(kept), _keep(test.data, test_report), say)
    return ThingSets(tuple(_without_copies(kept, reports, say)), None, say)


def _keep(data: Dataset, report: DataReport) -> Dataset:
    return replace(data, samples=usable(data.samples, report, named=False))


def _without_copies(
    sets: Sequence[Dataset], reports: Sequence[DataReport], say: Say
) -> list[Dataset]:
    """Without pictures that another set holds out, pixel for pixel, under another name."""
    held, copies = set[str](), 0
    for data, report in zip(sets, reports, strict=True):
        names = {one.name for one in data.samples if is_held_out(Source(data, one))}
        held |= {digest for digest, name in report.digests.items() if name in names}
    kept = []
    for data, report in zip(sets, reports, strict=True):
        names = {name for digest, name in report.digests.items() if digest in held}
        rest = [
            one for one in data.samples if one.name not in names or is_held_out(Source(data, one))
        ]
        copies += len(data.samples) - len(rest)
        kept.append(replace(data, samples=tuple(rest)))
    if copies:
        say(f"{copies:,} pictures are not learned from: another set holds them out")
    return kept
