"""Data on a storage is copied into the cache, whole or not at all, and nothing secret is told."""

import socket
import sys
import zipfile
from hashlib import sha256

import pytest

from commands import run_here
from own_drawings import WORDS, write_own
from wordmask.errors import FormatError, ImageError, InputError, MissingExtraError
from wordmask.lab.data import storages, stored
from wordmask.lab.data.inspect import inspect_data
from wordmask.lab.data.own import BESIDE, _find_picture, open_own
from wordmask.lab.data.storages import StoredPlace, WebStorage, open_address
from wordmask.lab.data.stored import StoredData, check_inside
from wordmask.media.reading.web import WebAnswerError, WebOptions

fsspec = pytest.importorskip("fsspec", reason="storages: pip install 'wordmask[storage]'")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    yield files
    for one in files.find("/"):
        files.rm(one)


def upload(files, folder, where="/mine"):
    files.put(str(folder) + "/", where, recursive=True)


def copies(home):
    """The files of all copies, without notes and locks."""
    return sorted(path.name for path in home.glob("data/*/files/**/*") if path.is_file())


@pytest.mark.parametrize("format", ["coco", "labelme"])
def test_a_file_or_a_folder_in_memory_is_the_same_data(memory, tmp_path, home, format):
    path = write_own(tmp_path / "mine", range(3), format)
    upload(memory, tmp_path / "mine")
    data = open_own(f"memory://mine/{path.name}")
    assert data.words == WORDS
    report, here = inspect_data(data), inspect_data(open_own(path))
    assert report.digests == here.digests
    assert report.faults == []


def test_pictures_are_copied_once_and_annotations_when_they_change(memory, tmp_path, home):
    path = write_own(tmp_path / "mine", range(3))
    upload(memory, tmp_path / "mine")
    memory.pipe("/mine/unrelated.bin", b"large")
    open_own(f"memory://mine/{path.name}")
    assert copies(home) == ["my.coco.json", "p00.png", "p01.png", "p02.png"]
    before = {one: one.stat().st_mtime_ns for one in home.rglob("*.png")}
    write_own(tmp_path / "new", range(2))
    memory.pipe(f"/mine/{path.name}", (tmp_path / "new/my.coco.json").read_bytes())
    assert len(open_own(f"memory://mine/{path.name}").samples) == 2
    assert {one: one.stat().st_mtime_ns for one in home.rglob("*.png")} == before


def test_what_is_gone_from_a_folder_is_gone_from_its_copy(memory, tmp_path):
    write_own(tmp_path / "mine", range(3), "labelme")
    upload(memory, tmp_path / "mine")
    assert len(open_own("memory://mine/annotations").samples) == 3
    memory.rm("/mine/annotations/p01.labelme.json")
    assert [one.name for one in open_own("memory://mine/annotations").samples] == [
        "p00.png",
        "p02.png",
    ]


def test_pictures_may_lie_on_a_storage_and_annotations_here(memory, tmp_path):
    path = write_own(tmp_path / "mine", range(2))
    upload(memory, tmp_path / "mine/images", "/bucket/photos")
    (tmp_path / "mine/images").rename(tmp_path / "gone")
    assert inspect_data(open_own(path, "memory://bucket/photos/")).faults == []


def test_a_zip_is_read_where_it_lies_and_read_anew_when_it_is_another(tmp_path):
    def pack(numbers):
        folder = tmp_path / f"set{len(numbers)}"
        write_own(folder, numbers)
        with zipfile.ZipFile(tmp_path / "my.zip", "w") as file:
            file.write(folder / "my.coco.json", "annotations/my.coco.json")
            for one in (folder / "images").iterdir():
                file.write(one, f"images/{one.name}")
        return open_own(f"zip://annotations/my.coco.json::{tmp_path / 'my.zip'}")

    first, second = (inspect_data(pack(numbers)) for numbers in (range(3), range(5, 9)))
    assert (first.faults, second.faults) == ([], [])
    assert not set(first.digests) & set(second.digests)


def test_all_of_an_archive_is_a_folder(tmp_path):
    write_own(tmp_path / "mine", range(4))
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as file:
        for number, one in enumerate(sorted((tmp_path / "mine/images").iterdir())):
            file.write(one, f"{('cats', 'dogs')[number % 2]}/{one.name}")
    data = open_own(f"zip://::{tmp_path / 'album.zip'}")
    assert data.words == ("cats", "dogs")
    assert inspect_data(data).faults == []


@pytest.mark.parametrize("address", ["s3://", "https:///", "memory://"])
def test_a_storage_alone_is_not_copied(address):
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_address(address)


class BrokenStorage:
    """Breaks off in the middle of a picture, or never ends."""

    at_once = 1

    def __init__(self, files):
        self.files, self.broken = files, True

    def chunks(self, path, most):
        data = self.files.get(path)
        if data is None:
            raise FileNotFoundError(path)
        yield data[:10]
        if self.broken and path.endswith(".png"):
            raise InputError("broke off")
        yield data[10:]

    def version(self, path):
        return "1"

    def names_below(self, path):
        return None


def test_what_breaks_off_leaves_nothing_and_the_next_run_goes_on(tmp_path, home, monkeypatch):
    path = write_own(tmp_path / "mine", range(2))
    files = {f"mine/images/{one.name}": one.read_bytes() for one in path.parent.glob("images/*")}
    storage = BrokenStorage(files | {"mine/my.coco.json": path.read_bytes()})
    place = StoredPlace(storage, "mine/my.coco.json")
    monkeypatch.setattr(stored, "open_address", lambda address: place)
    with pytest.raises(InputError, match="broke off"):
        open_own("odd://mine/my.coco.json")
    assert copies(home) == ["my.coco.json"]
    storage.broken = False
    assert inspect_data(open_own("odd://mine/my.coco.json")).faults == []


def test_a_file_without_end_is_refused(tmp_path, home, monkeypatch):
    monkeypatch.setattr(stored, "MAX_JSON", 15)
    storage = BrokenStorage({"a/my.json": b"x" * 16})
    monkeypatch.setattr(stored, "open_address", lambda _: StoredPlace(storage, "a/my.json"))
    with pytest.raises(FormatError, match="over 15 B"):
        StoredData.at("odd://a/my.json").copy()
    assert copies(home) == []


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "b/../../a.png", "C:\\a.png", "a\0.png"]
)
def test_no_name_leads_out_of_the_folder(name):
    with pytest.raises(FormatError, match="only what lies below its folder is read"):
        check_inside(name, "s3://mine/my.json")


@pytest.mark.skipif(sys.platform == "win32", reason="a colon is special in names there")
def test_a_name_may_hold_a_colon():
    assert check_inside("12:30.png", "s3://mine/my.json") == "12:30.png"


def test_a_bare_name_does_not_bring_another_picture(memory):
    memory.pipe("/set/annotations/my.json", b"{}")
    memory.pipe("/set/images/b.png", b"found by its bare name")
    memory.pipe("/set/images/a.png", b"another picture")
    memory.pipe("/set/images/deep/a.png", b"this one")
    place = StoredData.at("memory://set/annotations/my.json")
    place.copy()
    place.copy_pictures(["gone/b.png", "deep/a.png"], BESIDE)
    images = place.local.parent.parent / "images"
    assert _find_picture("deep/a.png", [images]).read_bytes() == b"this one"


def test_copies_of_two_hosts_with_the_same_paths_stand_apart(monkeypatch):
    place = StoredPlace(BrokenStorage({}), "/set/my.json")
    monkeypatch.setattr(stored, "open_address", lambda _: place)
    first, second = (StoredData.at(f"ftp://{host}/set/my.json") for host in ("one.org", "two.org"))
    assert first.home != second.home


@pytest.mark.parametrize("command", ["mini", "cutter"])
def test_a_cache_that_cannot_be_written_and_packs_on_a_storage_are_told(
    command, memory, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "file"))
    memory.pipe("/mine/my.json", b"{}")
    code = run_here("train", command, "--data", "memory://mine/my.json", "--out", tmp_path / "run")
    told = capsys.readouterr().err
    if command == "mini":
        assert code == 4
        assert "copied below WORDMASK_HOME" in told
    else:
        assert code == 2
        assert "packs are read from this machine only, got memory://mine/my.json" in told


@pytest.mark.parametrize(
    "address",
    [
        "s3://KEY:SECRET@mine/my.json",
        "https://mine.org/my.json?sig=SECRET",
        "zip://a.json::ftp://me:SECRET@mine.org/a.zip",
    ],
)
def test_an_address_with_a_secret_is_refused_unsaid(address, tmp_path, capsys):
    assert run_here("train", "mini", "--data", address, "--out", tmp_path / "run") == 2
    told = capsys.readouterr()
    assert "belong into the environment" in told.err
    assert "SECRET" not in told.err + told.out
    assert not (tmp_path / "run").exists()


def test_what_a_library_says_is_not_repeated(tmp_path, memory, monkeypatch):
    def fail(*_, **__):
        raise ValueError("denied for token SECRET")

    monkeypatch.setattr(type(memory), "isdir", fail)
    with pytest.raises(InputError, match=r"cannot be read: ValueError") as caught:
        open_own("memory://mine/my.json")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_on_this_machine_is_not_copied(tmp_path):
    with pytest.raises(InputError, match="give its path"):
        open_address(f"file://{tmp_path}/my.json")


@pytest.mark.parametrize("address", ["http://a.org/x.json", "zip://x.json::https://a.org/a.zip"])
def test_the_web_is_read_by_our_own_rules_only(address):
    with pytest.raises(InputError, match="cannot be read here"):
        open_address(address)


def test_a_file_over_https_brings_the_pictures_beside_it(tmp_path, monkeypatch, home):
    path = write_own(tmp_path / "mine", range(2))
    files = {f"https://mine.org/a%20set/{path.name}": path.read_bytes()}
    for one in (path.parent / "images").iterdir():
        files[f"https://mine.org/a%20set/images/{one.name}"] = one.read_bytes()

    def fetch(url, most, options):
        if url not in files:
            raise WebAnswerError(f"{url} answers 404", status=404)
        return files[url]

    monkeypatch.setattr(storages, "fetch", fetch)
    data = open_own("https://mine.org/a set/my.coco.json")
    assert inspect_data(data).faults == []
    assert copies(home) == ["my.coco.json", "p00.png", "p01.png"]


@pytest.mark.parametrize(
    "error", [WebAnswerError("answers 503", status=503), ImageError("it takes too long")]
)
def test_a_picture_that_the_web_has_but_does_not_give_is_not_taken_for_missing(
    error, tmp_path, monkeypatch
):
    path = write_own(tmp_path / "mine", range(2))

    def fetch(url, most, options):
        if url.endswith(".png"):
            raise error
        return path.read_bytes()

    monkeypatch.setattr(storages, "fetch", fetch)
    with pytest.raises(InputError, match=error.message):
        open_own("https://mine.org/set/my.coco.json")


def test_a_port_is_left_to_the_rules_for_the_web():
    with pytest.raises(InputError, match="on the usual port"):
        open_own("https://mine.org:8443/my.coco.json")


def test_what_a_killed_process_left_is_removed(memory, tmp_path, home):
    path = write_own(tmp_path / "mine", range(1))
    upload(memory, tmp_path / "mine")
    open_own(f"memory://mine/{path.name}")
    (folder,) = home.glob("data/*/files/mine/images")
    host = sha256(socket.gethostname().encode()).hexdigest()[:8]
    left = folder / f".p00.{host}-99999999-abcd.part.png"
    left.write_bytes(b"half")
    open_own(f"memory://mine/{path.name}")
    assert not left.exists()


def test_a_private_address_is_not_asked(monkeypatch):
    options = WebOptions(resolve=lambda host: ["10.0.0.1"], connect=lambda *_: pytest.fail("asked"))
    place = StoredPlace(WebStorage(options), "inside.org/my.json")
    monkeypatch.setattr(stored, "open_address", lambda _: place)
    with pytest.raises(InputError, match="not a public address"):
        open_own("https://inside.org/my.json")


def test_a_storage_whose_package_is_missing_and_none_at_all_are_named(monkeypatch):
    with pytest.raises(MissingExtraError, match=r"wordmask\[storage\]"):
        open_address("gdrive://mine/my.json")
    with pytest.raises(InputError, match="is it an address of fsspec"):
        open_address("nowhere://mine/my.json")
    with pytest.raises(InputError, match="cannot be read: it is not there"):
        open_own("memory://nothing/my.json")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r"fsspec.*wordmask\[storage\]"):
        open_address("memory://mine/my.json")
