"""From what was found in a picture to the rows of an index."""

from pathlib import Path

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.media.index.rows import PictureRow, RegionRow, region_key
from wordmask.media.ledger import Record
from wordmask.media.reading.facts import PhotoFacts, photo_facts
from wordmask.tasks.describe import Description


def make_rows(path: Path, before: Record, made: Description) -> tuple[PictureRow, list[RegionRow]]:
    """The row of the file, which was stamped before it was read, and those of its regions."""
    facts = photo_facts(path)
    height, width = made.result.size
    picture = PictureRow(
        path=str(path),
        picture=before["sha256"],
        bytes=before["bytes"],
        mtime=before["mtime"],
        album=path.parent.name,
        date=facts.date,
        latitude=facts.latitude,
        longitude=facts.longitude,
        keywords=join_keywords(facts.keywords),
        width=width,
        height=height,
        regions=len(made.result),
        vector=made.whole,
    )
    codes = [code["counts"] for code in made.result.masks.to_rle()]
    rows = [_region_row(picture, facts, made, codes, row) for row in range(len(made.result))]
    return picture, rows


def join_keywords(words: tuple[str, ...]) -> str:
    """
    >>> join_keywords(("beach", "dog")), join_keywords(())
    ('|beach|dog|', '')
    """
    return f"|{'|'.join(word.replace('|', ' ') for word in words)}|" if words else ""


def _region_row(
    picture: PictureRow, facts: PhotoFacts, made: Description, codes: list[str], row: int
) -> RegionRow:
    x0, y0, x1, y1 = made.result.masks.boxes[row].tolist()
    area = int(made.result.masks.areas[row])
    names, scores = made.names[row], made.name_scores[row]
    embeddings = made.result.embeddings
    return RegionRow(
        key=region_key(picture.picture, row),
        picture=picture.picture,
        region=row,
        path=picture.path,
        album=picture.album,
        date=facts.date,
        latitude=facts.latitude,
        longitude=facts.longitude,
        keywords=picture.keywords,
        width=picture.width,
        height=picture.height,
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        area=area,
        share=area / (picture.width * picture.height),
        quality=float(made.result.scores[row]),
        mask=codes[row],
        name=names[0] if names else "",
        name_score=scores[0] if scores else 0.0,
        names=names,
        name_scores=scores,
        vector=embeddings[row] if embeddings is not None else made.whole,
    )


def whole_region(picture: PictureRow) -> RegionRow:
    """A picture as one region that covers it."""
    size = picture.height, picture.width
    area = picture.width * picture.height
    return RegionRow(
        key=region_key(picture.picture, 0),
        picture=picture.picture,
        region=-1,
        path=picture.path,
        album=picture.album,
        date=picture.date,
        latitude=picture.latitude,
        longitude=picture.longitude,
        keywords=picture.keywords,
        width=picture.width,
        height=picture.height,
        x0=0,
        y0=0,
        x1=picture.width,
        y1=picture.height,
        area=area,
        share=1.0,
        quality=1.0,
        mask=str(whole_mask(size).to_rle()[0]["counts"]),
        name="",
        name_score=0.0,
        names=(),
        name_scores=(),
        vector=picture.vector,
    )


def whole_mask(size: Size) -> Masks:
    return Masks.from_crops(size, [(0, 0)], [np.ones(size, bool)])
