import pytest

from wordmask.errors import PromptError
from wordmask.jobs.words import split_words


def test_words_come_one_by_one_by_commas_or_from_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("hot dog\n\n  wall, painted\n")
    assert split_words(["cup, oven", "cat", f"@{tmp_path / 'words.txt'}", " , "]) == (
        "cup", "oven", "cat", "hot dog", "wall, painted",
    )  # fmt: skip


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["no file", "no text"])
def test_a_list_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PromptError, match=r"words\.txt cannot be read"):
        split_words([f"@{path}"])
