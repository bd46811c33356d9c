"""Questions about pictures: those of a data set, or such as are built from its masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.answer import UNKNOWN
from wordmask.core.image import Array
from wordmask.core.options import Share
from wordmask.core.protocols import Segmenter
from wordmask.errors import FormatError
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, PictureBench, Table
from wordmask.lab.bench.options import PictureOptions
from wordmask.lab.bench.questions import build_questions
from wordmask.lab.metrics import answers
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.media.drawing.answered import draw_answer
from wordmask.tasks.ask import AskOptions, ask
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

RISK = 0.1  # at which the coverage is told
COLUMNS = ("kind", "right", "score", "known", "wanted")


@dataclass(frozen=True)
class AskBenchOptions(PictureOptions):
    """How answers are judged."""

    min_score: Share = AskOptions.min_score
    """Answers that are less sure than this count as not given."""


class AskTable(Table):
    """One row for each question."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.least = float(facts["options"]["min_score"])
        self.pictures = len(values)
        counts = [len(value["kind"]) for value in values]
        self.picture = np.repeat(np.arange(len(values)), counts)
        columns = {key: [item for value in values for item in value[key]] for key in COLUMNS}
        self.kind = np.array(columns["kind"], str)
        self.right = np.array(columns["right"], np.float64)
        self.score = np.array(columns["score"], np.float64)
        known = np.array(columns["known"], bool)
        # "unknown" is right where nothing can be known, however sure it is.
        self.is_moot = np.array(columns["wanted"], str) == UNKNOWN
        self.answered = known & (self.score >= self.least)
        self.correct = np.where(self.is_moot, ~self.answered, self.answered * self.right)
        self.gains = np.where(
            self.is_moot,
            np.where(self.answered, -answers.COST, 0.0),
            answers.effective_reliability(self.right, self.answered),
        )
        self.sure = np.where(known, self.score, -1.0)

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        rows = np.repeat(np.arange(len(weight)), weight.astype(np.int64))
        rows = rows[~self.is_moot[rows]]
        right, sure = self.right[rows], self.sure[rows]
        right = np.where(sure < 0, 0.0, right)
        _, risk = answers.risk_coverage(right, sure)
        return {
            "accuracy": weighted_mean(weight, self.correct),
            "answered": weighted_mean(weight * ~self.is_moot, self.answered.astype(np.float64)),
            "accuracy_answered": weighted_mean(weight * self.answered, self.right * ~self.is_moot),
            "effective_reliability": weighted_mean(weight, self.gains),
            "aurc": float(risk.mean()) if len(risk) else float("nan"),
            "coverage_at_10": answers.coverage_at(right, sure, RISK),
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for kind in np.unique(self.kind).tolist():
            rows = self.kind == kind
            told = rows & self.answered
            found[kind] = {
                "accuracy": float(self.correct[rows].mean()),
                "answered": float(self.answered[rows].mean()),
                "accuracy_answered": float((self.right * ~self.is_moot)[told].mean())
                if told.any()
                else float("nan"),
                "effective_reliability": float(self.gains[rows].mean()),
                "questions": float(rows.sum()),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        found = []
        for picture in range(self.pictures):
            weight = (self.picture == picture).astype(np.float64)
            accuracy = weighted_mean(weight, self.correct)
            found.append({"accuracy": accuracy, "questions": float(weight.sum())})
        return found

    def curves(self) -> dict[str, Any]:
        real = ~self.is_moot
        right = np.where(self.sure < 0, 0.0, self.right)[real]
        coverage, risk = answers.risk_coverage(right, self.sure[real])
        step = max(1, len(coverage) // 100)
        shown = slice(None, None, step)
        line = {"x": coverage[shown].tolist(), "y": {"risk": risk[shown].tolist()}}
        return {"risk and coverage": {"kind": "lines", "labels": ("coverage", "risk"), **line}}


class AskBench(PictureBench[AskBenchOptions]):
    name = "ask"
    headline = "effective_reliability"
    about = (
        "questions, those of VQA v2 and GQA or built from masks: accuracy, risk and coverage, "
        "effective reliability"
    )
    options = AskBenchOptions
    table = AskTable
    needs_names = False

    def check(self, kit: Kit[AskBenchOptions]) -> None:
        kit.models.get(Segmenter)
        if not kit.data.classes and not any(sample.questions for sample in kit.data.samples):
            raise FormatError(
                f"{kit.data.name} has neither questions nor regions with names to build them from"
            )

    def facts(self, kit: Kit[AskBenchOptions]) -> dict[str, Any]:
        return super().facts(kit) | {"answer": "the text, its score, and whether it is known"}

    def score_picture(
        self, kit: Kit[AskBenchOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        questions = picture.sample.questions
        if not questions:
            with clock.stage("build"):
                name = picture.sample.name
                questions = build_questions(picture.image, picture.truth, name)
        view = View(picture.image, kit.models, Trace(how="ask"))
        rows: dict[str, list[Any]] = {key: [] for key in (*COLUMNS, "question", "said")}
        for question in questions:
            with clock.stage("predict"):
                answer = ask(view, question.text, AskOptions(min_score=0))
            values = (
                question.kind,
                answers.accuracy(answer.text, question.answers),
                round(answer.score, 6),
                answer.is_known,
                question.answers[0],
                question.text,
                answer.text,
            )
            for key, value in zip(rows, values, strict=True):
                rows[key].append(value)
        return rows

    def panels(self, kit: Kit[AskBenchOptions], picture: LabelledPicture) -> list[Array]:
        """The first three answers, each with its evidence."""
        questions = picture.sample.questions
        questions = questions or build_questions(picture.image, picture.truth, picture.sample.name)
        view = View(picture.image, kit.models, Trace(how="ask"))
        options = AskOptions(min_score=kit.options.min_score)
        height, width = picture.image.size
        drawn = []
        for question in questions[:3]:
            shown = draw_answer(picture.image, ask(view, question.text, options))
            drawn.append(shown[: height + width // 4])
        return drawn
