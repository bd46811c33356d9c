"""A batch can be killed at any moment and run again: every output is there once and whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wordmask.errors import OutputError
from wordmask.files import write_text
from wordmask.media import ledger as batch_module
from wordmask.media.ledger import LEDGER, Batch, targets
from wordmask.media.reading.sources import Found, find


@pytest.fixture
def cat(tmp_path) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"a picture of a cat")
    return path


def make(batch: Batch, source: Path) -> Path:
    """What the command line does for one picture."""
    target = source.with_suffix("")
    with batch.making(source, target) as outputs:
        outputs.append(write_text(f"{target}.json", source.read_text() * 2))
    return outputs[0]


def begun(folder: Path, **options: object) -> Batch:
    """As after a kill: nothing is known but what the ledger says."""
    return Batch(folder / LEDGER, options)


def done(batch: Batch, source: Path) -> bool:
    return batch.done(source, source.with_suffix(""))


def test_what_is_made_is_done_in_the_next_run_too(cat, tmp_path):
    batch = begun(tmp_path, words=["cat"])
    assert not done(batch, cat)
    output = make(batch, cat)
    assert done(batch, cat)
    assert done(begun(tmp_path, words=["cat"]), cat)
    assert output.is_file()


def test_a_file_that_exists_is_not_done_without_its_recipe(cat, tmp_path):
    write_text(tmp_path / "cat.json", "from who knows where")
    assert not done(begun(tmp_path), cat)


def touched(cat: Path) -> None:
    os.utime(cat, (1, 1))


def repainted(cat: Path) -> None:
    cat.write_bytes(b"a picture of a dog")
    os.utime(cat, (1, 1))


@pytest.mark.parametrize(
    ("happens", "still"),
    [
        pytest.param(touched, True, id="only its time is new"),
        pytest.param(repainted, False, id="as many other bytes"),
        pytest.param(lambda cat: cat.write_bytes(b"more bytes than before"), False, id="grown"),
        pytest.param(lambda cat: cat.with_suffix(".json").unlink(), False, id="output gone"),
        pytest.param(
            lambda cat: cat.with_suffix(".json").write_text("cut"), False, id="output cut"
        ),
        pytest.param(lambda cat: touched(cat.with_suffix(".json")), True, id="output touched"),
        pytest.param(lambda cat: cat.unlink(), False, id="picture gone"),
    ],
)
def test_done_is_believed_only_while_nothing_has_changed(cat, tmp_path, happens, still):
    make(begun(tmp_path), cat)
    happens(cat)
    assert done(begun(tmp_path), cat) is still


def test_other_options_or_another_version_are_another_recipe(cat, tmp_path, monkeypatch):
    make(begun(tmp_path, words=["cat"], tiles=2), cat)
    assert done(begun(tmp_path, tiles=2, words=["cat"]), cat)
    assert not done(begun(tmp_path, words=["cat"], tiles=3), cat)
    monkeypatch.setattr(batch_module, "__version__", "99")
    assert not done(begun(tmp_path, words=["cat"], tiles=2), cat)


def test_another_target_is_made_anew(cat, tmp_path):
    batch = begun(tmp_path)
    make(batch, cat)
    assert not batch.done(cat, tmp_path / "cat.jpg")


def test_a_failed_item_is_not_done(cat, tmp_path):
    batch = begun(tmp_path)
    with pytest.raises(KeyboardInterrupt), batch.making(cat, tmp_path / "cat"):
        raise KeyboardInterrupt
    assert not done(batch, cat)
    assert not (tmp_path / LEDGER).exists()


def test_a_picture_that_changes_while_it_is_read_is_made_again(cat, tmp_path):
    batch = begun(tmp_path)
    with batch.making(cat, tmp_path / "cat"):
        repainted(cat)
    assert not done(batch, cat)


def test_the_last_line_counts(cat, tmp_path):
    make(begun(tmp_path, way=1), cat)
    make(begun(tmp_path, way=2), cat)
    assert not done(begun(tmp_path, way=1), cat)
    assert done(begun(tmp_path, way=2), cat)


@pytest.mark.parametrize("cut", range(1, 400, 23))
def test_a_ledger_cut_anywhere_loses_the_last_line_at_most_and_goes_on(cat, tmp_path, cut):
    dog = tmp_path / "dog.jpg"
    dog.write_bytes(b"dog")
    make(begun(tmp_path), cat)
    first = (tmp_path / LEDGER).stat().st_size
    make(begun(tmp_path), dog)
    os.truncate(tmp_path / LEDGER, max(first, (tmp_path / LEDGER).stat().st_size - cut))
    batch = begun(tmp_path)
    assert done(batch, cat)
    make(batch, dog)
    assert done(begun(tmp_path), dog)


@pytest.mark.parametrize(
    "rubbish", [b"\0" * 500, b"[]\n7\nnull\n{}\n", b"[" * 100_000, b"\xff\xfe", b'{"source": 1}']
)
def test_rubbish_in_the_ledger_counts_as_not_there(cat, tmp_path, rubbish):
    make(begun(tmp_path), cat)
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(rubbish)
    assert done(begun(tmp_path), cat)


def test_a_row_with_rubbish_for_stamps_is_not_done(cat, tmp_path):
    make(begun(tmp_path), cat)
    row = json.loads((tmp_path / LEDGER).read_text())
    (tmp_path / LEDGER).write_text(json.dumps(row | {"stamp": {"bytes": 18}}))
    os.utime(cat, (1, 1))
    assert not done(begun(tmp_path), cat)


def test_the_folder_can_be_moved_with_its_ledger(tmp_path, cat):
    out = tmp_path / "out"
    with Batch(out / LEDGER, {}).making(cat, out / "cat") as outputs:
        outputs.append(write_text(out / "cat.json", "x"))
    out.rename(tmp_path / "elsewhere")
    assert Batch(tmp_path / "elsewhere" / LEDGER, {}).done(cat, tmp_path / "elsewhere" / "cat")


def test_a_ledger_that_cannot_be_is_our_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        Batch(tmp_path / "file" / LEDGER, {})


@pytest.mark.parametrize(
    ("names", "chosen"),
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
def test_targets_beside_the_pictures_are_never_shared(names, chosen):
    assert [
        str(path) for path in targets([Found(name, name, Path(name)) for name in names])
    ] == chosen


def test_targets_in_one_folder_keep_what_lay_below_and_never_collide():
    found = [
        Found(n, n, Path(n), Path(n).relative_to("in"))
        for n in ("in/a/cat.jpg", "in/b/cat.jpg", "in/cat.jpg")
    ]
    twice = Found("other/cat.jpg", "other/cat.jpg", Path("other/cat.jpg"), Path("cat.jpg"))
    again = Found("third/cat.jpg", "third/cat.jpg", Path("third/cat.jpg"), Path("cat.jpg"))
    chosen = [str(path) for path in targets([*found, twice, again], Path("out"))]
    assert chosen == ["out/a/cat", "out/b/cat", "out/cat", "out/cat.jpg", "out/cat.jpg-2"]


def test_targets_of_what_is_no_file():
    found = list(find([b"x", "-", "https://example.org/pics/cat.jpg?w=9", "a\0.png"]))
    assert [str(path) for path in targets(found, Path("out"))] == [
        "out/the-picture",
        "out/stdin",
        "out/cat",
        "out/a\0",
    ]


WORK = """
import sys, time
from pathlib import Path
from wordmask.media.ledger import Batch, LEDGER, targets
from wordmask.media.reading.sources import find
from wordmask.files import write_text
folder = Path(sys.argv[1])
batch = Batch(folder / "out" / LEDGER, {"times": 2})
found = list(find(folder / "in"))
with (folder / "made.txt").open("a") as made:
    for each, target in zip(found, targets(found, folder / "out")):
        if batch.done(each.path, target):
            continue
        with batch.making(each.path, target) as outputs:
            outputs.append(write_text(f"{target}.json", each.path.read_text() * 2))
            outputs.append(write_text(f"{target}.txt", each.path.read_text() * 1000))
        print(each.path.name, file=made, flush=True)
"""


def test_kill_9_and_run_again_until_done_gives_what_an_undisturbed_run_gives(tmp_path):
    """200 pictures; killed again and again at random moments."""
    chance = np.random.default_rng(0)
    for name in ("killed", "calm"):
        for number in range(200):
            path = tmp_path / name / "in" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"picture {number}")
    subprocess.run([sys.executable, "-c", WORK, str(tmp_path / "calm")], check=True)
    kills = 0
    while True:
        child = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path / "killed")])
        if kills < 8:
            before = lines(tmp_path / "killed" / "made.txt")
            while child.poll() is None and lines(tmp_path / "killed" / "made.txt") == before:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.02))
            child.send_signal(signal.SIGKILL)
        if child.wait() == 0:
            break
        kills += 1
    assert kills > 3
    assert contents(tmp_path / "killed" / "out") == contents(tmp_path / "calm" / "out")
    made = (tmp_path / "killed" / "made.txt").read_text().split()
    assert len(set(made)) >= 200 - kills  # one may be recorded and killed before it is said
    assert len(made) <= 200  # nothing that was done is made again


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def contents(folder: Path) -> dict[str, bytes]:
    """Everything under a final name; the ledger's order and times may differ."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LEDGER}
