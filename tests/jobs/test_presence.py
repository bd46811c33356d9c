from drawing import draw_masks
from wordmask.core.result import Result
from wordmask.jobs.presence import Presence


def result(*ids):
    masks = draw_masks(*["##/.."] * len(ids)) if ids else draw_masks("##/..")[[]]
    return Result.of(masks, ("dog",), label_ids=[0] * len(ids), track_ids=list(ids))


def test_comings_and_goings():
    presence = Presence(("dog", "cat"))
    for ids in [(1,), (1, 2), (2,), (), (1,)]:
        presence.add(result(*ids))
    assert presence.runs == {1: [(0, 1), (4, 4)], 2: [(1, 2)]}
    assert presence.names == {1: "dog", 2: "dog"}
    assert (presence.absent, presence.frames) == (("cat",), 5)
