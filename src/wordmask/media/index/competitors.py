"""The words that an engine lets compete with every query, kept beside the index's tables.

A search then needs the engine's words only, and no picture.
"""

from io import BytesIO
from pathlib import Path

import numpy as np

from wordmask.core.protocols import Rivals
from wordmask.errors import FormatError
from wordmask.files import write_bytes

NAME = "rivals.npz"


def save_rivals(folder: Path, rivals: Rivals) -> None:
    buffer = BytesIO()
    np.savez(
        buffer,
        vectors=rivals.vectors.astype(np.float32),
        kin=rivals.kin.astype(np.float32),
        kin_of=rivals.kin_of.astype(np.int64),
        alike=np.float64(rivals.alike),
    )
    write_bytes(folder / NAME, buffer.getvalue())


def load_rivals(folder: Path) -> Rivals | None:
    """None where the engine that made the index has no rivals of its own."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as values:
            return Rivals(
                values["vectors"], values["kin"], values["kin_of"], float(values["alike"])
            )
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"{path} is broken ({error}); index the pictures again") from None
