"""The `Tracker` that every engine with a video network has: its checks, its values."""

from collections.abc import Sequence

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Memory, TrackStep
from wordmask.engines.hub.object_masks import A_MASK, PRESENT, object_mask
from wordmask.engines.hub.object_memory import FrameMaps, MemoryNetwork, ObjectMemory
from wordmask.errors import PromptError


def remember(
    network: MemoryNetwork, maps: FrameMaps, size: Size, mask: Array, memory: Memory | None
) -> Memory:
    """The object that is `mask` in this frame of `size`; see `core.protocols.Tracker`."""
    inside = object_mask(mask, size)
    frame = 0 if memory is None else memory.frame
    before = None if memory is None else own_state(memory)
    state = network.remember(maps, inside, before, frame)
    return Memory(state, frame, state.nbytes)


def follow(network: MemoryNetwork, maps: FrameMaps, memories: Sequence[Memory]) -> list[TrackStep]:
    """Each object in the next frame, as if it were alone."""
    steps = []
    for memory in memories:
        frame = memory.frame + 1
        found = network.step(own_state(memory), maps, frame)
        there = found.presence > PRESENT and bool((found.logits > 0).any())
        steps.append(
            TrackStep(
                Memory(found.memory, frame, found.memory.nbytes),
                found.logits if there else None,
                found.presence,
            )
        )
    return steps


def own_state(memory: Memory) -> ObjectMemory:
    """What a video network remembers of the object."""
    state = memory.state
    if not isinstance(state, ObjectMemory):
        raise PromptError(
            f"the memory holds a {type(state).__name__}, which another engine made; begin with "
            "`remember` of the engine that follows",
            mend=A_MASK,
        )
    if not state.prompted:
        raise PromptError(
            "the object has no mask in any frame, so nothing can be followed; begin with "
            "`remember`",
            mend=A_MASK,
        )
    return state
