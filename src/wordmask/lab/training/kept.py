"""Folders beside a run for what is made once: a teacher's maps, cuts, facts about them."""

from pathlib import Path

from wordmask.errors import FormatError, Mend
from wordmask.files import make_folder, sweep, write_text

NOTE = "made-by.txt"


def keep_in(folder: Path, maker: str) -> None:
    """Make the folder for what `maker` makes; what another one made there is refused.

    `maker` says everything that decides what is made. What a killed run left half is removed.
    """
    make_folder(folder)
    sweep(folder)
    note = folder / NOTE
    earlier = note.read_text("utf-8") if note.exists() else maker
    if earlier != maker:
        raise FormatError(
            f"{folder} holds what was made by {earlier}, not by {maker}; train into another folder",
            mend=Mend("out", "FOLDER"),
        )
    write_text(note, maker)
