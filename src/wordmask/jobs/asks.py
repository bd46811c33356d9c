"""Pictures and questions in, answers out; the evidence is drawn where that is wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wordmask.core.answer import Answer
from wordmask.core.image import Image
from wordmask.errors import FormatError, ImageError, Mend, OptionError, PromptError
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import Outputs, Products, WorkItem, typed_file
from wordmask.jobs.pictures import InputOptions
from wordmask.jobs.setup import Setup, find_pictures
from wordmask.media.drawing.answered import draw_answer
from wordmask.media.formats import FormatOptions, Named, own
from wordmask.media.reading.read import read_found
from wordmask.media.writing import PICTURE_SUFFIXES, write_picture
from wordmask.tasks.ask import AskOptions, ask
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

LABEL = ".asked"


@dataclass(frozen=True)
class AskSetup(Setup):
    """A setup for questions."""

    inputs: InputOptions = field(default_factory=InputOptions)


@dataclass(frozen=True, eq=False)
class AnsweredPicture:
    """What came of one picture."""

    name: str
    image: Image
    answers: tuple[Answer, ...]
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()  # what was changed when the picture was read


def ask_pictures(
    sources: Any, questions: Sequence[str], options: AskOptions, setup: AskSetup
) -> Iterator[Event[AnsweredPicture]]:
    """All questions about each picture, which is encoded once."""
    if not questions:
        raise PromptError('no question was asked; ask such as "how many cups are on the table?"')
    found = find_pictures(sources)
    target = setup.outputs.output_dir
    typed = typed_file(setup.outputs, PICTURE_SUFFIXES, found)
    if typed is not None and len(questions) > 1:
        raise OptionError(
            f"{typed} is one picture, for {len(questions)} questions; give a folder",
            mend=Mend("output_dir", "FOLDER"),
        )
    models = setup.load()

    def work(item: WorkItem) -> AnsweredPicture:
        read = read_found(item.found, setup.inputs.limits, web=setup.inputs.web)
        if read.image is None:
            raise read.error or ImageError(f"{item.name} cannot be read")
        view = View(read.image, models, Trace(how="ask"))
        answers = tuple(ask(view, question, options) for question in questions)
        files: tuple[Path, ...] = ()
        if target is not None:
            places = [typed or item.file(suffix) for suffix in suffixes]
            files = tuple(map(_draw, [read.image] * len(answers), answers, places))
        return AnsweredPicture(item.name, read.image, answers, files, read.notes)

    suffixes = tuple(f".{number}.png" for number in range(1, len(questions) + 1))
    if target is None:
        return run([WorkItem(one, one.path or Path(one.name)) for one in found], work)
    recipe = {"questions": questions, "models": models.made_by, "options": options}
    products = Products("ask", recipe, suffixes, LABEL)
    if typed is not None:
        products = Products("ask", recipe, (), LABEL, typed=(typed,))
    outputs = Outputs(found, products, setup.outputs)
    return run(outputs.items, work, outputs)


def _draw(image: Image, answer: Answer, path: Path) -> Path:
    return write_picture(path, draw_answer(image, answer))


def answer_record(answer: Answer, name: str = "") -> dict[str, Any]:
    """The answer as JSON; the evidence is a result in own JSON."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "score": round(answer.score, 4),
        "how": answer.how,
        "reason": answer.reason,
        "looked_for": list(answer.looked_for),
        "evidence": own.encode(Named(name, answer.evidence), FormatOptions()),
    }


def read_answer(record: Any) -> Answer:
    """The answer that `answer_record` wrote."""
    try:
        return Answer(
            str(record["question"]),
            str(record["answer"]),
            float(record["score"]),
            own.decode(record["evidence"], "the answer", FormatOptions()).result,
            str(record["how"]),
            str(record["reason"]),
            tuple(map(str, record["looked_for"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"this is no answer: {type(error).__name__} {error}") from None
