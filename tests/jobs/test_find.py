"""Regions found again, by words and by example, and the words that are nowhere."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

import wordmask
from albums import FAKE, LOOK, draw_album, draw_shapes, file_names, find, index
from wordmask import engines
from wordmask.core.classes import ClassEvidence, ClassNames
from wordmask.core.protocols import FeatureMap
from wordmask.errors import OptionError, PromptError
from wordmask.jobs.find import IndexSearch, SearchQuery
from wordmask.media.index.words import save_words
from wordmask.media.reading.read import read
from wordmask.tasks.search import SearchOptions


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    home = tmp_path_factory.mktemp("find")
    draw_album(home / "album")
    draw_shapes(home / "album/trip/green.png", ("green", "disc", 64))
    index(home / "album", home / "db")
    return home / "db"


def test_each_word_is_found_by_itself(db):
    answer = find(db, "red", "green")
    assert [hit.word for hit in answer.hits] == ["red", "red", "green"]
    assert sorted(file_names(answer)) == ["both.png", "green.png", "red.png"]


def test_a_word_that_is_nowhere_is_told_with_its_best_score(db):
    answer = find(db, "cat", "red disc")
    assert {hit.word for hit in answer.hits} == {"red disc"}
    (absent,) = answer.absent
    assert absent.phrase == "cat"
    assert 0 < absent.best < absent.needed


def test_the_cut_is_an_option(db):
    assert len(find(db, "red", options=SearchOptions(min_confidence=0.0)).hits) > 2
    assert not find(db, "red", options=SearchOptions(min_confidence=1.0)).hits


def test_top(db):
    assert len(find(db, "red", options=SearchOptions(top=1)).hits) == 1


def test_what_it_must_not_be(db):
    assert not find(db, "red", unwanted=("red disc",)).hits


def test_words_that_must_be_together(db):
    answer = find(db, "red", "blue", options=SearchOptions(together=True))
    assert file_names(answer) == ["both.png", "both.png"]
    answer = find(db, "red", "green", options=SearchOptions(together=True))
    assert answer.hits == ()
    assert [word.phrase for word in answer.absent] == ["red + green"]


def test_what_is_next_to_something(db):
    answer = find(db, "red next to blue")
    assert file_names(answer) == ["both.png"]
    assert answer.hits[0].beside.name == "blue"
    assert file_names(find(db, "red", near="blue")) == ["both.png"]
    assert file_names(find(db, "blue right of red")) == ["both.png"]
    assert not find(db, "red right of blue").hits
    assert not find(db, "cat next to blue").hits


def test_conditions(db):
    assert file_names(find(db, "green", where="album = 'trip'")) == ["green.png"]
    assert not find(db, "green", where="album = ?", values=("album",)).hits
    with pytest.raises(OptionError, match="no column 'folder'"):
        find(db, "green", where="folder = 'trip'")
    with pytest.raises(OptionError, match="cannot be asked of regions"):
        find(db, "green", where="date >")
    query = SearchQuery(where="area > 10")
    search, picture = IndexSearch(db, FAKE), read(db.parent / "album/red.png")
    with pytest.raises(OptionError, match="cannot be asked of pictures"):
        search.find_like(picture, None, query, SearchOptions())


def test_a_condition_that_nothing_meets(db):
    where = "album = 'nowhere'"
    assert [word.phrase for word in find(db, "red", "blue next to red", where=where).absent]
    picture = read(db.parent / "album/red.png")
    shown = wordmask.click(picture, [(90, 48)], model="fake")[:1].masks
    query = SearchQuery(unwanted=("cat",), where=where)
    for example in (shown, None):
        answer = IndexSearch(db, FAKE).find_like(picture, example, query, SearchOptions())
        assert (answer.hits, answer.absent[0].best) == ((), 0.0)


def test_like_what_is_shown(db):
    picture = read(db.parent / "album/red.png")
    shown = wordmask.click(picture, [(90, 48)], model="fake")[:1]
    answer = IndexSearch(db, FAKE).find_like(picture, shown.masks, SearchQuery(), SearchOptions())
    assert set(file_names(answer)[:2]) == {"red.png", "both.png"}
    assert answer.hits[0].word == "like red.png"


def test_like_a_whole_picture(db):
    picture = read(db.parent / "album/red.png")
    answer = IndexSearch(db, FAKE).find_like(picture, None, SearchQuery(), SearchOptions())
    assert file_names(answer)[0] == "red.png"
    assert answer.hits[0].row.share == 1


def test_nothing_is_shown(db):
    picture = read(db.parent / "album/red.png")
    none = wordmask.segment(picture, ["cat"], model="fake").masks
    with pytest.raises(PromptError, match="nothing is shown"):
        IndexSearch(db, FAKE).find_like(picture, none, SearchQuery(), SearchOptions())


def test_near_duplicates_are_one_hit_unless_all_are_wanted(tmp_path):
    for seed in (0, 1):
        draw_shapes(tmp_path / f"album/{seed}.png", ("red", "disc", 60), seed=seed)
    index(tmp_path / "album", tmp_path / "db")
    (hit,) = find(tmp_path / "db", "red").hits
    assert {Path(path).name for path in (hit.row.path, *hit.copies)} == {"0.png", "1.png"}
    assert len(find(tmp_path / "db", "red", options=SearchOptions(copies=True)).hits) == 2


def test_the_python_door(tmp_path):
    draw_album(tmp_path / "album")
    tally = wordmask.index(tmp_path / "album", tmp_path / "db", model="fake", options=LOOK)
    assert (tally.pictures, tally.counts["new"]) == (3, 3)
    answer = wordmask.find(tmp_path / "db", ["red", "cat"], model="fake")
    assert set(file_names(answer)) == {"red.png", "both.png"}
    assert [word.phrase for word in answer.absent] == ["cat"]
    example = wordmask.click(tmp_path / "album/red.png", [(90, 48)], model="fake")[:1]
    assert wordmask.find(tmp_path / "db", like=example, model="fake").hits
    assert wordmask.find(tmp_path / "db", like=tmp_path / "album/red.png", model="fake").hits
    with pytest.raises(PromptError, match="does not know its picture"):
        wordmask.find(tmp_path / "db", like=example.with_image(None), model="fake")


def test_an_empty_query_is_refused(db):
    with pytest.raises(PromptError, match="name at least one thing"):
        find(db)


def test_vectors_are_kept_to_16_bits(db):
    (hit,) = find(db, "red", options=SearchOptions(top=1)).hits
    assert np.linalg.norm(hit.row.vector) == pytest.approx(1, abs=1e-3)


def test_a_common_word_is_looked_for_where_the_rare_one_is(tmp_path, monkeypatch):
    """Its nearest regions may all lie in other pictures."""
    monkeypatch.setattr("wordmask.jobs.find.CANDIDATES", 2)
    for number in range(3):
        draw_shapes(tmp_path / f"album/{number}.png", ("red", "disc", 30 + 20 * number))
    draw_shapes(tmp_path / "album/both.png", ("red", "square", 40), ("blue", "square", 80))
    index(tmp_path / "album", tmp_path / "db")
    assert file_names(find(tmp_path / "db", "red next to blue")) == ["both.png"]
    answer = find(tmp_path / "db", "red", "blue", options=SearchOptions(together=True))
    assert set(file_names(answer)) == {"both.png"}


def test_a_word_that_the_vectors_never_learned_is_found_by_the_names_of_regions(db, tmp_path):
    """And one that nothing knows is said to be unknown, not only not here."""
    known = shutil.copytree(db, tmp_path / "db")
    fake = engines.load("fake").parts[0]
    names = ClassNames(fake.embed_texts(["red"]), fake.embed_texts(["red"]), np.ones((1, 1), bool))
    evidence = ClassEvidence(names, None, 1, 1, 0, 0, 0, 0, 0)
    features = FeatureMap(np.zeros((1, 1, 1)), (1, 1), classes=evidence)
    save_words(known, features, ["blue", "green"])
    answer = find(known, "blue", "cat", "red")
    assert {hit.word for hit in answer.hits} == {"blue", "red"}
    assert all(hit.row.names[0] == hit.word for hit in answer.hits)
    assert [(word.phrase, word.unknown) for word in answer.absent] == [("cat", True)]
