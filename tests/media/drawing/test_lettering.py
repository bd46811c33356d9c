"""Labels are one line, in a font that has their letters."""

from pathlib import Path

import pytest

from wordmask.errors import OptionError
from wordmask.media.drawing import lettering


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two lines"),
        ("bell\x07", "bell"),
        ("x" * 60, "x" * 39 + "…"),
        ("кошка", "кошка"),
    ],
)
def test_labels_are_one_tidy_line(text, shown):
    assert lettering.tidy(text) == shown


@pytest.mark.parametrize("word", ["cat", "Straße", "кошка", "γάτα", "חתול", "قطة", "Հայ"])
def test_the_shipped_font_writes(word):
    assert lettering.font_for(word, 20).path == str(lettering.SHIPPED)


def test_letters_that_no_font_has_are_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(lettering, "_system_fonts", lambda: (Path("gone.ttf"), lettering.SHIPPED))
    lettering._system_font.cache_clear()
    assert lettering.chip("猫", "0.91", (255, 0, 0), 20).width > 40
    monkeypatch.setattr(lettering, "_covers", lambda path, text: path.name == "other.ttf")
    monkeypatch.setattr(lettering, "_system_fonts", lambda: (Path("other.ttf"),))
    lettering._system_font.cache_clear()
    with pytest.raises(OptionError, match=r"other.ttf is not a font"):
        lettering.font_for("犬", 20)
    lettering._system_font.cache_clear()


def test_fonts_of_the_system_are_looked_for_by_name(tmp_path, monkeypatch):
    for name in ("NotoSansCJK.ttc", "Fancy.ttf", "msyh.ttf"):
        (tmp_path / name).touch()
    monkeypatch.setattr(lettering, "_SYSTEM", (str(tmp_path),))
    lettering._system_fonts.cache_clear()
    assert [file.name for file in lettering._system_fonts()] == ["NotoSansCJK.ttc", "msyh.ttf"]
    lettering._system_fonts.cache_clear()
