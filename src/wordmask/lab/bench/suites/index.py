"""How an index searches many regions: recall, time and size, against FAISS and usearch in one run.

The vectors are made up, with figures measured on `mini`'s 12,338 regions of 300 photographs: their
mean has norm 0.55, the variance around it falls by 1/e every 11 directions, that of the difference
to the nearest region of another picture every 18, and its norm is 0.45 (0.13). Clusters have sizes
of all orders. Words lie apart from regions, so queries are of two kinds: another member of a
cluster, and its middle at a cosine of about 0.5, along a direction that all words share. Times are
of single queries on one machine: read the ratios.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.media.index.rows import REGIONS
from wordmask.media.index.store import load_library, search
from wordmask.media.index.tree import EXACT_ROWS, make_tree

K = 10
AT_ONCE = 50_000  # rows made and written together
RARE = 20  # rows that pass the filter
MEAN, SPREAD, BETWEEN = 0.55, 11.0, 18.0  # see above
DIFFERENCE = (0.45, 0.13)  # norm, and its deviation


@dataclass(frozen=True)
class IndexSuiteOptions(SuiteOptions):
    """How much is simulated."""

    rows: Annotated[int, Ge(1000)] = 1_000_000
    """Regions."""
    dims: Annotated[int, Ge(8)] = 256
    """Of a vector."""
    queries: Annotated[int, Interval(ge=1, le=10_000)] = 100
    """Of either kind."""
    exact_rows: Annotated[int, Ge(1000)] = EXACT_ROWS
    """Up to so many rows there is no search tree."""
    peers: tuple[str, ...] = ("faiss", "usearch")
    """Libraries to compare with, where they are installed; both compare every vector."""
    seed: int = 0
    """Seed of the vectors."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Where vectors come from."""

    middles: Array  # (C, D) unit
    gap: Array  # (D,) unit, towards the words
    shares: Array  # (C,) of the rows

    @classmethod
    def draw(cls, count: int, dims: int, rng: np.random.Generator) -> "Clusters":
        shares = rng.pareto(1.2, count) + 0.1
        mean, gap = _unit(rng.normal(size=(2, dims)))
        around = _unit(rng.normal(size=(count, dims)) * _decay(dims, SPREAD))
        middles = _unit(MEAN * mean + np.sqrt(1 - MEAN**2) * around)
        return cls(middles, gap, shares / shares.sum())

    def members(self, clusters: Array, rng: np.random.Generator) -> Array:
        """(N, D) unit float32: a member of each of the clusters."""
        dims = self.middles.shape[1]
        way = _unit(rng.normal(size=(len(clusters), dims)) * _decay(dims, BETWEEN))
        lengths = np.maximum(rng.normal(*DIFFERENCE, len(clusters)), 0.05)
        return _unit(self.middles[clusters] + lengths[:, None] * way)

    def words(self, clusters: Array) -> Array:
        return _unit(0.5 * self.middles[clusters] + 0.85 * self.gap)


def _decay(dims: int, directions: float) -> Array:
    """(D,) standard deviations: the variance falls by 1/e over so many directions."""
    deviations: Array = np.exp(-np.arange(dims) / (2 * directions))
    return deviations


class IndexSuite(Suite[IndexSuiteOptions]):
    name = "index"
    about = "how an index of simulated regions searches, against FAISS and usearch"
    options = IndexSuiteOptions
    loads = False

    def run(self, kit: SuiteKit[IndexSuiteOptions]) -> Findings:
        options = kit.options
        rng = np.random.default_rng(options.seed)
        clusters = Clusters.draw(max(50, options.rows // 50), options.dims, rng)
        vectors = np.empty((options.rows, options.dims), np.float16)
        with TemporaryDirectory(dir=_make(kit.output)) as folder:
            table = (
                load_library().connect(folder).create_table(REGIONS, schema=_schema(options.dims))
            )
            kit.say(f"{options.rows:,} regions")
            began = time.perf_counter()
            for batch in _rows(vectors, clusters, rng):
                table.add(batch)
            written = time.perf_counter() - began
            kit.say("the search tree")
            began = time.perf_counter()
            has_tree = make_tree(table, least=options.exact_rows)
            built = time.perf_counter() - began
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            rows = measure(table, vectors, clusters, options, rng, kit.say)
            rare = search(table, vectors[0].astype(np.float32), K * RARE, "album = 'rare'")
            found = rare.select(["key", "_distance"]).to_arrow().num_rows
        facts = {
            "rows": options.rows,
            "search tree": "yes" if has_tree else "no",
            "written, rows a second": round(options.rows / written),
            "search tree built, s": round(built, 1),
            "bytes a region": round(size / options.rows),
            "rows that a filter of 20 returns": found,
        }
        return Findings(
            metrics=_metrics(rows, found),
            tables={
                "search": FindingTable.of(rows),
                "index": FindingTable(("figure", "value"), list(facts.items())),
            },
            verdicts=_verdicts(rows, found),
            seeds={"vectors": options.seed},
        )


def measure(
    table: Any,
    vectors: Array,
    clusters: Clusters,
    options: IndexSuiteOptions,
    rng: np.random.Generator,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """A row for each way to search."""
    chosen = rng.choice(len(clusters.shares), options.queries, p=clusters.shares)
    queries = {"region": clusters.members(chosen, rng), "word": clusters.words(chosen)}
    say("the truth")
    truth = {kind: find_exactly(vectors, rows) for kind, rows in queries.items()}
    ways: dict[str, Callable[[Array], Array]] = {"wordmask": lambda row: _search(table, row)}
    ways["wordmask, every vector"] = lambda row: _search(table, row, exact=True)
    ways |= _peers(vectors, options.peers)
    rows = []
    for name, way in ways.items():
        say(name)
        few = queries if name == "wordmask" else {k: q[:20] for k, q in queries.items()}
        row: dict[str, Any] = {"way": name}
        times: list[float] = []
        for kind, asked in few.items():
            found = [_time(way, one, times) for one in asked]
            hits = [len(set(a) & set(b)) / K for a, b in zip(found, truth[kind], strict=False)]
            row[f"{kind} recall@10"] = round(float(np.mean(hits)), 4)
        row["p50 ms"], row["p95 ms"] = (
            round(float(np.percentile(times, rank)) * 1000, 1) for rank in (50, 95)
        )
        rows.append(row)
    return rows


def find_exactly(vectors: Array, queries: Array) -> list[list[int]]:
    """The K rows of the highest cosine for each query."""
    scores = np.full((len(queries), 0), 0.0, np.float32)
    places: Array = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(vectors), AT_ONCE):
        part = _unit(vectors[start : start + AT_ONCE].astype(np.float32))
        own = queries.astype(np.float32) @ part.T
        scores = np.concatenate([scores, own], 1)
        numbers = np.arange(start, start + len(part))
        places = np.concatenate([places, np.broadcast_to(numbers, own.shape)], 1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        scores, places = (np.take_along_axis(table, best, 1) for table in (scores, places))
    found: list[list[int]] = places.tolist()
    return found


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _schema(dims: int) -> Any:
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("key", "picture", "album", "date", "name")]
    return pa.schema([*texts, ("vector", pa.list_(pa.float16(), dims))])


def _rows(vectors: Array, clusters: Clusters, rng: np.random.Generator) -> Iterator[Any]:
    """Arrow tables; the vectors in them are kept in `vectors` too."""
    import pyarrow as pa

    total, dims = vectors.shape
    rare = set(rng.choice(total, RARE, replace=False).tolist())
    for start in range(0, total, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, total))
        chosen = rng.choice(len(clusters.shares), len(numbers), p=clusters.shares)
        vectors[numbers.start : numbers.stop] = clusters.members(chosen, rng)
        flat = pa.array(vectors[numbers.start : numbers.stop].reshape(-1))
        columns = {
            "key": [str(number) for number in numbers],
            "picture": [str(number // 40) for number in numbers],
            "album": ["rare" if number in rare else f"a{number % 997}" for number in numbers],
            "date": [f"20{number % 24:02d}-01-01" for number in numbers],
            "name": [f"word {cluster % 400}" for cluster in chosen.tolist()],
            "vector": pa.FixedSizeListArray.from_arrays(flat, dims),
        }
        yield pa.table(columns, schema=_schema(dims))


def _search(table: Any, row: Array, *, exact: bool = False) -> Array:
    query = search(table, row.astype(np.float32), K).select(["key", "_distance"])
    found = (query.bypass_vector_index() if exact else query).to_arrow()
    return np.array([int(key) for key in found["key"].to_pylist()])


def _peers(vectors: Array, names: tuple[str, ...]) -> dict[str, Callable[[Array], Array]]:
    """Those of the other libraries that are here."""
    ways: dict[str, Callable[[Array], Array]] = {}
    rows = _unit(vectors.astype(np.float32))
    if "faiss" in names:
        try:
            import faiss
        except ImportError:
            pass
        else:
            flat = faiss.IndexFlatIP(rows.shape[1])
            flat.add(rows)
            ways["FAISS flat, in memory"] = lambda row: flat.search(
                row[None].astype(np.float32), K
            )[1][0]
    if "usearch" in names:
        try:
            from usearch.index import search as compare
        except ImportError:
            pass
        else:
            ways["usearch exact, in memory"] = lambda row: (
                compare(rows, row.astype(np.float32), K, exact=True).keys
            )
    return ways


def _time(way: Callable[[Array], Array], query: Array, times: list[float]) -> list[int]:
    began = time.perf_counter()
    found = way(query)
    times.append(time.perf_counter() - began)
    return [int(number) for number in found]


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Array = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def _metrics(rows: list[dict[str, Any]], found: int) -> dict[str, float | None]:
    own = rows[0]
    return {
        "region_recall": own["region recall@10"],
        "word_recall": own["word recall@10"],
        "p50_ms": own["p50 ms"],
        "filter_rows": float(found),
    }


def _verdicts(rows: list[dict[str, Any]], found: int) -> list[str]:
    own = rows[0]
    recall = min(own["region recall@10"], own["word recall@10"])
    return [
        f"recall@10 {recall:.3f}, wanted .95: {'yes' if recall >= 0.95 else 'no'}",
        f"p50 {own['p50 ms']} ms, wanted 50: {'yes' if own['p50 ms'] <= 50 else 'no'}",
        f"a filter that {RARE} rows pass returns {found}",
    ]
