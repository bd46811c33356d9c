"""An index follows its pictures: what is new is looked at once, what is gone leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

from albums import FAKE, LOOK, counts, draw_album, draw_shapes, file_names, find, index
from wordmask.engines import EngineOptions
from wordmask.errors import FormatError, OptionError, OutputError
from wordmask.jobs import index_care as care
from wordmask.jobs.find import IndexSearch, SearchQuery
from wordmask.jobs.index import IndexJob
from wordmask.jobs.setup import Setup
from wordmask.media.index.lock import write_lock
from wordmask.media.index.rows import PICTURES, REGIONS
from wordmask.media.index.store import RegionStore
from wordmask.tasks.describe import DescribeOptions
from wordmask.tasks.search import SearchOptions


@pytest.fixture
def album(tmp_path):
    """An album, and its index beside it."""
    draw_album(tmp_path / "album")
    assert counts(index(tmp_path / "album", tmp_path / "db")) == {"new": 3}
    return tmp_path / "album"


def walk(album: Path) -> dict[str, int]:
    return counts(index(album, album.parent / "db"))


def test_a_second_walk_looks_at_nothing(album):
    assert walk(album) == {"unchanged": 3}


def test_what_is_new_is_looked_at(album):
    draw_shapes(album / "new.png", ("green", "disc", 64))
    assert walk(album) == {"new": 1, "unchanged": 3}
    assert file_names(find(album.parent / "db", "green")) == ["new.png"]


def test_what_has_changed_is_looked_at_again_and_its_old_regions_go(album):
    draw_shapes(album / "red.png", ("green", "disc", 64))
    assert walk(album) == {"changed": 1, "unchanged": 2}
    assert file_names(find(album.parent / "db", "red")) == ["both.png"]
    assert care.check(album.parent / "db").is_sound


def test_what_was_moved_keeps_its_regions_under_its_new_name(album):
    (album / "trip").mkdir()
    (album / "red.png").rename(album / "trip/renamed.png")
    assert walk(album) == {"moved": 1, "unchanged": 2}
    answer = find(album.parent / "db", "red", where="album = 'trip'")
    assert file_names(answer) == ["renamed.png"]
    assert len(RegionStore(album.parent / "db").files()) == 3


def test_a_copy_shares_its_regions(album):
    shutil.copy(album / "red.png", album / "again.png")
    before = RegionStore(album.parent / "db").count(REGIONS)
    assert walk(album) == {"copy": 1, "unchanged": 3}
    assert RegionStore(album.parent / "db").count(REGIONS) == before
    (hit,) = [hit for hit in find(album.parent / "db", "red").hits if hit.copies]
    assert {Path(path).name for path in (hit.row.path, *hit.copies)} == {"red.png", "again.png"}


def test_of_copies_the_last_one_keeps_the_regions(album):
    shutil.copy(album / "red.png", album / "again.png")
    walk(album)
    (album / "red.png").unlink()
    assert walk(album) == {"unchanged": 3, "gone": 1}
    assert "again.png" in file_names(find(album.parent / "db", "red"))


def test_regions_follow_a_copy_when_their_file_becomes_another_picture(album):
    shutil.copy(album / "red.png", album / "again.png")
    draw_shapes(album / "red.png", ("green", "disc", 64))
    assert walk(album) == {"copy": 1, "changed": 1, "unchanged": 2}
    assert "again.png" in file_names(find(album.parent / "db", "red"))
    assert "red.png" not in file_names(find(album.parent / "db", "red"))


def test_who_asks_for_an_index_that_is_not_there_makes_no_folder(tmp_path):
    with pytest.raises(FormatError, match="makes one"):
        IndexSearch(tmp_path / "none", FAKE)
    for look in (care.check, care.stats, care.optimize, care.repair):
        with pytest.raises(FormatError, match="no index"):
            look(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_index_cannot_lie_where_a_file_is(album):
    with pytest.raises(OutputError, match="cannot be written"):
        index(album, album / "red.png")


def test_what_is_deleted_leaves(album):
    (album / "red.png").unlink()
    assert walk(album) == {"unchanged": 2, "gone": 1}
    assert file_names(find(album.parent / "db", "red")) == ["both.png"]
    assert care.check(album.parent / "db").is_sound


def test_what_lies_elsewhere_stays(album, tmp_path):
    """A folder that was not named may be on a disk that is not plugged in."""
    draw_shapes(tmp_path / "elsewhere/green.png", ("green", "disc", 64))
    assert counts(index(tmp_path / "elsewhere", tmp_path / "db")) == {"new": 1}
    (tmp_path / "elsewhere/green.png").unlink()
    assert walk(album) == {"unchanged": 3}
    assert file_names(find(tmp_path / "db", "green")) == ["green.png"]


def test_a_touched_file_is_only_stamped_again(album):
    os.utime(album / "red.png", (1, 1))
    assert walk(album) == {"touched": 1, "unchanged": 2}
    assert walk(album) == {"unchanged": 3}


def test_a_bad_picture_is_passed_over(album):
    (album / "bad.png").write_bytes(b"no picture")
    job = IndexJob(album.parent / "db", LOOK, FAKE)
    failed = [event.item for event in job.run(str(album)) if event.kind == "failed"]
    assert [Path(name).name for name in failed] == ["bad.png"]
    assert job.tally.counts["unchanged"] == 3


def test_another_engine_is_refused(album):
    job = IndexJob(album.parent / "db", LOOK, Setup("mini", EngineOptions()))
    with pytest.raises(OptionError, match=r"made by fake.*this is mini@sha256"):
        list(job.run(str(album)))


def test_other_options_are_refused_and_named(album):
    look = DescribeOptions(vocabulary=LOOK.vocabulary, points_per_side=9)
    with pytest.raises(OptionError, match="another points_per_side"):
        index(album, album.parent / "db", look)


def test_a_second_writer_is_refused_and_a_reader_is_not(album):
    with write_lock(album.parent / "db"):
        with pytest.raises(OutputError, match="written by another process"):
            walk(album)
        assert file_names(find(album.parent / "db", "red"))


def test_only_regions_of_words(tmp_path):
    draw_album(tmp_path / "album")
    index(tmp_path / "album", tmp_path / "db", DescribeOptions(words=("red", "blue")))
    store = RegionStore(tmp_path / "db")
    assert sorted(store.column(REGIONS, "name")) == ["blue", "blue", "red", "red"]


def test_pictures_without_regions_are_done_too(tmp_path):
    draw_album(tmp_path / "album")
    look = DescribeOptions(words=("cat",))
    assert counts(index(tmp_path / "album", tmp_path / "db", look)) == {"new": 3}
    assert counts(index(tmp_path / "album", tmp_path / "db", look)) == {"unchanged": 3}
    assert care.check(tmp_path / "db").is_sound
    assert [word.phrase for word in find(tmp_path / "db", "red").absent] == ["red"]


def test_a_reader_goes_on_while_the_index_is_tidied_and_grows(album):
    search = IndexSearch(album.parent / "db", FAKE)
    query = SearchQuery(("red",))
    before = search.find(query, SearchOptions())
    care.optimize(album.parent / "db")
    draw_shapes(album / "new.png", ("red", "disc", 20))
    walk(album)
    care.optimize(album.parent / "db")
    after = search.find(query, SearchOptions())
    assert set(file_names(before)) < set(file_names(after))


# ---- trouble


def test_a_full_disk_ends_the_walk_and_the_next_one_goes_on(album):
    for number in range(3):
        draw_shapes(album / f"new-{number}.png", ("red", "disc", 20 + 30 * number))
    job = IndexJob(album.parent / "db", LOOK, FAKE)
    job.write_every = 1

    def fail(regions, pictures):
        raise OutputError("the disk is full")

    job.store.upsert = fail
    events = []
    with pytest.raises(OutputError, match="full"):
        events.extend(job.run(str(album)))
    assert len([event for event in events if event.kind == "failed"]) <= 1
    assert walk(album) == {"new": 3, "unchanged": 3}


@pytest.mark.skipif(sys.platform != "linux", reason="only there names may be any bytes")
def test_a_name_that_is_no_unicode_is_passed_over(album):
    shutil.copy(album / "red.png", os.fsencode(album) + b"/\xff.png")
    job = IndexJob(album.parent / "db", LOOK, FAKE)
    (failed,) = [event for event in job.run(str(album)) if event.kind == "failed"]
    assert "no Unicode" in str(failed.error)
    assert job.tally.counts["unchanged"] == 3


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from wordmask.jobs import index as job
job.HELD = 1  # a version for each picture: more places to be killed at
from albums import LOOK, index
from pathlib import Path
index(Path({album!r}), Path({db!r}))
"""


def start_walk(album: Path, db: Path) -> subprocess.Popen:
    code = KILLED.format(tests=str(Path(__file__).parents[1]), album=str(album), db=str(db))
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)


def keys(db: Path) -> list[str]:
    return sorted(RegionStore(db).column(REGIONS, "key"))


def test_a_killed_walk_goes_on_to_the_same_rows(tmp_path):
    """A small part of what `wordmask bench suite kills` does with 200 kills."""
    for number in range(4):
        draw_shapes(tmp_path / f"album/{number}.png", ("red", "disc", 20 + 20 * number))
    index(tmp_path / "album", tmp_path / "undisturbed")
    walking = start_walk(tmp_path / "album", tmp_path / "db")
    until = time.monotonic() + 60
    while len(list((tmp_path / "db/pictures.lance/_versions").glob("*"))) < 3:
        assert time.monotonic() < until
        time.sleep(0.01)
    walking.send_signal(signal.SIGKILL)
    assert walking.wait() == -signal.SIGKILL
    assert 0 < len(keys(tmp_path / "db")) <= len(keys(tmp_path / "undisturbed"))
    index(tmp_path / "album", tmp_path / "db")
    assert keys(tmp_path / "db") == keys(tmp_path / "undisturbed")
    assert care.check(tmp_path / "db").is_sound


@pytest.mark.parametrize("damage", [b"", b"\0" * 200])
@pytest.mark.parametrize("table", [REGIONS, PICTURES])
def test_a_broken_version_is_told_and_mended(album, table, damage):
    db = album.parent / "db"
    newest = min((db / f"{table}.lance/_versions").glob("*.manifest"))
    newest.write_bytes(damage)
    assert care.check(db).broken == (table,)
    report = care.repair(db)
    assert report.mended
    assert "went back to the last good version" in report.text()
    index(album, db)
    assert care.check(db).is_sound
    assert "both.png" in file_names(find(db, "red"))


def test_regions_that_no_file_vouches_for_are_found_and_taken_out(album):
    db = album.parent / "db"
    store = RegionStore(db)
    path = os.path.realpath(album / "red.png")
    store.delete(REGIONS, "path", [path])
    store.delete(PICTURES, "path", [os.path.realpath(album / "blue.png")])
    report = care.check(db)
    assert report.incomplete == (path,)
    assert len(report.orphans) == 1
    care.repair(db)
    assert care.check(db).is_sound
    assert walk(album) == {"new": 2, "unchanged": 1}


def test_stats_say_what_is_in_it(album):
    text = care.stats(album.parent / "db").text()
    assert "3 pictures in 1 folders" in text
    assert "made by fake" in text
    assert "exact, every vector is compared" in text


def test_a_folder_that_is_no_index_is_told(tmp_path):
    with pytest.raises(FormatError, match="is no index"):
        care.stats(tmp_path)
    with pytest.raises(FormatError, match="is no index"):
        find(tmp_path, "red")


def test_an_index_of_a_later_version_is_told(album, monkeypatch):
    monkeypatch.setattr("wordmask.media.index.store.VERSION", 2)
    with pytest.raises(FormatError, match="version 1, this wordmask reads 2"):
        find(album.parent / "db", "red")


def test_json_of_facts_is_stable(album):
    facts = RegionStore(album.parent / "db").facts
    assert json.loads(facts.text())["engine"] == ["fake"]
