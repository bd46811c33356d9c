"""What a teacher's encoder sees in each picture, computed once and kept on disk."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.maps import MapSegmenter
from wordmask.files import atomic
from wordmask.lab.training.kept import keep_in

Teach = Callable[[Array], Sequence[Array]]  # (side, side, 3) pixels -> maps (C, h, w)


class TeacherDump:
    """The teacher's maps of pictures in half precision; a run that was killed goes on."""

    def __init__(self, folder: Path, name: str, side: int, teach: Teach) -> None:
        """`name`: of the teacher's weights; another teacher's dump is refused."""
        self.folder, self.name, self.teach = folder, name, teach
        keep_in(folder, f"{name} at {side}")

    def maps(self, pixels: Array) -> list[Array]:
        """From the disk, or computed and put there."""
        path = self.folder / f"{sha256(pixels.tobytes()).hexdigest()[:24]}.npz"
        if not path.exists():
            maps = enumerate(self.teach(pixels))
            made: dict[str, Any] = {f"m{k}": one.astype(np.float16) for k, one in maps}
            with atomic(path) as part, part.open("wb") as file:
                np.savez(file, **made)
        with np.load(path, allow_pickle=False) as file:
            return [file[f"m{k}"].astype(np.float32) for k in range(len(file.files))]


def teach_by(engine: MapSegmenter) -> Teach:
    """What an engine sees of a square picture."""

    def teach(pixels: Array) -> Sequence[Array]:
        (seen,) = engine.encode([Image(pixels)])
        return engine.maps(seen)

    return teach


def map_shapes(engine: MapSegmenter, side: int) -> tuple[tuple[int, int], ...]:
    """(channels, cells of a side) of each of an engine's maps of a square picture."""
    maps = teach_by(engine)(np.zeros((side, side, 3), np.uint8))
    return tuple((one.shape[0], one.shape[1]) for one in maps)
