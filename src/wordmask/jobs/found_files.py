"""What a search has found, as files: sheets, COCO, copies of the pictures, keywords beside them."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.core.options import check
from wordmask.core.prompts import spellings
from wordmask.core.result import Result
from wordmask.errors import Mend, OptionError, OutputError, WordmaskError
from wordmask.files import atomic, identity, write_text
from wordmask.jobs.find import Hit, SearchAnswer
from wordmask.media import formats
from wordmask.media.drawing.found import FoundPicture, found_page
from wordmask.media.drawing.render import contact_sheet, overlay, write
from wordmask.media.formats.records import Named
from wordmask.media.ledger import is_same, stamp
from wordmask.media.reading.read import read
from wordmask.media.reading.xmp import merge_sidecar
from wordmask.media.writing import PICTURE_SUFFIXES

PAGE = (".html", ".htm")
TITLE = 4  # words


@dataclass(frozen=True)
class FoundOutputs:
    """Files that are made of what was found."""

    sheet: Path | None = None
    """A page with the pictures and outlines in one file (.html), or a picture of them (.jpg)."""
    coco: Path | None = None
    """The regions as a COCO file."""
    copy_to: Path | None = None
    """A folder that gets a copy of each picture."""
    link_to: Path | None = None
    """A folder that gets a link to each picture."""
    xmp: bool = False
    """Add the found words to the keywords in XMP sidecars beside the pictures (photo.xmp)."""

    def __post_init__(self) -> None:
        check(self)
        for name, suffixes in (("sheet", (*PAGE, *PICTURE_SUFFIXES)), ("coco", (".json",))):
            path = vars(self)[name]
            if path is not None and Path(path).suffix.lower() not in suffixes:
                raise OptionError(
                    f"{name} must end in {' or '.join(suffixes)}; got {str(path)!r}",
                    mend=Mend(name, f"found{suffixes[0]}"),
                )


def as_record(hit: Hit) -> dict[str, Any]:
    """A region as a line of JSON tells it."""
    row = hit.row
    record = {
        "picture": row.path,
        "label": hit.word,
        "score": hit.score,
        "box": [row.x0, row.y0, row.x1, row.y1],
        "area": row.area,
        "mask": {"size": [row.height, row.width], "counts": row.mask},
        "names": dict(zip(row.names, row.name_scores, strict=True)),
        "date": row.date,
        "album": row.album,
        "copies": list(hit.copies),
    }
    if hit.beside is not None:
        other = hit.beside
        record["beside"] = [other.x0, other.y0, other.x1, other.y1]
    return record


def write_found(answer: SearchAnswer, outputs: FoundOutputs) -> Iterator[Path | WordmaskError]:
    """Write what is asked for; each file as it is written, or what kept a picture out of it."""
    results = answer.results()
    if outputs.coco is not None:
        items = [Named(str(path), result) for path, result in results.items()]
        yield from formats.save_named(items, outputs.coco, "coco")
    if outputs.sheet is not None:
        yield from _write_sheet(outputs.sheet, answer, results)
    for folder, link in ((outputs.copy_to, False), (outputs.link_to, True)):
        if folder is not None:
            yield from _gather(folder, list(results), link=link)
    if outputs.xmp:
        yield from _write_keywords(results)


def _write_sheet(
    path: Path, answer: SearchAnswer, results: dict[Path, Result]
) -> Iterator[Path | WordmaskError]:
    if identity(path) in {identity(one) for one in results}:
        raise OptionError(f"{path} is one of the pictures", mend=Mend("sheet", "found.html"))
    pictures = []
    rows = {hit.row.path: hit.row for hit in answer.hits}
    for name, result in results.items():
        try:
            image = read(name)
            if image.size != result.size:
                raise OutputError(f"{name} has changed since it was indexed; index it again")
        except WordmaskError as error:
            yield error
            continue
        row = rows[str(name)]
        details = [part for part in (row.album, (row.date or "")[:10]) if part]
        pictures.append(FoundPicture(image, result, name.name, ", ".join(details)))
    if path.suffix.lower() in PAGE:
        yield write_text(path, found_page(pictures, answer.absent, title=_title(answer)))
    else:
        if not pictures:
            raise OutputError(f"nothing was found, so there is no picture for {path}")
        drawn = [overlay(one.image, one.result) for one in pictures]
        yield write(contact_sheet(drawn, [_caption(one) for one in pictures]), path)


def _title(answer: SearchAnswer) -> str:
    words = list(dict.fromkeys(hit.word for hit in answer.hits))
    if not words:
        return "Nothing found"
    more = f" and {len(words) - TITLE} more" if len(words) > TITLE else ""
    return f"{', '.join(words[:TITLE])}{more}"


def _caption(picture: FoundPicture) -> str:
    names = ", ".join(dict.fromkeys(picture.result.names))
    return f"{names}: {picture.title}"


def _gather(folder: Path, pictures: list[Path], *, link: bool) -> Iterator[Path | WordmaskError]:
    """A copy of each picture in the folder, or a link; what lies there already stays."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be a folder: {error.strerror or error}") from None
    for picture in pictures:
        try:
            target = _find_place(picture, folder)
            if target is None:
                continue
            if link:
                target.symlink_to(os.path.realpath(picture))
            else:
                with atomic(target) as part:
                    shutil.copyfile(picture, part)
                shutil.copystat(picture, target)
        except OSError as error:
            yield OutputError(f"{picture} cannot be put into {folder}: {error.strerror or error}")
            continue
        yield target


def _find_place(picture: Path, folder: Path) -> Path | None:
    """A name that is free, or None where one of them stands for the picture already."""
    before = stamp(picture)
    target, number = folder / picture.name, 2
    while os.path.lexists(target):
        if os.path.realpath(target) == os.path.realpath(picture) or is_same(target, before):
            return None
        target = folder / f"{picture.stem}-{number}{picture.suffix}"
        number += 1
    return target


def _write_keywords(results: dict[Path, Result]) -> Iterator[Path | WordmaskError]:
    for picture, result in results.items():
        words = [spellings(name)[0] for name in dict.fromkeys(result.names)]
        try:
            made = merge_sidecar(picture, words)
        except (WordmaskError, OSError, UnicodeDecodeError) as error:
            yield (
                error
                if isinstance(error, WordmaskError)
                else OutputError(f"the sidecar of {picture} cannot be read: {error}")
            )
            continue
        if made is not None:
            yield write_text(*made)
