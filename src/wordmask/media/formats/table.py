"""The formats, each with its suffixes and its two functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError
from wordmask.files import write_text
from wordmask.media.drawing import render
from wordmask.media.formats import (
    coco,
    cvat,
    ids,
    labelme,
    labelstudio,
    labelstudio_video,
    mots,
    own,
    yolo,
    youtube_vis,
)
from wordmask.media.formats.parsing import dump_json, parse_json, read_json, read_text
from wordmask.media.formats.records import FormatOptions, Named
from wordmask.media.writing import PICTURE_SUFFIXES


@dataclass(frozen=True)
class Format:
    """One way to keep results."""

    name: str
    suffixes: tuple[str, ...]  # lower case, the first is the one written into folders
    write: Callable[[Sequence[Named], Path, FormatOptions], list[Path]]
    read: Callable[[Path, FormatOptions], list[Named]] | None  # None: a picture to look at
    many: bool = False  # one file holds many pictures
    folders: bool = False  # `read` takes the folder itself


def sniff(path: Path, options: FormatOptions) -> Format | None:
    """The format of a JSON file, by its content."""
    value = read_json(path, options)
    for name, module in _JSON.items():
        if module.sniff(value):
            return BY_NAME[name]
    return None


def _only(items: Sequence[Named], name: str) -> Named:
    if len(items) != 1:
        raise FormatError(f"a {name} file holds one picture, got {len(items)}")
    return items[0]


def _write_own(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(own.encode(_only(items, "json"), options)))]


def _read_own(path: Path, options: FormatOptions) -> list[Named]:
    return [own.decode(read_json(path, options), path.name, options)]


def _write_lines(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    lines = [dump_json(own.encode(item, options)) for item in items]
    return [write_text(path, "".join(lines))]


def _read_lines(path: Path, options: FormatOptions) -> list[Named]:
    items = []
    for number, line in enumerate(read_text(path, options).splitlines(), 1):
        if line.strip():
            place = f"{path.name}, line {number}"
            items.append(own.decode(parse_json(line, place, options), place, options))
    return items


def _write_coco(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(coco.encode(items, options)))]


def _read_coco(path: Path, options: FormatOptions) -> list[Named]:
    return coco.decode(read_json(path, options), path.name, options)


def _write_youtube_vis(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(youtube_vis.encode(items, options)))]


def _read_youtube_vis(path: Path, options: FormatOptions) -> list[Named]:
    return youtube_vis.decode(read_json(path, options), path.name, options)


def _write_labelme(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(labelme.encode(_only(items, "labelme"), options)))]


def _read_labelme(path: Path, options: FormatOptions) -> list[Named]:
    return [labelme.decode(read_json(path, options), path.name, options)]


def _write_labelstudio(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(labelstudio.encode(items, options)))]


def _read_labelstudio(path: Path, options: FormatOptions) -> list[Named]:
    return labelstudio.decode(read_json(path, options), path.name, options)


def _write_boxes(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [write_text(path, dump_json(labelstudio_video.encode(items, options)))]


def _read_boxes(path: Path, options: FormatOptions) -> list[Named]:
    return labelstudio_video.decode(read_json(path, options), path.name, options)


def _write_overlay(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    result = _only(items, "overlay").result
    return [render.write(render.overlay(result.image, result), path)]


def _write_labels(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    return [render.write(render.label_map(_only(items, "labels").result), path)]


def _write_cutout(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    result = _only(items, "cutout").result
    if result.image is None:
        raise FormatError(f"{path.name}: a cut-out needs the picture; use result.with_image(image)")
    return [render.write(render.cutout(result.image, result), path)]


FORMATS = (
    Format("json", (".wordmask.json", ".json"), _write_own, _read_own),
    Format("jsonl", (".jsonl",), _write_lines, _read_lines, many=True),
    Format("coco", (".coco.json",), _write_coco, _read_coco, many=True),
    Format("labelme", (".labelme.json",), _write_labelme, _read_labelme),
    Format("labelstudio", (".labelstudio.json",), _write_labelstudio, _read_labelstudio, many=True),
    Format("ytvis", (".ytvis.json",), _write_youtube_vis, _read_youtube_vis, many=True),
    Format("mots", (".mots.txt",), mots.write, mots.read, many=True),
    Format("cvat", (".cvat.xml",), cvat.write, cvat.read, many=True),
    Format("lsvideo", (".lsvideo.json",), _write_boxes, _read_boxes, many=True),
    Format("yolo", (".txt",), yolo.write, yolo.read),
    Format("masks", (".masks.png",), ids.write_ids, ids.read_ids),
    Format("voc", (".voc.png",), ids.write_voc, ids.read_voc, folders=True),
    Format("labels", (".labels.png",), _write_labels, None),
    Format("cutout", (".cutout.png",), _write_cutout, None),
    Format("overlay", PICTURE_SUFFIXES, _write_overlay, None),
)
BY_NAME = {one.name: one for one in FORMATS}
_JSON: dict[str, Any] = {
    "json": own,
    "ytvis": youtube_vis,
    "coco": coco,
    "labelme": labelme,
    "lsvideo": labelstudio_video,
    "labelstudio": labelstudio,
}
