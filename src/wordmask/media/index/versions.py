"""The versions of a table on disk, and the way back from a broken one."""

from pathlib import Path

from wordmask.errors import FormatError

ASIDE = "broken"  # the folder into which broken manifests go
_LARGEST = 2**64 - 1  # newer tables count down from it, so that the newest name sorts first


def step_back(folder: Path, table: str) -> None:
    """Lay the newest version's manifest aside: the one before it becomes the newest."""
    home = folder / f"{table}.lance" / "_versions"
    manifests = sorted(home.glob("*.manifest"), key=_number)
    if len(manifests) < 2:
        raise FormatError(
            f"no version of {folder}/{table} can be read; remove the folder and index the pictures "
            "again"
        )
    aside = folder / ASIDE
    aside.mkdir(exist_ok=True)
    newest = manifests[-1]
    newest.replace(aside / f"{table}-{newest.name}")
    (home / "latest_version_hint.json").unlink(missing_ok=True)


def _number(manifest: Path) -> int:
    """
    >>> _number(Path("18446744073709551612.manifest")), _number(Path("3.manifest"))
    (3, 3)
    """
    number = int(manifest.name.split(".")[0])
    return _LARGEST - number if number > _LARGEST // 2 else number
