"""Engines by name: the table, joins, plug-ins, paths, and what is said when something is wrong."""

import json
import logging
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from wordmask import engines
from wordmask.core.protocols import PROTOCOLS, Dense, PoseModel, Segmenter
from wordmask.engines import EngineOptions
from wordmask.engines.cards import CARDS, architectures_of, factories_by_model_type
from wordmask.engines.options import parse_bytes
from wordmask.engines.weights import home
from wordmask.errors import (
    CapabilityError,
    MissingExtraError,
    OptionError,
    UnknownEngineError,
    WeightsError,
    WordmaskError,
)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch):
    monkeypatch.setattr(engines, "_CACHE", type(engines._CACHE)())


@pytest.fixture
def plugin(monkeypatch):
    """Install engines for one test: plugin(name=factory)."""
    made = {}

    def install(**factories):
        made.update(factories)
        module = SimpleNamespace(**factories)
        monkeypatch.setitem(sys.modules, "test_plugin_module", module)
        entries = [EntryPoint(name, f"test_plugin_module:{name}", engines.GROUP) for name in made]
        monkeypatch.setattr(engines, "entry_points", lambda group: entries)

    return install


def test_every_name_is_known_and_every_card_is_whole():
    assert set(CARDS) <= set(engines.names())
    for name, row in CARDS.items():
        assert row.name == name
        assert row.licence, name
        assert set(row.protocols) <= set(PROTOCOLS), name
        assert row.protocols, name
        on_hub = row.source.startswith("hub:")
        assert row.source in ("shipped", "weightless", "trained") or on_hub, name
        assert (row.extra in ("hf", "edit")) == (on_hub or row.source == "trained"), name


@pytest.mark.parametrize("row", CARDS.values(), ids=CARDS)
def test_every_factory_exists(row):
    module, _, factory = row.factory.partition(":")
    if row.extra == "hf":
        pytest.importorskip("torch", reason="hub engines need the extra hf")
        pytest.importorskip("transformers", reason="hub engines need the extra hf")
    assert callable(getattr(import_module(module), factory))


def test_protocols_of_the_table_do_not_claim_less_than_a_load_needs():
    assert (
        engines.load("fake", need=tuple(PROTOCOLS[name] for name in CARDS["fake"].protocols)).spec
        == "fake"
    )


@pytest.mark.parametrize(
    ("spec", "near"), [("sam-bb", "sam-b"), ("clip-b61", "clip-b16"), ("fkae", "fake")]
)
def test_near_misses_are_suggested(spec, near):
    with pytest.raises(UnknownEngineError, match=f"Did you mean '{near}'"):
        engines.load(spec)


@pytest.mark.parametrize("spec", ["", "+", "fake+", "fake++fake"])
def test_empty_parts_are_named(spec):
    with pytest.raises(UnknownEngineError, match="empty part"):
        engines.load(spec)


def test_joins_answer_in_order(plugin):
    plugin(
        cutter=lambda name, options: engines.load("fake").parts[0],
        namer=lambda name, options: SimpleNamespace(name=name),
    )
    models = engines.load("namer+cutter")
    assert models.spec == "namer+cutter"
    assert models.made_by == ("namer", "fake")
    assert models.get(Segmenter) is models.parts[1]


def test_a_lack_is_told_before_weights_are_fetched(monkeypatch):
    monkeypatch.setattr(engines, "_make", lambda *_: pytest.fail("nothing may be loaded"))
    with pytest.raises(CapabilityError, match=r"sam-b has no Dense.*clip-b16"):
        engines.load("sam-b", need=(Segmenter, Dense))
    with pytest.raises(CapabilityError, match=r"fake has no PoseModel"):
        engines.load("fake", need=(PoseModel,))


def test_a_plugin_that_lacks_a_protocol_is_told_after_loading(plugin):
    plugin(bare=lambda name, options: SimpleNamespace(name=name))
    with pytest.raises(CapabilityError, match="bare has no Dense"):
        engines.load("bare", need=(Dense,))


def test_plugins_cannot_replace_ours(plugin):
    plugin(
        fake=lambda name, options: pytest.fail("our own fake must win"),
        other=lambda name, options: 1,
    )
    assert set(engines.plugins()) == {"other"}
    assert type(engines.load("fake").parts[0]).__name__ == "Fake"


def test_auto_says_that_it_took_the_fake(monkeypatch, caplog):
    monkeypatch.setattr(home, "shipped_files", list)
    with caplog.at_level(logging.WARNING):
        assert engines.load("auto").spec == "fake"
    assert "embedded model is not in this installation" in caplog.text


def test_auto_is_mini_where_its_files_are(monkeypatch):
    asked = []
    monkeypatch.setattr(home, "shipped_files", lambda: ["text.onnx"])
    monkeypatch.setattr(engines, "_make", lambda name, options: asked.append(name))
    assert engines.load().spec == "mini"
    assert asked == ["mini"]


def test_auto_with_a_checkpoint_is_the_engine_that_it_is_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        engines, "_factory", lambda where: lambda name, options: asked.append((where, name))
    )
    (tmp_path / "sam").mkdir()
    (tmp_path / "sam/config.json").write_text('{"model_type": "sam2"}')
    engines.load(options=EngineOptions(checkpoint=tmp_path / "sam"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mini.json").write_text("{}")
    engines.load(options=EngineOptions(checkpoint=tmp_path / "own"))
    assert asked == [
        ("wordmask.engines.sam:load", str(tmp_path / "sam")),
        ("wordmask.engines.mini.engine:load", "mini"),
    ]
    with pytest.raises(WeightsError, match="nothing at"):
        engines.load(options=EngineOptions(checkpoint=tmp_path / "gone.pth"))


def test_a_load_is_cached_by_name_and_options(plugin):
    loads = []

    def counted(name, options):
        loads.append(options.dtype)
        return object()

    plugin(counted=counted)
    first, again = (engines.load("counted").parts[0] for _ in range(2))
    other = engines.load("counted", options=EngineOptions(dtype="fp16")).parts[0]
    assert first is again
    assert first is not other
    assert loads == ["auto", "fp16"]


def test_the_cache_is_small(plugin):
    plugin(**{f"p{k}": lambda name, options: object() for k in range(9)})
    for k in range(9):
        engines.load(f"p{k}")
    assert len(engines._CACHE) == engines.KEEP


def test_a_missing_library_names_its_extra(monkeypatch):
    def needs_torch(name, options):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(engines, "_factory", lambda where: needs_torch)
    with pytest.raises(MissingExtraError, match=r"torch \(needed by sam-b\).*wordmask\[hf\]"):
        engines.load("sam-b")
    with pytest.raises(MissingExtraError, match="reinstall"):
        engines.load("fake")


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [
        ("sam-b", "torch", "hf"),
        ("clip-b16", "transformers", "hf"),
        ("gdino-tiny", "torch", "hf"),
        ("vitpose-b", "torch", "hf"),
        ("sam3", "transformers", "hf"),
        ("sd1.5-inpaint", "diffusers", "edit"),
    ],
)
def test_an_engine_whose_library_cannot_be_imported_names_its_extra(name, library, extra):
    """In a fresh process, before anything is fetched."""
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from wordmask import engines\n"
        f"try: engines.load({name!r})\n"
        "except engines.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{library} (needed by {name}) is not installed" in done.stdout
    assert f"wordmask[{extra}]" in done.stdout


def test_every_model_type_is_read_by_one_engine():
    factories = {}
    for card in CARDS.values():
        for kind in card.architectures:
            assert factories.setdefault(kind, card.factory) == card.factory, kind
    assert factories == factories_by_model_type()
    assert set(architectures_of("wordmask.engines.sam")) == {
        "sam", "sam_hq", "sam2", "sam2_video", "edgetam", "edgetam_video",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "factory"),
    [
        ("model_index.json", "fill.diffusion"), ("mini.json", "mini.engine"),
        ("lama.onnx", "fill.lama"), ("vit_b.pth", "sam"), ("vit_b.safetensors", "sam"),
    ],
)  # fmt: skip
def test_what_has_no_config_tells_its_engine_by_a_file(tmp_path, file, factory):
    path = tmp_path / file
    path.write_bytes(b"{}")
    place = tmp_path if path.suffix == ".json" else path
    assert home.factory_of(place) == f"wordmask.engines.{factory}:load"


def test_sizes_are_in_megabytes_of_their_weights():
    sized = [card for card in CARDS.values() if card.size_mb is not None]
    assert len(sized) > 20
    assert all(50 < card.size_mb < 10_000 for card in sized)
    assert all(card.source.startswith("hub:") for card in sized)


def test_a_fault_of_our_own_is_not_called_a_missing_library(monkeypatch):
    def broken(name, options):
        raise ImportError("cannot import name 'x' from 'wordmask.core'", name="wordmask.core")

    monkeypatch.setattr(engines, "_factory", lambda where: broken)
    with pytest.raises(ImportError) as caught:
        engines.load("sam-b")
    assert not isinstance(caught.value, WordmaskError)


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("sam", "sam"), ("sam2_video", "sam"), ("edgetam", "sam"), ("sam3", "sam3"),
        ("clip", "clip"), ("siglip", "clip"), ("tipsv2", "clip"),
        ("grounding-dino", "detector"), ("owlv2", "detector"),
    ],
)  # fmt: skip
def test_a_folder_tells_its_engine_by_its_config(tmp_path, kind, module):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    assert home.factory_of(tmp_path) == f"wordmask.engines.{module}:load"


def test_a_path_may_stand_in_either_place(tmp_path, monkeypatch):
    folder = tmp_path / "my+clip"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "clip"}')
    asked = []
    monkeypatch.setattr(
        engines, "_factory", lambda where: lambda name, options: asked.append((where, name))
    )
    engines.load(str(folder))
    folder = folder.rename(tmp_path / "clip")
    engines.load(f"fake+{folder}")
    engines.load(f"{folder}+fake")
    paths = [name for where, name in asked if where == "wordmask.engines.clip:load"]
    assert paths == [str(tmp_path / "my+clip"), str(folder), str(folder)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no config.json"),
        ("{", "not a model's config"),
        ("[1]", "not a model's config"),
        ('{"model_type": "sma"}', "Did you mean 'sam'"),
    ],
)
def test_folders_that_are_no_models(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=message):
        engines.load(str(tmp_path))


def test_nothing_at_the_path(tmp_path):
    with pytest.raises(WeightsError, match="there is nothing at"):
        engines.load(str(tmp_path / "gone"))


@pytest.mark.parametrize("spec", ["fake", "sam2.1-large+clip-b16", "folder"])
def test_a_model_cfg_that_nothing_reads_is_told(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        OptionError, match=f"Meta's format.*{re.escape(spec)} says itself what it is"
    ):
        engines.load(spec, options=EngineOptions(model_cfg="vit_b"))
    with pytest.raises(OptionError, match="says itself what it is"):
        engines.load(
            "sam-b", options=EngineOptions(model_cfg="vit_b", checkpoint=tmp_path / "folder")
        )


def test_a_checkpoint_belongs_to_one_engine(tmp_path):
    with pytest.raises(OptionError, match="belongs to one engine"):
        engines.load("sam-b+clip-b16", options=EngineOptions(checkpoint=tmp_path))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("6GB", 6 * 10**9),
        ("512MiB", 512 << 20),
        ("0.5g", 5 * 10**8),
        (" 10 kb ", 10_000),
        (1500, 1500),
        ("7", 7),
        ("2TiB", 2 << 40),
    ],
)
def test_memory_is_read(text, count):
    assert parse_bytes(text) == EngineOptions(max_memory=text).max_memory == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "gpu"}, {"dtype": "int8"}, {"max_memory": "lots"}, {"max_memory": "0GB"},
        {"max_memory": "-1GB"},
        {"max_memory": "1e9"}, {"input_side": 4},
    ],
)  # fmt: skip
def test_options_out_of_range(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong)).replace("max_memory", "memory")):
        EngineOptions(**wrong)


def test_options_can_be_keys():
    assert hash(EngineOptions(checkpoint="a", max_memory="1GB")) == hash(
        EngineOptions(checkpoint="a", max_memory=10**9)
    )
    assert replace(EngineOptions(device="cuda:1"), dtype="bf16").device == "cuda:1"


def test_looking_at_the_table_loads_nothing_heavy():
    code = (
        "import sys; from wordmask import engines; engines.names(); "
        "from wordmask.engines.cards import CARDS; "
        "from wordmask.engines.weights import home; home.is_here(CARDS['sam-b']); "
        "heavy = ('torch', 'transformers', 'onnxruntime', 'cv2', 'scipy'); "
        "print([module for module in heavy if module in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
