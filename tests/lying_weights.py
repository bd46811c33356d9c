"""Weights files for tests, true and false."""

import json
import struct

import numpy as np


def tensors(**changes) -> bytes:
    """Two tensors, a (2, 3) float32 and b (4,) uint8; `changes` replace entries of the header."""
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "U8", "shape": [4], "data_offsets": [24, 28]},
        "__metadata__": {"format": "pt"},
    } | changes
    text = json.dumps({name: entry for name, entry in header.items() if entry is not None}).encode()
    return struct.pack("<Q", len(text)) + text + np.arange(28, dtype=np.uint8).tobytes()
