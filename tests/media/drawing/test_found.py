"""The page of what was found: one file, nothing from elsewhere, nothing of a stranger's runs."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from scenes import picture, scene
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result
from wordmask.media.drawing.found import SIDE, FoundPicture, found_page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        if tag not in ("meta", "img", "path", "i"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "i"):
            assert self.open.pop() == tag


def tags_of(page: str) -> list[str]:
    reader = Tags()
    reader.feed(page)
    assert reader.open == []
    return reader.names


def test_a_card_for_each_picture_and_a_chip_for_each_word():
    found = FoundPicture(picture(), scene(), "landscape.png", "trip, 2024-05-01")
    page = found_page([found, found], [Absent("zebra", 0.1, 0.4)], title="sun")
    names = tags_of(page)
    assert names.count("figure") == names.count("img") == 2
    assert names.count("button") == 4 + 2  # words, pictures
    assert page.count('class="edge"') == 8
    assert "zebra: not here" in page
    assert "8 regions in 2 pictures" in page
    assert "landscape.png · trip, 2024-05-01" in page


def test_it_loads_nothing_from_elsewhere():
    page = found_page([FoundPicture(picture(), scene(), "a.png")])
    assert not re.findall(r"https?://|url\(|<link|@import", page)
    assert "data:image/jpeg;base64," in page


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onload="x', "$about", "a & b"])
def test_names_are_text(text):
    result = scene(label_ids=[0, 0, 0, 0]).replace(vocabulary=(text,), label_ids=[0, 0, 0, 0])
    page = found_page([FoundPicture(picture(), result, text)], [Absent(text, 0, 1)], title=text)
    tags_of(page)
    assert page.count("<script>") == 1
    assert ' onload="x' not in page


def test_large_pictures_are_scaled_down_with_their_outlines():
    mask = np.zeros((1, 1000, 2000), bool)
    mask[0, 500:1000, 500:1000] = True
    result = Result.of(Masks.from_dense(mask), ("box",), label_ids=[0])
    page = found_page([FoundPicture(Image(np.zeros((1000, 2000, 3), np.uint8)), result, "a.png")])
    assert f'viewBox="0 0 {SIDE} {SIDE // 2}"' in page
    assert "M225 225L450 225L450 450L225 450Z" in page


def test_nothing_found_is_a_page_too():
    page = found_page([], [Absent("zebra", 0.1, 0.4), Absent("xylophone", 0, 0.4, True)])
    assert "xylophone: never learned" in page
    assert "Nothing of this is in these pictures" in page
    tags_of(page)
