"""Results for the tests of formats: drawn ones, any ones, and what comes back from a file."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import strategies as st

from drawing import draw
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda word: word.strip()
)


def result_of(
    *masks: np.ndarray, words=("cat", "hot dog"), labels=None, scores=None, **columns
) -> Result:
    """Masks with words in turn and falling scores."""
    labels = [index % len(words) for index in range(len(masks))] if labels is None else labels
    scores = [0.9 - 0.125 * index for index in range(len(masks))] if scores is None else scores
    return Result.of(
        Masks.from_dense(np.stack(masks)), words, scores=scores, label_ids=labels, **columns
    )


def example() -> Result:
    """A ring, what is not the ring, and two separate corners."""
    ring = draw("#####", "#...#", "#.#.#", "#...#", "#####")
    return result_of(
        ring, ~ring, draw("....#", ".....", ".....", ".....", "#...."), labels=[0, -1, 1]
    )


@st.composite
def results(draw_, *, overlapping=True, most=4):
    """Any masks on a small picture: holes, specks, full, empty, touching by a corner."""
    size = draw_(st.tuples(st.integers(1, 11), st.integers(1, 11)))
    count = draw_(st.integers(0, most))
    seed = draw_(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    if overlapping:
        masks = Masks.from_dense(
            generator.random((count, *size)) < generator.choice([0, 0.2, 0.6, 1], (count, 1, 1))
        )
    else:
        masks, _ = Masks.from_label_map(generator.integers(-1, count + 1, size))
    words = draw_(st.lists(WORDS, unique=True, max_size=3))
    tracks = (
        generator.integers(-1, 2**40, len(masks)) if len(masks) and draw_(st.booleans()) else None
    )
    if tracks is not None and (tracks < 0).all():
        tracks = None
    return Result.of(
        masks, words, scores=generator.random(len(masks), np.float32), track_ids=tracks,
        label_ids=generator.integers(-1, len(words), len(masks)),
    )  # fmt: skip


def there_and_back(result: Result, name: str, options: FormatOptions | None = None) -> Named:
    with TemporaryDirectory() as folder:
        formats.save(result, Path(folder) / name, options=options)
        (item,) = formats.load_named(Path(folder) / name, options=options)
        return item


def masks_of(result: Result) -> list[bytes]:
    return sorted(mask.tobytes() for mask in result.masks)


def assert_same(
    got: Result, wanted: Result, *, columns=("scores", "label_ids", "track_ids", "embeddings")
) -> None:
    assert got.size == wanted.size
    assert (got.masks.dense() == wanted.masks.dense()).all()
    for column in columns:
        mine, theirs = getattr(got, column), getattr(wanted, column)
        assert (mine is None) == (theirs is None), column
        assert theirs is None or np.array_equal(mine, theirs), column
