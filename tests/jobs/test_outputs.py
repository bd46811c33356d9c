"""A job can be killed at any moment and run again; nobody's file is lost; no two items collide."""

import json
import os
from pathlib import Path

import pytest

from wordmask.errors import OptionError
from wordmask.files import write_text
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import OutputOptions, Outputs, Products, free_path
from wordmask.media import ledger as ledger_module
from wordmask.media.ledger import LEDGER
from wordmask.media.reading.sources import Found, find


@pytest.fixture
def cat(tmp_path) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"a picture of a cat")
    return path


def copy(*sources: Path, command="copy", out=None, overwrite=False, **recipe) -> list[Event[Path]]:
    """A job: NAME.txt holds twice what the source holds."""
    products = Products(command, recipe, (".txt",))
    found = list(find(list(sources)))
    outputs = Outputs(found, products, OutputOptions(out, overwrite))

    def work(item) -> Path:
        return write_text(item.file(".txt"), item.path.read_text() * 2)

    return [event for event in run(outputs.items, work, outputs) if event.kind != "start"]


def kinds(events) -> list[str]:
    return [event.kind for event in events]


@pytest.fixture
def dog(tmp_path) -> Path:
    """With a second picture a job is a batch, which resumes."""
    path = tmp_path / "dog.jpg"
    path.write_bytes(b"a picture of a dog")
    return path


# ---- what is done


def test_what_is_made_is_skipped_in_the_next_run(cat, dog):
    assert kinds(copy(cat, dog, words=["cat"])) == ["made", "made"]
    assert kinds(copy(cat, dog, words=["cat"])) == ["skipped", "skipped"]
    assert cat.with_suffix(".txt").read_text() == "a picture of a cat" * 2


def test_one_item_alone_is_simply_made_again(cat):
    assert kinds(copy(cat)) == kinds(copy(cat)) == ["made"]


def touch(cat: Path) -> None:
    os.utime(cat, (1, 1))


def repaint(cat: Path) -> None:
    cat.write_bytes(b"a picture of a dog")
    touch(cat)


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        pytest.param(touch, "skipped", id="only its time is new"),
        pytest.param(repaint, "made", id="as many other bytes"),
        pytest.param(lambda cat: cat.write_bytes(b"more bytes than before"), "made", id="grown"),
        pytest.param(lambda cat: cat.with_suffix(".txt").unlink(), "made", id="output gone"),
        pytest.param(lambda cat: touch(cat.with_suffix(".txt")), "skipped", id="output touched"),
        pytest.param(
            lambda cat: cat.with_suffix(".txt").write_text("mine"), "failed", id="output changed"
        ),
        pytest.param(lambda cat: (cat.parent / LEDGER).unlink(), "failed", id="ledger gone"),
    ],
)
def test_done_is_believed_only_while_nothing_has_changed(cat, dog, happens, kind):
    copy(cat, dog)
    happens(cat)
    assert copy(cat, dog)[0].kind == kind


def test_other_options_or_another_version_make_all_again(cat, dog, monkeypatch):
    copy(cat, dog, words=["cat"], tiles=2)
    assert kinds(copy(cat, dog, tiles=2, words=["cat"])) == ["skipped", "skipped"]
    assert kinds(copy(cat, dog, words=["cat"], tiles=3)) == ["made", "made"]
    assert kinds(copy(cat, dog, words=["cat"], tiles=2)) == ["made", "made"]
    monkeypatch.setattr(ledger_module, "__version__", "99")
    assert kinds(copy(cat, dog, words=["cat"], tiles=2)) == ["made", "made"]


def test_a_file_that_is_read_beside_the_source_counts_too(cat, dog, tmp_path):
    notes = write_text(tmp_path / "notes.md", "soft")

    def job() -> list[str]:
        outputs = Outputs(list(find([cat, dog])), Products("note", {}, ()), OutputOptions())

        def work(item) -> Path:
            outputs.note_input(notes)
            return write_text(item.file(".txt"), notes.read_text())

        return [event.kind for event in run(outputs.items, work, outputs)][1::2]

    assert job() == ["made", "made"]
    assert job() == ["skipped", "skipped"]
    notes.write_text("loud")
    assert job() == ["made", "made"]


def test_an_item_that_fails_writes_nothing_and_is_not_done(cat, dog, tmp_path):
    outputs = Outputs(list(find([cat, dog])), Products("copy", {}, ()), OutputOptions())

    def work(item) -> None:
        write_text(item.file(".txt"), "half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(outputs.items, work, outputs))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat.jpg", "dog.jpg"]


def test_a_source_that_changes_while_it_is_read_is_made_again(cat, dog):
    outputs = Outputs(list(find([cat, dog])), Products("copy", {}, ()), OutputOptions())

    def work(item) -> None:
        write_text(item.file(".txt"), "x")
        repaint(cat)

    list(run(outputs.items, work, outputs))
    assert [outputs.is_done(item) for item in outputs.items] == [False, True]


@pytest.mark.parametrize("cut", range(1, 400, 23))
def test_a_ledger_cut_anywhere_loses_the_last_line_at_most(cat, dog, tmp_path, cut):
    """A row is on the disk before its files get their names: if it is cut, they are not there."""
    copy(cat, dog)
    ledger = tmp_path / LEDGER
    first = ledger.read_bytes().index(b"\n") + 1
    os.truncate(ledger, max(first, ledger.stat().st_size - cut))
    dog.with_suffix(".txt").unlink()
    assert kinds(copy(cat, dog)) == ["skipped", "made"]
    assert kinds(copy(cat, dog)) == ["skipped", "skipped"]


@pytest.mark.parametrize(
    "rubbish",
    [b"\0" * 500, b"[]\n7\nnull\n{}\n", b"[" * 100_000, b"\xff\xfe", b'{"made": 1, "outputs": 7}'],
)
def test_rubbish_in_the_ledger_counts_as_not_there(cat, dog, tmp_path, rubbish):
    copy(cat, dog)
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(rubbish)
    assert kinds(copy(cat, dog)) == ["skipped", "skipped"]


def test_rubbish_for_a_stamp_is_not_done(cat, dog, tmp_path):
    copy(cat, dog)
    rows = [json.loads(line) for line in (tmp_path / LEDGER).read_text().splitlines()]
    spoilt = [json.dumps(row | {"stamp": {"bytes": 18}}) for row in rows]
    (tmp_path / LEDGER).write_text("\n".join(spoilt))
    touch(cat)
    assert kinds(copy(cat, dog))[0] == "made"


def test_a_folder_can_be_moved_with_its_ledger(cat, dog, tmp_path):
    copy(cat, dog, out=tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    assert kinds(copy(cat, dog, out=tmp_path / "elsewhere")) == ["skipped", "skipped"]


def test_pictures_can_be_moved_with_their_outputs(cat, dog, tmp_path):
    copy(cat, dog)
    tmp_path.joinpath("new").mkdir()
    for path in list(tmp_path.glob("*.*")):
        path.rename(tmp_path / "new" / path.name)
    moved = (tmp_path / "new" / "cat.jpg", tmp_path / "new" / "dog.jpg")
    assert kinds(copy(*moved)) == ["skipped", "skipped"]
    assert kinds(copy(moved[0], words=["cat"])) == ["made"]


def test_a_ledger_that_cannot_be_read_or_written_fails_its_item_only(cat, dog, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LEDGER).mkdir()
    events = copy(cat, dog, out=tmp_path / "out")
    assert kinds(events) == ["failed", "failed"]
    assert events[0].error.exit_code == 4
    assert not (tmp_path / "out" / "cat.txt").exists()


# ---- what may be replaced


def test_a_file_that_this_command_did_not_make_stays_and_the_error_says_how_to_go_on(cat):
    mine = write_text(cat.with_suffix(".txt"), "from a person")
    write_text(cat.with_name("cat-2.txt"), "taken too")
    (event,) = copy(cat)
    assert isinstance(event.error, OptionError)
    assert event.error.mend.option == "overwrite"
    assert "cat-3.txt is free" in event.error.message
    assert mine.read_text() == "from a person"


def test_what_is_allowed_is_replaced_and_is_then_the_commands_own(cat):
    mine = write_text(cat.with_suffix(".txt"), "from a person")
    assert kinds(copy(cat, overwrite=True)) == ["made"]
    assert mine.read_text() == "a picture of a cat" * 2
    assert kinds(copy(cat, words=["cat"])) == ["made"]


def test_a_command_replaces_its_own_files_and_no_other_commands(cat):
    assert kinds(copy(cat)) == ["made"]
    cat.write_bytes(b"another cat")
    assert kinds(copy(cat, words=["dog"])) == ["made"]
    assert cat.with_suffix(".txt").read_text() == "another cat" * 2
    assert kinds(copy(cat, command="other")) == ["failed"]


def test_a_file_that_a_person_has_changed_is_theirs(cat):
    copy(cat)
    write_text(cat.with_suffix(".txt"), "changed by hand")
    assert kinds(copy(cat)) == ["failed"]


def test_a_file_with_the_bytes_that_would_be_written_is_no_obstacle(cat):
    write_text(cat.with_suffix(".txt"), "a picture of a cat" * 2)
    products = Products("copy", {}, ())
    outputs = Outputs(list(find([cat])), products, OutputOptions())

    def work(item) -> Path:
        return write_text(item.file(".txt"), item.path.read_text() * 2)

    assert kinds(run(outputs.items, work, outputs)) == ["start", "made"]


def test_a_file_that_is_read_is_never_replaced(cat, tmp_path):
    text = write_text(tmp_path / "cat.txt", "words")
    products = Products("copy", {}, (".txt",), inputs=(str(text),))
    outputs = Outputs(list(find([cat])), products, OutputOptions(overwrite=True))
    (_, event) = run(outputs.items, lambda item: write_text(item.file(".txt"), ""), outputs)
    assert "is read here and would be overwritten" in str(event.error)
    assert text.read_text() == "words"


def test_two_items_of_a_job_never_write_the_same_file(cat, dog, tmp_path):
    outputs = Outputs(list(find([cat, dog])), Products("copy", {}, ()), OutputOptions())

    def work(item) -> Path:
        return write_text(tmp_path / "all.txt", item.name)

    events = list(run(outputs.items, work, outputs))
    assert kinds(events) == ["start", "made", "start", "failed"]
    assert "would both be written to" in str(events[-1].error)
    assert (tmp_path / "all.txt").read_text() == str(cat)


@pytest.mark.parametrize("suffixes", [(".txt",), ()], ids=["foreseen", "met when writing"])
def test_a_link_is_followed_and_what_it_leads_to_is_protected(cat, tmp_path, suffixes):
    mine = write_text(tmp_path / "notes" / "mine.txt", "from a person")
    cat.with_suffix(".txt").symlink_to(mine)
    outputs = Outputs(list(find([cat])), Products("copy", {}, suffixes), OutputOptions())
    events = run(outputs.items, lambda item: write_text(item.file(".txt"), "new"), outputs)
    assert kinds(events) == ["start", "failed"]
    assert mine.read_text() == "from a person"


def test_a_free_name_is_one_that_no_file_has(tmp_path):
    (tmp_path / "a.b-2.png").touch()
    assert free_path(tmp_path / "a.b.png").name == "a.b-3.png"


# ---- what outputs are called


def targets(found, out=None, label="") -> list[str]:
    products = Products("copy", {}, (), label=label)
    return [str(item.target) for item in Outputs(found, products, OutputOptions(out)).items]


@pytest.mark.parametrize(
    ("sources", "chosen"),
    [
        (["cat.jpg", "dog.png"], ["cat", "dog"]),
        (["cat.jpg", "cat.png", "cat.webp"], ["cat", "cat.png", "cat.webp"]),
        (["a/cat.jpg", "b/cat.jpg"], ["a/cat", "b/cat"]),
        (["cat.jpg", "CAT.png"], ["cat", "CAT.png"]),
        (["a.tar.png", "a.png"], ["a.tar", "a"]),
        (["cat", "cat.jpg"], ["cat", "cat.jpg"]),
        (["x.jpg", "y/../x.jpg"], ["x", "y/../x.jpg"]),
    ],
)
def test_targets_beside_the_pictures_are_never_shared(sources, chosen):
    assert targets([Found(name, name, Path(name)) for name in sources]) == chosen


def test_targets_in_one_folder_keep_what_lay_below_and_never_collide():
    found = [
        Found(n, n, Path(n), Path(n).relative_to("in"))
        for n in ("in/a/cat.jpg", "in/b/cat.jpg", "in/cat.jpg")
    ]
    twice = Found("other/cat.jpg", "other/cat.jpg", Path("other/cat.jpg"), Path("cat.jpg"))
    again = Found("third/cat.jpg", "third/cat.jpg", Path("third/cat.jpg"), Path("cat.jpg"))
    chosen = targets([*found, twice, again], Path("out"))
    assert chosen == ["out/a/cat", "out/b/cat", "out/cat", "out/cat.jpg", "out/cat.jpg-2"]


def test_targets_of_what_is_no_file():
    found = list(find([b"x", "-", "https://example.org/pics/cat.jpg?w=9", "a\0.png"]))
    chosen = ["out/the-picture", "out/stdin", "out/cat", "out/a\0"]
    assert targets(found, Path("out")) == chosen


def test_a_label_stands_between_the_name_and_the_suffix():
    found = [Found(name, name, Path(name)) for name in ("cat.jpg", "cat.png")]
    assert targets(found, label=".removed") == ["cat.removed", "cat.png.removed"]


def test_pictures_that_come_one_by_one_do_not_take_each_others_names(cat):
    twin = cat.with_suffix(".png")
    twin.write_bytes(b"a painting of a cat")
    assert copy(cat)[0].answer.name == "cat.txt"
    assert copy(twin)[0].answer.name == "cat.png.txt"
    assert copy(cat)[0].answer.name == "cat.txt"
    assert copy(twin)[0].answer.name == "cat.png.txt"
    assert cat.with_suffix(".txt").read_text() == "a picture of a cat" * 2
