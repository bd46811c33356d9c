"""Made-up inputs for the graphs of an exported folder, from what its manifest says of them."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from wordmask.core.image import Array

KINDS = ("kind", "which", "slots", "clusters", "input_ids", "attention_mask")


def made_up_feed(
    entry: Mapping[str, Any], sizes: Mapping[str, int], seed: int = 0
) -> dict[str, Array]:
    """Inputs of a graph at some sizes; `entry` is its entry in the manifest.

    >>> entry = {"inputs": [{"name": "xy", "type": "tensor(float)", "shape": ["prompts", 2]}]}
    >>> made_up_feed(entry, {"prompts": 3})["xy"].shape
    (3, 2)
    """
    rng = np.random.default_rng(seed)
    feed = {}
    for port in entry["inputs"]:
        shape = tuple(extent_of(side, sizes) for side in port["shape"])
        if port["name"] in KINDS:
            feed[port["name"]] = _numbers(port["name"], shape, rng)
        else:
            feed[port["name"]] = rng.standard_normal(shape).astype(np.float32)
    return feed


def _numbers(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Whole numbers that the input can hold."""
    if name == "kind":
        return rng.integers(-1, 4, shape)
    if name in ("which", "slots"):
        return np.arange(shape[0]) % 2 - (name == "which")
    if name == "attention_mask":
        return np.ones(shape, np.int64)
    return rng.integers(0, 4, shape)


def extent_of(side: int | str, sizes: Mapping[str, int]) -> int:
    """
    >>> extent_of(3, {}), extent_of("prompts", {"prompts": 5}), extent_of("8*rows", {"rows": 4})
    (3, 5, 32)
    """
    if isinstance(side, int):
        return side
    found = re.fullmatch(r"(?:(\d+)\*)?(\w+)", side)
    if found is None or found[2] not in sizes:
        raise KeyError(side)
    return int(found[1] or 1) * sizes[found[2]]
