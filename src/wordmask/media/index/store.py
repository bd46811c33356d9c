"""An index on disk: a folder with one table of regions and one of pictures.

Rows have keys and are upserted, so that work done twice after a kill leaves one row. A picture's
row is written after its regions: it says that they are all there. One process writes (`lock.py`),
any number read; old versions are kept for ten minutes, so that no reader loses what it reads.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from wordmask.core.image import Array
from wordmask.errors import FormatError, Mend, OptionError, OutputError, missing_extra
from wordmask.media.index.rows import (
    PICTURES,
    REGIONS,
    KnownFile,
    PictureRow,
    RegionRow,
    schema_of,
    to_arrow,
    to_pictures,
    to_regions,
)
from wordmask.media.index.where import any_of, quote

VERSION = 1
KEEP = timedelta(minutes=10)  # of old versions, for those who are reading them
FEW_ROWS = 30_000  # so many rows that pass a filter are all compared
AT_ONCE = 256  # pictures in one deletion
PROBES, REFINE = 20, 10  # partitions that are looked into; rows compared exactly for each answer


@dataclass(frozen=True)
class IndexFacts:
    """What made the vectors of an index. Other engines' vectors do not go with them."""

    engine: tuple[str, ...]  # names with the weights' hashes
    dims: int
    scale: float  # softmax(scale * vectors @ words.T) is a distribution over words
    recipe: Mapping[str, Any]  # the options that decide which regions there are
    version: int = VERSION

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: bytes, folder: Path) -> "IndexFacts":
        value = json.loads(text)
        if value.get("version") != VERSION:
            raise FormatError(
                f"{folder} is an index of version {value.get('version')}, this wordmask reads "
                f"{VERSION}; index the pictures again into another folder"
            )
        return cls(**value | {"engine": tuple(value["engine"])})


class RegionStore:
    """An index that is there, or one that comes to be with the first row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._library = load_library()

    @property
    def exists(self) -> bool:
        return (self.folder / f"{PICTURES}.lance").is_dir()

    @cached_property
    def _database(self) -> Any:
        """Opened when it is needed, as the library makes a folder that is not there."""
        return self._library.connect(str(self.folder))

    @cached_property
    def facts(self) -> IndexFacts:
        with _reading(self.folder):
            return IndexFacts.parse(self.table(PICTURES).schema.metadata[b"wordmask"], self.folder)

    def table(self, name: str) -> Any:
        """A table as it is now; readers keep the version that they opened."""
        with _reading(self.folder):
            return self._database.open_table(name)

    def create(self, facts: IndexFacts) -> None:
        """Make the tables, or raise if they are there and of something else."""
        if not self.exists:
            for name in (REGIONS, PICTURES):  # the one that is looked for comes last
                schema = schema_of(name, facts.dims, facts.text())
                with _writing(self.folder):
                    self._database.create_table(name, schema=schema, exist_ok=True)
        self.check(facts.engine, facts.recipe)

    def check(self, engine: Sequence[str], recipe: Mapping[str, Any] | None = None) -> None:
        """Raise unless these engines, with this recipe, made the index."""
        mine = self.facts
        if tuple(engine) != mine.engine:
            raise OptionError(
                f"{self.folder} was made by {' + '.join(mine.engine)}, this is "
                f"{' + '.join(engine)}: their vectors cannot be compared; use the same model, or "
                "another index"
            )
        if recipe is not None and json.loads(json.dumps(recipe)) != mine.recipe:
            wanted, got = dict(mine.recipe), json.loads(json.dumps(recipe))
            changed = sorted(key for key in {*wanted, *got} if wanted.get(key) != got.get(key))
            raise OptionError(
                f"{self.folder} was made with another {', '.join(changed)}; use the same options, "
                "or another index"
            )

    # ---- writing

    def upsert(self, regions: Sequence[RegionRow], pictures: Sequence[PictureRow]) -> None:
        """Add rows, or replace those of the same key; pictures last, as they vouch for regions."""
        for name, key, rows in ((REGIONS, "key", regions), (PICTURES, "path", pictures)):
            if rows:
                table = self.table(name)
                with _writing(self.folder):
                    merge_rows(table, key, to_arrow(rows, table.schema))

    def move(self, moved: Mapping[str, tuple[str, str]]) -> None:
        """Give the regions of pictures, by sha256, another (path, album)."""
        import pyarrow as pa

        table = self.table(REGIONS)
        for some in _batches(list(moved)):
            with _reading(self.folder):
                found = table.search().where(any_of("picture", some)).select(["key", "picture"])
                rows = found.limit(None).to_arrow()
            pictures = rows["picture"].to_pylist()
            paths, albums = ([moved[one][side] for one in pictures] for side in (0, 1))
            values = pa.table({"key": rows["key"], "path": paths, "album": albums})
            with _writing(self.folder):
                table.merge_insert("key").when_matched_update_all().execute(values)

    def delete(self, table: str, column: str, values: Iterable[str]) -> None:
        """Delete the rows in whose column one of the values stands."""
        for some in _batches(sorted(values)):
            with _writing(self.folder):
                self.table(table).delete(any_of(column, some))

    def tidy(self, *, fragments: int = 8) -> None:
        """Join small pieces where there are many, and remove versions that nobody reads."""
        for name in (REGIONS, PICTURES):
            table = self.table(name)
            if table.stats()["fragment_stats"]["num_small_fragments"] >= fragments:
                with _writing(self.folder):
                    table.optimize(cleanup_older_than=KEEP)

    def describe_search(self) -> str:
        """How the index is searched, in words."""
        with _reading(self.folder):
            indices = self.table(REGIONS).list_indices()
        if any("vector" in one.columns for one in indices):
            return f"4-bit codes in partitions, the best {REFINE} times as many compared exactly"
        return "exact, every vector is compared"

    # ---- reading

    def check_condition(self, name: str, where: str) -> None:
        """Raise unless the condition can be asked of the table; no row is read."""
        table = self.table(name)
        try:
            table.search().where(where).explain_plan()
        except (RuntimeError, ValueError, OSError) as error:
            raise OptionError(
                f"the condition {where!r} cannot be asked of {name}: {first_line(error)}",
                mend=Mend("where", "\"date > '2024-01-01'\""),
            ) from None

    def count(self, table: str, where: str | None = None) -> int:
        with _reading(self.folder):
            return int(self.table(table).count_rows(where))

    def pictures(self, where: str | None = None) -> list[PictureRow]:
        with _reading(self.folder):
            found = self.table(PICTURES).search()
            return to_pictures((found.where(where) if where else found).limit(None).to_arrow())

    def pictures_at(self, paths: Sequence[str]) -> list[PictureRow]:
        return [row for some in _batches(paths) for row in self.pictures(any_of("path", some))]

    def paths_of_regions(self) -> dict[str, str]:
        """The path that the regions of each picture name, by its sha256."""
        with _reading(self.folder):
            found = self.table(REGIONS).search().select(["picture", "path"])
            rows = found.where("region = 0").limit(None).to_arrow()
        return dict(zip(rows["picture"].to_pylist(), rows["path"].to_pylist(), strict=True))

    def regions(self, where: str) -> list[RegionRow]:
        with _reading(self.folder):
            found = self.table(REGIONS).search().where(where).limit(None)
            return to_regions(found.to_arrow())

    def files(self) -> dict[str, KnownFile]:
        """Every file by its path."""
        with _reading(self.folder):
            found = self.table(PICTURES).search().select(["path", *KnownFile._fields])
            rows = found.limit(None).to_arrow().to_pylist()
        return {row.pop("path"): KnownFile(**row) for row in rows}

    def column(self, table: str, name: str) -> list[Any]:
        with _reading(self.folder):
            found = self.table(table).search().select([name]).limit(None).to_arrow()
        values: list[Any] = found[name].to_pylist()
        return values

    def nearest(self, vector: Array, count: int, where: str | None = None) -> list[RegionRow]:
        """The regions whose vectors have the highest cosine, best first."""
        with _reading(self.folder):
            return to_regions(search(self.table(REGIONS), vector, count, where).to_arrow())

    def regions_of_names(
        self, words: Sequence[str], count: int, where: str | None = None
    ) -> list[RegionRow]:
        """Regions that have one of the names."""
        own = " OR ".join(f"array_contains(names, {quote(word)})" for word in words)
        wanted = f"({own}) AND ({where})" if where else own
        with _reading(self.folder):
            return to_regions(self.table(REGIONS).search().where(wanted).limit(count).to_arrow())

    def nearest_pictures(
        self, vector: Array, count: int, where: str | None = None
    ) -> list[PictureRow]:
        """The same for pictures as a whole."""
        with _reading(self.folder):
            return to_pictures(search(self.table(PICTURES), vector, count, where).to_arrow())


def search(table: Any, vector: Array, count: int, where: str | None = None) -> Any:
    """The query for the `count` nearest rows: exact where few rows are left to compare."""
    query = table.search(vector, vector_column_name="vector", query_type="vector")
    query = query.distance_type("cosine").limit(count)
    if where is not None:
        query = query.where(where, prefilter=True)
    indices = [one for one in table.list_indices() if "vector" in one.columns]
    if not indices:
        return query
    total = table.count_rows()
    left = total if where is None else table.count_rows(where)
    if left <= FEW_ROWS:
        return query.bypass_vector_index()
    # With a filter the partitions hold fewer rows that count: look into more of them.
    probes = PROBES if total <= 2_000_000 else 2 * PROBES
    probes = min(4096, max(probes, round(PROBES * total / left)))
    return query.minimum_nprobes(probes).maximum_nprobes(probes).refine_factor(REFINE)


def merge_rows(table: Any, key: str, rows: Any) -> None:
    merge = table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
    merge.execute(rows)


def load_library() -> Any:
    try:
        import lancedb
    except ImportError:
        raise missing_extra("lancedb (needed by the index)", "search") from None
    return lancedb


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """What the library raises, as ours: its errors are RuntimeError, ValueError and OSError."""
    try:
        yield
    except (OptionError, FormatError):
        raise
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        raise FormatError(
            f"{folder} is no index, or a broken one ({first_line(error)}); "
            "`wordmask index` makes one, and mends one that is broken with repair"
        ) from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, FormatError | OptionError):
            raise
        raise OutputError(f"{folder} could not be written: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
