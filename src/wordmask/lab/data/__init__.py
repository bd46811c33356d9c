"""Data sets: a folder with its description, or a public one by name. Ground truth is a `Result`."""

from pathlib import Path

from wordmask.errors import InputError, did_you_mean
from wordmask.lab.data.sample import VOID, Dataset, Sample, Truth

__all__ = ["DATA_DIR", "VOID", "Dataset", "Sample", "Truth", "names", "open_data"]

DATA_DIR = Path("data/benchmarks")


def names() -> tuple[str, ...]:
    """The public data sets that are known by name."""
    from wordmask.lab.data.layouts import LAYOUTS

    return tuple(LAYOUTS)


def open_data(data: str | Path, data_dir: Path = DATA_DIR) -> Dataset:
    """The data set in a folder with a `dataset.json`, or a public one by name under `data_dir`."""
    from wordmask.lab.data.files import read_json
    from wordmask.lab.data.folder import CARD, read_folder
    from wordmask.lab.data.layouts import LAYOUTS
    from wordmask.lab.data.volumes import open_mni, read_volume_folder

    folder = Path(data)
    if (folder / CARD).is_file():
        card = read_json(folder / CARD)
        if isinstance(card, dict) and "volumes" in card:
            return read_volume_folder(folder, card)
        return read_folder(folder)
    if str(data) == "mni":
        return open_mni(data_dir)
    layout = LAYOUTS.get(str(data))
    if layout is not None:
        for choice in layout.folders:
            if (data_dir / choice / layout.tree[0]).exists():
                return layout.read(data_dir / choice)
        raise layout.not_found(data_dir)
    if folder.is_dir():
        raise InputError(
            f"{folder} has no {CARD}, so its classes are not known; write one such as "
            '{"classes": ["cat", "dog"], "labels": "labels/{stem}.png", "ignore": 255} '
            "(docs/benchmarks.md)"
        )
    near = did_you_mean(str(data), LAYOUTS)
    raise InputError(f"data set {str(data)!r} is neither a folder nor a known name.{near}")
