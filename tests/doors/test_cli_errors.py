"""What the command line says when it is used wrongly: one sentence, and where the help is."""

import pytest

from wordmask.doors.cli import main


def complaint(capsys, *words) -> tuple[int, list[str]]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    assert said.out == ""
    return left.value.code, said.err.splitlines()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sgment",), "there is no command 'sgment'. Did you mean 'segment'?"),
        (("edit", "remov"), "there is no command 'remov'. Did you mean 'remove'?"),
        (("segment",), "PICTURE is missing"),
        (("bench", "semantic"), "--data is missing"),
        (("doctor", "--jso"), "there is no option --jso. Did you mean '--json'?"),
        (("segment", "a", "--qqq"), "there is no option --qqq"),
        (("segment", "a", "--how"), "option '--how' requires an argument"),
        (("doctor", "now"), "got unexpected extra argument"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(words, sentence, capsys):
    code, (first, second) = complaint(capsys, *words)
    assert code == 2
    assert first.startswith(f"error: {sentence}")
    assert second.startswith("try: wordmask")
    assert second.endswith("--help")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ("--how", "guidd"),
            "--how must be one of auto, unified, guided, everything, grounded; got 'guidd'. "
            "Did you mean 'guided'?",
        ),
        (("--min-confidence", "2"), "--min-confidence must be auto or 0 to 1; got 2.0"),
        (("--iou-threshold", "-1"), "--iou-threshold must be 0 to 1; got -1.0"),
        (("--points-per-side", "x"), "--points-per-side must be a whole number, 1 to 256; got 'x'"),
        (("--output-dir", ""), "--output-dir must be a path; got ''"),
    ],
)
def test_what_an_option_does_not_take_names_its_flag(flags, sentence, capsys):
    assert complaint(capsys, "segment", "a.png", "cat", *flags) == (2, [f"error: {sentence}"])
