"""`wordmask ask` as a person runs it, and the same question in Python and over HTTP."""

import json

import pytest

import wordmask
from commands import draw_disc, load, names, run_here
from serving import PNG, open_client, read_png, send
from wordmask.errors import FormatError
from wordmask.jobs.asks import answer_record, read_answer

QUESTION = "what colour is the disc?"


@pytest.fixture
def picture(tmp_path):
    return draw_disc(tmp_path / "disc.png")


def test_an_answer_in_a_line_and_the_evidence_as_a_picture(picture, tmp_path, capsys):
    assert run_here("ask", picture, QUESTION, "-m", "fake", "-o", tmp_path / "why.png") == 0
    told = capsys.readouterr().out
    assert f"{QUESTION}  red" in told
    assert "rests on disc" in told
    drawn = load(tmp_path / "why.png")
    assert drawn.shape[1] == 160
    assert drawn.shape[0] > 150  # the picture, and the strip with the words


def test_many_questions_each_get_a_file(picture, tmp_path, capsys):
    asked = [QUESTION, "is there a triangle?", "why?"]
    assert run_here("ask", picture, *asked, "-m", "fake", "-o", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert "is there a triangle?  no" in told
    assert "why?  unknown" in told
    assert names(tmp_path / "out") == [f"disc.asked.{number}.png" for number in (1, 2, 3)]


def test_the_picture_is_never_drawn_over(picture, capsys):
    before = picture.read_bytes()
    assert run_here("ask", picture, QUESTION, "-m", "fake", "-o", picture) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert picture.read_bytes() == before


def test_json_lines_can_be_read_back(picture, capsys):
    assert run_here("ask", picture, QUESTION, "where is the cat?", "-m", "fake", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["answer"] == "red"
    assert first["how"] == "rule: colour"
    assert second["answer"] == "unknown"
    assert second["looked_for"] == ["cat"]
    answer = read_answer(first)
    assert answer.evidence.names == ("disc",)
    assert answer_record(answer) == first | {"evidence": answer_record(answer)["evidence"]}
    with pytest.raises(FormatError, match="no answer"):
        read_answer({"answer": "red"})


def test_a_folder_of_pictures(picture, tmp_path, capsys):
    draw_disc(tmp_path / "more/blue.png", (0, 0, 255))
    assert run_here("ask", tmp_path, QUESTION, "-m", "fake") == 0
    told = capsys.readouterr()
    assert "disc?  red" in told.out
    assert "disc?  blue" in told.out
    assert "2 pictures: 2 done" in told.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([""], "the question is empty"),
        (["x" * 501], "at most 500"),
        ([QUESTION, "why?", "-o", "why.png"], "give a folder"),
        (["why?", "--how", "answerer"], "no Answerer"),
        ([QUESTION, "--min-score", "2"], "min-score"),
        ([], "QUESTIONS"),
    ],
)
def test_wrong_use_is_told_in_a_line(picture, capsys, arguments, told):
    assert run_here("ask", picture, *arguments, "-m", "fake") in (2, 3)
    assert told in capsys.readouterr().err


def test_in_python(picture):
    answer = wordmask.ask(picture, QUESTION, model="fake")
    assert (answer.text, answer.is_known) == ("red", True)
    assert answer.evidence.image is not None
    assert str(answer).startswith("red (")


def test_over_http():
    with open_client() as client:
        lawn = send(client)
        query = {"picture": lawn, "question": QUESTION}
        answer = client.post("/v1/ask", json=query)
        assert answer.json()["answer"] == "red"
        drawn = client.post("/v1/ask", json=query, headers={"accept": PNG})
        assert read_png(drawn.content).shape[0] > 120
        empty = client.post("/v1/ask", json=query | {"question": " "})
        assert empty.status_code == 422
        assert empty.json()["field"] == "question"
        absent = client.post("/v1/ask", json=query | {"question": "where is the cat?"}).json()
        assert (absent["answer"], absent["looked_for"]) == ("unknown", ["cat"])
        schema = client.get("/openapi.json").json()
        assert "question" in schema["components"]["schemas"]["AskQuery"]["properties"]
