"""The pictures that clients sent, and what engines made of them, bounded in bytes.

A picture is known by the sha256 of its file, an encoding by that and the names of the engines, in
which the hash of their weights stands. Those used longest ago are forgotten first; their clients
get 404 and send them again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.once import Once
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.read import read
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """A picture, and a view of it for each set of engines that has looked at it."""

    id: str
    image: Image
    views: dict[tuple[str, ...], View] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        own = int(self.image.pixels.nbytes)  # which every view counts too
        return own + sum(view.nbytes - own for view in list(self.views.values()))


class PictureStore:
    """Safe in threads: who needs the same picture or encoding waits for the one that makes it."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._pictures: OrderedDict[str, StoredPicture] = OrderedDict()
        self._reading: dict[str, Once[StoredPicture]] = {}
        self._lock = Lock()
        self.hits = self.misses = 0

    def add(self, data: bytes, limits: Limits) -> StoredPicture:
        """The picture in a file's bytes, decoded once."""
        limits.check_bytes("the picture", len(data))
        id = sha256(data).hexdigest()
        with self._lock:
            if id in self._pictures:
                self._pictures.move_to_end(id)
                return self._pictures[id]
            once = self._reading.setdefault(
                id, Once(lambda: StoredPicture(id, read(data, limits, name=id[:12])))
            )
        try:
            picture = once()
        finally:
            with self._lock:
                self._reading.pop(id, None)
        with self._lock:
            picture = self._pictures.setdefault(id, picture)
        self.trim()
        return picture

    def find(self, id: str) -> StoredPicture | None:
        with self._lock:
            picture = self._pictures.get(id)
            if picture is None:
                self.misses += 1
                return None
            self.hits += 1
            self._pictures.move_to_end(id)
            return picture

    def view(self, picture: StoredPicture, models: Models) -> View:
        """The picture for one question; encodings of earlier ones are in it."""
        with self._lock:
            shared = picture.views.setdefault(models.made_by, View(picture.image, models, Trace()))
        return shared.with_trace(Trace())

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(picture.nbytes for picture in self._pictures.values())

    def __len__(self) -> int:
        return len(self._pictures)

    def trim(self, most_bytes: int | None = None) -> None:
        """Forget pictures until the rest fits; the one that was used last always stays."""
        most = self._most if most_bytes is None else most_bytes
        with self._lock:
            sizes = {id: picture.nbytes for id, picture in self._pictures.items()}
            total = sum(sizes.values())
            for id in list(sizes)[:-1]:
                if total <= most:
                    break
                del self._pictures[id]
                total -= sizes[id]
