import numpy as np

from wordmask.lab.bench.benches.recognise import ranks


def test_the_place_of_the_right_name():
    scores = np.array([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]])
    assert ranks(scores, np.array([1, 0])).tolist() == [0, 2]


def test_an_engine_that_says_the_same_of_all_is_right_for_one_class_only():
    assert ranks(np.ones((3, 3)), np.array([0, 1, 2])).tolist() == [0, 1, 2]
