import numpy as np

from wordmask.lab.bench.benches.search import SearchTable, pack


def test_the_words_of_a_search_have_an_interval_of_their_own():
    """Two pictures: in one the word finds the region, in the other it prefers the wrong one."""
    values = [
        {"label": [0, 1], "vectors": pack(np.eye(2)), "words": {"0": [0.9, 0.1], "1": [0.1, 0.9]}},
        {"label": [0, 1], "vectors": pack(np.eye(2)), "words": {"0": [0.2, 0.8], "1": [0.8, 0.2]}},
    ]
    table = SearchTable({"classes": ["cat", "dog"]}, values)
    found = [table.measure(np.array(weights))["word_map"] for weights in ([2, 0], [0, 2])]
    assert found == [1, 0.5]
