"""What is shown in a late frame, in the frames before it: followed from there to the first.

The frames come in the other order, so any tracker serves. An object is followed back from the first
frame in which it is shown; from there on the way forward has it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.tasks.tracking.live import LiveTracker
from wordmask.tasks.tracking.pointing import FramePrompt


def number_prompts(prompts: Sequence[FramePrompt]) -> tuple[FramePrompt, ...]:
    """The prompts, each with an id, so that both ways mean the same object by it."""
    taken = {prompt.id for prompt in prompts}
    free = (number for number in count(1) if number not in taken)
    return tuple(prompt.with_id(next(free)) if prompt.id is None else prompt for prompt in prompts)


def first_frames(prompts: Sequence[FramePrompt]) -> dict[int, int]:
    """Object -> the first frame in which it is shown; the prompts have ids."""
    first: dict[int, int] = {}
    for prompt in prompts:
        if prompt.id is not None:
            first[prompt.id] = min(prompt.frame, first.get(prompt.id, prompt.frame))
    return first


def track_back(
    frames: Iterable[tuple[int, Image]], prompts: Sequence[FramePrompt], tracker: LiveTracker
) -> Iterator[tuple[int, Result]]:
    """Each frame's objects that are shown only later. The frames come with their numbers, late ones
    first, from the last in which an object is first shown.
    """
    first = first_frames(prompts)
    for index, image in frames:
        shown = [one for one in prompts if one.frame == index and first.get(one.id or 0) == index]
        result = tracker.step(image, shown)
        ids = [] if result.track_ids is None else result.track_ids.tolist()
        later = [row for row, id in enumerate(ids) if first.get(id, -1) > index]
        yield index, result[later].replace(absent=())


def join_ways(forward: Result, back: Result) -> Result:
    """Both results of one frame; pixels that two claim stay with the way forward."""
    if not len(back):
        return forward
    dense = np.stack([mask & ~forward.masks.union() for mask in back.masks])
    masks = Masks.from_dense(dense)
    kept = np.flatnonzero(masks.areas > 0)
    parts = forward, back[kept]
    vocabulary = tuple(dict.fromkeys(word for part in parts for word in part.vocabulary))
    names = [name for part in parts for name in part.names]
    ids = [np.zeros(0) if part.track_ids is None else part.track_ids for part in parts]
    return Result.of(
        Masks.concatenate([forward.masks, masks[kept]]),
        vocabulary,
        scores=np.concatenate([part.scores for part in parts]),
        label_ids=[vocabulary.index(name) if name else -1 for name in names],
        track_ids=np.concatenate(ids).astype(np.int64),
        why=tuple(why for part in parts for why in part.why or ()),
        made_by=forward.made_by,
        absent=tuple(word for word in forward.absent if word.phrase not in names),
    )
