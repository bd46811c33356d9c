"""SAM 2's video network in an exported folder: objects are followed by numpy and five graphs.

Each object has a memory of its own, so objects do not see each other. A frame with a mask of the
user's is kept for good, the first and the newest three; of the others the newest maps and pointers
are kept, which is all that a later frame can ask for. Memories are fp32.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Memory, Seen, TrackStep, own_seen
from wordmask.engines.graphs.manifest import Manifest
from wordmask.engines.graphs.network import GraphNetwork, open_network
from wordmask.engines.graphs.prompting import choose
from wordmask.engines.graphs.segmenter import (
    ExportedNetwork,
    GraphSeen,
    GraphSegmenter,
    check_side,
    open_pair,
)
from wordmask.engines.hub.object_masks import A_MASK, PRESENT, object_mask
from wordmask.engines.options import EngineOptions
from wordmask.errors import PromptError
from wordmask.ops.resample import antialias

NOT_THERE = -1024.0  # logit of every pixel where the object is not in the frame, as in SAM 2
SURE = 10.0  # logit of the presence of an object whose mask was given


class FrameMemory(NamedTuple):
    """What is remembered of an object in one frame."""

    pointer: Array  # (D,)
    map: Array | None  # (E, c, c)


@dataclass(frozen=True, eq=False)
class GraphMemory:
    """Frame -> what is remembered of an object there."""

    prompted: Mapping[int, FrameMemory] = field(default_factory=dict)  # whose mask was given
    followed: Mapping[int, FrameMemory] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for array in self._arrays())

    def _arrays(self) -> Iterator[Array]:
        for frames in (self.prompted, self.followed):
            for kept in frames.values():
                yield from (array for array in kept if array is not None)


class MemoryView(NamedTuple):
    """What memory attention reads of one object in one frame."""

    slots: tuple[int, ...]
    maps: Array  # (F, E, c, c)
    ages: tuple[float, ...]
    pointers: Array  # (N, D)


class MemoryNetworks(NamedTuple):
    """The graphs of a folder that remember."""

    mask_prompt: GraphNetwork
    memory_encoder: GraphNetwork
    memory_attention: GraphNetwork


class GraphTracker(GraphSegmenter):
    """A `Segmenter` that is a `Tracker` too, both on one encoding."""

    network: ExportedNetwork

    def __init__(
        self, name: str, pair: ExportedNetwork, memory: MemoryNetworks, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(name, pair)
        self._memory, self._settings = memory, settings

    def remember(self, seen: Seen, mask: Array, memory: Memory | None = None) -> Memory:
        """The object that is `mask` in this frame; with `memory`, a correction of it."""
        own = own_seen(seen, GraphSeen, self.name)
        square = self._square(object_mask(mask, own.size))
        frame = 0 if memory is None else memory.frame
        before = GraphMemory() if memory is None else own_state(memory)
        earlier = self._memory.mask_prompt({"mask": square})["out_earlier"]
        # The plain map of the frame, without what a picture alone gets added.
        maps = {**own.maps, "map_picture": own.maps["map_raw"]}
        _, pointer, _ = self._decode(maps, earlier, several=True)
        kept = FrameMemory(pointer, self._encode_memory(own, square, SURE))
        followed = {at: old for at, old in before.followed.items() if at != frame}
        prompted = dict(sorted({**before.prompted, frame: kept}.items()))
        state = self._prune(GraphMemory(prompted, followed), frame)
        return Memory(state, frame, state.nbytes)

    def step(self, memories: Sequence[Memory], seen: Seen) -> list[TrackStep]:
        """Each object in the next frame, as if it were alone."""
        own = own_seen(seen, GraphSeen, self.name)
        views = [self._view(own_state(memory), memory.frame + 1) for memory in memories]
        maps = self._attend(own, views)
        pairs = zip(memories, maps, strict=True)
        return [self._step(own, memory, picture) for memory, picture in pairs]

    def _step(self, seen: GraphSeen, memory: Memory, picture: Array) -> TrackStep:
        frame, before = memory.frame + 1, own_state(memory)
        maps = {**seen.maps, "map_picture": picture}
        logits, pointer, presence = self._decode(maps, None, self._settings["several_masks"])
        if presence <= 0:
            logits = np.full_like(logits, NOT_THERE)
        side = self.network.square.side
        large = cv2.resize(logits, (side, side), interpolation=cv2.INTER_LINEAR)
        kept = FrameMemory(
            pointer, self._encode_memory(seen, _sigmoid(large)[None, None], presence)
        )
        state = self._prune(GraphMemory(before.prompted, {**before.followed, frame: kept}), frame)
        score = float(_sigmoid(np.array(presence, np.float32)))
        there = score > PRESENT and bool((logits > 0).any())
        return TrackStep(Memory(state, frame, state.nbytes), logits if there else None, score)

    def _decode(
        self, maps: Mapping[str, Array], earlier: Array | None, several: bool
    ) -> tuple[Array, Array, float]:
        """One object's best mask (h, w), its pointer, and the logit that it is there."""
        cells, missing = self.network.square.cells, self._settings["paddings"]["nothing"]
        none = np.zeros((1, 1, cells, cells), np.float32)
        prompts = {
            "xy": np.zeros((1, missing, 2), np.float32),
            "kind": np.full((1, missing), -1),
            "earlier": none if earlier is None else earlier,
            "which": np.array([-1 if earlier is None else 0]),
        }
        found = self.network.answer(maps, prompts)
        masks, quality = choose(
            found["out_masks"], found["out_quality"], several, self._settings["stability"]
        )
        best = int(quality[0].argmax())
        row = 1 + best if several else 0
        return masks[0, best], found["out_pointers"][0, row], float(found["out_presence"][0])

    def _encode_memory(self, seen: GraphSeen, square: Array, presence: float) -> Array:
        """(E, c, c)."""
        feed = {"map_raw": seen.maps["map_raw"], "mask": square, "presence": np.array([presence])}
        memory: Array = self._memory.memory_encoder(feed)["out_memory"][0]
        return memory

    def _square(self, inside: Array) -> Array:
        """(1, 1, side, side) float32, 1 inside. An object too small keeps a pixel."""
        side = self.network.square.side
        shares = inside.astype(np.float32)
        if inside.shape != (side, side):
            shares = antialias(shares, (side, side))
            shares = (shares >= min(0.5, float(shares.max()))).astype(np.float32)
        return shares[None, None]

    # ---- what is remembered

    def _view(self, memory: GraphMemory, frame: int) -> MemoryView:
        """What the object's memory holds for this frame, in the order of the paper's authors."""
        behind, pointers_behind = self._settings["maps_behind"], self._settings["pointers_behind"]
        maps = [(behind, kept.map) for kept in memory.prompted.values()]
        for age in range(behind, 0, -1):
            kept = memory.followed.get(frame - age)
            if kept is not None:
                maps.append((age - 1, kept.map))
        pointers = [(frame - at, kept.pointer) for at, kept in memory.prompted.items()]
        for age in range(1, pointers_behind + 1):
            kept = memory.followed.get(frame - age)
            if kept is not None:
                pointers.append((age, kept.pointer))
        held = [(slot, array) for slot, array in maps if array is not None]
        return MemoryView(
            tuple(slot for slot, _ in held),
            np.stack([array for _, array in held]),
            tuple(age / pointers_behind for age, _ in pointers),
            np.stack([pointer for _, pointer in pointers]),
        )

    def _attend(self, seen: GraphSeen, views: Sequence[MemoryView]) -> list[Array]:
        """(1, D, c, c) of each object; those whose memories are of the same frames together."""
        found: dict[int, Array] = {}
        alike: dict[tuple[Any, Any], list[int]] = {}
        for row, view in enumerate(views):
            alike.setdefault((view.slots, view.ages), []).append(row)
        for (slots, ages), rows in alike.items():
            feed = {
                "map_raw": seen.maps["map_raw"],
                "memories": np.stack([views[row].maps for row in rows]),
                "slots": np.array(slots),
                "pointers": np.stack([views[row].pointers for row in rows]),
                "ages": np.array(ages, np.float32),
            }
            maps = self._memory.memory_attention(feed)["out_picture"]
            found.update({row: maps[place : place + 1] for place, row in enumerate(rows)})
        return [found[row] for row in range(len(views))]

    def _prune(self, memory: GraphMemory, frame: int) -> GraphMemory:
        """What frames after `frame` can ask for."""
        first, *others = memory.prompted
        newest = others[1 - self._settings["prompted_frames"] :]
        prompted = {at: memory.prompted[at] for at in (first, *newest)}
        followed = {}
        for at, kept in memory.followed.items():
            age = frame - at
            if age < self._settings["maps_behind"]:
                followed[at] = kept
            elif age < self._settings["pointers_behind"]:
                followed[at] = FrameMemory(kept.pointer, None)
        return GraphMemory(prompted, followed)


def own_state(memory: Memory) -> GraphMemory:
    """What this engine remembers of the object."""
    state = memory.state
    if not isinstance(state, GraphMemory) or not state.prompted:
        raise PromptError(
            f"the memory holds a {type(state).__name__}, which another engine made, or no mask; "
            "begin with `remember` of the engine that follows",
            mend=A_MASK,
        )
    return state


def _sigmoid(logits: Array) -> Array:
    clipped = np.clip(logits, -80, 80)
    shares: Array = 1 / (1 + np.exp(-clipped))
    return shares


def load(exported: Manifest, options: EngineOptions) -> GraphTracker:
    """The engine of an exported folder."""
    check_side(exported, options)
    memory = MemoryNetworks(
        *(
            open_network(exported.graphs[name].path, options, exported.runtime)
            for name in MemoryNetworks._fields
        )
    )
    return GraphTracker(exported.name, open_pair(exported, options), memory, exported.settings)
