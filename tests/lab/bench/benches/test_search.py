import numpy as np

from wordmask.lab.bench.benches.search import SearchTable, pack


def test_the_words_of_a_search_have_an_interval_of_their_own():
    """Two pictures: in one the word finds the region, in the other it prefers the wrong one."""
    values = [
        {"label": [0, 1], "vectors": pack(np.eye(2)), "words": words, "scores": words}
        for words in (
            {"0": [0.9, 0.1], "1": [0.1, 0.9]},
            {"0": [0.2, 0.8], "1": [0.8, 0.2]},
        )
    ]
    table = SearchTable({"classes": ["cat", "dog"]}, values)
    found = [table.measure(np.array(weights))["word_map"] for weights in ([2, 0], [0, 2])]
    assert found == [1, 0.5]


def test_what_find_would_say_is_counted_over_regions_and_words():
    """One picture of a cat: found as one, and as a dog too; of what is not there, only a cow."""
    scores = {"0": [0.9], "1": [0.6], "2": [0.1]}
    value = {"label": [0], "vectors": pack(np.eye(1)), "words": scores, "scores": scores}
    table = SearchTable({"classes": ["cat", "dog", "cow"]}, [value])
    found = table.measure(np.array([1]))
    assert found["word_f1"] == 2 / 3
    assert (found["not_here_precision"], found["not_here_recall"]) == (1, 0.5)
