"""Questions that are built from masks, those of data sets, and what a run says of the answers."""

import json

import numpy as np
import pytest
from PIL import Image as Pictures

from lab_sets import write_squares
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.lab.bench.questions import build_questions
from wordmask.lab.data import Truth, open_data

SIZE = (100, 160)
CLASSES = ("red", "blue", "green", "purple")


def truth() -> tuple[Image, Truth]:
    """A red thing left of a large blue one, and two green ones."""
    boxes = {
        0: [(5, 40, 25, 60)],
        1: [(60, 20, 120, 90)],
        2: [(130, 10, 150, 20), (130, 60, 150, 70)],
    }
    colours = {0: (220, 20, 20), 1: (20, 20, 220), 2: (20, 150, 40)}
    pixels, masks, labels = np.full((*SIZE, 3), 255, np.uint8), [], []
    for label, rows in boxes.items():
        for x0, y0, x1, y1 in rows:
            mask = np.zeros(SIZE, bool)
            mask[y0:y1, x0:x1] = True
            pixels[mask] = colours[label]
            masks.append(mask)
            labels.append(label)
    result = Result.of(Masks.from_dense(np.stack(masks)), CLASSES, label_ids=labels)
    return Image(pixels), Truth(result)


def test_questions_are_balanced_and_true():
    image, real = truth()
    seen = {question for k in range(20) for question in build_questions(image, real, f"p{k}")}
    told = {question.text: question.answers[0] for question in seen}
    assert told["is there a purple?"] == "no"
    assert told["is there a red?"] == "yes"
    assert told["how many greens are there?"] == "2"
    assert told["how many purples are there?"] == "0"
    assert told["what colour is the purple?"] == "unknown"
    assert told["what colour is the blue?"] == "blue"
    pairs = {text: answer for text, answer in told.items() if "red" in text and "blue" in text}
    assert pairs.pop("which is bigger, the red or the blue?", "blue") == "blue"
    assert pairs.pop("is the red more to the left than the blue?", "yes") == "yes"
    assert pairs.pop("is the blue more to the left than the red?", "no") == "no"


def test_the_choice_depends_on_the_name_only():
    image, real = truth()
    assert build_questions(image, real, "a") == build_questions(image, real, "a")
    nothing = Truth(Result.nothing(SIZE, CLASSES))
    assert {one.kind for one in build_questions(image, nothing, "a")} == {"absent", "count"}


def write_vqa(root):
    (root / "val2014").mkdir(parents=True)
    pixels = np.full((120, 160, 3), 255, np.uint8)
    pixels[40:70, 60:90] = (220, 20, 20)
    Pictures.fromarray(pixels).save(root / "val2014/COCO_val2014_000000000007.jpg", quality=95)
    asked = [("is there a red square?", "yes"), ("why?", "rain")]
    questions = [
        {"question_id": k, "image_id": 7, "question": text} for k, (text, _) in enumerate(asked)
    ]
    questions.append({"question_id": 9, "image_id": 8, "question": "not here?"})
    people = [
        {"question_id": k, "answer_type": "other", "answers": [{"answer": said}] * 10}
        for k, said in [*((k, said) for k, (_, said) in enumerate(asked)), (9, "no")]
    ]
    name = "v2_OpenEnded_mscoco_val2014_questions.json"
    (root / name).write_text(json.dumps({"questions": questions}))
    path = root / "v2_mscoco_val2014_annotations.json"
    path.write_text(json.dumps({"annotations": people}))


def test_vqa_is_read_and_measured(tmp_path, measure):
    write_vqa(tmp_path / "vqav2")
    data = open_data("vqav2", tmp_path)
    assert data.notes == ("1 pictures of the questions are not in val2014",)
    results = measure("ask", data=data)
    assert results["metrics"]["accuracy"] == pytest.approx(0.5)
    assert results["metrics"]["answered"] == pytest.approx(0.5)
    assert results["metrics"]["accuracy_answered"] == 1
    assert results["metrics"]["effective_reliability"] == pytest.approx(0.5)
    assert results["per_class"]["other"]["questions"] == 2


def test_gqa_is_read(tmp_path):
    (tmp_path / "gqa/images").mkdir(parents=True)
    Pictures.new("RGB", (32, 32)).save(tmp_path / "gqa/images/n1.jpg")
    rows = {"5": {"imageId": "n1", "question": "What is it?", "answer": "cat",
                  "types": {"structural": "query"}}}  # fmt: skip
    (tmp_path / "gqa/testdev_balanced_questions.json").write_text(json.dumps(rows))
    (sample,) = open_data("gqa", tmp_path).samples
    assert sample.questions[0].answers == ("cat",)
    assert sample.questions[0].kind == "query"


def test_a_set_without_names_or_questions_is_refused(tmp_path, measure):
    root = write_squares(tmp_path / "data", "")
    card = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps({**card, "classes": []}))
    with pytest.raises(FormatError):
        measure("ask", data=open_data(root))
