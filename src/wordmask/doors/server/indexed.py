"""The index that is searched over HTTP: read only, and only pictures that it names are opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from wordmask.core.models import Models
from wordmask.doors.server.problems import RefusalError
from wordmask.errors import FormatError, OptionError
from wordmask.jobs.find import IndexSearch
from wordmask.jobs.setup import Setup
from wordmask.media.index.rows import PICTURES, REGIONS
from wordmask.media.index.where import COLUMNS, any_of, check_where
from wordmask.media.reading.limits import Limits

TOLD = tuple(name for name in COLUMNS if name != "path")  # conditions on it would tell folders


class ServedIndex:
    """An index, opened once for each set of engines that asks it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first = IndexSearch(folder, Setup())
        self._first.store.facts  # noqa: B018  (an error now, not with the first question)
        self._searches: dict[tuple[str, ...], IndexSearch] = {}

    def describe(self) -> dict[str, Any]:
        """Its name, how much is in it, and what conditions may be about."""
        store = self._first.store
        with self.reading():
            counts = {name: store.count(name) for name in (PICTURES, REGIONS)}
        return {"index": self._folder.absolute().name, **counts, "columns": TOLD}

    def open(self, models: Models) -> IndexSearch:
        """The search by these engines; those that did not make the index are refused."""
        if models.made_by not in self._searches:
            try:
                self._first.store.check(models.made_by)
            except OptionError:
                made_by = " + ".join(self._first.store.facts.engine)
                detail = f"the index was made by {made_by}; ask with that model"
                raise RefusalError(422, detail, field="model") from None
            self._searches[models.made_by] = IndexSearch(self._folder, Setup(), models)
        return self._searches[models.made_by]

    @contextmanager
    def reading(self, where: str = "") -> Iterator[None]:
        """Refuse what the library cannot read, without telling where the index lies."""
        if where:
            check_where(where, columns=TOLD)
        try:
            yield
        except FormatError:
            if where:
                detail = "the index cannot be searched under this condition"
                raise RefusalError(422, detail, field="where") from None
            raise RefusalError(503, "the index cannot be read just now", retry_s=5) from None

    def read_picture(self, id: str, limits: Limits) -> bytes | None:
        """The file of a picture of the index, where it is still there and still the same."""
        with self.reading():
            paths = [Path(row.path) for row in self._first.store.pictures(any_of("picture", [id]))]
        for path in paths:
            try:
                if path.is_file():
                    limits.check_bytes("the picture", path.stat().st_size)
                    data = path.read_bytes()
                    if sha256(data).hexdigest() == id:
                        return data
            except OSError:
                continue
        return None
