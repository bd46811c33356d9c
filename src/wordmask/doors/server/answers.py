"""The form of an answer, chosen by `Accept`: JSON with run-length codes, COCO, a PNG, raw logits.

| Accept | what comes |
|---|---|
| application/json (or nothing) | own JSON, masks as COCO run-length codes |
| application/vnd.coco+json | a COCO data set of one picture |
| image/png | the mask: white where any region is (of a click: its best candidate) |
| image/png; view=overlay, cutout, ids | drawn on the picture; cut out of it; a number a region |
| application/vnd.wordmask.logits | int8 logits of a click's best candidate, quick to preview |
"""

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.doors.server.problems import RefusalError
from wordmask.media.drawing import render
from wordmask.media.formats import FormatOptions, Named, coco, own
from wordmask.media.writing import encode_picture

JSON, COCO = "application/json", "application/vnd.coco+json"
PNG, LOGITS = "image/png", "application/vnd.wordmask.logits"
VIEWS = ("mask", "overlay", "cutout", "ids")
LOGIT_SCALE = 0.0625  # of one step; int8 reaches from -8 to 7.9


class ReplyForm(NamedTuple):
    """What a client takes."""

    media_type: str = JSON
    view: str = "mask"


@dataclass(frozen=True)
class Reply:
    """Bytes on their way out."""

    data: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


def choose(accept: str, offered: tuple[str, ...]) -> ReplyForm:
    """The form that the client likes best, of those that this question can have.

    >>> choose("image/png;view=overlay, */*;q=0.1", (JSON, PNG))
    ReplyForm(media_type='image/png', view='overlay')
    """
    ranked = sorted(map(_parse, filter(str.strip, accept.split(","))), key=lambda one: one[:2])
    for unliked, _, name, view in ranked or [(-1.0, 2, "*/*", "mask")]:
        if not unliked:  # q=0: not that one
            continue
        for media_type in offered:
            major = media_type.partition("/")[0]
            if name in (media_type, "*/*", f"{major}/*"):
                _check_view(media_type, view)
                return ReplyForm(media_type, view)
    raise RefusalError(406, f"this answer comes as {', '.join(offered)}", field="accept")


def _parse(part: str) -> tuple[float, int, str, str]:
    """(minus the quality, how much it leaves open, media type, view)"""
    name, *parameters = (text.strip() for text in part.split(";"))
    values = dict(text.partition("=")[::2] for text in parameters)
    try:
        quality = float(values.get("q", 1))
    except ValueError:
        quality = 0.0
    quality = quality if 0 < quality <= 1 else 0.0  # not a number: not liked
    return -quality, name.count("*"), name.lower(), values.get("view", "mask").strip('"')


def _check_view(media_type: str, view: str) -> None:
    if media_type == PNG and view not in VIEWS:
        raise RefusalError(
            406, f"view is one of {', '.join(VIEWS)}; got {view[:40]!r}", field="accept"
        )


def encode(result: Result, image: Image, wanted: ReplyForm, *, best_only: bool = False) -> Reply:
    """The result in that form; of a picture that shows a click only the best candidate."""
    if wanted.media_type == PNG:
        shown = result[:1] if best_only else result
        return Reply(_PNGS[wanted.view](shown, image), PNG)
    if wanted.media_type == COCO:
        value = coco.encode([Named(image.name, result)], FormatOptions())
    else:
        value = own.encode(Named(image.name, result), FormatOptions(embeddings="none"))
    return Reply(json.dumps(value, ensure_ascii=False).encode(), wanted.media_type)


def encode_logits(logits: Array, score: float, image: Image) -> Reply:
    """(h, w) logits as int8, row by row; the headers say their size, step and score."""
    height, width = logits.shape
    steps = np.clip(np.rint(logits / LOGIT_SCALE), -128, 127).astype(np.int8)
    headers = {
        "wordmask-shape": f"{height},{width}",
        "wordmask-size": f"{image.size[0]},{image.size[1]}",
        "wordmask-scale": f"{LOGIT_SCALE}",
        "wordmask-score": f"{score:.4f}",
    }
    return Reply(steps.tobytes(), LOGITS, headers)


def encode_image(pixels: Array) -> Reply:
    """A changed picture."""
    return Reply(encode_picture(pixels), PNG)


def _mask_png(result: Result, image: Image) -> bytes:
    """One bit a pixel, black and white: less than half the time of eight."""
    del image
    return _save(Pil.fromarray(result.masks.union()))


def _ids_png(result: Result, image: Image) -> bytes:
    """(H, W) uint16: 1 for the first region, 0 where there is none; the better one lies above."""
    del image
    canvas = np.zeros(result.size, np.uint16)
    for row in range(len(result) - 1, -1, -1):
        result.masks.paint(canvas, row, row + 1)
    return encode_picture(canvas)


def _overlay_png(result: Result, image: Image) -> bytes:
    return _save(render.overlay(image, result))


def _cutout_png(result: Result, image: Image) -> bytes:
    return _save(render.cutout(image, result, tight=True))


def _save(picture: Any) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


_PNGS = {"mask": _mask_png, "ids": _ids_png, "overlay": _overlay_png, "cutout": _cutout_png}
