"""Public data sets of questions: VQA v2 and GQA. Only pictures that are there are taken."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wordmask.errors import FormatError
from wordmask.lab.data.files import read_json
from wordmask.lab.data.readers import from_labels
from wordmask.lab.data.sample import Dataset, LabelledQuestion, Sample, check_names
from wordmask.media.formats.parsing import take

Questions = dict[str, list[LabelledQuestion]]  # picture -> those about it


def vqav2(root: Path) -> Dataset:
    """VQA v2, validation: ten people answered each question."""
    file = root / "v2_OpenEnded_mscoco_val2014_questions.json"
    answers = _answers_of_people(root / "v2_mscoco_val2014_annotations.json")
    found: Questions = {}
    for row in take(read_json(file), "questions", list, str(file)):
        id, picture = (
            take(row, "question_id", int, str(file)),
            take(row, "image_id", int, str(file)),
        )
        if id not in answers:
            raise FormatError(f"{file} has the question {id}, which nobody answered")
        kind, told = answers[id]
        text = take(row, "question", str, f"{file}, question {id}")
        question = LabelledQuestion(text, told, kind)
        found.setdefault(f"COCO_val2014_{picture:012d}", []).append(question)
    return _dataset("vqav2", root / "val2014", found, "VQA v2 validation (Goyal et al. 2017)")


def _answers_of_people(file: Path) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Question id -> kind of answer, and the answers."""
    found = {}
    for row in take(read_json(file), "annotations", list, str(file)):
        id = take(row, "question_id", int, str(file))
        place = f"{file}, question {id}"
        told = [take(one, "answer", str, place) for one in take(row, "answers", list, place)]
        found[id] = take(row, "answer_type", str, place), tuple(told)
    return found


def gqa(root: Path) -> Dataset:
    """GQA, balanced test-dev: one answer each, from the scene graph."""
    file = root / "testdev_balanced_questions.json"
    found: Questions = {}
    rows: dict[str, Any] = read_json(file)
    for id, row in rows.items():
        place = f"{file}, question {id}"
        kinds = row.get("types") or {}
        question = LabelledQuestion(
            take(row, "question", str, place),
            (take(row, "answer", str, place),),
            str(kinds.get("structural", "")),
        )
        found.setdefault(take(row, "imageId", str, place), []).append(question)
    return _dataset("gqa", root / "images", found, "GQA balanced test-dev (Hudson, Manning 2019)")


def _dataset(name: str, folder: Path, found: Questions, source: str) -> Dataset:
    samples = list(_samples(folder, found))
    left_out = len(found) - len(samples)
    notes = (f"{left_out} pictures of the questions are not in {folder.name}",) if left_out else ()
    return Dataset(name, (), check_names(samples, folder), from_labels, source=source, notes=notes)


def _samples(folder: Path, found: Questions) -> Iterable[Sample]:
    for picture, questions in found.items():
        file = folder / f"{picture}.jpg"
        if file.is_file():
            yield Sample(picture, file, questions=tuple(questions))
