"""The bench of joints, on drawn people whose joints are known."""

import json

import numpy as np
import pytest
from PIL import Image as Pictures

from drawing import box_mask, paint
from figures import Figures, standing
from wordmask import engines
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.errors import CapabilityError
from wordmask.lab.data import open_data
from wordmask.lab.data.people import compose_pair, people_of

SIZE = (120, 160)
ONE, OTHER = (10, 10, 70, 110), (90, 30, 150, 110)
COLOURS = ((255, 0, 0), (0, 0, 255), (0, 160, 0))


def write_people(folder, boxes):
    """A data set with one drawn person in each picture."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, box in enumerate(boxes):
        mask = box_mask(SIZE, box)
        name = f"{number:03d}.png"
        picture = paint(SIZE, (mask, COLOURS[number % 3]))
        Pictures.fromarray(picture.pixels).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "width": 160, "height": 120})
        joints = standing(box)
        joints[:, 2] = 2
        x0, y0, x1, y1 = box
        annotations.append(
            {
                "id": number + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                "area": int(mask.sum()), "bbox": [x0, y0, x1 - x0, y1 - y0],
                "segmentation": Masks.from_dense(mask[None]).to_rle()[0],
                "keypoints": joints.ravel().tolist(), "num_keypoints": 17,
            }
        )  # fmt: skip
    value = {"images": images, "annotations": annotations}
    value["categories"] = [{"id": 1, "name": "person"}]
    (folder / "instances.json").write_text(json.dumps(value))
    header = {"name": "drawn", "classes": ["person"], "ignore": None, "labels": "instances"}
    (folder / "dataset.json").write_text(json.dumps(header))
    return open_data(folder)


def models(*parts):
    return Models("fake+test", (*engines.load("fake").parts, *parts))


def test_joints_at_their_places_are_perfect(tmp_path, measure):
    data = write_people(tmp_path / "data", (ONE, OTHER))
    results = measure("pose", data=data, load=lambda: models(Figures()))
    figures = results["metrics"]
    assert figures["oks"] == pytest.approx(1)
    assert figures["ar"] == figures["ar50"] == 1
    assert figures["iou_joints"] > 0.95
    assert figures["people"] == 2


def test_joints_elsewhere_are_not(tmp_path, measure):
    data = write_people(tmp_path / "data", (ONE,))
    wrong = Figures({ONE: standing((300, 300, 320, 340))})
    figures = measure("pose", data=data, load=lambda: models(wrong))["metrics"]
    assert figures["oks"] < 0.01
    assert figures["ar"] == 0


def test_people_are_pasted_in_front_of_each_other(tmp_path, measure):
    data = write_people(tmp_path / "data", (ONE, OTHER, ONE))
    results = measure("pose", data=data, load=lambda: models(Figures()), pairs=True)
    assert results["metrics"]["people"] >= 4
    assert results["metrics"]["oks"] is None


def test_people_by_words_have_no_oks(tmp_path, measure):
    data = write_people(tmp_path / "data", (ONE, OTHER))
    figures = measure("pose", data=data, load=lambda: models(Figures()), by_words=True)["metrics"]
    assert figures["oks"] is None
    assert figures["iou_box"] == figures["iou_joints"] == 0  # the fake knows no person


def test_a_composed_picture_shows_both_and_no_pixel_twice(tmp_path):
    data = write_people(tmp_path / "data", (ONE, OTHER))
    images = [data.image(sample) for sample in data.samples]
    first, second = (
        people_of(data, sample, image, 0)[0]
        for sample, image in zip(data.samples, images, strict=True)
    )
    image, (behind, front) = compose_pair(images[0], first, images[1], second, seed=1)
    assert image.size == SIZE
    assert not (behind & front).any()
    assert (image.pixels[behind] == COLOURS[0]).all()
    assert np.median(image.pixels[front], 0).tolist() == list(COLOURS[1])


def test_an_engine_without_joints_is_told_what_to_join(tmp_path, measure):
    data = write_people(tmp_path / "data", (ONE,))
    with pytest.raises(CapabilityError, match=r"measure fake\+test\+movenet"):
        measure("pose", data=data, load=models)
