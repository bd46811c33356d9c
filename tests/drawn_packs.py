"""Tiny packs, drawn: two sets of a handful of pictures, with a teacher's boxes and stuff maps."""

import json
from pathlib import Path

import cv2
import numpy as np

VOC = ["background", "cat", "person"]
COCO = ["person", "cat", "cup"]


def _picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A red cat (a square) and a blue person (a disc) on grey noise, and the labels."""
    picture = rng.integers(90, 160, (96, 128, 3), np.uint8)
    labels = np.zeros((96, 128), np.uint8)
    x, y = rng.integers(8, 50, 2)
    picture[y : y + 36, x : x + 40] = (40, 40, 220)
    labels[y : y + 36, x : x + 40] = 1
    disc = cv2.circle(np.zeros((96, 128), np.uint8), (100, 60), 20, 1, -1) > 0
    picture[disc], labels[disc] = (220, 60, 30), 2
    return picture, labels


def _write_voc(folder: Path, count: int) -> None:
    for sub in ("images", "labels", "pseudo_stuff"):
        (folder / sub).mkdir(parents=True)
    boxes = {}
    for k in range(count):
        picture, labels = _picture(np.random.default_rng(k))
        cv2.imwrite(str(folder / "images" / f"{k:02}.jpg"), picture)
        cv2.imwrite(str(folder / "labels" / f"{k:02}.png"), labels)
        cv2.imwrite(str(folder / "pseudo_stuff" / f"{k:02}.png"), np.full((48, 64), 0, np.uint8))
        boxes[f"{k:02}"] = [[80, 40, 120, 80, 0, 0.9], [0, 0, 20, 20, 2, 0.3]]
    (folder / "pseudo_coco.json").write_text(json.dumps({"classes": COCO, "boxes": boxes}))
    (folder / "dataset.json").write_text(
        json.dumps({"classes": VOC, "background": 0, "ignore": 255})
    )


def _write_coco(folder: Path, count: int) -> None:
    from pycocotools import mask as rle

    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for k in range(count):
        picture, labels = _picture(np.random.default_rng(100 + k))
        cv2.imwrite(str(folder / "images" / f"{k:02}.jpg"), picture)
        images.append({"id": k, "file_name": f"{k:02}.jpg", "height": 96, "width": 128})
        for value, category in ((1, 2), (2, 1)):
            code = rle.encode(np.asfortranarray((labels == value).astype(np.uint8)))
            code["counts"] = code["counts"].decode()
            area = int((labels == value).sum())
            annotations.append(
                {
                    "image_id": k,
                    "category_id": category,
                    "area": area,
                    "iscrowd": 0,
                    "segmentation": code,
                }
            )
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "cup"}]
    told = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(told))
    (folder / "dataset.json").write_text(json.dumps({"classes": COCO}))


def write_packs(root: Path) -> Path:
    """Both sets, with the stuff names that a teacher's maps use."""
    _write_voc(root / "voc", 6)
    _write_coco(root / "coco", 5)
    (root / "pseudo_stuff.json").write_text(json.dumps({"classes": ["wall", "sky"]}))
    return root
