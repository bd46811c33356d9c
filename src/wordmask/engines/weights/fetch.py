"""Weights over the network: resumed, verified by sha256, placed whole or not at all.

A download grows in `FILE.part` under a lock and gets its name only when its hash is right, so one
that is killed, or that runs twice at once, leaves no half file under a final name. A snapshot is
complete when its recipe, `wordmask-files.json`, is there: it is written last.
"""

import contextlib
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from wordmask.errors import Mend, WeightsError
from wordmask.files import cache_home, digest, hold_lock, place, write_bytes

log = logging.getLogger("wordmask.engines")

RECIPE = "wordmask-files.json"
CHUNK = 1 << 20  # bytes
LONGEST_LISTING = 32 << 20  # bytes
TIMEOUT_S = 30
LOCAL = Mend("checkpoint", "FOLDER")
# Copies of the same ONNX network in other number formats
VARIANT = re.compile(r"_(fp16|bf16|int8|uint8|q4|q4f16|bnb4|quantized|quant)$")
_WANTED = (".json", ".safetensors", ".txt", ".model")


@dataclass(frozen=True)
class FetchPlan:
    """Which snapshot of a repository is wanted, and what may be done to get it."""

    repository: str  # owner/name
    revision: str | None = None  # None: not pinned
    offline: bool = False
    allow_pickle: bool = False
    gated: bool = False


@dataclass(frozen=True)
class Remote:
    """One file of a snapshot as the hub lists it."""

    name: str
    nbytes: int | None
    sha256: str | None


def hub() -> str:
    """The hub's address; $HF_ENDPOINT names a mirror."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def snapshot(plan: FetchPlan) -> Path:
    """The folder of a repository's weights: what is here already, else fetched."""
    repository = plan.repository
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or ".." in repository:
        raise WeightsError(f"a hub repository is written owner/name, got {repository!r}")
    found = newest(repository, plan.revision)
    if found is not None:
        return found
    if plan.offline:
        raise WeightsError(
            f"{repository} is not on this machine (in {cache_home() / 'weights'}) and the network "
            "is switched off; run once without the option offline, or download it as a folder",
            mend=LOCAL,
        )
    commit, files = _list_files(plan)
    if plan.revision is None:
        log.warning(
            "%s has no pinned revision: taking what the hub has now, commit %s", repository, commit
        )
    target = _snapshots(repository) / commit
    for file in files:
        url = f"{hub()}/{repository}/resolve/{commit}/{quote(file.name)}"
        fetch(url, target / file.name, sha256=file.sha256, nbytes=file.nbytes)
    recipe = json.dumps([asdict(file) for file in files], indent=1)
    write_bytes(target / RECIPE, recipe.encode())
    return target


def newest(repository: str, revision: str | None = None) -> Path | None:
    """The latest complete snapshot on this machine, of `revision` if one is named."""
    recipes = sorted(
        _snapshots(repository).glob(f"{revision or '*'}/{RECIPE}"),
        key=lambda path: path.stat().st_mtime,
    )
    whole = [recipe.parent for recipe in recipes if _is_whole(recipe)]
    return whole[-1] if whole else None


def fetch(url: str, target: Path, *, sha256: str | None = None, nbytes: int | None = None) -> Path:
    """`url` as the file `target`; nothing is done where it is there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(target.with_name(target.name + ".lock")):
        if not target.is_file():
            part = target.with_name(target.name + ".part")
            try:
                _download(url, part, sha256=sha256, nbytes=nbytes)
            except _OutdatedError:
                # What an earlier run left behind was of another file: once more, from the start.
                part.unlink(missing_ok=True)
                _download(url, part, sha256=sha256, nbytes=nbytes)
            place(part, target)
    return target


def verify(path: Path, sha256: str) -> None:
    """Raise unless the file has this hash."""
    got = digest(path)
    if got != sha256:
        raise WeightsError(
            f"{path} has sha256 {got[:12]}..., expected {sha256[:12]}...: damaged or swapped; "
            "delete it and fetch again"
        )


class _OutdatedError(WeightsError):
    """A resumed download did not fit what was there."""


def _download(url: str, part: Path, *, sha256: str | None, nbytes: int | None) -> None:
    """Grow `part` to the whole of `url`. Only what a hash can vouch for is resumed."""
    start = part.stat().st_size if sha256 and part.is_file() else 0
    if nbytes is None or start < nbytes:
        log.info("fetching %s%s", url, f" from byte {start:,}" if start else "")
        with _open(url, start) as answer, part.open("ab" if answer.resumed else "wb") as file:
            while chunk := answer.stream.read(CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    got = part.stat().st_size
    if nbytes is not None and got < nbytes:
        raise WeightsError(
            f"{url} broke off at {got:,} of {nbytes:,} bytes; run again to go on from there"
        )
    if (nbytes is not None and got > nbytes) or (sha256 and digest(part) != sha256):
        part.unlink()
        kind = _OutdatedError if start else WeightsError
        raise kind(
            f"{url}: what came ({got:,} bytes) is not what was promised ({sha256 or nbytes}); "
            "it was thrown away"
        )


@dataclass(frozen=True)
class _Answer:
    stream: IO[bytes]
    resumed: bool


@contextlib.contextmanager
def _open(url: str, start: int = 0) -> Iterator[_Answer]:
    """The body of `url` from byte `start`, or from the beginning where the server cannot resume."""
    request = Request(url, headers={"User-Agent": "wordmask"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    if os.environ.get("HF_TOKEN") and url.startswith(f"{hub()}/"):
        # Unredirected: the hub sends large files from other hosts, which must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {os.environ['HF_TOKEN']}")
    try:
        with urlopen(request, timeout=TIMEOUT_S) as stream:
            yield _Answer(stream, start > 0 and getattr(stream, "status", 200) == 206)
    except HTTPError as error:
        raise WeightsError(
            f"{url}: the server answers {error.code} {error.reason}; {_advice(error.code)}",
            mend=LOCAL,
        ) from None
    except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise WeightsError(
            f"{url} cannot be reached ({reason}); check the network, or use a local folder",
            mend=LOCAL,
        ) from None


def _advice(code: int) -> str:
    if code in (401, 403):
        return "accept the owner's terms on the page and set HF_TOKEN, or use a downloaded folder"
    return "is the name right? A downloaded folder works too"


def _list_files(plan: FetchPlan) -> tuple[str, list[Remote]]:
    """The commit that a revision stands for, and the files to fetch."""
    if plan.gated:
        page = f"{hub()}/{plan.repository}"
        log.warning(
            "%s is gated: its owner's terms must be accepted at %s, and HF_TOKEN set",
            plan.repository,
            page,
        )
    revision = quote(plan.revision or "main", safe="")
    url = f"{hub()}/api/models/{plan.repository}/revision/{revision}?blobs=true"
    with _open(url) as answer:
        body = answer.stream.read(LONGEST_LISTING)
    try:
        info = json.loads(body)
        commit, names = str(info["sha"]), [_remote(entry) for entry in info["siblings"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"{url} does not answer like the hub: {type(error).__name__} {error}"
        ) from None
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise WeightsError(f"{url} names no commit: {commit[:80]!r}")
    return commit, select_files(names, allow_pickle=plan.allow_pickle)


def _remote(entry: dict[str, Any]) -> Remote:
    name = str(entry["rfilename"])
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise WeightsError(f"the hub lists a file that would leave its folder: {name!r}; refused")
    large = entry.get("lfs") or {}
    return Remote(name, entry.get("size"), large.get("sha256"))


def select_files(files: list[Remote], *, allow_pickle: bool) -> list[Remote]:
    """Configs, tokenizers, safe weights; of a pipeline (model_index.json) also those in folders."""
    pipeline = any(file.name == "model_index.json" for file in files)
    selected = [file for file in files if _is_selected(file.name, pipeline)]
    if any(file.name.endswith(".safetensors") for file in selected):
        return selected
    graphs = [file for file in files if _is_graph(file.name)]
    if graphs:
        return [*(file for file in selected if "/" not in file.name), *graphs]
    pickles = [file for file in files if file.name.endswith(".bin") and "/" not in file.name]
    if pickles and allow_pickle:
        return selected + pickles
    only = ", only pickles; see allow_pickle" if pickles else ""
    raise WeightsError(f"the repository has no safetensors{only}")


def _is_selected(name: str, pipeline: bool) -> bool:
    if not name.endswith(_WANTED):
        return False
    if not pipeline:
        return "/" not in name
    # A pipeline keeps its weights in folders; what lies beside them is the same again in one file.
    return name.endswith(".json") or ("/" in name and not _is_variant(name))


def _is_graph(name: str) -> bool:
    """An ONNX network of full precision, or the file with its weights."""
    path = PurePosixPath(name)
    stem, _, ending = path.name.partition(".onnx")
    there = path.name != stem and ending in ("", "_data", ".data")
    return there and path.parent.name in ("", "onnx") and not VARIANT.search(stem)


def _is_variant(name: str) -> bool:
    """`x.fp16.safetensors` is a second copy of `x.safetensors`."""
    variants = (".fp16.", ".bf16.", ".non_ema.")
    return name.endswith(".safetensors") and any(part in name for part in variants)


def _snapshots(repository: str) -> Path:
    return cache_home() / "weights" / repository.replace("/", "--")


def _is_whole(recipe: Path) -> bool:
    """Every file that the recipe names is there at its full length."""
    try:
        for entry in json.loads(recipe.read_text("utf-8")):
            length = (recipe.parent / entry["name"]).stat().st_size
            if entry["nbytes"] not in (None, length):
                return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True
