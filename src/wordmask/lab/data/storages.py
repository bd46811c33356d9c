"""Where data may lie that is not on this machine: whatever fsspec reads, and files over https.

Addresses hold no secrets: who may read what is told to a storage's library in the environment or in
its own files. What such a library says in an error is not repeated, as it may quote them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from wordmask.errors import ImageError, InputError, MissingExtraError, missing_extra
from wordmask.media.reading.web import WebAnswerError, WebOptions, fetch

DataAddress = str | Path
"""A path, or an address of a storage."""

CHUNK = 1 << 20  # bytes
WEB_S = 60.0  # seconds for one file over https
AT_ONCE = 8  # files
GONE = {403, 404, 410}  # answers of a server that has no such file, or shows it to nobody
# They lead past our own rules for the web, or on to addresses that a file behind them names.
REFUSED = {"http", "https", "reference"}
HERE = {"file", "local"}


class Storage(Protocol):
    """Where files lie; paths are those of the storage."""

    @property
    def at_once(self) -> int:
        """How many files may be read at the same time."""

    def chunks(self, path: str, most: int) -> Iterator[bytes]:
        """A file; FileNotFoundError before the first chunk if it cannot be had."""

    def version(self, path: str) -> str | None:
        """What changes with the file; None where nothing tells."""

    def names_below(self, path: str) -> list[str] | None:
        """All files of a folder as paths below it; None if it is no folder."""


class StoredPlace(NamedTuple):
    """What an address means."""

    storage: Storage
    path: str
    archive: str = ""
    """Tells the archive around it from others, and from its own later versions."""


@dataclass(frozen=True, eq=False)
class FsspecStorage:
    """A file system of fsspec."""

    files: Any
    scheme: str

    @property
    def at_once(self) -> int:
        return AT_ONCE if self.files.async_impl else 1

    def chunks(self, path: str, most: int) -> Iterator[bytes]:
        try:
            opened = self.files.open(path, "rb")
        except (FileNotFoundError, PermissionError):
            # Whoever may not list a bucket is told "not allowed" of what is not there.
            raise FileNotFoundError("it is not there, or may not be read") from None
        except Exception as error:
            raise self._failure(path, error) from None
        count, size = 0, getattr(opened, "size", None)
        with opened:
            while chunk := self._read(opened, path):
                count += len(chunk)
                yield chunk
        if size is not None and count != size:
            raise InputError(f"{path} broke off at {count:,} of {size:,} bytes; run again")

    def version(self, path: str) -> str | None:
        try:
            return str(self.files.ukey(path))
        except (FileNotFoundError, PermissionError):
            return None
        except Exception as error:
            raise self._failure(path, error) from None

    def names_below(self, path: str) -> list[str] | None:
        path = "" if path == "." else path  # all of an archive
        try:
            if not self.files.isdir(path):
                return None
            found = self.files.find(path)
        except Exception as error:
            raise self._failure(path, error) from None
        root = path.strip("/")
        return [str(PurePosixPath(name.strip("/")).relative_to(root)) for name in found]

    def _read(self, opened: Any, path: str) -> bytes:
        try:
            chunk: bytes = opened.read(CHUNK)
        except Exception as error:
            raise self._failure(path, error) from None
        return chunk

    def _failure(self, path: str, error: Exception) -> InputError:
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        return InputError(f"{path} ({self.scheme}) cannot be read: {reason}")


@dataclass(frozen=True)
class WebStorage:
    """Files over https, by the rules for web addresses; folders cannot be listed there."""

    options: WebOptions = field(default_factory=lambda: WebOptions(timeout_s=WEB_S))
    at_once: int = AT_ONCE

    def chunks(self, path: str, most: int) -> Iterator[bytes]:
        try:
            data = fetch(f"https://{quote(path, safe=':/%')}", most, self.options)
        except ImageError as error:
            if isinstance(error, WebAnswerError) and error.status in GONE:
                raise FileNotFoundError(error.message) from None
            raise InputError(error.message) from None
        yield data

    def version(self, path: str) -> str | None:
        return None

    def names_below(self, path: str) -> list[str] | None:
        return None


def is_address(place: DataAddress) -> bool:
    """
    >>> is_address("s3://pictures/my.coco.json"), is_address("my.coco.json")
    (True, False)
    """
    return "://" in str(place)


def open_address(address: str) -> StoredPlace:
    """The storage of an address and the path there; one that holds a secret is refused unsaid."""
    scheme = address.partition("://")[0]
    links = address.split("::")
    if "?" in address or any(re.search(r"://[^/]*@", one) for one in links):
        raise InputError(
            f"an address ({scheme}://...) holds no user, password, key or query: those belong "
            "into the environment or the files of the storage's own library"
        )
    if len(links) == 1 and not address.partition("://")[2].strip("/"):
        raise InputError(f"{address} names neither a file nor a folder")
    if scheme == "https" and len(links) == 1:
        return StoredPlace(WebStorage(), address.partition("://")[2])
    if scheme in HERE and len(links) == 1:
        raise InputError(f"{address} is on this machine; give its path instead of an address")
    used = {one.partition("://")[0] for one in links if "://" in one}
    if used & REFUSED:
        raise InputError(
            f"{address}: {', '.join(sorted(used & REFUSED))} cannot be read here; "
            "https reads single files, not archives: download it first"
        )
    return _open_by_fsspec(address, scheme, links)


def _open_by_fsspec(address: str, scheme: str, links: list[str]) -> StoredPlace:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise missing_extra("reading from a storage (fsspec)", "storage") from None
    try:
        files, path = url_to_fs(address)
        archive = ""
        if len(links) > 1:
            around, place = url_to_fs("::".join(links[1:]))
            archive = str(around.ukey(place))
    except ImportError as error:
        raise MissingExtraError(
            f"{scheme}:// needs another package ({error.name or error}); "
            "pip install 'wordmask[storage]' brings that of s3://"
        ) from None
    except FileNotFoundError:
        raise InputError(f"there is nothing to read at {address}") from None
    except Exception as error:
        raise InputError(
            f"{address} cannot be opened ({type(error).__name__}); is it an address of fsspec?"
        ) from None
    return StoredPlace(FsspecStorage(files, scheme), files._strip_protocol(path), archive)
