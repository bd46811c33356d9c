"""The search tree of a large index: quantised vectors in partitions, and columns to filter by.

The figures are from simulated clustered vectors (docs/search.md): up to 100,000 rows comparing
every vector is quick and exact, above it 4-bit codes with exact vectors for the best lose little.
"""

from typing import Any

EXACT_ROWS = 100_000
STALE = 0.1  # share of rows that may be outside the tree before it is made again
LARGE = 2_000_000
FILTERED = ("album", "date", "name", "picture")


def make_tree(table: Any, *, least: int = EXACT_ROWS) -> bool:
    """Index the vectors and the columns of a table with more than `least` rows, if it is time."""
    rows = table.count_rows()
    if rows <= least or is_fresh(table, rows):
        return False
    from lancedb.index import BTree, IvfRq

    for column in FILTERED:
        table.create_index(column, config=BTree())
    sample = 64 if rows > LARGE else 256
    table.create_index(
        "vector", config=IvfRq(distance_type="cosine", num_bits=4, sample_rate=sample)
    )
    return True


def is_fresh(table: Any, rows: int) -> bool:
    """Whether there is a tree that holds nearly all rows."""
    names = [one.name for one in table.list_indices() if "vector" in one.columns]
    outside = [table.index_stats(name).num_unindexed_rows for name in names]
    return bool(outside) and max(outside) <= STALE * rows
