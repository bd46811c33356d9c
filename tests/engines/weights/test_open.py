"""No pickle runs code, no code that comes with a model is imported."""

import json
import logging
import pickle
from pathlib import Path

import pytest

from wordmask.engines import EngineOptions
from wordmask.engines.weights import home as weights
from wordmask.engines.weights.open import from_pretrained, read_state
from wordmask.errors import WeightsError

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
        read_state(path, EngineOptions())
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_state(path, EngineOptions(allow_pickle=True))
    assert not fired.exists()


@pytest.mark.parametrize("wrapped", [None, "model", "state_dict"])
def test_an_allowed_pickle_of_tensors_is_read(tmp_path, wrapped, caplog):
    torch = pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    state = {"weight": torch.ones(2)}
    torch.save({wrapped: state} if wrapped else state, tmp_path / "m.pth")
    with caplog.at_level(logging.WARNING):
        read = read_state(tmp_path / "m.pth", EngineOptions(allow_pickle=True))
    assert read["weight"].tolist() == [1, 1]
    assert "is a pickle" in caplog.text


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, 3])
def test_a_pickle_without_named_tensors(tmp_path, content):
    torch = pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    torch.save(content, tmp_path / "m.pth")
    with pytest.raises(WeightsError, match="no table of named tensors"):
        read_state(tmp_path / "m.pth", EngineOptions(allow_pickle=True))


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
        from_pretrained(getattr(transformers, kinds[place]), tmp_path, EngineOptions())
    assert not fired.exists()
