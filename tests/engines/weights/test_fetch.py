"""Weights over the network: resumed, verified, whole or not at all."""

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lying_weights import tensors
from wordmask.engines import EngineOptions
from wordmask.engines.cards import CARDS
from wordmask.engines.weights import fetch
from wordmask.engines.weights import home as weights
from wordmask.errors import WeightsError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


# ---- a hub on loopback


class Hub:
    """Repositories in memory, on a server that can break off, lie, or refuse to resume."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.log: list[tuple[str, str | None]] = []
        self.break_after: int | None = None
        self.ranges = True
        self.status = 200
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def listing(self) -> bytes:
        entries = [
            {"rfilename": name, "size": len(data)}
            | (
                {"lfs": {"sha256": hashlib.sha256(data).hexdigest()}}
                if name.endswith(".safetensors")
                else {}
            )
            for name, data in self.files.items()
        ]
        return json.dumps({"sha": COMMIT, "siblings": entries}).encode()

    def downloads(self, name):
        return [asked for path, asked in self.log if path.endswith(name)]


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            with hub.lock:
                hub.log.append((self.path, wanted))
                breaks, hub.break_after = (
                    (None, hub.break_after) if "/api/" in self.path else (hub.break_after, None)
                )
            body = (
                hub.listing()
                if "/api/" in self.path
                else hub.files[self.path.split(f"{COMMIT}/")[1]]
            )
            resumes = bool(wanted) and hub.ranges
            if resumes:
                body = body[int(wanted.removeprefix("bytes=").rstrip("-")) :]
            self.send_response(206 if resumes else hub.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:breaks])

        def log_message(self, *_):
            """Keep the test's output clean."""

    return Handler


@pytest.fixture
def hub(monkeypatch, tmp_path):
    made = Hub()
    made.files = {
        "config.json": b'{"model_type": "sam"}',
        "model.safetensors": tensors(),
        "pytorch_model.bin": b"no",
        "README.md": b"no",
    }
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "HTTP_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield made
    made.server.shutdown()
    made.server.server_close()


def loose_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.suffix == ".part")


# ---- fetching


def test_a_snapshot_is_fetched_once_and_is_whole(hub, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        folder = weights.folder("sam-b", EngineOptions())
    assert "no pinned revision" in caplog.text
    assert COMMIT in caplog.text
    assert folder.is_relative_to(tmp_path / "home")
    assert (folder / "model.safetensors").read_bytes() == tensors()
    assert not (folder / "pytorch_model.bin").exists()
    assert weights.is_here(CARDS["sam-b"])
    asked = len(hub.log)
    assert weights.folder("sam-b", EngineOptions(offline=True)) == folder
    assert len(hub.log) == asked


def test_offline_and_not_here(hub):
    with pytest.raises(WeightsError, match=r"without the option offline.*checkpoint=FOLDER"):
        weights.folder("sam-b", EngineOptions(offline=True))
    assert hub.log == []
    assert weights.is_here(CARDS["sam-b"]) is False


def test_any_repository_and_a_named_revision(hub, caplog):
    folder = weights.folder(f"hub:someone/model@{COMMIT}", EngineOptions())
    assert folder.name == COMMIT
    assert "no pinned revision" not in caplog.text
    assert f"/api/models/someone/model/revision/{COMMIT}?blobs=true" in hub.log[0][0]


def test_a_broken_download_is_resumed(hub, tmp_path):
    hub.files["model.safetensors"] = data = os.urandom(3 << 20)
    sha, target = hashlib.sha256(data).hexdigest(), tmp_path / "model.safetensors"
    url = f"{hub.url}/o/n/resolve/{COMMIT}/model.safetensors"
    hub.break_after = 1 << 20
    with pytest.raises(WeightsError, match=r"broke off at|cannot be reached"):
        fetch.fetch(url, target, sha256=sha, nbytes=len(data))
    assert not target.exists()
    assert fetch.fetch(url, target, sha256=sha, nbytes=len(data)).read_bytes() == data
    assert hub.downloads("model.safetensors") == [None, f"bytes={1 << 20}-"]


def test_a_server_that_cannot_resume_starts_again(hub, tmp_path):
    hub.files["x"], hub.ranges = b"0123456789" * 100, False
    target = tmp_path / "x"
    (tmp_path / "x.part").write_bytes(b"0123456789")
    url, sha = f"{hub.url}/o/n/resolve/{COMMIT}/x", hashlib.sha256(hub.files["x"]).hexdigest()
    assert fetch.fetch(url, target, sha256=sha, nbytes=1000).read_bytes() == hub.files["x"]


@pytest.mark.parametrize("left", [b"of another file", b"x" * 2000], ids=["shorter", "longer"])
def test_what_an_earlier_run_left_of_another_file_is_thrown_away(hub, tmp_path, left):
    hub.files["x"] = b"0123456789" * 100
    (tmp_path / "x.part").write_bytes(left)
    url, sha = f"{hub.url}/o/n/resolve/{COMMIT}/x", hashlib.sha256(hub.files["x"]).hexdigest()
    assert fetch.fetch(url, tmp_path / "x", sha256=sha, nbytes=1000).read_bytes() == hub.files["x"]
    assert loose_files(tmp_path) == []


@pytest.mark.parametrize("place", [0, 13, -1])
def test_one_flipped_bit_is_refused(hub, tmp_path, place):
    good = tensors()
    bad = bytearray(good)
    bad[place] ^= 1
    hub.files["model.safetensors"] = bytes(bad)
    url = f"{hub.url}/o/n/resolve/{COMMIT}/model.safetensors"
    with pytest.raises(WeightsError, match="not what was promised"):
        fetch.fetch(url, tmp_path / "m", sha256=hashlib.sha256(good).hexdigest(), nbytes=len(good))
    assert not (tmp_path / "m").exists()
    assert loose_files(tmp_path) == []


def test_a_swapped_file_on_disk_is_refused(tmp_path):
    (tmp_path / "m").write_bytes(b"swapped")
    with pytest.raises(WeightsError, match="damaged or swapped"):
        fetch.verify(tmp_path / "m", hashlib.sha256(b"good").hexdigest())


def test_eight_at_once_fetch_one_file_once(hub, tmp_path):
    hub.files["x"] = data = os.urandom(2 << 20)
    url, sha = f"{hub.url}/o/n/resolve/{COMMIT}/x", hashlib.sha256(data).hexdigest()
    with ThreadPoolExecutor(8) as pool:
        got = list(
            pool.map(
                lambda _: fetch.fetch(url, tmp_path / "x", sha256=sha, nbytes=len(data)), range(8)
            )
        )
    assert {path.read_bytes() for path in got} == {data}
    assert hub.downloads("/x") == [None]
    assert loose_files(tmp_path) == []


def test_a_killed_download_leaves_no_final_name_and_is_finished_by_the_next(hub, tmp_path):
    """The process dies by kill -9 between the last byte and the rename."""
    hub.files["x"] = data = os.urandom(1 << 20)
    url, sha, target = (
        f"{hub.url}/o/n/resolve/{COMMIT}/x",
        hashlib.sha256(data).hexdigest(),
        tmp_path / "x",
    )
    code = (
        "import os, signal; from pathlib import Path; from wordmask.engines.weights import fetch\n"
        "fetch.digest = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"fetch.fetch({url!r}, Path({str(target)!r}), sha256={sha!r}, nbytes={len(data)})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert not target.exists()
    assert fetch.fetch(url, target, sha256=sha, nbytes=len(data)).read_bytes() == data
    assert hub.downloads("/x") == [None]


def test_a_snapshot_without_its_recipe_does_not_count(hub):
    folder = weights.folder("sam-b", EngineOptions())
    (folder / "config.json").write_bytes(b"{")
    assert not weights.is_here(CARDS["sam-b"])
    (folder / fetch.RECIPE).unlink()
    assert not weights.is_here(CARDS["sam-b"])


@pytest.mark.parametrize(
    "name",
    [
        "../evil.safetensors",
        "/etc/evil.safetensors",
        "a/../../evil.safetensors",
        "a\\evil.safetensors",
    ],
)
def test_a_hub_cannot_write_outside_its_folder(hub, tmp_path, name):
    hub.files[name] = tensors()
    with pytest.raises(WeightsError, match="leave its folder"):
        weights.folder("hub:o/n", EngineOptions())
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("name", ["hub:one", "hub:a/b/c", "hub:../x", "hub:a b/c"])
def test_repositories_have_two_parts(hub, name):
    with pytest.raises(WeightsError, match="owner/name"):
        weights.folder(name, EngineOptions())


def test_a_gated_repository_says_how_to_get_in(hub, caplog):
    hub.status = 401
    with pytest.raises(WeightsError, match=r"401.*accept the owner's terms"):
        weights.folder("sam3", EngineOptions())
    assert "gated" in caplog.text


def test_only_pickles_are_not_fetched_unless_allowed(hub):
    del hub.files["model.safetensors"]
    with pytest.raises(WeightsError, match="only pickles"):
        weights.folder("hub:o/n", EngineOptions())
    assert hub.downloads(".bin") == []
    assert (
        weights.folder("hub:o/n", EngineOptions(allow_pickle=True)) / "pytorch_model.bin"
    ).is_file()


def test_a_pipeline_keeps_its_folders_and_drops_second_copies():
    names = [
        "model_index.json",
        "big.safetensors",
        "unet/model.safetensors",
        "unet/model.fp16.safetensors",
        "unet/config.json",
        "x/y.bin",
    ]
    kept = fetch.select_files([fetch.Remote(name, 1, None) for name in names], allow_pickle=False)
    assert [file.name for file in kept] == [
        "model_index.json",
        "unet/model.safetensors",
        "unet/config.json",
    ]


def test_nobody_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="cannot be reached"):
        weights.folder("sam-b", EngineOptions())


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"sha": "../..", "siblings": []}', b'{"sha": "0123456"}']
)
def test_a_hub_that_talks_nonsense(hub, monkeypatch, body):
    monkeypatch.setattr(hub, "listing", lambda: body)
    with pytest.raises(WeightsError, match=r"does not answer like the hub|names no commit"):
        weights.folder("sam-b", EngineOptions())
