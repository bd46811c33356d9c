import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from wordmask.errors import OptionError
from wordmask.media.index.where import any_of, check_where, quote


@pytest.mark.parametrize(
    "text",
    [
        "date > '2024-01-01'",
        "name = 'dog' AND (share >= 0.1 or not album like 'trip%')",
        "date is not null and latitude between -10.5 and 3e1",
        "name in ('dog', 'it''s')",
    ],
)
def test_conditions_go_through_as_they_are(text):
    assert check_where(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'dog'; drop table regions", "no ';"),
        ("sleep(3)", "no column 'sleep'"),
        ("dat > '2024'", "Did you mean 'date'"),
        ("vector is null", "no column 'vector'"),
        ('"name" = 3', "has no '\"name"),
        ("name = 'dog", "no \"'dog"),
        ("(" * 30 + "1=1" + ")" * 30, "parentheses"),
        ("(name = 'dog'", "open"),
        ("name = 'dog')", "do not fit"),
        ("name = 'a' OR " * 300 + "name = 'b'", "at most 2000"),
        ("name = ?", "more question marks"),
        ("name = 'a' -- x", "no comments"),
    ],
)
def test_what_is_no_condition_is_refused(text, told):
    with pytest.raises(OptionError) as caught:
        check_where(text)
    assert told in str(caught.value)


def test_values_are_never_read_as_sql():
    text = check_where("name = ? AND share > ?", ["x' OR '1'='1", 0.5])
    assert text == "name = 'x'' OR ''1''=''1' AND share > 0.5"
    with pytest.raises(OptionError, match="without its place"):
        check_where("name = ?", ["a", "b"])


@examples(30)
@given(st.text(max_size=40))
def test_a_quoted_text_is_one_literal(text):
    assert check_where(f"name = {quote(text)}") == f"name = {quote(text)}"


def test_any_of():
    assert any_of("path", ["it's"]) == "path IN ('it''s')"


@pytest.mark.parametrize("text", ["area > 1 -- AND", "area > 1 /* x */", "area--1"])
def test_comments_are_refused(text):
    with pytest.raises(OptionError, match="no comments"):
        check_where(text)


def test_what_looks_like_a_comment_in_a_text_is_a_text():
    assert check_where("name = '-- /*'") == "name = '-- /*'"
    assert check_where("x1 - -3 > 0") == "x1 - -3 > 0"
