"""Files are there whole or not at all, whatever fails and whenever the process is killed."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wordmask import files as writers
from wordmask.errors import OutputError
from wordmask.files import (
    PART,
    atomic,
    cache_home,
    digest,
    make_folder,
    place,
    sweep,
    together,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic(target) as part:
        part.write_text("ne")
        assert target.read_text() == "old"
        part.write_text("new")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_the_temporary_file_is_hidden_beside_the_target_and_has_its_suffix(tmp_path):
    with atomic(tmp_path / "a.png") as part:
        assert part.parent == tmp_path
        assert part.name.startswith(".a.")
        assert part.name.endswith(f"{PART}.png")
        assert list(tmp_path.glob("[!.]*")) == []


def test_files_written_together_get_their_names_together(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with together(tmp_path) as files:
        write_text(tmp_path / "a.txt", "new")
        write_text(tmp_path / "below" / "b.txt", "first")
        write_text(tmp_path / "below" / "b.txt", "second")
        assert (tmp_path / "a.txt").read_text() == "old"
        assert set(files.parts) == {tmp_path / "a.txt", tmp_path / "below" / "b.txt"}
        assert not (tmp_path / "below" / "b.txt").exists()
        files.place()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "below" / "b.txt").read_text() == "second"
    assert sum(len(names) for _, _, names in os.walk(tmp_path)) == 2


def fail_after_writing(folder: Path) -> None:
    with together(folder):
        write_text(folder / "b.txt", "new")
        raise KeyboardInterrupt


def test_a_block_that_ends_otherwise_leaves_every_file_as_it_was(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with together(tmp_path):
        write_text(tmp_path / "a.txt", "new")
    with pytest.raises(KeyboardInterrupt):
        fail_after_writing(tmp_path)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_link_is_held_back_by_its_own_place_and_not_by_where_it_leads(tmp_path):
    (tmp_path / "mine.txt").write_text("old")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link.txt").symlink_to(tmp_path / "mine.txt")
    with together(tmp_path / "out") as files:
        write_text(tmp_path / "out" / "link.txt", "new")
        assert list(files.parts) == [tmp_path / "mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "old"


def test_files_elsewhere_are_not_held_back_so_a_cache_can_be_read_at_once(tmp_path):
    with together(tmp_path / "out"):
        assert write_text(tmp_path / "cache" / "a.txt", "x").read_text() == "x"


def fail_with(error: BaseException | type[BaseException], target: Path, data: bytes) -> None:
    """Write `data`, then fail."""
    with atomic(target) as part:
        part.write_bytes(data)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, ZeroDivisionError])
def test_a_failure_leaves_nothing_and_is_not_hidden(error, tmp_path):
    with pytest.raises(error):
        fail_with(error, tmp_path / "a.txt", b"half")
    assert names(tmp_path) == []


def test_folders_are_made(tmp_path):
    write_text(tmp_path / "x" / "y" / "a.txt", "é")
    assert (tmp_path / "x" / "y" / "a.txt").read_bytes() == b"\xc3\xa9"


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_the_new_file_has_the_usual_rights(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_name_as_long_as_names_can_be(tmp_path):
    path = write_text(tmp_path / ("ü" * 125 + ".txt"), "x")
    assert path.read_text() == "x"


def test_a_full_disk_is_named_with_the_bytes_that_fitted(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"a\.bin: the disk is full after 5,000 bytes") as failed:
        fail_with(OSError(errno.ENOSPC, "No space left on device"), target, bytes(5000))
    assert failed.value.exit_code == 4
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="/dev/full, the disk that is always full, is Linux's"
)
def test_a_disk_that_is_really_full(tmp_path):
    with (
        pytest.raises(OutputError, match="the disk is full"),
        atomic(tmp_path / "a.txt"),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x" * 100_000)


def test_a_write_that_stops_in_the_middle_leaves_the_old_file(tmp_path):
    """The system lets this process write 10,000 bytes a file, as a full disk would."""
    resource = pytest.importorskip("resource", reason="limits of a process are Unix's")
    assert resource.RLIMIT_FSIZE
    (tmp_path / "a.bin").write_text("old")
    code = f"""
import resource
from wordmask.errors import OutputError
from wordmask.files import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_bytes({str(tmp_path / "a.bin")!r}, bytes(50_000))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a.bin: the disk is full after 10,000 bytes" in done.stdout
    assert (tmp_path / "a.bin").read_text() == "old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("call", ["open", "fsync", "close"])
def test_whichever_call_fails_the_old_file_stands_and_the_error_is_ours(
    call, tmp_path, monkeypatch
):
    """Fail call number 1, 2, 3 ... until one run is clean."""
    target, real = tmp_path / "a.txt", getattr(os, call)
    target.write_text("old")
    for number in range(1, 20):
        calls = iter(range(1, 1000))

        def failing(*args, calls=calls, number=number, **options):
            done = real(*args, **options)
            if next(calls) == number:
                raise OSError(errno.EIO, "Input/output error")
            return done

        monkeypatch.setattr(writers.os, call, failing)
        try:
            write_text(target, "new")
        except OutputError as error:
            failed = str(error)
        else:
            failed = ""
        finally:
            monkeypatch.setattr(writers.os, call, real)
        assert target.read_text() in (("old", "new") if failed else ("new",))
        assert [name for name in names(tmp_path) if PART in name] == []
        if next(calls) <= number:
            return  # it was not called so often: this run was undisturbed
    raise AssertionError("no run was clean")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("taken", "there is a folder of that name"),
        ("file/a.txt", "could not be written"),
        ("a\0b", "not a path"),
    ],
)
def test_places_where_nothing_can_be_written(path, said, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=said):
        write_text(f"{tmp_path}/{path}", "x")


def test_a_folder_is_made_or_what_is_in_the_way_is_said(tmp_path, monkeypatch):
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")
    assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").write_text("x")
    for name in ("file", "file/c"):
        with pytest.raises(OutputError, match=f"folder .*{name} "):
            make_folder(tmp_path / name)
    monkeypatch.setattr(writers.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="it is read-only"):
        make_folder(tmp_path / "a")


def test_sweep_removes_what_the_dead_left_and_nothing_else(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    mine = writers._part_name(tmp_path / "mine.png")
    left = mine.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    elsewhere = left.replace(writers._host(), "0123abcd")
    for name in (mine, left, elsewhere, ".hidden.png", "a.part.png"):
        (tmp_path / name).write_bytes(b"")
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == sorted([mine, elsewhere, ".hidden.png", "a.part.png"])


def test_sweep_leaves_what_a_process_of_another_user_is_writing(tmp_path, monkeypatch):
    def forbidden(pid: int, signal: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / writers._part_name(tmp_path / "theirs.png")).write_bytes(b"")
    monkeypatch.setattr(writers.os, "kill", forbidden)
    assert sweep(tmp_path) == 0


def test_kill_9_never_leaves_a_part_under_the_final_name(tmp_path):
    code = f"""
from wordmask.files import write_bytes
n = 0
while True:
    n = (n + 1) % 256
    write_bytes({str(tmp_path / "a.bin")!r}, bytes([n]) * 200_000)
"""
    for wait in np.linspace(0.02, 0.12, 6):
        child = subprocess.Popen([sys.executable, "-c", code])
        while not (tmp_path / "a.bin").exists():
            assert child.poll() is None, "the writing process ended by itself"
            time.sleep(0.01)
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.wait()
        data = (tmp_path / "a.bin").read_bytes()
        assert len(data) == 200_000
        assert len(set(data)) == 1
        (tmp_path / "a.bin").unlink()
    sweep(tmp_path)
    assert names(tmp_path) == []


def test_json_is_utf8_and_refuses_what_others_cannot_read(tmp_path):
    path = write_json(tmp_path / "a.json", {"word": "Häuschen", "n": [1, 2]})
    assert path.read_bytes() == '{"word": "Häuschen", "n": [1, 2]}\n'.encode()
    assert json.loads(write_json(path, {"a": 1}, indent=2).read_text()) == {"a": 1}
    for bad in (float("nan"), float("inf"), {1, 2}):
        with pytest.raises(OutputError, match="not writable as JSON"):
            write_json(path, [bad])
    assert json.loads(path.read_text()) == {"a": 1}


def test_file_names_that_are_no_utf8_are_written_and_come_back(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    assert json.loads(write_json(tmp_path / "a.json", [name, "ü"]).read_text()) == [name, "ü"]
    assert write_text(tmp_path / "a.txt", name).read_bytes() == b"caf\xe9.png"


def test_a_hash_is_of_all_that_is_in_the_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert digest(tmp_path / "a") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()


def test_a_finished_file_takes_the_place_of_the_old_one(tmp_path):
    old, new = tmp_path / "m.bin", tmp_path / "m.bin.part"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    place(new, old)
    assert old.read_bytes() == b"new"
    assert names(tmp_path) == ["m.bin"]


def test_home_is_the_platforms_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("WORDMASK_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_home() == tmp_path / "wordmask"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_home() == Path.home() / "Library/Caches/wordmask"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_home() == tmp_path / "wordmask"
