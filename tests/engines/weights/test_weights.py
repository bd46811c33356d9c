"""Weights from strangers and over bad lines: nothing runs, nothing half-done gets a final name."""

import ast
import hashlib
import json
import logging
import os
import pickle
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from wordmask.engines import EngineOptions
from wordmask.engines.weights import checks, fetch
from wordmask.engines.weights import home as weights
from wordmask.errors import WeightsError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Path(__file__).parents[3] / "src/wordmask"


# ---- a hub on loopback


class Hub:
    """Repositories in memory; counts what was asked for, and can break off, lie, or refuse to resume."""

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


def tensors(**changes) -> bytes:
    """A safetensors file of two tensors, a (2, 3) float32 and b (4,) uint8; `changes` replace header entries."""
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "U8", "shape": [4], "data_offsets": [24, 28]},
        "__metadata__": {"format": "pt"},
    } | changes
    text = json.dumps({name: entry for name, entry in header.items() if entry is not None}).encode()
    return struct.pack("<Q", len(text)) + text + np.arange(28, dtype=np.uint8).tobytes()


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
    assert weights.cached(weights.ROWS["sam-b"])
    asked = len(hub.log)
    assert weights.folder("sam-b", EngineOptions(offline=True)) == folder
    assert len(hub.log) == asked


def test_offline_and_not_here(hub):
    with pytest.raises(WeightsError, match="without the option offline.*checkpoint=FOLDER"):
        weights.folder("sam-b", EngineOptions(offline=True))
    assert hub.log == []
    assert weights.cached(weights.ROWS["sam-b"]) is False


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
    assert not weights.cached(weights.ROWS["sam-b"])
    (folder / fetch.RECIPE).unlink()
    assert not weights.cached(weights.ROWS["sam-b"])


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
    kept = fetch.wanted([fetch.Remote(name, 1, None) for name in names], allow_pickle=False)
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


def test_home_is_the_platforms_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("WORDMASK_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert weights.home() == tmp_path / "wordmask"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert weights.home() == Path.home() / "Library/Caches/wordmask"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert weights.home() == tmp_path / "wordmask"


# ---- files that lie


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "cut or not", id="empty"),
        pytest.param(b"1234567", "cut or not", id="seven bytes"),
        pytest.param(
            struct.pack("<Q", 2**63) + b"{}", "claims 9223372036854775808", id="header of 2^63"
        ),
        pytest.param(
            struct.pack("<Q", 100) + b"{}", "cut or not", id="header longer than the file"
        ),
        pytest.param(struct.pack("<Q", 2) + b"{]", "not JSON", id="header no JSON"),
        pytest.param(
            struct.pack("<Q", 200_000) + b"[" * 200_000, "not JSON", id="nested 200,000 deep"
        ),
        pytest.param(struct.pack("<Q", 2) + b"[]", "its header is a list", id="header a list"),
        pytest.param(
            tensors(b={"dtype": "U8", "shape": [5], "data_offsets": [23, 28]}),
            "an overlap",
            id="overlap",
        ),
        pytest.param(
            tensors(b={"dtype": "U8", "shape": [3], "data_offsets": [25, 28]}), "a hole", id="hole"
        ),
        pytest.param(
            tensors(a={"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 24]}),
            "makes no sense",
            id="shape too large",
        ),
        pytest.param(
            tensors(a={"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]}),
            "makes no sense",
            id="negative sides",
        ),
        pytest.param(
            tensors(a={"dtype": "X9", "shape": [2, 3], "data_offsets": [0, 24]}),
            "makes no sense",
            id="unknown type",
        ),
        pytest.param(
            tensors(a={"dtype": "U8", "shape": [24], "data_offsets": [24, 0]}),
            "makes no sense",
            id="backwards",
        ),
        pytest.param(tensors(a=7), "makes no sense", id="entry a number"),
        pytest.param(tensors(b=None), "is cut", id="bytes nobody claims"),
        pytest.param(tensors()[:-1], "is cut", id="last byte missing"),
    ],
)
def test_malformed_safetensors(tmp_path, data, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        checks.check(path)


def test_whole_safetensors_pass_and_read_back(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(tensors())
    checks.check(tmp_path)
    pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    state = weights.read_state(path, EngineOptions())
    assert {name: tuple(value.shape) for name, value in state.items()} == {"a": (2, 3), "b": (4,)}


def test_what_the_library_writes_passes(tmp_path):
    numpy_io = pytest.importorskip(
        "safetensors.numpy", reason="safetensors comes with the extra hf"
    )
    arrays = {
        "empty": np.zeros((0, 3), np.float32),
        "one": np.ones((), np.int64),
        "half": np.ones((3, 2), np.float16),
    }
    numpy_io.save_file(arrays, tmp_path / "m.safetensors")
    checks.check(tmp_path)


def onnx_model(folder: Path, location: str | None, *, nested: bool = False) -> Path:
    """A model whose one weight lies in the file `location`, if one is given; perhaps inside a subgraph."""
    onnx = pytest.importorskip("onnx", reason="onnx comes with the extra export")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    if location is not None:
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        # The value is written before the key, as no library does, and the key comes second.
        tensor.external_data.add(key="offset", value="0")
        tensor.external_data.add(key="location", value=location)
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    if nested:
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)],
            "outer",
            [],
            [],
        )
    path = folder / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", "a/../../secret", "link/secret", "..\\secret", "secret\0"],
)
def test_onnx_data_outside_its_folder_is_refused(tmp_path, location, nested):
    (tmp_path / "secret").write_bytes(b"1234")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    path = onnx_model(folder, location, nested=nested)
    with pytest.raises(WeightsError, match="outside its folder"):
        checks.check(path)


def test_onnx_data_beside_the_model_is_fine_and_must_be_there(tmp_path):
    path = onnx_model(tmp_path, "weights.data")
    with pytest.raises(WeightsError, match="which is missing"):
        checks.check(path)
    (tmp_path / "weights.data").write_bytes(b"1234")
    checks.check(path)
    assert checks.external_data(path) == ["weights.data"]
    assert checks.external_data(onnx_model(tmp_path, None)) == []


@pytest.mark.parametrize("length", [1, 5, 20, 40])
def test_a_cut_onnx_is_named(tmp_path, length):
    path = onnx_model(tmp_path, "weights.data")
    path.write_bytes(path.read_bytes()[:-length])
    with pytest.raises(WeightsError, match=r"cut or not an ONNX|outside|missing"):
        checks.check(path)


def test_an_onnx_that_nests_without_end_is_named(tmp_path):
    """Model > graph > node > attribute > graph > ..., 1,000 deep."""
    data = b""
    for number in (6, 5, 1) * 333:
        size = len(data)
        data = (
            bytes([number << 3 | 2])
            + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
            + data
        )
    size = len(data)
    path = tmp_path / "m.onnx"
    path.write_bytes(
        bytes([7 << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + data
    )
    with pytest.raises(WeightsError, match="RecursionError"):
        checks.check(path)


# ---- pickles


class Canary:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"])
@pytest.mark.parametrize("as_folder", [False, True])
def test_no_canary_fires(tmp_path, suffix, as_folder):
    pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    fired, folder = tmp_path / "fired", tmp_path / "model"
    folder.mkdir()
    path = folder / f"pytorch_model{suffix}"
    path.write_bytes(pickle.dumps({"weight": Canary(fired)}))
    with pytest.raises(WeightsError, match="is a pickle, which can run code"):
        weights.folder(str(folder if as_folder else path), EngineOptions())
    with pytest.raises(WeightsError, match="is a pickle"):
        weights.read_state(path, EngineOptions())
    with pytest.raises(WeightsError, match="holds more than tensors"):
        weights.read_state(path, EngineOptions(allow_pickle=True))
    assert not fired.exists()


@pytest.mark.parametrize("wrapped", [None, "model", "state_dict"])
def test_an_allowed_pickle_of_tensors_is_read(tmp_path, wrapped, caplog):
    torch = pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    state = {"weight": torch.ones(2)}
    torch.save({wrapped: state} if wrapped else state, tmp_path / "m.pth")
    with caplog.at_level(logging.WARNING):
        read = weights.read_state(tmp_path / "m.pth", EngineOptions(allow_pickle=True))
    assert read["weight"].tolist() == [1, 1]
    assert "is a pickle" in caplog.text


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, 3])
def test_a_pickle_without_named_tensors(tmp_path, content):
    torch = pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    torch.save(content, tmp_path / "m.pth")
    with pytest.raises(WeightsError, match="no table of named tensors"):
        weights.read_state(tmp_path / "m.pth", EngineOptions(allow_pickle=True))


@pytest.mark.parametrize("place", ["model", "processor", "tokenizer"])
def test_code_that_comes_with_a_model_is_never_imported(tmp_path, place):
    pytest.importorskip("torch", reason="hub engines need the extra hf")
    transformers = pytest.importorskip("transformers", reason="hub engines need the extra hf")
    fired = tmp_path / "fired"
    (tmp_path / "evil.py").write_text(
        f"from pathlib import Path\nPath({str(fired)!r}).touch()\nclass Evil: pass\n"
    )
    kinds = {"model": "AutoModel", "processor": "AutoImageProcessor", "tokenizer": "AutoTokenizer"}
    auto = {"AutoConfig": "evil.Evil", **dict.fromkeys(kinds.values(), "evil.Evil")}
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "unheard-of", "auto_map": auto})
    )
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"auto_map": auto}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"auto_map": auto}))
    with pytest.raises(WeightsError, match="does not load as"):
        weights.pretrained(getattr(transformers, kinds[place]), tmp_path, EngineOptions())
    assert not fired.exists()


# ---- the gate: no way to run a stranger's pickle or code is written anywhere in the package


def unsafe_calls(source: str) -> list[str]:
    """What in a module could run code out of a weights file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            found += [
                f"import {name}"
                for name in modules
                if name.split(".")[0]
                in ("pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
            ]
        if isinstance(node, ast.Call):
            name, told = (
                ast.unparse(node.func),
                {word.arg: ast.unparse(word.value) for word in node.keywords},
            )
            if name.endswith("torch.load") and told.get("weights_only") != "True":
                found.append(f"{name} without weights_only=True")
            found += [
                f"{name}({arg}={told[arg]})"
                for arg in ("allow_pickle", "trust_remote_code")
                if told.get(arg) == "True"
            ]
            if name in ("eval", "exec") or name.endswith("yaml.load"):
                found.append(name)
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1), ("from pickle import loads", 1), ("import joblib as j", 1),
        ("torch.load(p)", 1), ("torch.load(p, weights_only=False)", 1), ("torch.load(p, weights_only=True)", 0),
        ("np.load(p, allow_pickle=True)", 1), ("np.load(p)", 0), ("A.from_pretrained(p, trust_remote_code=True)", 1),
        ("eval(x)", 1), ("yaml.load(x)", 1), ("yaml.safe_load(x)", 0), ("model.eval()", 0),
    ],
)  # fmt: skip
def test_the_gate_sees(source, count):
    assert len(unsafe_calls(source)) == count


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_nothing_in_the_package_can_run_a_pickle(path):
    assert unsafe_calls(path.read_text("utf-8")) == []
